"""A region of the sky in WHERE as ranges of cells and declinations, so that row groups outside are skipped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from sedsql.adql import geometry, sky
from sedsql.adql.function import Write
from sedsql.adql.nodes import Call
from sedsql.adql.scope import Source
from sedsql.adql.selects import Raw, conjuncts, joined


def regions_to_ranges(select: exp.Select, write: Write, explain: list[str]) -> None:
    """Adds to each region around constant numbers the ranges of cells, and the declinations, that it lies in.

    DuckDB then skips the row groups outside; the exact test stays.
    """
    where = select.args.get("where")
    if where is None:
        return
    parts = conjuncts(where.this)
    added: list[exp.Expr] = []
    for part in parts:
        for source, cones in _bounds(part, write):
            table: Any = source.table
            if all(radius < 90 for _, _, radius in cones):
                low = min(dec - radius for _, dec, radius in cones) - sky.SLACK
                high = max(dec + radius for _, dec, radius in cones) + sky.SLACK
                added.append(_between(source, table.position[1], geometry.real(low), geometry.real(high)))
            found = [sky.cone(*cone, table.cell_margin) for cone in cones] if table.cell_column else []
            several = [ranges for ranges in found if ranges]
            if not several or len(several) < len(found):
                continue
            down = sky.SHIFT - table.cell_shift
            ranges = tuple((low >> down, high >> down) for low, high in sky.together(several))
            added.append(_between(source, table.cell_column, str(ranges[0][0]), str(ranges[-1][1])))
            if len(ranges) > 1:
                tests = [_between(source, table.cell_column, str(a), str(b)) for a, b in ranges]
                whole: exp.Expr = tests[0]
                for test in tests[1:]:
                    whole = exp.Or(this=whole, expression=test)
                added.append(whole)
            ra, dec, radius = cones[0]
            places = f"region around ({ra:.6g}, {dec:.6g}) with radius {radius:.6g} degrees"
            explain.append(
                f"the {places}{f' and {len(cones) - 1} more' if len(cones) > 1 else ''} became {len(ranges)} "
                f"range{'s' * (len(ranges) > 1)} of {source.name}.{table.cell_column}"
            )
    if added:
        where.set("this", joined(added + parts))
        select.meta["region"] = True


Cone = tuple[float, float, float]  # ra, dec, radius


def _bounds(part: exp.Expr, write: Write) -> Iterator[tuple[Source, list[Cone]]]:
    """Tables, each with the cones in one of which it lies wherever a condition is true."""
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
    return exp.Between(this=name, low=Raw(this=low), high=Raw(this=high))


def _cones(part: exp.Expr, write: Write) -> Iterator[tuple[Source, Cone]]:
    """Cones that hold every row for which a condition is true, with the table whose positions they bound."""
    if isinstance(part, exp.Between):
        yield from _near(part.this, part.args["high"])
    for test, number in _sides(part):
        if isinstance(test, Call) and test.name in ("CONTAINS", "INTERSECTS"):
            value = geometry.constant(number)
            if (value == 1 and isinstance(part, exp.EQ)) or (value == 0 and isinstance(part, exp.NEQ)):
                yield from _bounded(test, write)
        upper = (exp.LT, exp.LTE) if test is part.this else (exp.GT, exp.GTE)
        if isinstance(part, (*upper, exp.EQ)):
            yield from _near(test, number)


def _near(test: exp.Expr, limit: exp.Expr) -> Iterator[tuple[Source, Cone]]:
    """The cone of a distance that has a constant as its limit."""
    radius = geometry.constant(limit)
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
        arguments = geometry.without_system(second.arguments, "CIRCLE")
        radius = geometry.constant(arguments[-1])
        centre = _point(arguments[0]) if len(arguments) == 2 else _place(arguments[:2])
        if radius is not None:
            yield from _with_column([place, centre], radius)
    elif place[0] is not None and second.name in ("BOX", "POLYGON", "REGION"):
        try:
            shape = geometry.shape(second, write)
        except geometry.UnsupportedError:
            return
        around = {"B": sky.around_box, "Y": sky.around_polygon}.get(shape.kind)
        cone = around(shape.values) if around and shape.constant else None
        if shape.kind == "C":
            ra, dec, radius = shape.values
            cone = (ra, dec, radius)
        if cone:
            yield place[0], cone


def _with_column(ends: list[Place], radius: float) -> Iterator[tuple[Source, Cone]]:
    """The cone of two ends, one of which is a table's position and the other a constant place."""
    sources = [end[0] for end in ends if end and end[0] is not None]
    places = [end[1] for end in ends if end and end[1] is not None]
    if len(sources) == len(places) == 1 and radius >= 0 and abs(places[0][1]) <= 90:
        yield sources[0], (*places[0], radius)


def _point(node: exp.Expr) -> Place:
    if isinstance(node, Call) and node.name == "POINT":
        return _place(geometry.without_system(node.arguments, "POINT"))
    return None


def _place(numbers: list[Any]) -> Place:
    """A constant place, or the table whose position two columns are."""
    ra, dec = (geometry.constant(number) for number in numbers)
    if ra is not None and dec is not None:
        return None, (ra, dec)
    if not all(isinstance(number, exp.Column) for number in numbers):
        return None
    source = numbers[0].meta.get("source")
    if source is None or source is not numbers[1].meta.get("source"):
        return None
    if source.table is None or not source.table.position:
        return None
    names = tuple(number.name.lower() for number in numbers)
    return (source, None) if names == tuple(name.lower() for name in source.table.position) else None
