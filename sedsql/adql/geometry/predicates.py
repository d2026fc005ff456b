"""Write CONTAINS and INTERSECTS of two simple shapes: a test for each pair of kinds."""

from __future__ import annotations

import math
from collections.abc import Callable

from sedsql.adql.geometry import boxes, sphere
from sedsql.adql.geometry.shapes import SIMPLE, Kind, Shape, coordinates, placed, sides_of
from sedsql.adql.geometry.sphere import Number, real

Test = Callable[[Shape, Shape], str]
Tests = dict[tuple[Kind, Kind], Test]


def circle_in_box(circle: Shape, box: Shape) -> str:
    """Between the meridians; in a box all around a circle may hold a pole if the box does."""
    ra, dec, radius = circle.numbers
    ra0, dec0, width, height = box.numbers
    low, high = f"({dec0.sql} - {height.sql} / 2e0)", f"({dec0.sql} + {height.sql} / 2e0)"
    bottom, top = f"{dec.sql} - {radius.sql}", f"{dec.sql} + {radius.sql}"
    # How far east of its centre the circle reaches.
    reach = f"degrees(asin(least(1e0, {sphere.sin_of(radius)} / greatest(1e-300, {sphere.cos_of(dec)}))))"
    beside = f"{_turn(ra, ra0)} + {reach} <= {width.sql} / 2e0"
    between = f"{top} <= least({high}, 90) AND {bottom} >= greatest({low}, -90) AND {beside}"
    around = f"({high} >= 90 OR {top} <= {high}) AND ({low} <= -90 OR {bottom} >= {low})"
    return f"CASE WHEN {width.sql} >= 360 THEN {around} ELSE {between} END"


def point_in_circle(point: Shape, circle: Shape) -> str:
    ra, dec = coordinates(point)
    ra0, dec0, radius = circle.numbers
    size = radius.value
    places = [(ra, dec), (ra0, dec0)]
    if size is None:
        # NaN, which DuckDB holds to be above all numbers, would be a circle around everything.
        is_one = f"NOT isnan(CAST({radius.sql} AS DOUBLE))"
        return placed(places, f"{sphere.separation(ra, dec, ra0, dec0)} <= {radius.sql}", is_one)
    if size <= 90:
        limit = math.sin(math.radians(size) / 2) ** 2 if size >= 0 else -1.0
        return placed(places, f"{sphere.haversine(ra, dec, ra0, dec0)} <= {real(limit)}")
    # Beyond 90 degrees the distance from the antipodes is the exact one.
    limit = math.sin(math.radians(180 - size) / 2) ** 2 if size < 180 else -1.0
    return placed(places, f"{sphere.haversine(ra, dec, *_antipodes(ra0, dec0))} >= {real(limit)}")


def _antipodes(ra: Number, dec: Number) -> tuple[Number, Number]:
    east = Number(real(ra.value + 180), ra.value + 180) if ra.value is not None else Number(f"({ra.sql} + 180)")
    south = Number(real(-dec.value), -dec.value) if dec.value is not None else Number(f"(-({dec.sql}))")
    return east, south


def point_in_point(point: Shape, other: Shape) -> str:
    places = [coordinates(point), coordinates(other)]
    return placed(places, f"{sphere.separation(*places[0], *places[1])} = 0")


def point_in_box(point: Shape, box: Shape) -> str:
    ra, dec = coordinates(point)
    ra0, dec0, width, height = box.numbers
    between = f"abs({dec.sql} - {dec0.sql}) <= {height.sql} / 2 AND {_turn(ra, ra0)} <= {width.sql} / 2"
    return placed([(ra, dec), (ra0, dec0)], between)


def _turn(ra: Number, ra0: Number) -> str:
    """The difference of two right ascensions, between 0 and 180."""
    return f"abs({ra.sql} - {ra0.sql} - 360 * round(({ra.sql} - {ra0.sql}) / 360))"


def point_in_polygon(point: Shape, polygon: Shape) -> str:
    ra, dec = coordinates(point)
    if polygon.constant:
        corners = zip(polygon.numbers[::2], polygon.numbers[1::2], strict=True)
        return placed([(ra, dec), *corners], sphere.inside_edges((ra, dec), polygon.values))
    vectors = {"p": _vector(ra, dec), "s": sides_of(polygon.array())}
    return placed([(ra, dec)], sphere.let(vectors, sphere.inside("__g.p", "__g.s"), "__g"))


def _vector(ra: Number, dec: Number) -> str:
    return sphere.vector_sql(f"({ra.sql})", f"({dec.sql})")


def circle_in_circle(inner: Shape, outer: Shape) -> str:
    (ra1, dec1, r1), (ra2, dec2, r2) = inner.numbers, outer.numbers
    return f"{sphere.separation(ra1, dec1, ra2, dec2)} + {r1.sql} <= {r2.sql} OR {r2.sql} >= 180"


def circles_meet(one: Shape, other: Shape) -> str:
    (ra1, dec1, r1), (ra2, dec2, r2) = one.numbers, other.numbers
    return f"{sphere.separation(ra1, dec1, ra2, dec2)} <= {r1.sql} + {r2.sql}"


def circle_meets_polygon(circle: Shape, polygon: Shape) -> str:
    ra, dec, radius = circle.numbers
    body = f"{sphere.inside('__g.p', '__g.s')} OR {sphere.distance_to_sides('__g.p', '__g.s')} <= {radius.sql}"
    return sphere.let({"p": _vector(ra, dec), "s": sides_of(polygon.array())}, body, "__g")


