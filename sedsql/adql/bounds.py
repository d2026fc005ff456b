"""Cheap conditions on bands before the model is asked, from what WHERE asks of a model."""

from __future__ import annotations

from collections.abc import Iterator

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


def bands_first(select: exp.Select, write: Write, explain: list[str]) -> None:
    """Puts conditions on bands before those on what a model says.

    A function that is handed in may have `bound(operator, value, arguments)`: from a comparison that WHERE asks for,
    such as ("=", "yso", ["s"]) or (">", 0.9, ["s", "'yso'"]), it gives SQL that is true for every row for which the
    comparison is, and cheap, or None. The model is then asked for the rows that are left.
    """
    where = select.args.get("where")
    parts = conjuncts(where.this if where else None)
    bounds = list(dict.fromkeys(bound for part in parts for bound in _bounds(part, write)))
    if where and bounds:
        where.set("this", joined([*(Raw(this=f"({bound})") for bound in bounds), *parts]))
        explain.append(f"before a model is asked, rows must have {' and '.join(bounds)}")


def _bounds(part: exp.Expr, write: Write) -> Iterator[str]:
    """The conditions that models' functions derive from a condition on what they give."""
    part = part.unnest()
    if isinstance(part, exp.Or):
        # Of conditions that OR joins, each must have its own.
        branches = [[found for inner in conjuncts(one) for found in _bounds(inner, write)] for one in part.flatten()]
        if all(branches):
            yield " OR ".join(f"({' AND '.join(branch)})" for branch in branches)
    elif isinstance(part, exp.In) and part.expressions:
        every = [_bound("=", part.this, value, write) for value in part.expressions]
        if all(every):
            yield " OR ".join(f"({bound})" for bound in every)
    elif isinstance(part, exp.Between):
        for limit, key in ((">=", "low"), ("<=", "high")):
            if bound := _bound(limit, part.this, part.args[key], write):
                yield bound
    elif operator := OPERATORS.get(type(part)):
        for sign, one, other in (
            (operator, part.this, part.expression),
            (MIRRORED[operator], part.expression, part.this),
        ):
            if bound := _bound(sign, one, other, write):
                yield bound


def _bound(operator: str, call: exp.Expr, value: exp.Expr, write: Write) -> str | None:
    call, value = call.unnest(), value.unnest()
    number = geometry.constant(value)
    known = value.name if isinstance(value, exp.Literal) and value.is_string else number
    if known is None or not isinstance(call, Call):
        return None
    ask = getattr(call.meta.get("model"), "bound", None)
    return ask and ask(operator, known, [write(argument) for argument in call.arguments])
