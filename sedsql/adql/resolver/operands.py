"""Check that operands are of types that go together, once the types of columns are known.

DuckDB refuses the same, in words of the query that it is handed, or converts texts to numbers row by row until one is
none. What has no known type passes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from sqlglot import exp

from sedsql.adql.resolver.scope import Columns, KnownColumn
from sedsql.adql.tree import value_types
from sedsql.adql.tree.nodes import Call, text_of
from sedsql.adql.tree.value_types import NAMES, ValueType

Wrong = tuple[exp.Expr, str, str | None]
"""What is wrong in an expression: the node, the sentence about it, and a hint."""

ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg)
COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In)
CHECKED = (*ARITHMETIC, *COMPARISONS, exp.Like, exp.ILike, exp.Avg, exp.Sum, exp.Coalesce, exp.Case, exp.Cast)
BOOLEANS = frozenset("true false t f yes no y n on off 1 0".split())  # noqa: SIM905


def wrong_operand(node: exp.Expr) -> Wrong | None:
    """Find an operand that is of another type than its operator or the other operands ask for."""
    if isinstance(node, ARITHMETIC):
        return _all_of(ValueType.NUMBER, _operands(node))
    if isinstance(node, exp.Avg | exp.Sum):
        value = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
        return None if _family(value) is ValueType.BOOLEAN else _all_of(ValueType.NUMBER, [value])
    if isinstance(node, exp.Like | exp.ILike):
        pattern = text_of(node.expression.unnest()) or ""
        if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
            return node.expression, "A pattern ends with a backslash, which escapes the next character", "write two"
        return _all_of(ValueType.STRING, [node.this, node.expression])
    if isinstance(node, exp.Cast):
        return _wrong_cast(node)
    unlike = next((wrong for one, other in compared(node) if (wrong := _unlike(one, other))), None)
    return unlike or _mixed(list(_alternatives(node)))


def wrong_query(value: exp.Expr, query: exp.Expr, columns: Columns | None) -> Wrong | None:
    """Find out whether IN looks for a value in a query that gives several columns, or another type."""
    if columns is None:
        return None
    if len(columns.every) != 1:
        return query, f"IN asks for one column, and this query gives {len(columns.every)}", "select one"
    (found,) = columns.every
    one, other = _family(value), value_types.family(found.value_type)
    if one is None or other is None or one is other or ValueType.BOOLEAN in (one, other):
        return None
    return query, f"{NAMES[one].capitalize()} is looked for, and this query gives {NAMES[other]}", "CAST one of them"


def wrong_union(query: exp.SetOperation, some: list[KnownColumn], others: list[KnownColumn]) -> Wrong | None:
    """Find out whether two queries of UNION and the like give different numbers of columns, or other types."""
    word = query.key.upper()
    if len(some) != len(others):
        message = f"{word} asks for as many columns of both queries, and they give {len(some)} and {len(others)}"
        return query.expression, message, None
    for place, (one, other) in enumerate(zip(some, others, strict=True), 1):
        families = {value_types.family(known.value_type) for known in (one, other)} - {None}
        if ValueType.GEOMETRY in families and len(families) > 1:
            return query.expression, f"{word} asks for columns of the same types, and column {place} is another", None
    return None


def _operands(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Neg):
        return [node.this]
    both = [node.this, node.expression]
    times = isinstance(node, exp.Sub) and all(_family(one) is ValueType.TIME for one in both)
    return [] if times else both


def compared(node: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """Pairs of values that a condition compares."""
    if isinstance(node, exp.Between):
        yield node.this, node.args["low"]
        yield node.this, node.args["high"]
    elif isinstance(node, exp.In):
        yield from ((node.this, value) for value in node.expressions)
    elif isinstance(node, exp.Case):
        yield from ((node.this, branch.this) for branch in node.args["ifs"] if node.this is not None)
    elif isinstance(node, exp.Binary):
        yield node.this, node.expression


def _alternatives(node: exp.Expr) -> Iterator[exp.Expr]:
    """The values of which a CASE, a COALESCE or the like gives one."""
    if isinstance(node, exp.Coalesce):
        yield from (node.this, *node.expressions)
    elif isinstance(node, exp.Case):
        yield from (branch.args["true"] for branch in node.args["ifs"])
        if default := node.args.get("default"):
            yield default
    elif isinstance(node, Call) and node.name in ("GREATEST", "LEAST"):
        yield from node.arguments


def _all_of(wanted: ValueType, values: Iterable[exp.Expr]) -> Wrong | None:
    for value in values:
        found = _family(value)
        if found is not None and found is not wanted:
            return value, f"{NAMES[wanted].capitalize()} is expected here, this is {NAMES[found]}", None
    return None


def _mixed(values: list[exp.Expr]) -> Wrong | None:
    """Find a value of another type than the first whose type is known."""
    known = [value for value in values if _family(value) is not None]
    for value in known[1:]:
        if _unlike(known[0], value):
            one, other = _family(known[0]), _family(value)
            if one is not None and other is not None:
                return value, f"{NAMES[one].capitalize()} is expected here, this is {NAMES[other]}", "CAST one of them"
    boolean = next((value for value in known if _family(value) is ValueType.BOOLEAN), None)
    number = next((value for value in known if _family(value) is ValueType.NUMBER), None)
    if boolean is not None and number is not None:
        return boolean, "A number is expected here, this is a condition", "write CASE WHEN ... THEN 1 ELSE 0 END"
    return None


def _unlike(one: exp.Expr, other: exp.Expr) -> Wrong | None:
    """Find which of two values the other cannot be compared with; a constant text may be of any type that it spells."""
    pair = {_family(one): one, _family(other): other}
    if None in pair or len(pair) < 2:
        return None
    text = pair.get(ValueType.STRING)
    value = text_of(text.unnest()) if text is not None else None
    if text is not None and value is not None:
        if ValueType.NUMBER in pair and not _is_number(value):
            return text, f"'{value}' is compared with a number and spells none", None
        if ValueType.BOOLEAN in pair and value.strip().lower() not in BOOLEANS:
            return text, f"'{value}' is compared with a condition and spells none", "write 'true' or 'false'"
    elif text is not None and ValueType.BOOLEAN in pair:
        return text, "A string is compared with a condition", "CAST one of them"
    elif text is not None and ValueType.TIME in pair:
        return text, "A time is compared with a string", "CAST one of them"
    elif text is not None and (number := pair.get(ValueType.NUMBER)) is not None:
        hint = "write it between quotes" if isinstance(number.unnest(), exp.Literal) else "CAST one of them"
        return number, "A number is compared with a string", hint
    number = pair.get(ValueType.NUMBER)
    if ValueType.BOOLEAN in pair and number is not None and value_types.of(number) is ValueType.REAL:
        return pair[ValueType.BOOLEAN], "A number is compared with a condition", None
    if ValueType.BOOLEAN in pair and ValueType.TIME in pair:
        return pair[ValueType.BOOLEAN], "A time is compared with a condition", None
    if ValueType.TIME in pair and ValueType.NUMBER in pair:
        return other, "A time is compared with a number", "write the time between quotes"
    if ValueType.LIST in pair:
        has = f"ARRAY_POSITION(..., '{value}') > 0 tells whether it has '{value}'" if value is not None else None
        return pair[ValueType.LIST], "A list is compared with another value", has
    if ValueType.RECORD in pair:
        return pair[ValueType.RECORD], "A record is compared with another value", None
    if ValueType.GEOMETRY in pair:
        (rest,) = (NAMES[family] for family in pair if family not in (None, ValueType.GEOMETRY))
        return other, f"A geometry is compared with {rest}", None
    return None


def _is_number(text: str) -> bool:
    try:
        return not math.isnan(float(text)) or text.strip().lower() == "nan"
    except ValueError:
        return False


def _wrong_cast(node: exp.Cast) -> Wrong | None:
    """Find a value that the type of CAST has no form for."""
    given = _family(node.this)
    if node.to.args.get("kind"):
        fits = given in (None, ValueType.STRING)
    elif node.to.this == exp.DType.TIMESTAMP:
        fits = given in (None, ValueType.STRING, ValueType.TIME)
    elif node.to.this in (exp.DType.CHAR, exp.DType.VARCHAR):
        fits = True
    else:
        fits = given in (None, ValueType.STRING, ValueType.NUMBER, ValueType.BOOLEAN)
    if fits or given is None:
        return None
    wanted = node.to.args.get("kind") or node.to.this.value
    return node, f"CAST makes no {wanted} of {NAMES[given]}", None


def _family(value: exp.Expr) -> ValueType | None:
    return value_types.family(value_types.of(value))
