"""Cheap conditions on bands before the model is asked, from what WHERE asks of a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlglot import exp

from sedsql.adql import geometry
from sedsql.adql.function import Write
from sedsql.adql.nodes import Call
from sedsql.adql.selects import Raw, conjuncts, joined

MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}

MOST_ALTERNATIVES = 3
"""Conditions for more than this cost as much as the model."""

ARITHMETIC = exp.Column | exp.Identifier | exp.Literal | exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Neg | exp.Paren


class Known(NamedTuple):
    """What WHERE says of columns, as `alias.column`: those that are NULL, those that are not; and if of a region."""

    null: frozenset[str]
    there: frozenset[str]
    region: bool


def bands_first(select: exp.Select, write: Write, explain: list[str]) -> None:
    """Puts conditions on bands before those on what a model says.

    A function that is handed in may have `bound(operator, value, arguments, known)`: from a comparison that WHERE
    asks for, such as ("=", "yso", ["s"]) or (">", 0.9, ["s", "'yso'"]), it gives SQL that is true for every row for
    which the comparison and all that is `known` is, and cheap, or None. The model is then asked for the rows that
    are left.
    """
    where = select.args.get("where")
    parts = conjuncts(where.this if where else None)
    known = _known(parts, "region" in select.meta)
    bounds = list(dict.fromkeys(bound for part in parts for bound in _bounds(part, write, known)))
    if where and bounds:
        where.set("this", joined([*(Raw(this=f"({bound})") for bound in bounds), *parts]))
        explain.append(f"before a model is asked, rows must have {' and '.join(bounds)}")


def _known(parts: list[exp.Expr], region: bool) -> Known:
    null: set[str] = set()
    there: set[str] = set()
    for part in parts:
        part = part.unnest()
        negated = isinstance(part, exp.Not)
        test = part.this.unnest() if negated else part
        if isinstance(test, exp.Is) and isinstance(test.expression, exp.Null):
            (there if negated else null).update(_names(test.this))
        elif isinstance(part, (*OPERATORS, exp.Between)) and all(
            isinstance(node, ARITHMETIC) for side in part.iter_expressions() for node in side.walk()
        ):
            there.update(_names(part))
    return Known(frozenset(null), frozenset(there), region)


def _names(node: exp.Expr) -> Iterator[str]:
    for column in [node] if isinstance(node, exp.Column) else node.find_all(exp.Column):
        if "source" in column.meta:
            yield f"{column.meta['source'].name}.{column.name.lower()}"


def _bounds(part: exp.Expr, write: Write, known: Known) -> Iterator[str]:
    """The conditions that models' functions derive from a condition on what they give."""
    part = part.unnest()
    if isinstance(part, exp.Or):
        if sum(1 for _ in part.flatten()) > MOST_ALTERNATIVES:
            return
        # Of conditions that OR joins, each must have its own.
        branches = [
            [found for inner in conjuncts(one) for found in _bounds(inner, write, known)] for one in part.flatten()
        ]
        if all(branches):
            yield " OR ".join(f"({' AND '.join(branch)})" for branch in branches)
    elif isinstance(part, exp.In) and 0 < len(part.expressions) <= MOST_ALTERNATIVES:
        every = [_bound("=", part.this, value, write, known) for value in part.expressions]
        if all(every):
            yield " OR ".join(f"({bound})" for bound in every)
    elif isinstance(part, exp.Between):
        for limit, key in ((">=", "low"), ("<=", "high")):
            if bound := _bound(limit, part.this, part.args[key], write, known):
                yield bound
    elif operator := OPERATORS.get(type(part)):
        for sign, one, other in (
            (operator, part.this, part.expression),
            (MIRRORED[operator], part.expression, part.this),
        ):
            if bound := _bound(sign, one, other, write, known):
                yield bound


def _bound(operator: str, call: exp.Expr, value: exp.Expr, write: Write, known: Known) -> str | None:
    call, value = call.unnest(), value.unnest()
    number = geometry.constant(value)
    constant: str | float | None = number
    if isinstance(value, exp.Literal) and value.is_string:
        constant = value.name
    elif isinstance(value, exp.Parameter) and isinstance(value.meta.get("value"), str):
        constant = value.meta["value"]
    if constant is None or not isinstance(call, Call):
        return None
    ask = getattr(call.meta.get("model"), "bound", None)
    return ask and ask(operator, constant, [write(argument) for argument in call.arguments], known)
