"""Write CONTAINS and INTERSECTS of any two geometries: unions, intersections, complements by their parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlglot import exp

from sedsql.adql.geometry.errors import TooLargeError, UnsupportedError
from sedsql.adql.geometry.predicates import INSIDE, TOGETHER, Tests
from sedsql.adql.geometry.shapes import (
    NAMES,
    SIMPLE,
    Compound,
    Kind,
    Shape,
    each,
    shape,
)
from sedsql.adql.tree.signature import Write
from sedsql.adql.tree.value_types import ValueType

MOST_TESTS = 1000
"""Tests of two simple shapes in one CONTAINS or INTERSECTS: the parts of both multiply."""

LONGEST = 400_000
"""Characters of SQL of these tests together: DuckDB takes two seconds and 0.7 GB for so many."""


def contains(arguments: list[exp.Expr], write: Write) -> str:
    return f"CAST({contains_condition(arguments, write)} AS INT)"


def intersects(arguments: list[exp.Expr], write: Write) -> str:
    return f"CAST({intersects_condition(arguments, write)} AS INT)"


def contains_condition(arguments: list[exp.Expr], write: Write) -> str:
    """Whether the second geometry contains the first, as a condition in brackets."""
    return _Tests().inside(*_two(arguments, write))


def intersects_condition(arguments: list[exp.Expr], write: Write) -> str:
    """Whether two geometries have a point in common, as a condition in brackets."""
    return _Tests().together(*_two(arguments, write))


def _two(arguments: list[exp.Expr], write: Write) -> tuple[Shape, Shape]:
    one, other = arguments
    return shape(one, write), shape(other, write)


class _Tests:
    """Writes the tests of one condition, and refuses too many."""

    def __init__(self) -> None:
        self.count = self.length = 0

    def inside(self, one: Shape, other: Shape) -> str:
        """Whether `other` contains `one`."""
        if other.kind is Compound.INTERSECTION:
            return _all(self.inside(one, part) for part in other.parts)
        if other.kind is Compound.COMPLEMENT:
            return f"(NOT {self.together(one, other.parts[0])})"
        if one.kind is Compound.UNION:
            return _all(self.inside(part, other) for part in one.parts)
        if other.kind is Compound.UNION:
            some = _any(self.inside(one, part) for part in other.parts)
            if one.kind is ValueType.POINT:
                return some
            return _decided(some, f"NOT {self.together(one, other)}", "CONTAINS with a union")
        if one.kind is Compound.INTERSECTION:
            pairs = ((a, b) for place, a in enumerate(one.parts) for b in one.parts[:place])
            empty = [f"(NOT {self.together(a, b)})" for a, b in pairs]
            some = _any([*(self.inside(part, other) for part in one.parts), *empty])
            return _decided(some, "false", "CONTAINS with an intersection")
        if one.kind is Compound.COMPLEMENT:
            raise UnsupportedError("CONTAINS of a complement")
        return self.pairwise(one, other, "CONTAINS", INSIDE)

    def together(self, one: Shape, other: Shape) -> str:
        """Whether two shapes have a point in common."""
        if isinstance(one.kind, Compound) and other.kind not in (Compound.UNION, Compound.COMPLEMENT):
            one, other = other, one
        if other.kind is Compound.UNION:
            return _any(self.together(one, part) for part in other.parts)
        if other.kind is Compound.COMPLEMENT:
            return f"(NOT {self.inside(one, other.parts[0])})"
        if other.kind is Compound.INTERSECTION:
            all_ = _all(self.together(one, part) for part in other.parts)
            if one.kind is ValueType.POINT:
                return all_
            return _decided(self.inside(one, other), f"NOT {all_}", "INTERSECTS with an intersection")
        return self.pairwise(one, other, "INTERSECTS", TOGETHER)

    def pairwise(self, first: Shape, second: Shape, function: str, table: Tests) -> str:
        """Look up the test of two geometries by their kinds."""

        def test(one: Shape, other: Shape) -> str:
            found = table.get((one.kind, other.kind))
            if found:
                return found(one, other)
            what = f"{function} of {NAMES[one.kind]} and {NAMES[other.kind]}"
            if ValueType.GEOMETRY in (first.kind, second.kind):
                return f"error('ADQL has {what}; sedsql does not support it yet')"
            raise UnsupportedError(what)

        def with_second(one: Shape) -> str:
            return each(second, "__b", {kind: lambda other: test(one, other) for kind in SIMPLE})

        table_of: dict[Kind, Callable[[Shape], str]] = dict.fromkeys(SIMPLE, with_second)
        text = f"({each(first, '__a', table_of)})"
        self.count += 1
        self.length += len(text)
        if self.count > MOST_TESTS or self.length > LONGEST:
            raise TooLargeError(
                f"{function} of regions with so many parts or corners takes too much; test fewer at once"
            )
        return text


def _all(tests: Iterable[str]) -> str:
    return f"({' AND '.join(tests)})"


def _any(tests: Iterable[str]) -> str:
    return f"({' OR '.join(tests)})"


def _decided(true: str, false: str, what: str) -> str:
    """A condition that is true where `true` holds, false where `false` does, and an error where neither does."""
    lacking = f"error('ADQL has {what} of regions that overlap in part; sedsql does not support it yet')"
    return f"(CASE WHEN {true} THEN true WHEN {false} THEN false ELSE {lacking} END)"
