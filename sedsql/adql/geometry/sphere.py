"""Compute on the sphere in DuckDB SQL: distances, points in polygons, arcs. Angles are degrees, vectors DOUBLE[3]."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Number:
    """A number in SQL; `value` when it is a constant."""

    sql: str
    value: float | None = None


def real(value: float) -> str:
    """Write a DOUBLE: DuckDB takes 1.5 for a DECIMAL, and products of those overflow."""
    text = repr(float(value))
    return text if "e" in text else text + "e0"


def sin_of(angle: Number, factor: float = 1.0) -> str:
    if angle.value is not None:
        return real(math.sin(math.radians(angle.value * factor)))
    return f"sin(radians({angle.sql}){'' if factor == 1 else f' * {factor}'})"


def cos_of(angle: Number) -> str:
    if angle.value is not None:
        return real(math.cos(math.radians(angle.value)))
    return f"cos(radians({angle.sql}))"


def half_sine_squared(a: Number, b: Number) -> str:
    """sin((a - b) / 2) squared."""
    if a.value is not None and b.value is not None:
        return real(math.sin(math.radians(a.value - b.value) / 2) ** 2)
    return f"pow(sin(radians({a.sql} - {b.sql}) / 2), 2)"


def haversine(ra1: Number, dec1: Number, ra2: Number, dec2: Number) -> str:
    """sin(distance / 2) squared: exact for small distances, and cheap."""
    return f"{half_sine_squared(dec1, dec2)} + {cos_of(dec1)} * {cos_of(dec2)} * {half_sine_squared(ra1, ra2)}"


def separation(ra1: Number, dec1: Number, ra2: Number, dec2: Number) -> str:
    """The angle between two points in degrees, exact from zero to the antipodes.

    Vincenty's formula, with the differences of its products written as sines of half angles, so that nothing
    cancels for small distances either.
    """
    ra, dec = f"radians({ra1.sql} - {ra2.sql})", f"radians({dec1.sql} - {dec2.sql})"
    bend = f"2 * {cos_of(dec1)} * pow(sin({ra} / 2), 2)"
    east = f"{cos_of(dec1)} * sin({ra})"
    north = f"sin({dec}) + {sin_of(dec2)} * {bend}"
    along = f"cos({dec}) - {cos_of(dec2)} * {bend}"
    return f"degrees(atan2(sqrt(pow({east}, 2) + pow({north}, 2)), {along}))"


# --- polygons ---------------------------------------------------------------------------------------------

Vector = tuple[float, float, float]


def vector(ra: float, dec: float) -> Vector:
    a, d = math.radians(ra), math.radians(dec)
    return math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)


def dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def unit(a: Vector) -> Vector:
    size = math.sqrt(dot(a, a)) or 1.0
    return a[0] / size, a[1] / size, a[2] / size


def corners(values: list[float]) -> list[Vector]:
    """The corners of a polygon as unit vectors, each once."""
    found: list[Vector] = []
    for ra, dec in zip(values[::2], values[1::2], strict=True):
        corner = vector(ra, dec)
        if not found or max(abs(a - b) for a, b in zip(corner, found[-1], strict=True)) > 1e-15:
            found.append(corner)
    if len(found) > 1 and max(abs(a - b) for a, b in zip(found[0], found[-1], strict=True)) <= 1e-15:
        found.pop()
    return found


# The middle of a polygon is shifted by two arcseconds: the way from a point away from the middle is not defined at the
# middle itself, where people put the point that they drew a symmetric polygon around.
SHIFT = (6.1e-6, 3.5e-6, -7.1e-6)


def axis_and_area(points: list[Vector]) -> tuple[Vector, float]:
    """A direction in the middle of a polygon, and the area (sr) of its part that does not hold the antipodes."""
    total = SHIFT
    for point in points:
        total = (total[0] + point[0], total[1] + point[1], total[2] + point[2])
    axis = unit(total)
    area = 0.0
    for a, b in zip(points, points[1:] + points[:1], strict=True):
        area += 2 * math.atan2(dot(axis, cross(a, b)), 1 + dot(axis, a) + dot(a, b) + dot(b, axis))
    return axis, abs(area)


def inside_edges(place: tuple[Number, Number], values: list[float]) -> str:
    """Whether a point lies in a polygon: the parity of the sides between it and the polygon's antipodes.

    From the point, walk the great circle away from the middle of the polygon (`axis`) to the antipodes of the
    middle, which lie outside. A side is crossed when its ends lie left and right of that way, on its half of
    the circle, and it bounds the point's side of the sphere. All three are signs of products of the point's
    vector with constants.
    """
    points = corners(values)
    axis, area = axis_and_area(points)
    outside = area > 2 * math.pi
    tests = []
    for a, b in zip(points, points[1:] + points[:1], strict=True):
        normal = cross(a, b)
        turn = dot(normal, axis)
        if turn == 0:
            continue  # runs towards the middle: the way never crosses it
        # cross(axis, x) . p tells on which side of the way from p away from the middle x lies.
        left, right = (a, b) if turn > 0 else (b, a)
        side = normal if turn > 0 else (-normal[0], -normal[1], -normal[2])
        tests.append(
            f"CAST({product(cross(left, axis))} < 0 AND {product(cross(right, axis))} >= 0"
            f" AND {product(side)} >= 0 AS INT)"
        )
    ra, dec = place
    x = f"{cos_of(dec)} * {cos_of(ra)}"
    y = f"{cos_of(dec)} * {sin_of(ra)}"
    # In brackets, for DuckDB takes no sum of a thousand numbers.
    sums = [f"({' + '.join(tests[place : place + 100])})" for place in range(0, len(tests), 100)]
    parity = f"({' + '.join(sums) or '0'}) % 2 = {0 if outside else 1}"
    # The lambda computes the vector once for all sides.
    return f"list_transform([[{x}, {y}, {sin_of(dec)}]], lambda __p: {parity})[1]"


def product(constants: Vector) -> str:
    return " + ".join(f"__p[{place}] * ({real(value)})" for place, value in enumerate(constants, 1))


# --- vectors in SQL ---------------------------------------------------------------------------------------
# The names of SQL values go in, SQL comes out. Lambdas serve as LET: what they take is computed once.


def vector_sql(ra: str, dec: str) -> str:
    """A point as a vector; NULL when a coordinate is, since DuckDB's array functions refuse NULL elements."""
    x, y = f"cos(radians({dec})) * cos(radians({ra}))", f"cos(radians({dec})) * sin(radians({ra}))"
    vector = f"array_value({x}, {y}, sin(radians({dec})))"
    return f"list_filter([{vector}], lambda __z: {ra} + {dec} IS NOT NULL)[1]"


