"""Write SQL expressions that use each other; what is used twice becomes a column of a subquery, computed once.

A macro's arguments are pasted wherever they stand, and DuckDB looks for common subexpressions in no CASE. A list of one
struct as a `let` takes more than thirty times as long as the trees; a chain of subqueries hardly any time.
NULL stands for NaN, which is missing in a graph.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from sedsql.inference.model import ModelError

HIGHEST, MOST_LEVELS = 50, 200
"""Expressions within each other before one becomes a column; subqueries within each other, which DuckDB can take."""
FLOAT, DOUBLE, INTEGER, BOOLEAN = "FLOAT", "DOUBLE", "BIGINT", "BOOLEAN"


@dataclass(eq=False)
class Value:
    """SQL of one number a row, with other values in it.

    Attributes
    ----------
    parts : text, and values
    kind : DuckDB's type
    null : may it be missing?
    infinite : may it be an infinity?
    nan : may it be a NaN, which is to be made NULL before it is tested?
    constant : its number, if it is the same for all rows
    """

    parts: Sequence["str | Value"]
    kind: str = FLOAT
    null: bool = False
    infinite: bool = False
    nan: bool = False
    constant: float | None = None
    _level: int = field(default=0, repr=False)

    @property
    def inputs(self) -> "Iterator[Value]":
        return (part for part in self.parts if isinstance(part, Value))


Parts = list[str | Value]


def constant(number, kind: str) -> Value:
    """Write a number as SQL that means just this number: a decimal would be rounded on its way to FLOAT."""
    number = number.item() if isinstance(number, np.generic) else number
    if kind == BOOLEAN:
        text = "true" if number else "false"
    elif kind == INTEGER:
        text = str(int(number))
    else:
        # Text is read to the nearest FLOAT or DOUBLE; str() of it is the shortest that is.
        text = f"'{np.float32(number) if kind == FLOAT else np.float64(number)}'::{kind}"
    return Value([text], kind, infinite=bool(np.isinf(number)), nan=bool(np.isnan(number)), constant=float(number))


def clean(value: Value) -> Value:
    """Replace NaN by NULL."""
    if not value.nan:
        return value
    return Value(
        ["CASE WHEN isnan(", value, ") THEN NULL ELSE ", value, " END"], value.kind, null=True, infinite=value.infinite
    )


def joined(values: Iterable[Value], between: str) -> Parts:
    parts: list[str | Value] = []
    for value in values:
        parts += [between, value] if parts else [value]
    return parts


def balanced(values: Sequence[Value], kind: str) -> Value:
    """Add values in pairs: DuckDB's optimizer looks at the whole of what it adds to, each time."""
    values = list(values)
    while len(values) > 1:
        pairs = [Value(joined(values[k : k + 2], "+"), kind) for k in range(0, len(values), 2)]
        values = pairs
    return values[0]


def select(results: Sequence["str | Value"], source: str | None = None) -> str:
    """`SELECT results FROM (SELECT ... FROM source)`, in which every value that is used twice is a column.

    source : what the innermost reads from; without it, from what the query around it has
    """
    root = Value(results)
    order, uses = _uses(root)
    names: dict[Value, str] = {}
    levels: dict[int, list[Value]] = {}
    heights: dict[Value, int] = {}
    for value in order[:-1]:
        below = [part._level for part in value.inputs]
        value._level = max(below, default=0)
        heights[value] = 1 + max((heights[part] for part in value.inputs if part not in names), default=0)
        # A value of what stands around the chain is taken in its innermost part.
        if value.constant is None and (uses[value] > 1 or not below or heights[value] >= HIGHEST):
            value._level += 1
            names[value] = f"_v{len(names)}"
            levels.setdefault(value._level, []).append(value)
    if len(levels) > MOST_LEVELS:
        raise ModelError(
            f"The graph would become {len(levels)} subqueries within each other; DuckDB takes {MOST_LEVELS}."
        )
    text = source
    for level in sorted(levels):
        columns = ", ".join(f"{_text(value, names, whole=True)} AS {names[value]}" for value in levels[level])
        every = "*, " if text else ""
        text = f"(SELECT {every}{columns}{f' FROM {text}' if text else ''})"
    return f"SELECT {_text(root, names, whole=True)}" + (f" FROM {text}" if text else "")


def _uses(root: Value) -> tuple[list[Value], Counter]:
    """List all values, each after those in it, and count how often each is named."""
    order: list[Value] = []
    uses: Counter = Counter()
    stack: list[tuple[Value, bool]] = [(root, False)]
    while stack:
        value, done = stack.pop()
        if done:
            order.append(value)
            continue
        uses[value] += 1
        if uses[value] > 1:
            continue
        stack.append((value, True))
        stack += [(part, False) for part in value.inputs]
    return order, uses


def _text(value: Value, names: dict[Value, str], *, whole: bool = False) -> str:
    if not whole and value in names:
        return names[value]
    text = "".join(part if isinstance(part, str) else _text(part, names) for part in value.parts)
    return text if whole or value.constant is not None else f"({text})"
