"""Add ranges of cells and declinations to a region of the sky in WHERE, so that DuckDB skips row groups outside."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

from sqlglot import exp

from sedsql.adql.geometry import numbers, shapes
from sedsql.adql.geometry.errors import UnsupportedError
from sedsql.adql.geometry.sphere import real
from sedsql.adql.optimizer import cell_ranges
from sedsql.adql.resolver.scope import Source
from sedsql.adql.resolver.select_parts import conjuncts, joined
from sedsql.adql.tree.nodes import Call, RawSQL
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.signature import Write
from sedsql.adql.tree.value_types import ValueType
from sedsql.catalogue.healpix import SOURCE_ID_SHIFT

Cone = tuple[float, float, float]  # ra, dec, radius
Ranges = tuple[tuple[int, int], ...]


def regions_to_ranges(select: exp.Select, write: Write, explain: list[str]) -> None:
    """Add to each region around constant numbers the declinations, and the ranges of cells, that it lies in.

    DuckDB then skips the row groups outside; the exact test stays.
    """
    where = select.args.get("where")
    if where is None:
        return
    parts = conjuncts(where.this)
    added: list[exp.Expr] = []
    for part in parts:
        for source, cones in _bounds(part, write):
            added += _between_declinations(source, cones)
            if ranges := _ranges(source, cones):
                added += _in_ranges(source, ranges)
                explain.append(_explained(source, cones, ranges))
    if added:
        where.set("this", joined(added + parts))
        notes(select).region = True


def _between_declinations(source: Source, cones: list[Cone]) -> Iterator[exp.Expr]:
    """Test that a declination is within those of some cones."""
    table: Any = source.table
    if all(radius < 90 for _, _, radius in cones):
        low = min(dec - radius for _, dec, radius in cones) - cell_ranges.SLACK
        high = max(dec + radius for _, dec, radius in cones) + cell_ranges.SLACK
        yield _between(source, table.position[1], real(low), real(high))


def _ranges(source: Source, cones: list[Cone]) -> Ranges | None:
    """Find the ranges of a table's cells that some cones touch; None where one of them touches too many."""
    table: Any = source.table
    found = [cell_ranges.cone(*cone, table.cell_margin) for cone in cones] if table.cell_column else []
    several = [ranges for ranges in found if ranges]
    if not several or len(several) < len(found):
        return None
    down = SOURCE_ID_SHIFT - table.cell_shift
    return tuple((low >> down, high >> down) for low, high in cell_ranges.together(several))


def _in_ranges(source: Source, ranges: Ranges) -> Iterator[exp.Expr]:
    """Test that a cell is between the first and the last of some ranges, and in one of them."""
    column = source.table.cell_column if source.table else None
    if column is None:
        return
    yield _between(source, column, str(ranges[0][0]), str(ranges[-1][1]))
    if len(ranges) > 1:
        tests = [_between(source, column, str(low), str(high)) for low, high in ranges]
        yield reduce(lambda one, other: exp.Or(this=one, expression=other), tests)


def _explained(source: Source, cones: list[Cone], ranges: Ranges) -> str:
    ra, dec, radius = cones[0]
    more = f" and {len(cones) - 1} more" if len(cones) > 1 else ""
    column = source.table.cell_column if source.table else ""
    return (
        f"the region around ({ra:.6g}, {dec:.6g}) with radius {radius:.6g} degrees{more} became {len(ranges)} "
        f"range{'s' * (len(ranges) > 1)} of {source.name}.{column}"
    )


def _bounds(part: exp.Expr, write: Write) -> Iterator[tuple[Source, list[Cone]]]:
    """Find the tables that a condition bounds, each with cones: a row that meets the condition lies in one of them."""
    part = part.unnest()
    if not isinstance(part, exp.Or):
        for source, cone in _cones(part, write):
            yield source, [cone]
        return
    # Of conditions that OR joins, all must bound the same table.
    whole: dict[int, tuple[Source, list[Cone]]] | None = None
    for branch in part.flatten():
        here: dict[int, tuple[Source, list[Cone]]] = {}
        for inner in conjuncts(branch.unnest()):
            for source, cones in _bounds(inner, write):
                here.setdefault(id(source), (source, cones))
        if whole is None:
            whole = here
        else:
            whole = {key: (source, cones + here[key][1]) for key, (source, cones) in whole.items() if key in here}
    yield from (whole or {}).values()


