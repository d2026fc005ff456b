"""ADQL's geometries as plain DuckDB SQL, right on the sphere.

A geometry is a DOUBLE[] as in DALI 1.1, section 3.3.7, told apart by its length, so that an ordinary column
holds it: point [ra, dec], circle [ra, dec, radius], box [ra, dec, width, height], polygon [ra1, dec1, ra2,
dec2, ra3, dec3, ...], in degrees. A box lies between two meridians and two parallels, as in the archives
that run PostgreSQL with pgsphere; the sides of a polygon are great circles, and of the two parts into which
they cut the sphere the smaller one is meant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from sedsql.adql import kinds
from sedsql.adql.nodes import Call

Write = Callable[[exp.Expr], str]
Writes = Callable[[list[exp.Expr], Write], str]


@dataclass(frozen=True, slots=True)
class Number:
    """A number in SQL; `value` when it is a constant."""

    sql: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """A geometry: its kind and its numbers, or the SQL of a DOUBLE[] that holds them."""

    kind: str
    numbers: tuple[Number, ...] = ()
    sql: str = ""

    @property
    def constant(self) -> bool:
        return bool(self.numbers) and all(number.value is not None for number in self.numbers)

    @property
    def values(self) -> list[float]:
        return [number.value for number in self.numbers if number.value is not None]

    def array(self) -> str:
        return self.sql or "[" + ", ".join(f"CAST({number.sql} AS DOUBLE)" for number in self.numbers) + "]"


# --- reading ----------------------------------------------------------------------------------------------


def constant(node: exp.Expr | None) -> float | None:
    """The value of an expression of literals, or None; whole numbers divide to whole ones, as ADQL has it."""
    if isinstance(node, exp.Literal) and not node.is_string:
        return float(node.this)
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
        return float(math.trunc(left / right)) if kinds.of(node) == "i" else left / right
    return None


def number(node: exp.Expr, write: Write) -> Number:
    value = constant(node)
    if value is not None and math.isfinite(value):
        return Number(real(value), value)
    return Number(f"({write(node)})" if isinstance(node, exp.Binary) else write(node))


def real(value: float) -> str:
    """A DOUBLE in SQL: DuckDB takes 1.5 for a DECIMAL, and products of those overflow."""
    text = repr(float(value))
    return text if "e" in text else text + "e0"


def shape(node: exp.Expr, write: Write) -> Shape:
    """What an expression of geometry is, as far as it can be told."""
    node = node.unnest()
    kind = kinds.of(node) or "G"
    if isinstance(node, Call) and node.name in ("POINT", "CIRCLE", "BOX", "POLYGON"):
        arguments = without_system(node.arguments, node.name)
        numbers: list[Number] = []
        points = len(arguments) == {"CIRCLE": 2, "BOX": 3}.get(node.name) or (
            node.name == "POLYGON" and not _are_coordinates(arguments)
        )
        for place, argument in enumerate(arguments):
            if points and (place == 0 or node.name == "POLYGON"):
                numbers += coordinates(shape(argument, write))
            else:
                numbers.append(number(argument, write))
        return Shape(kind, tuple(numbers))
    return Shape(kind, sql=f"({write(node)})")


def coordinates(point: Shape) -> tuple[Number, Number]:
    if point.numbers:
        return point.numbers[0], point.numbers[1]
    return Number(f"{point.sql}[1]"), Number(f"{point.sql}[2]")


def without_system(arguments: list[exp.Expr], name: str) -> list[exp.Expr]:
    """The arguments but for the coordinate system, which the standard has deprecated and servers ignore."""
    if name == "POLYGON":
        first = len(arguments) % 2 == 1 and _are_coordinates(arguments[1:])
        return arguments[1:] if first or kinds.of(arguments[0]) == "s" else arguments
    full = {"POINT": 3, "CIRCLE": 4, "BOX": 5}[name]
    first = len(arguments) == full or kinds.of(arguments[0]) == "s"
    return arguments[1:] if first else arguments


def polygon_forms(size: int) -> tuple[str, ...]:
    """Three pairs of numbers or more, or three points or more, after the coordinate system if any."""
    forms = ["n" * size] if size >= 6 and size % 2 == 0 else []
    forms += ["s" + "n" * (size - 1)] if size >= 7 and size % 2 else []
    forms += ["p" * size] if size >= 3 else []
    forms += ["s" + "p" * (size - 1)] if size >= 4 else []
    return tuple(forms)


def _are_coordinates(arguments: list[exp.Expr]) -> bool:
    families = {kinds.family(kinds.of(argument)) for argument in arguments}
    return len(arguments) >= 6 and len(arguments) % 2 == 0 and families <= {"n", None}


# --- constructors -----------------------------------------------------------------------------------------


def _constructor(name: str, kind: str) -> Writes:
    def write_it(arguments: list[exp.Expr], write: Write) -> str:
        node = Call(this=name, expressions=[argument.copy() for argument in arguments])
        node.meta["kind"] = kind
        return shape(node, write).array()

    return write_it


point = _constructor("POINT", "P")
circle = _constructor("CIRCLE", "C")
box = _constructor("BOX", "B")
polygon = _constructor("POLYGON", "Y")


# --- distances --------------------------------------------------------------------------------------------


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
    return (
        f"{half_sine_squared(dec1, dec2)} + {cos_of(dec1)} * {cos_of(dec2)} * {half_sine_squared(ra1, ra2)}"
    )


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


def distance(arguments: list[exp.Expr], write: Write) -> str:
    if len(arguments) == 4:
        ra1, dec1, ra2, dec2 = (number(argument, write) for argument in arguments)
    else:
        (ra1, dec1), (ra2, dec2) = (coordinates(shape(argument, write)) for argument in arguments)
    return separation(ra1, dec1, ra2, dec2)


# --- predicates -------------------------------------------------------------------------------------------


def contains(arguments: list[exp.Expr], write: Write) -> str:
    return f"CAST({contains_condition(arguments, write)} AS INT)"


def intersects(arguments: list[exp.Expr], write: Write) -> str:
    return f"CAST({intersects_condition(arguments, write)} AS INT)"


def contains_condition(arguments: list[exp.Expr], write: Write) -> str:
    """Whether the second geometry contains the first, as a condition in brackets."""
    inner, outer = (shape(argument, write) for argument in arguments)
    if inner.kind == "P" and outer.kind in POINT_IN:
        return f"({POINT_IN[outer.kind](inner, outer)})"
    raise unsupported("CONTAINS", inner, outer)


def intersects_condition(arguments: list[exp.Expr], write: Write) -> str:
    """Whether two geometries have a point in common, as a condition in brackets."""
    first, second = (shape(argument, write) for argument in arguments)
    if second.kind == "P":
        first, second = second, first
    if first.kind == "P" and second.kind in POINT_IN:
        return f"({POINT_IN[second.kind](first, second)})"
    raise unsupported("INTERSECTS", first, second)


class Unsupported(Exception):
    """ADQL has it, sedsql does not have it yet."""


NAMES = {"P": "a point", "C": "a circle", "B": "a box", "Y": "a polygon", "G": "a column or region"}


def unsupported(function: str, first: Shape, second: Shape) -> Unsupported:
    return Unsupported(f"{function} of {NAMES[first.kind]} and {NAMES[second.kind]}")


def point_in_circle(point: Shape, circle: Shape) -> str:
    ra, dec = coordinates(point)
    if not circle.numbers:
        ra0, dec0, radius = (Number(f"{circle.sql}[{place}]") for place in (1, 2, 3))
    else:
        ra0, dec0, radius = circle.numbers
    size = radius.value
    if size is None:
        return f"{separation(ra, dec, ra0, dec0)} <= {radius.sql}"
    if size <= 90:
        limit = math.sin(math.radians(size) / 2) ** 2 if size >= 0 else -1.0
        return f"{haversine(ra, dec, ra0, dec0)} <= {real(limit)}"
    # Beyond 90 degrees the distance from the antipodes is the exact one.
    ra1 = Number(real(ra0.value + 180), ra0.value + 180) if ra0.value is not None else Number(f"({ra0.sql} + 180)")
    dec1 = Number(real(-dec0.value), -dec0.value) if dec0.value is not None else Number(f"(-{dec0.sql})")
    limit = math.sin(math.radians(180 - size) / 2) ** 2 if size < 180 else -1.0
    return f"{haversine(ra, dec, ra1, dec1)} >= {real(limit)}"


def point_in_point(point: Shape, other: Shape) -> str:
    return f"{separation(*coordinates(point), *coordinates(other))} = 0"


def point_in_box(point: Shape, box: Shape) -> str:
    ra, dec = coordinates(point)
    if not box.numbers:
        ra0, dec0, width, height = (Number(f"{box.sql}[{place}]") for place in (1, 2, 3, 4))
    else:
        ra0, dec0, width, height = box.numbers
    # The difference in right ascension, taken into [-180, 180].
    turn = f"{ra.sql} - {ra0.sql}"
    east = f"abs({turn} - 360 * round(({turn}) / 360))"
    return f"abs({dec.sql} - {dec0.sql}) <= {height.sql} / 2 AND {east} <= {width.sql} / 2"


def point_in_polygon(point: Shape, polygon: Shape) -> str:
    if not polygon.constant:
        raise unsupported("CONTAINS", point, polygon)
    return inside_edges(coordinates(point), polygon.values)


POINT_IN: dict[str, Callable[[Shape, Shape], str]] = {
    "P": point_in_point,
    "C": point_in_circle,
    "B": point_in_box,
    "Y": point_in_polygon,
}


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


def axis_and_area(points: list[Vector]) -> tuple[Vector, float]:
    """A direction in the middle of a polygon, and the area (sr) of its part that does not hold the antipodes."""
    total = (0.0, 0.0, 0.0)
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
    parity = f"({' + '.join(tests) or '0'}) % 2 = {0 if outside else 1}"
    # The lambda computes the vector once for all sides.
    return f"list_transform([[{x}, {y}, {sin_of(dec)}]], lambda p: {parity})[1]"


def product(constants: Vector) -> str:
    return " + ".join(f"p[{place}] * ({real(value)})" for place, value in enumerate(constants, 1))


# --- the rest ---------------------------------------------------------------------------------------------


def region(arguments: list[exp.Expr], write: Write) -> str:
    raise Unsupported("REGION")


def centroid(arguments: list[exp.Expr], write: Write) -> str:
    inner = shape(arguments[0], write)
    if inner.kind in "PCB" and inner.numbers:
        return Shape("P", inner.numbers[:2]).array()
    raise Unsupported(f"CENTROID of {NAMES[inner.kind]}")


def area(arguments: list[exp.Expr], write: Write) -> str:
    inner = shape(arguments[0], write)
    full = 360 * 360 / math.pi
    if inner.kind == "P":
        return "0e0"
    if inner.kind == "C" and inner.numbers:
        return f"{real(full)} * pow({sin_of(inner.numbers[2], 0.5)}, 2)"
    raise Unsupported(f"AREA of {NAMES[inner.kind]}")
