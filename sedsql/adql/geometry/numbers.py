"""Read the numbers that geometries are made of: constants, expressions of columns, and the ranges of coordinates."""

from __future__ import annotations

import math
from collections.abc import Iterable

from sqlglot import exp

from sedsql.adql.geometry.errors import RangeError
from sedsql.adql.geometry.sphere import Number, real
from sedsql.adql.tree import value_types
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.signature import Write
from sedsql.adql.tree.value_types import ValueType


def constant(node: exp.Expr | None) -> float | None:
    """The value of an expression of literals and known parameters; None where it has none, or NaN or infinity.

    Whole numbers divide to whole ones, as ADQL has it.
    """
    value = _value(node)
    return value if value is not None and math.isfinite(value) else None


def _value(node: exp.Expr | None) -> float | None:
    if isinstance(node, exp.Literal) and not node.is_string:
        return float(node.this)
    if isinstance(node, exp.Parameter) and value_types.of(node) in (ValueType.INTEGER, ValueType.REAL):
        return float(notes(node).value)
    if isinstance(node, exp.Paren):
        return constant(node.this)
    if isinstance(node, exp.Neg):
        value = constant(node.this)
        return None if value is None else -value
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div):
        left, right = constant(node.this), constant(node.expression)
        if left is None or right is None:
            return None
        if isinstance(node, exp.Add):
            return left + right
        if isinstance(node, exp.Sub):
            return left - right
        if isinstance(node, exp.Mul):
            return left * right
        if right == 0:
            return None
        return float(math.trunc(left / right)) if value_types.of(node) is ValueType.INTEGER else left / right
    return None


def number(node: exp.Expr, write: Write) -> Number:
    value = constant(node)
    if value is not None:
        return Number(real(value), value)
    # Differences of two REALs are good to two milliarcseconds at ten degrees.
    if any(datatype(column) == "REAL" for column in node.find_all(exp.Column)):
        return Number(f"CAST({write(node)} AS DOUBLE)")
    return Number(f"({write(node)})" if isinstance(node, exp.Binary) else write(node))


def datatype(column: exp.Column) -> str | None:
    """The type of a column of the catalogue, if it is known to be one."""
    found = notes(column)
    if found.datatype:
        return found.datatype
    columns = found.source.columns if found.source else None
    known = columns.get(column.name.lower()) if columns else None
    return getattr(known.column, "datatype", None) if known else None


# A right ascension counts modulo 360; one that is more than a turn off is a mistake, or stands for none.
RIGHT_ASCENSIONS, DECLINATIONS = (-360, 720), (-90, 90)


def placed(places: Iterable[tuple[Number, Number]], body: str, *more: str) -> str:
    """`body` where all positions exist; NULL where a coordinate is NULL, NaN or beyond its range.

    more : conditions that must hold besides

    Raises RangeError where a constant is beyond its range.
    """
    tests: list[str] = []
    for place in places:
        refuse_outside(place)
        for number, (low, high) in zip(place, (RIGHT_ASCENSIONS, DECLINATIONS), strict=True):
            if number.value is None:
                tests.append(f"{number.sql} BETWEEN {low} AND {high}")
    tests = list(dict.fromkeys([*tests, *more]))
    return f"CASE WHEN {' AND '.join(tests)} THEN {body} END" if tests else body


def refuse_outside(place: tuple[Number, Number]) -> None:
    """Raise RangeError where a coordinate of a place is a constant beyond its range."""
    limits = (RIGHT_ASCENSIONS, DECLINATIONS)
    for number, (low, high), name in zip(place, limits, ("right ascension", "declination"), strict=True):
        if number.value is not None and not low <= number.value <= high:
            given = f"A {name} of {number.value:.10g}"
            raise RangeError(f"{given} is out of range: it lies between {low} and {high} degrees")
