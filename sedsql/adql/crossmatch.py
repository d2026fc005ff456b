"""Positional joins: what lies within a radius of what, as a join of equal cells and not of all pairs.

The sky is cut into zones of declination as high as the radius, and each zone into cells of right ascension
that no circle reaches beyond the neighbours of (Gray et al. 2004, MSR-TR-2004-32). One table gets the number
of its cell, the other the numbers of all cells that its circles may touch; the exact test stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlglot import exp

from sedsql.adql import geometry
from sedsql.adql.nodes import Call
from sedsql.adql.scope import Source
from sedsql.adql.sphere import real

Write = Callable[[exp.Expr], str]
End = tuple[Source, exp.Column, exp.Column]

SMALLEST = 1 / 3600  # degrees; zones are not lower, so that their numbers fit
LARGEST = 10.0
PER_ZONE = 1 << 22  # more than cells in a zone


def matches(part: exp.Expr) -> Iterator[tuple[End, End, float]]:
    """The two positions and the radius (degrees) that a condition bounds their distance by."""
    part = part.unnest()
    if not isinstance(part, exp.EQ | exp.NEQ | exp.LT | exp.LTE | exp.GT | exp.GTE):
        return
    for test, number in ((part.this, part.expression), (part.expression, part.this)):
        value = geometry.constant(number)
        if not isinstance(test, Call) or value is None:
            continue
        ends: list[End | None] = []
        radius: float | None = None
        if test.name == "DISTANCE" and isinstance(part, (exp.LT, exp.LTE) if test is part.this else (exp.GT, exp.GTE)):
            radius, values = value, test.arguments
            ends = [_end(values[:2]), _end(values[2:])] if len(values) == 4 else [_point(node) for node in values]
        elif test.name in ("CONTAINS", "INTERSECTS") and value == (1 if isinstance(part, exp.EQ) else 0):
            if not isinstance(part, exp.EQ | exp.NEQ):
                continue
            point, circle = test.arguments
            if test.name == "INTERSECTS" and isinstance(circle, Call) and circle.name == "POINT":
                point, circle = circle, point
            if isinstance(circle, Call) and circle.name == "CIRCLE":
                values = geometry.without_system(circle.arguments, "CIRCLE")
                radius = geometry.constant(values[-1])
                ends = [_point(point), _point(values[0]) if len(values) == 2 else _end(values[:2])]
        if radius is None or not 0 <= radius <= LARGEST or len(ends) != 2:
            continue
        one, other = ends
        if one and other and one[0] is not other[0]:
            yield one, other, radius


def _point(node: exp.Expr) -> End | None:
    if isinstance(node, Call) and node.name == "POINT":
        return _end(geometry.without_system(node.arguments, "POINT"))
    return None


def _end(numbers: list[Any]) -> End | None:
    """Two columns of one table."""
    if not all(isinstance(number, exp.Column) and "source" in number.meta for number in numbers):
        return None
    ra, dec = numbers
    return (ra.meta["source"], ra, dec) if ra.meta["source"] is dec.meta["source"] else None


# --- cells in SQL -----------------------------------------------------------------------------------------


def _cells_in_zone(zone: str, height: float) -> str:
    """How many cells a zone has: a circle of `height` within it is narrower than one of them."""
    low, high = f"abs(({zone}) * {real(height)} - 90)", f"abs(({zone} + 1) * {real(height)} - 90)"
    edge = f"greatest({low}, {high})"
    reach = f"degrees(asin(least(1e0, sin(radians({real(height)})) / cos(radians({edge})))))"
    return f"CASE WHEN {edge} + {real(height)} > 89.9e0 THEN 1 ELSE greatest(1, floor(359.9e0 / {reach})::BIGINT) END"


def cell(ra: str, dec: str, height: float) -> str:
    """The number of the cell of a position."""
    zone = f"floor(({dec} + 90) / {real(height)})::BIGINT"
    count = _cells_in_zone(zone, height)
    turn = f"({ra} - 360 * floor({ra} / 360))"
    return f"{zone} * {PER_ZONE} + floor({turn} * ({count}) / 360)::BIGINT % ({count})"


def cells_around(ra: str, dec: str, height: float) -> str:
    """The numbers of the cells that a circle around a position may touch, each once."""
    zone = f"floor(({dec} + 90) / {real(height)})::BIGINT"
    turn = f"({ra} - 360 * floor({ra} / 360))"
    count = _cells_in_zone(f"({zone} + __i)", height)
    zones = f"list_transform([-1, 0, 1], lambda __i: {{'z': {zone} + __i, 'n': {count}}})"
    beside = f"__z.z * {PER_ZONE} + (floor({turn} * __z.n / 360)::BIGINT + __i + __z.n) % __z.n"
    return (
        f"list_distinct(flatten(list_transform({zones}, lambda __z: list_transform([-1, 0, 1], lambda __i: {beside}))))"
    )


# --- the rewrite ------------------------------------------------------------------------------------------


def positional_join(
    select: exp.Select,
    stars_written_out: Callable[[exp.Select], list[exp.Expr] | None],
    conjuncts: Callable[[exp.Expr | None], list[exp.Expr]],
    raw: type[exp.Expression],
    explain: list[str],
) -> None:
    """Makes the first bounded distance between two tables of a SELECT a join of equal cells."""
    joins: list[exp.Expr] = select.args.get("joins") or []
    where = select.args.get("where")
    places: list[tuple[exp.Expr, str, exp.Expr]] = [
        (join, "on", join.args["on"]) for join in joins if join.args.get("on")
    ]
    places += [(where, "this", where.this)] if where else []
    for holder, key, condition in places:
        side = holder.args.get("side") if isinstance(holder, exp.Join) else None
        for part in conjuncts(condition):
            for one, other, radius in matches(part):
                if side == "FULL":
                    continue
                if side:
                    # The side whose rows an outer join keeps must not be multiplied.
                    right = _node_of(other[0], holder.this) is not None
                    if right != (side == "LEFT"):
                        one, other = other, one
                elif one[0].table is not None and not one[0].table.cell_column:
                    one, other = other, one
                nodes = [
                    _node_of(end[0], select.args["from_"].this, *(join.this for join in joins)) for end in (one, other)
                ]
                if None in nodes or any(column.args.get("db") for column in select.find_all(exp.Column)):
                    continue
                items = stars_written_out(select)
                if items is None:
                    return
                select.set("expressions", items)
                height = max(radius * (1 + 1e-9), SMALLEST)
                _wrap(nodes[0], one, raw(this=f"{cell(*_names(one), height)} AS __cell"))
                _wrap(nodes[1], other, raw(this=f"unnest({cells_around(*_names(other), height)}) AS __cells"))
                equal = raw(this=f"{_quoted(one[0].name)}.__cell = {_quoted(other[0].name)}.__cells")
                old = exp.Paren(this=condition) if isinstance(condition, exp.Or) else condition
                holder.set(key, exp.And(this=equal, expression=old))
                explain.append(
                    f"the distance between {one[0].name} and {other[0].name}, {radius:.6g} degrees at most, "
                    "became a join of equal cells"
                )
                return


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _names(end: End) -> tuple[str, str]:
    _, ra, dec = end
    return f"CAST({_quoted(ra.name)} AS DOUBLE)", f"CAST({_quoted(dec.name)} AS DOUBLE)"


def _node_of(source: Source, *tables: exp.Expr) -> Any:
    """The table of a FROM clause that a source stands for."""
    for table in tables:
        if isinstance(table, exp.Subquery) and not isinstance(table.this, exp.Query):
            found = _node_of(source, table.this, *(join.this for join in table.this.args.get("joins") or []))
            if found is not None:
                return found
        elif (table.alias_or_name or "").lower() == source.name.lower():
            return table
    return None


def _wrap(node: exp.Expr, end: End, column: exp.Expr) -> None:
    """Puts a table into a subquery of the same name that has one column more."""
    name = exp.Identifier(this=end[0].name, quoted=True)
    joins = node.args.pop("joins", None)
    subquery = exp.Subquery(alias=exp.TableAlias(this=name), joins=joins)
    node.replace(subquery)
    subquery.set("this", exp.Select(expressions=[exp.Star(), column], from_=exp.From(this=node)))