def circle_in_polygon(circle: Shape, polygon: Shape) -> str:
    ra, dec, radius = circle.numbers
    body = f"{sphere.inside('__g.p', '__g.s')} AND {sphere.distance_to_sides('__g.p', '__g.s')} >= {radius.sql}"
    return sphere.let({"p": _vector(ra, dec), "s": sides_of(polygon.array())}, body, "__g")


def polygon_in_circle(polygon: Shape, circle: Shape) -> str:
    """It lies in a circle if it keeps away from the circle's complement, a circle around the antipodes."""
    ra, dec, radius = circle.numbers
    body = (
        f"NOT {sphere.inside('__g.p', '__g.s')} AND {sphere.distance_to_sides('__g.p', '__g.s')} >= 180 - {radius.sql}"
    )
    return sphere.let({"p": _vector(*_antipodes(ra, dec)), "s": sides_of(polygon.array())}, body, "__g")


def polygons_meet(one: Shape, other: Shape) -> str:
    body = (
        f"{sphere.inside('__g.s[1].a', '__g.t')} OR {sphere.inside('__g.t[1].a', '__g.s')}"
        f" OR {sphere.sides_cross('__g.s', '__g.t')}"
    )
    return sphere.let({"s": sides_of(one.array()), "t": sides_of(other.array())}, body, "__g")


def polygon_in_polygon(inner: Shape, outer: Shape) -> str:
    corners = f"list_bool_and(list_transform(__g.s, lambda __k: {sphere.inside('__k.a', '__g.t')}))"
    body = f"{corners} AND NOT {sphere.sides_cross('__g.s', '__g.t')}"
    return sphere.let({"s": sides_of(inner.array()), "t": sides_of(outer.array())}, body, "__g")


def distance_to_box(ra: Number, dec: Number, box: Shape) -> str:
    """The distance of a point from a box, 0 inside."""
    ra0, dec0, width, height = box.numbers
    low, high = f"({dec0.sql} - {height.sql} / 2)", f"({dec0.sql} + {height.sql} / 2)"
    above = f"greatest(0e0, {dec.sql} - {high}, {low} - {dec.sql})"
    sides = []
    for edge in (f"({ra0.sql} - {width.sql} / 2)", f"({ra0.sql} + {width.sql} / 2)"):
        a, b = sphere.vector_sql(edge, low), sphere.vector_sql(edge, high)
        arc = sphere.let(
            {"a": a, "b": b},
            sphere.distance_to_arc("__g.p", "__h.a", "__h.b", sphere.outer("__h.a", "__h.b")),
            "__h",
        )
        sides.append(arc)
    beside = f"least({', '.join(sides)})"
    inside = f"{_turn(ra, ra0)} <= {width.sql} / 2"
    body = f"CASE WHEN {inside} THEN least({above}, {beside}) ELSE {beside} END"
    return sphere.let({"p": _vector(ra, dec)}, body, "__g")


def circle_meets_box(circle: Shape, box: Shape) -> str:
    ra, dec, radius = circle.numbers
    return f"{distance_to_box(ra, dec, box)} <= {radius.sql}"


def box_in_circle(box: Shape, circle: Shape) -> str:
    ra, dec, radius = circle.numbers
    return f"{distance_to_box(*_antipodes(ra, dec), box)} >= 180 - {radius.sql}"


def boxes_meet(one: Shape, other: Shape) -> str:
    (ra1, dec1, w1, h1), (ra2, dec2, w2, h2) = one.numbers, other.numbers
    return (
        f"abs({dec1.sql} - {dec2.sql}) <= ({h1.sql} + {h2.sql}) / 2 AND {_turn(ra1, ra2)} <= ({w1.sql} + {w2.sql}) / 2"
    )


def box_in_box(inner: Shape, outer: Shape) -> str:
    (ra1, dec1, w1, h1), (ra2, dec2, w2, h2) = inner.numbers, outer.numbers
    return (
        f"abs({dec1.sql} - {dec2.sql}) <= ({h2.sql} - {h1.sql}) / 2"
        f" AND ({_turn(ra1, ra2)} <= ({w2.sql} - {w1.sql}) / 2 OR {w2.sql} >= 360)"
    )


def swapped(test: Test) -> Test:
    return lambda one, other: test(other, one)


POINT, CIRCLE, BOX, POLYGON = SIMPLE
POINTS: Tests = {
    (POINT, POINT): point_in_point,
    (POINT, CIRCLE): point_in_circle,
    (POINT, BOX): point_in_box,
    (POINT, POLYGON): point_in_polygon,
}
INSIDE: Tests = {
    **POINTS,
    (CIRCLE, CIRCLE): circle_in_circle,
    (CIRCLE, POLYGON): circle_in_polygon,
    (POLYGON, CIRCLE): polygon_in_circle,
    (POLYGON, POLYGON): polygon_in_polygon,
    (BOX, BOX): box_in_box,
    (BOX, POLYGON): boxes.box_in_polygon,
    (POLYGON, BOX): boxes.polygon_in_box,
    (CIRCLE, BOX): circle_in_box,
    (BOX, CIRCLE): box_in_circle,
    **dict.fromkeys(((CIRCLE, POINT), (BOX, POINT), (POLYGON, POINT)), lambda one, other: "false"),
}
TOGETHER: Tests = {
    **POINTS,
    (CIRCLE, CIRCLE): circles_meet,
    (CIRCLE, POLYGON): circle_meets_polygon,
    (CIRCLE, BOX): circle_meets_box,
    (BOX, BOX): boxes_meet,
    (BOX, POLYGON): boxes.box_meets_polygon,
    (POLYGON, POLYGON): polygons_meet,
}
TOGETHER |= {(b, a): swapped(test) for (a, b), test in TOGETHER.items() if a is not b}