def _between(source: Source, column: str, low: str, high: str) -> exp.Expr:
    name = exp.Column(this=exp.Identifier(this=column), table=exp.Identifier(this=source.name))
    return exp.Between(this=name, low=RawSQL(this=low), high=RawSQL(this=high))


def _cones(part: exp.Expr, write: Write) -> Iterator[tuple[Source, Cone]]:
    """Find cones that hold every row for which a condition is true, with the table whose positions they bound."""
    if isinstance(part, exp.Between):
        yield from _near(part.this, part.args["high"])
    for test, number in _sides(part):
        if isinstance(test, Call) and test.name in ("CONTAINS", "INTERSECTS"):
            value = numbers.constant(number)
            if (value == 1 and isinstance(part, exp.EQ)) or (value == 0 and isinstance(part, exp.NEQ)):
                yield from _bounded(test, write)
        upper = (exp.LT, exp.LTE) if test is part.this else (exp.GT, exp.GTE)
        if isinstance(part, (*upper, exp.EQ)):
            yield from _near(test, number)


def _near(test: exp.Expr, limit: exp.Expr) -> Iterator[tuple[Source, Cone]]:
    """Find the cone of a distance with a constant limit."""
    radius = numbers.constant(limit)
    if radius is not None and isinstance(test, Call) and test.name == "DISTANCE":
        values = test.arguments
        both = [_place(values[:2]), _place(values[2:])] if len(values) == 4 else [_point(value) for value in values]
        yield from _with_column(both, radius)


def _sides(part: exp.Expr) -> list[tuple[exp.Expr, exp.Expr]]:
    part = part.unnest()
    if not isinstance(part, exp.EQ | exp.NEQ | exp.LT | exp.LTE | exp.GT | exp.GTE):
        return []
    return [(part.this, part.expression), (part.expression, part.this)]


Place = tuple[Source, None] | tuple[None, tuple[float, float]] | None


def _bounded(test: Call, write: Write) -> Iterator[tuple[Source, Cone]]:
    first, second = test.arguments
    if test.name == "INTERSECTS" and isinstance(second, Call) and second.name == "POINT":
        first, second = second, first
    place = _point(first)
    if place is None or not isinstance(second, Call):
        return
    if second.name == "CIRCLE":
        arguments = shapes.without_system(second.arguments, "CIRCLE")
        radius = numbers.constant(arguments[-1])
        centre = _point(arguments[0]) if len(arguments) == 2 else _place(arguments[:2])
        if radius is not None:
            yield from _with_column([place, centre], radius)
    elif place[0] is not None and second.name in ("BOX", "POLYGON", "REGION"):
        try:
            shape = shapes.shape(second, write)
        except UnsupportedError:
            return
        cone: Cone | None = None
        if shape.kind is ValueType.BOX and shape.constant:
            cone = cell_ranges.around_box(shape.values)
        if shape.kind is ValueType.POLYGON and shape.constant:
            cone = cell_ranges.around_polygon(shape.values)
        if shape.kind is ValueType.CIRCLE:
            ra, dec, radius = shape.values
            cone = (ra, dec, radius)
        if cone:
            yield place[0], cone


def _with_column(ends: list[Place], radius: float) -> Iterator[tuple[Source, Cone]]:
    """Find the cone of two ends, one of which is a table's position and the other a constant place."""
    sources = [end[0] for end in ends if end and end[0] is not None]
    places = [end[1] for end in ends if end and end[1] is not None]
    if len(sources) == len(places) == 1 and radius >= 0 and abs(places[0][1]) <= 90:
        yield sources[0], (*places[0], radius)


def _point(node: exp.Expr) -> Place:
    if isinstance(node, Call) and node.name == "POINT":
        return _place(shapes.without_system(node.arguments, "POINT"))
    return None


def _place(coordinates: list[Any]) -> Place:
    """Read a constant place, or the table whose position two columns are."""
    ra, dec = (numbers.constant(number) for number in coordinates)
    if ra is not None and dec is not None:
        return None, (ra, dec)
    if not all(isinstance(number, exp.Column) for number in coordinates):
        return None
    source = notes(coordinates[0]).source
    if source is None or source is not notes(coordinates[1]).source:
        return None
    if source.table is None or not source.table.position:
        return None
    names = tuple(number.name.lower() for number in coordinates)
    return (source, None) if names == tuple(name.lower() for name in source.table.position) else None
