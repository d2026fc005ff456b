"""Test boxes against polygons.

A box lies between two meridians and two parallels; a parallel is no great circle.
"""

from __future__ import annotations

from collections.abc import Callable

from sedsql.adql.geometry import sphere
from sedsql.adql.geometry.shapes import Shape, sides_of

# Within these bodies: __g.s the sides of the polygon, and of the box __g.a, __g.d the middle, __g.w half the width,
# __g.l, __g.h the declinations of its edges, __g.m its meridians as sides.


def _turn(ra: str, zero: str) -> str:
    return f"abs({ra} - {zero} - 360 * round(({ra} - {zero}) / 360))"


def _within(v: str) -> str:
    """Whether the box holds a vector; at a pole any right ascension does."""
    dec = f"degrees(atan2({v}[3], sqrt({v}[1] * {v}[1] + {v}[2] * {v}[2])))"
    ra = f"degrees(atan2({v}[2], {v}[1]))"
    return f"({dec} BETWEEN __g.l AND __g.h AND ({_turn(ra, '__g.a')} <= __g.w OR abs({dec}) = 90))"


def _with_box(box: Shape, polygon: Shape, body: str) -> str:
    ra, dec, width, height = (number.sql for number in box.numbers)
    given = {
        "s": sides_of(polygon.array()),
        "a": f"CAST({ra} AS DOUBLE)",
        "d": f"CAST({dec} AS DOUBLE)",
        "w": f"{width} / 2e0",
        "l": f"greatest(-90e0, {dec} - {height} / 2e0)",
        "h": f"least(90e0, {dec} + {height} / 2e0)",
    }
    carried = {name: f"__f.{name}" for name in given}
    ends = [sphere.vector_sql(f"(__f.a {sign} __f.w)", f"__f.{edge}") for sign in "-+" for edge in "lh"]
    first, second = (f"{{'a': {a}, 'b': {b}, 'n': {sphere.outer(a, b)}}}" for a, b in (ends[:2], ends[2:]))
    # A box all around has no meridians for its border.
    carried["m"] = f"CASE WHEN __f.w >= 180 THEN [] ELSE [{first}, {second}] END"
    # A side that runs along the whole of a meridian from pole to pole has no normal: its middle tells.
    return sphere.let(given, sphere.let(carried, body, "__g"), "__f")


def _cross() -> str:
    """Whether a side of the polygon crosses the border of the box."""
    # The great circle of a side is at height k at k e1 + c e2 and k e1 - c e2; see `points`.
    flat = "(__e.n[1] * __e.n[1] + __e.n[2] * __e.n[2])"
    whole = f"({flat} + __e.n[3] * __e.n[3])"
    depth = f"(1 / {whole} * ({flat} - sin(radians(__k)) * sin(radians(__k)) * {whole}))"

    def at(sign: str) -> str:
        height = "sin(radians(__k))"
        root = f"sqrt(greatest(0e0, {depth}) * {whole})"
        return (
            f"array_value((-{height} * __e.n[3] * __e.n[1] {sign} {root} * __e.n[2]) / {flat},"
            f" (-{height} * __e.n[3] * __e.n[2] {'-' if sign == '+' else '+'} {root} * __e.n[1]) / {flat}, {height})"
        )

    def on_both(sign: str) -> str:
        inside = f"{sphere.inner(sphere.outer('__e.a', '__x'), '__e.n')} > 0"
        inside += f" AND {sphere.inner(sphere.outer('__x', '__e.b'), '__e.n')} > 0"
        beside = _turn("degrees(atan2(__x[2], __x[1]))", "__g.a") + " <= __g.w"
        return f"list_transform([{at(sign)}], lambda __x: {inside} AND {beside})[1]"

    there = f"abs(__k) < 90 AND {flat} > 0 AND {depth} > 0"
    parallel = f"CASE WHEN {there} THEN {on_both('+')} OR {on_both('-')} ELSE false END"
    edges = f"list_bool_or(list_transform([__g.l, __g.h], lambda __k: {parallel}))"
    parallels = f"list_bool_or(list_transform(__g.s, lambda __e: {edges}))"
    return f"({parallels} OR coalesce({sphere.sides_cross('__g.s', '__g.m')}, false))"


def _of_corners(test: Callable[[str], str], every: bool) -> str:
    return f"list_bool_{'and' if every else 'or'}(list_transform(__g.s, lambda __c: {test('__c.a')}))"


def _border_points() -> str:
    """Places on the border of the box: its corners and the middles of its parallels."""
    places = [(f"(__g.a {turn})", f"__g.{edge}") for turn in ("- __g.w", "+ 0", "+ __g.w") for edge in "lh"]
    return "[" + ", ".join(sphere.vector_sql(ra, dec) for ra, dec in places) + "]"


def box_meets_polygon(box: Shape, polygon: Shape) -> str:
    corner = f"list_bool_or(list_transform({_border_points()}, lambda __o: {sphere.inside('__o', '__g.s')}))"
    body = f"{_of_corners(_within, False)} OR {corner} OR {_cross()}"
    return _with_box(box, polygon, f"CASE WHEN __g.s IS NOT NULL THEN {body} END")


def polygon_in_box(polygon: Shape, box: Shape) -> str:
    """Its border lies in the box, and what lies outside of the box does not lie in it."""
    outside = sphere.inside(sphere.vector_sql("(__g.a + 180)", "0e0"), "__g.s")
    north = f"__g.h < 90 AND {sphere.inside('array_value(0e0, 0e0, 1e0)', '__g.s')}"
    south = f"__g.l > -90 AND {sphere.inside('array_value(0e0, 0e0, -1e0)', '__g.s')}"
    beyond = f"CASE WHEN __g.w < 180 THEN {outside} ELSE ({north}) OR ({south}) END"
    body = f"{_of_corners(_within, True)} AND NOT {_cross()} AND NOT {beyond}"
    return _with_box(box, polygon, f"CASE WHEN __g.s IS NOT NULL THEN {body} END")


def box_in_polygon(box: Shape, polygon: Shape) -> str:
    """Its border lies in the polygon, and no corner of the polygon in the box."""
    inside = f"list_bool_and(list_transform({_border_points()}, lambda __o: {sphere.inside('__o', '__g.s')}))"
    body = f"{inside} AND NOT {_of_corners(_within, False)} AND NOT {_cross()}"
    return _with_box(box, polygon, f"CASE WHEN __g.s IS NOT NULL THEN {body} END")
