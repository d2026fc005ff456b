"""Find the conditions that bound the distance between two tables' positions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from sedsql.adql.geometry import numbers, shapes
from sedsql.adql.resolver.scope import Source
from sedsql.adql.tree import value_types
from sedsql.adql.tree.nodes import Call
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.value_types import ValueType

LARGEST = 10.0  # degrees: beyond that the cells of a join save little


@dataclass(frozen=True, slots=True)
class End:
    """A position: expressions of one table's columns."""

    source: Source
    ra: exp.Expr
    dec: exp.Expr


@dataclass(frozen=True, slots=True)
class Match:
    """Two positions and what their distance is bounded by: degrees, or an expression of one table's columns.

    circle : whether it is the radius of one, which NaN cannot be
    """

    one: End
    other: End
    radius: float | tuple[Source, exp.Expr]
    circle: bool = False


def matches(part: exp.Expr) -> Iterator[Match]:
    """Find the pairs of tables' positions whose distance a condition bounds."""
    part = part.unnest()
    if not isinstance(part, exp.EQ | exp.NEQ | exp.LT | exp.LTE | exp.GT | exp.GTE):
        return
    for test, number in ((part.this, part.expression), (part.expression, part.this)):
        if not isinstance(test, Call):
            continue
        if test.name == "DISTANCE" and isinstance(part, (exp.LT, exp.LTE) if test is part.this else (exp.GT, exp.GTE)):
            yield from _match(_ends(test.arguments, 2), number, circle=False)
        elif test.name in ("CONTAINS", "INTERSECTS") and _is_met(part, number):
            yield from _of_circle(test)


def _is_met(part: exp.Expr, number: exp.Expr) -> bool:
    """Tell whether a comparison of a test with a number asks that the test is met."""
    value = numbers.constant(number)
    return (value == 1 and isinstance(part, exp.EQ)) or (value == 0 and isinstance(part, exp.NEQ))


def _of_circle(test: Call) -> Iterator[Match]:
    """Match a point with a circle."""
    point, circle = test.arguments
    if test.name == "INTERSECTS" and isinstance(circle, Call) and circle.name == "POINT":
        point, circle = circle, point
    if isinstance(circle, Call) and circle.name == "CIRCLE":
        *centre, radius = shapes.without_system(circle.arguments, "CIRCLE")
        yield from _match([_point(point), *_ends(centre, 1)], radius, circle=True)


def _match(ends: list[End | None], radius: exp.Expr, *, circle: bool) -> Iterator[Match]:
    """Match two positions of different tables, where cells help with the radius."""
    one, other = ends
    if one is None or other is None or one.source is other.source:
        return
    size = numbers.constant(radius)
    if size is not None and 0 <= size <= LARGEST:
        yield Match(one, other, size)
    elif size is None and (owner := _source_of([radius])) in (one.source, other.source):
        yield Match(one, other, (owner, radius), circle)


def _ends(values: list[exp.Expr], count: int) -> list[End | None]:
    """Read `count` positions from points or pairs of coordinates."""
    if len(values) == count:
        return [_point(node) for node in values]
    return [_end(values[k : k + 2]) for k in range(0, 2 * count, 2)]


def _point(node: exp.Expr) -> End | None:
    if isinstance(node, Call) and node.name == "POINT":
        return _end(shapes.without_system(node.arguments, "POINT"))
    return None


def _end(numbers: list[Any]) -> End | None:
    source = _source_of(numbers)
    return End(source, *numbers) if source else None


def _source_of(numbers: list[exp.Expr]) -> Any:
    """Find the one table whose columns expressions are made of; None where there is not one.

    The join computes the expressions again, and for rows that the query may leave out. So what can fail, or gives
    another number each time, is refused.
    """
    if not all(map(_never_fails, numbers)):
        return None
    found = {}
    for number in numbers:
        for column in number.find_all(exp.Column):
            source = notes(column).source
            if source is None or column.args.get("db"):
                return None
            found[id(source)] = source
    return next(iter(found.values())) if len(found) == 1 else None


def _never_fails(number: exp.Expr) -> bool:
    """Tell whether it is a column, a constant, or arithmetic of these in real numbers: whole numbers overflow."""
    if isinstance(number, exp.Column) or numbers.constant(number) is not None:
        return True
    if isinstance(number, exp.Paren):
        return _never_fails(number.this)
    if (
        not isinstance(number, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Neg)
        or value_types.of(number) is not ValueType.REAL
    ):
        return False
    if isinstance(number, exp.Div) and not numbers.constant(number.expression):
        return False
    return all(map(_never_fails, number.iter_expressions()))
