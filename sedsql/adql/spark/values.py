"""Write single values in Spark's SQL: names for what is used twice, casts, divisions."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from sedsql.adql.spark.lets import body_of, is_let
from sedsql.adql.spark.reader import arguments_of, name_of

Write = Callable[[exp.Expr], str]

NAN = "CAST('NaN' AS DOUBLE)"
SHORT = 60
"""Characters of a value that is written again; a longer one gets a name, for values within values would explode."""
WHOLE_TYPES = ("SMALLINT", "INT", "BIGINT")
CONDITIONS = (
    exp.EQ | exp.NEQ | exp.LT | exp.LTE | exp.GT | exp.GTE | exp.And | exp.Or | exp.Not | exp.Between | exp.In
    | exp.Is | exp.Like | exp.ILike | exp.Escape | exp.Boolean | exp.Exists
)  # fmt: skip
TRUTHS = frozenset(("list_contains", "regexp_matches", "starts_with", "list_bool_or", "list_bool_and", "isnan"))
COUNTS = frozenset(("count", "instr", "len", "length", "regr_count", "sign", "list_position", "floor", "ceil", "trunc"))


def literal(value: str) -> str:
    """Write a text as a constant: in Spark a backslash escapes."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def named(value: str, body: str, *, always: bool = False) -> str:
    """`body`, in which {0} stands for a value that is computed once if it is long."""
    if len(value) <= SHORT and not always:
        return body.format(value)
    return f"get(transform(array({value}), __one -> {body.format('__one')}), 0)"


def is_condition(node: exp.Expr) -> bool:
    """Whether an expression is TRUE or FALSE, as far as it can be told."""
    node = node.unnest()
    if isinstance(node, exp.Case):
        return is_condition(node.args["ifs"][0].args["true"])
    if is_let(node):
        return is_condition(body_of(node))
    if isinstance(node, exp.Bracket) and name_of(node.this) == "list_transform":
        return is_condition(arguments_of(node.this)[1].this)
    return isinstance(node, CONDITIONS) or name_of(node) in TRUTHS


def is_whole(node: exp.Expr) -> bool:
    """Whether an expression has no fraction to round, as far as it can be told."""
    node = node.unnest()
    if isinstance(node, exp.Literal):
        return node.name.isdigit() and not node.is_string
    return isinstance(node, exp.IntDiv) or name_of(node) in COUNTS


def as_whole(node: exp.Expr, to: str, write: Write) -> str:
    """Cast to a type of whole numbers: DuckDB rounds, half to even, and so do texts of numbers; Spark cuts.

    `typeof` is a constant to Spark: of the branches one alone is left.
    """
    inner = node.unnest()
    if name_of(inner) in ("floor", "ceil"):  # whose own BIGINT does where this one has to
        return f"CAST({name_of(inner)}({write(arguments_of(inner)[0])}) AS {to})"
    value = write(node)
    if is_whole(node) or is_condition(node):
        return f"CAST({value} AS {to})"
    return named(
        value,
        f"CASE WHEN typeof({{0}}) IN ('float', 'double') THEN CAST(rint(CAST({{0}} AS DOUBLE)) AS {to})"
        f" WHEN typeof({{0}}) = 'string' THEN CAST(coalesce(try_cast({{0}} AS BIGINT),"
        f" CAST(rint(CAST({{0}} AS DOUBLE)) AS BIGINT)) AS {to}) ELSE CAST({{0}} AS {to}) END",
    )


def text(value: str) -> str:
    """Cast to a text; numbers are written as Python and DuckDB do, with an exponent below 1e-4 and from 1e16 on."""
    plain = "CAST({0} AS STRING)"
    digits = "trim(TRAILING '0' FROM CAST(CAST(" + plain + " AS DECIMAL(38, 21)) AS STRING))"
    mantissa = "regexp_replace(split_part(" + plain + ", 'E', 1), '\\\\.0$', '')"
    power = "CAST(split_part(" + plain + ", 'E', 2) AS INT)"
    sign = f"CASE WHEN {power} < 0 THEN '-' ELSE '+' END"
    return named(
        value,
        f"CASE WHEN typeof({{0}}) NOT IN ('float', 'double') OR NOT contains({plain}, 'E') THEN {plain}"
        f" WHEN {power} BETWEEN -4 AND 15 THEN concat({digits}, CASE WHEN endswith({digits}, '.') THEN '0' ELSE '' END)"
        f" ELSE concat({mantissa}, 'e', {sign}, lpad(CAST(abs({power}) AS STRING),"
        f" greatest(2, length(CAST(abs({power}) AS STRING))), '0')) END",
    )


def divided(left: str, right: str) -> str:
    """Divide real numbers; by zero to infinity or NaN."""
    body = "CASE WHEN {1} = 0 THEN {0} * pow({1}, -1) ELSE {0} / {1} END"
    if len(left) + len(right) <= 2 * SHORT:
        return f"({body.format(left, right)})"
    values = f"named_struct('l', {left}, 'r', {right})"
    return f"get(transform(array({values}), __two -> {body.format('__two.l', '__two.r')}), 0)"