def let(values: dict[str, str], body: str, name: str) -> str:
    """`body`, in which `name.key` stands for the values."""
    fields = ", ".join(f"'{key}': {value}" for key, value in values.items())
    return f"list_transform([{{{fields}}}], lambda {name}: {body})[1]"


def inner(a: str, b: str) -> str:
    return f"array_inner_product({a}, {b})"


def outer(a: str, b: str) -> str:
    return f"array_cross_product({a}, {b})"


def angle(a: str, b: str) -> str:
    """The angle between two unit vectors."""
    return f"degrees(2 * asin(least(1e0, array_distance({a}, {b}) / 2)))"


def sides(polygon: str) -> str:
    """The sides of a polygon (a DOUBLE[] of coordinates) as a list of {a, b, n}: ends and normal."""
    corner = vector_sql(f"{polygon}[2 * __i - 1]", f"{polygon}[2 * __i]")
    ends = f"list_transform(range(1, len({polygon}) // 2 + 1), lambda __i: {corner})"
    pairs = "list_transform(range(1, len(__c.v) + 1), lambda __i: {'a': __c.v[__i], 'b': __c.v[__i % len(__c.v) + 1]})"
    edges = f"list_transform({pairs}, lambda __e: {{'a': __e.a, 'b': __e.b, 'n': {outer('__e.a', '__e.b')}}})"
    return f"CASE WHEN list_count({polygon}) = len({polygon}) THEN {let({'v': ends}, edges, '__c')} END"


