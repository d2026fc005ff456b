"""Write ADQL's geometries as plain DuckDB SQL, right on the sphere.

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
from enum import Enum

from sqlglot import exp

from sedsql.adql.geometry import sphere, stcs
from sedsql.adql.geometry.errors import RegionError, UnsupportedError
from sedsql.adql.geometry.numbers import number, placed, refuse_outside
from sedsql.adql.geometry.sphere import Number, real
from sedsql.adql.tree import value_types
from sedsql.adql.tree.nodes import Call
from sedsql.adql.tree.signature import Write, Writes
from sedsql.adql.tree.value_types import ValueType


class Compound(Enum):
    """The regions of STC-S that are made of regions."""

    UNION = "UNION"
    INTERSECTION = "INTERSECTION"
    COMPLEMENT = "NOT"


Kind = ValueType | Compound
SIMPLE = (ValueType.POINT, ValueType.CIRCLE, ValueType.BOX, ValueType.POLYGON)
"""The kinds of geometries of one piece."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A geometry: its kind and its numbers, or the SQL of a DOUBLE[] that holds them; a compound has parts."""

    kind: Kind
    numbers: tuple[Number, ...] = ()
    sql: str = ""
    parts: tuple[Shape, ...] = ()

    @property
    def constant(self) -> bool:
        return bool(self.numbers) and all(number.value is not None for number in self.numbers)

    @property
    def values(self) -> list[float]:
        return [number.value for number in self.numbers if number.value is not None]

    def array(self) -> str:
        return self.sql or "[" + ", ".join(f"CAST({number.sql} AS DOUBLE)" for number in self.numbers) + "]"


# --- reading ----------------------------------------------------------------------------------------------


def shape(node: exp.Expr, write: Write) -> Shape:
    """What an expression of geometry is, as far as it can be told."""
    node = node.unnest()
    kind = value_types.of(node) or ValueType.GEOMETRY
    if isinstance(node, Call) and node.name in ("POINT", "CIRCLE", "BOX", "POLYGON"):
        return _constructed(node.name, kind, node.arguments, write)
    if isinstance(node, Call) and node.name == "REGION":
        return region_of(node.arguments[0])
    return Shape(kind, sql=f"({write(node)})")


def _constructed(name: str, kind: ValueType, arguments: list[exp.Expr], write: Write) -> Shape:
    arguments = without_system(arguments, name)
    numbers: list[Number] = []
    points = len(arguments) == {"CIRCLE": 2, "BOX": 3}.get(name) or (
        name == "POLYGON" and not _are_coordinates(arguments)
    )
    for place, argument in enumerate(arguments):
        if points and (place == 0 or name == "POLYGON"):
            numbers += coordinates(shape(argument, write))
        else:
            numbers.append(number(argument, write))
    return _checked(Shape(kind, tuple(numbers)))


def _checked(shape: Shape) -> Shape:
    """Give back a shape; raise RangeError where a constant of a position in it is beyond its range."""
    size = len(shape.numbers) if shape.kind is ValueType.POLYGON else 2
    for place in zip(shape.numbers[:size:2], shape.numbers[1:size:2], strict=True):
        refuse_outside(place)
    return shape


def coordinates(point: Shape) -> tuple[Number, Number]:
    if point.numbers:
        return point.numbers[0], point.numbers[1]
    return Number(f"{point.sql}[1]"), Number(f"{point.sql}[2]")


def without_system(arguments: list[exp.Expr], name: str) -> list[exp.Expr]:
    """The arguments but for the coordinate system, which the standard has deprecated and servers ignore."""
    if name == "POLYGON":
        first = len(arguments) % 2 == 1 and _are_coordinates(arguments[1:])
        return arguments[1:] if first or value_types.of(arguments[0]) is ValueType.STRING else arguments
    full = {"POINT": 3, "CIRCLE": 4, "BOX": 5}[name]
    first = len(arguments) == full or value_types.of(arguments[0]) is ValueType.STRING
    return arguments[1:] if first else arguments


def polygon_forms(size: int) -> tuple[str, ...]:
    """Three pairs of numbers or more, or three points or more, after the coordinate system if any."""
    forms = ["n" * size] if size >= 6 and size % 2 == 0 else []
    forms += ["s" + "n" * (size - 1)] if size >= 7 and size % 2 else []
    forms += ["p" * size] if size >= 3 else []
    forms += ["s" + "p" * (size - 1)] if size >= 4 else []
    return tuple(forms)


def _are_coordinates(arguments: list[exp.Expr]) -> bool:
    families = {value_types.family(value_types.of(argument)) for argument in arguments}
    return len(arguments) >= 6 and len(arguments) % 2 == 0 and families <= {ValueType.NUMBER, None}


# --- constructors -----------------------------------------------------------------------------------------


def _constructor(name: str, kind: ValueType) -> Writes:
    def write_it(arguments: list[exp.Expr], write: Write) -> str:
        return _constructed(name, kind, arguments, write).array()

    return write_it


point = _constructor("POINT", ValueType.POINT)
circle = _constructor("CIRCLE", ValueType.CIRCLE)
box = _constructor("BOX", ValueType.BOX)
polygon = _constructor("POLYGON", ValueType.POLYGON)


