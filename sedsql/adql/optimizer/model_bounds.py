"""When worthwhile, put a cheap filter on bands before conditions on a model's output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce

from sqlglot import exp

from sedsql.adql.geometry import numbers
from sedsql.adql.resolver.select_parts import conjuncts, joined
from sedsql.adql.tree.model_function import Comparison, Known
from sedsql.adql.tree.nodes import Call, text_of
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.signature import Write

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


def bands_first(select: exp.Select, write: Write, explain: list[str]) -> None:
    """Put conditions on bands before those on a model's output; the model is asked for the rows that are left."""
    where = select.args.get("where")
    parts = conjuncts(where.this if where else None)
    known = _known(parts, notes(select).region)
    bounds = {write(bound): bound for part in parts for bound in _bounds(part, write, known)}
    if where and bounds:
        where.set("this", joined([*(exp.Paren(this=bound) for bound in bounds.values()), *parts]))
        explain.append(f"before a model is asked, rows must have {' and '.join(bounds)}")


def _known(parts: Sequence[exp.Expr], region: bool) -> Known:
    """Read from the parts of WHERE which columns are NULL, and which are not."""
    null: set[tuple[str, str]] = set()
    there: set[tuple[str, str]] = set()
    for part in parts:
        part = part.unnest()
        negated = isinstance(part, exp.Not)
        test = part.this.unnest() if negated else part
        if isinstance(test, exp.Is) and isinstance(test.expression, exp.Null):
            (there if negated else null).update(_places(test.this))
        elif isinstance(part, (*OPERATORS, exp.Between)) and all(
            isinstance(node, ARITHMETIC) for side in part.iter_expressions() for node in side.walk()
        ):
            there.update(_places(part))
    return Known(frozenset(null), frozenset(there), region)


def _places(node: exp.Expr) -> Iterator[tuple[str, str]]:
    for column in [node] if isinstance(node, exp.Column) else node.find_all(exp.Column):
        if source := notes(column).source:
            yield source.name, column.name.lower()


def _bounds(part: exp.Expr, write: Write, known: Known) -> Iterator[exp.Expr]:
    """Ask models' functions for conditions that follow from a condition on their output."""
    part = part.unnest()
    if isinstance(part, exp.Or):
        branches = list(part.flatten())
        if len(branches) <= MOST_ALTERNATIVES:
            yield from _alternatives([joined(list(_of_all(one, write, known))) for one in branches])
    elif isinstance(part, exp.In) and 0 < len(part.expressions) <= MOST_ALTERNATIVES:
        yield from _alternatives([_bound("=", part.this, value, write, known) for value in part.expressions])
    else:
        yield from filter(None, (_bound(*comparison, write, known) for comparison in _comparisons(part)))


def _of_all(branch: exp.Expr, write: Write, known: Known) -> Iterator[exp.Expr]:
    """Derive conditions from each part of a condition that AND joins."""
    for part in conjuncts(branch):
        yield from _bounds(part, write, known)


def _alternatives(bounds: Sequence[exp.Expr | None]) -> Iterator[exp.Expr]:
    """Join the bounds of alternatives by OR; give none where an alternative has none, for any row may meet that."""
    found: list[exp.Expr] = [exp.Paren(this=bound) for bound in bounds if bound is not None]
    if len(found) == len(bounds):
        yield reduce(lambda one, other: exp.Or(this=one, expression=other), found)


def _comparisons(part: exp.Expr) -> Iterator[tuple[str, exp.Expr, exp.Expr]]:
    """Give operator and sides of each comparison in a condition, once from either side."""
    if isinstance(part, exp.Between):
        yield ">=", part.this, part.args["low"]
        yield "<=", part.this, part.args["high"]
    elif operator := OPERATORS.get(type(part)):
        yield operator, part.this, part.expression
        yield MIRRORED[operator], part.expression, part.this


def _bound(operator: str, call: exp.Expr, value: exp.Expr, write: Write, known: Known) -> exp.Expr | None:
    """Ask a model's function what follows from a comparison of its call with a constant."""
    call, value = call.unnest(), value.unnest()
    text = text_of(value)
    constant = numbers.constant(value) if text is None else text
    function = notes(call).model
    if constant is None or not isinstance(call, Call) or function is None:
        return None
    return function.bound(Comparison(operator, constant), call.arguments, known, write)