def inside(point: str, edges: str) -> str:
    """Whether a vector lies in a polygon of such sides, as in `inside_edges`."""
    mean = ", ".join(
        f"list_sum(list_transform({edges}, lambda __e: __e.a[{i}])) + {shift!r}" for i, shift in enumerate(SHIFT, 1)
    )
    turn = inner("__e.n", "__m.axis")
    left = inner(outer("__e.a", "__m.axis"), point)
    right = inner(outer("__e.b", "__m.axis"), point)
    plane = inner("__e.n", point)
    crossed = (
        f"CAST(({turn} > 0 AND {left} < 0 AND {right} >= 0 AND {plane} >= 0)"
        f" OR ({turn} < 0 AND {right} < 0 AND {left} >= 0 AND {plane} <= 0) AS INT)"
    )
    size = f"(1 + {inner('__m.axis', '__e.a')} + {inner('__e.a', '__e.b')} + {inner('__e.b', '__m.axis')})"
    area = f"abs(list_sum(list_transform({edges}, lambda __e: 2 * atan2({turn}, {size}))))"
    flipped = f"CAST({area} > 2 * pi() AS INT)"
    body = f"(list_sum(list_transform({edges}, lambda __e: {crossed})) + {flipped}) % 2 = 1"
    unit_axis = let({"v": f"array_value({mean})"}, _unit("__u.v"), "__u")
    return let({"axis": unit_axis}, body, "__m")


def _unit(v: str) -> str:
    size = f"greatest(1e-300, sqrt({inner(v, v)}))"
    return f"array_value({v}[1] / {size}, {v}[2] / {size}, {v}[3] / {size})"


def polygon_area(edges: str) -> str:
    """The area of a polygon in square degrees."""
    mean = ", ".join(f"list_sum(list_transform({edges}, lambda __e: __e.a[{i}]))" for i in (1, 2, 3))
    turn = inner("__e.n", "__m.axis")
    size = f"(1 + {inner('__m.axis', '__e.a')} + {inner('__e.a', '__e.b')} + {inner('__e.b', '__m.axis')})"
    area = f"abs(list_sum(list_transform({edges}, lambda __e: 2 * atan2({turn}, {size}))))"
    unit_axis = let({"v": f"array_value({mean})"}, _unit("__u.v"), "__u")
    smaller = let({"area": let({"axis": unit_axis}, area, "__m")}, "least(__s.area, 4 * pi() - __s.area)", "__s")
    return f"{smaller} * pow(180 / pi(), 2)"


def polygon_middle(edges: str) -> str:
    """The direction of a polygon's centre of area, as [ra, dec]: half the sum of its sides' vector areas."""
    part = f"{angle('__e.a', '__e.b')} / greatest(1e-300, sqrt({inner('__e.n', '__e.n')}))"
    total = ", ".join(f"list_sum(list_transform({edges}, lambda __e: __e.n[{i}] * {part}))" for i in (1, 2, 3))
    mean = ", ".join(f"list_sum(list_transform({edges}, lambda __e: __e.a[{i}]))" for i in (1, 2, 3))
    # Clockwise polygons give the opposite direction.
    signed = let(
        {"v": f"array_value({total})", "w": f"array_value({mean})"},
        "list_transform([1, 2, 3], lambda __i: __d.v[__i] * CASE WHEN "
        + inner("__d.v", "__d.w")
        + " < 0 THEN -1 ELSE 1 END)",
        "__d",
    )
    return let({"v": signed}, place_of("__q.v"), "__q")


def place_of(v: str) -> str:
    """The [ra, dec] of a direction."""
    east = f"(degrees(atan2({v}[2], {v}[1])) + 360) % 360"
    return f"[{east}, degrees(atan2({v}[3], sqrt({v}[1] * {v}[1] + {v}[2] * {v}[2])))]"


def distance_to_sides(point: str, edges: str) -> str:
    """The distance of a vector from the nearest point of a polygon's sides."""
    return f"list_min(list_transform({edges}, lambda __e: {distance_to_arc(point, '__e.a', '__e.b', '__e.n')}))"


def distance_to_arc(point: str, a: str, b: str, normal: str) -> str:
    beside = f"{inner(point, outer(normal, a))} >= 0 AND {inner(point, outer(b, normal))} >= 0"
    across = outer(point, normal)
    straight = f"degrees(atan2(abs({inner(point, normal)}), sqrt({inner(across, across)})))"
    return f"CASE WHEN {beside} THEN {straight} ELSE least({angle(point, a)}, {angle(point, b)}) END"


def sides_cross(edges: str, others: str) -> str:
    """Whether a side of one polygon crosses a side of the other."""
    c, d = inner("__e.n", "__f.a"), inner("__e.n", "__f.b")
    a, b = inner("__f.n", "__e.a"), inner("__f.n", "__e.b")
    cross_ = f"{c} * {d} < 0 AND {a} * {b} < 0 AND {c} * {b} > 0"
    any_of_others = f"list_bool_or(list_transform({others}, lambda __f: {cross_}))"
    return f"list_bool_or(list_transform({edges}, lambda __e: {any_of_others}))"