# --- functions of geometries ------------------------------------------------------------------------------


NAMES: dict[Kind, str] = {
    ValueType.POINT: "a point",
    ValueType.CIRCLE: "a circle",
    ValueType.BOX: "a box",
    ValueType.POLYGON: "a polygon",
    ValueType.GEOMETRY: "a column or region",
    Compound.UNION: "a union",
    Compound.INTERSECTION: "an intersection",
    Compound.COMPLEMENT: "a complement",
}
SIZES: dict[Kind, int] = {ValueType.POINT: 2, ValueType.CIRCLE: 3, ValueType.BOX: 4}
"""The lengths of arrays of numbers; those of polygons are longer."""


def distance(arguments: list[exp.Expr], write: Write) -> str:
    if len(arguments) == 4:
        ra1, dec1, ra2, dec2 = (number(argument, write) for argument in arguments)
    else:
        (ra1, dec1), (ra2, dec2) = (coordinates(shape(argument, write)) for argument in arguments)
    return placed([(ra1, dec1), (ra2, dec2)], sphere.separation(ra1, dec1, ra2, dec2))


def centroid(arguments: list[exp.Expr], write: Write) -> str:
    inner = shape(arguments[0], write)
    if inner.kind in SIZES and inner.numbers:
        return Shape(ValueType.POINT, inner.numbers[:2]).array()
    if inner.parts:
        raise UnsupportedError(f"the centroid of {NAMES[inner.kind]}")
    round_ = "CASE WHEN len(__g.v) <= 4 THEN __g.v[1:2] ELSE " + sphere.polygon_middle("__g.s") + " END"
    return sphere.let({"v": inner.array(), "s": sides_of(inner.array())}, round_, "__g")


def area(arguments: list[exp.Expr], write: Write) -> str:
    inner = shape(arguments[0], write)
    return each(inner, "_a", AREAS)


def _cap(sine: str) -> str:
    return f"{real(360 * 360 / math.pi)} * pow({sine}, 2)"


def _box_area(box: Shape) -> str:
    _, dec, width, height = box.numbers
    low, high = f"greatest(-90e0, {dec.sql} - {height.sql} / 2)", f"least(90e0, {dec.sql} + {height.sql} / 2)"
    return f"least(360e0, {width.sql}) * degrees(sin(radians({high})) - sin(radians({low})))"


AREAS: dict[Kind, Callable[[Shape], str]] = {
    ValueType.POINT: lambda point: f"0e0 * {point.numbers[0].sql}",
    ValueType.CIRCLE: lambda circle: _cap(sphere.sin_of(circle.numbers[2], 0.5)),
    ValueType.BOX: _box_area,
    ValueType.POLYGON: lambda polygon: sphere.let(
        {"s": sides_of(polygon.array())}, sphere.polygon_area("__g.s"), "__g"
    ),
}


def sides_of(array: str) -> str:
    return sphere.let({"v": array}, sphere.sides("__y.v"), "__y")


def each(value: Shape, name: str, table: dict[Kind, Callable[[Shape], str]]) -> str:
    """What a table has for the kind of a geometry; for one of unknown kind its length tells when it runs."""
    if value.parts:
        raise UnsupportedError(f"a measure of {NAMES[value.kind]}")
    if value.kind is not ValueType.GEOMETRY:
        return table[value.kind](value if value.numbers else named(value.kind, value.sql))
    whens = [f"WHEN {size} THEN {table[kind](named(kind, f'{name}.v'))}" for kind, size in SIZES.items()]
    other = table[ValueType.POLYGON](named(ValueType.POLYGON, f"{name}.v"))
    cases = f"CASE len({name}.v) {' '.join(whens)} ELSE {other} END"
    return sphere.let({"v": value.sql}, cases, name)


def named(kind: Kind, array: str) -> Shape:
    """Make a geometry of known kind from the array that holds its numbers."""
    if kind is ValueType.POLYGON:
        return Shape(kind, sql=array)
    return Shape(kind, tuple(Number(f"{array}[{place}]") for place in range(1, SIZES[kind] + 1)), array)


# --- REGION -----------------------------------------------------------------------------------------------

STCS_KINDS: dict[str, Kind] = {
    "POSITION": ValueType.POINT,
    "CIRCLE": ValueType.CIRCLE,
    "BOX": ValueType.BOX,
    "POLYGON": ValueType.POLYGON,
    **{compound.value: compound for compound in Compound},
}


def region_of(node: exp.Expr) -> Shape:
    """The shape of REGION('...')."""
    if not isinstance(node, exp.Literal):
        raise UnsupportedError("REGION of a text that is no constant")
    found = stcs.parse(node.name)
    if not found:
        shown = node.name if len(node.name) < 60 else f"{node.name[:60]}..."
        raise RegionError(f"the region {shown!r}")
    return _of_region(found)


def _of_region(found: stcs.Region) -> Shape:
    numbers = tuple(Number(real(value), value) for value in found.numbers)
    return _checked(Shape(STCS_KINDS[found.word], numbers, parts=tuple(map(_of_region, found.parts))))


def region(arguments: list[exp.Expr], write: Write) -> str:
    found = region_of(arguments[0])
    if found.parts:
        raise UnsupportedError("a compound region as a value")
    return found.array()
