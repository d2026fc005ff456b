"""ADQL's geometries as plain DuckDB SQL, right on the sphere.

A geometry is a DOUBLE[] as in DALI 1.1, section 3.3.7, told apart by its length, so that an ordinary column
holds it: point [ra, dec], circle [ra, dec, radius], box [ra, dec, width, height], polygon [ra1, dec1, ra2,
dec2, ra3, dec3, ...], in degrees. A box lies between two meridians and two parallels, as in the archives
that run PostgreSQL with pgsphere; the sides of a polygon are great circles, and of the two parts into which
they cut the sphere the smaller one is meant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlglot import exp

from sedsql.adql import kinds, sphere, stcs
from sedsql.adql.function import Write, Writes
from sedsql.adql.nodes import Call
from sedsql.adql.sphere import Number, real


@dataclass(frozen=True, slots=True)
class Shape:
    """A geometry: its kind and its numbers, or the SQL of a DOUBLE[] that holds them.

    The regions of STC-S have three kinds more, with parts: U union, I intersection, N complement.
    """

    kind: str
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


def constant(node: exp.Expr | None) -> float | None:
    """The value of an expression of literals and of parameters that are known, or None; NaN and infinity are none.

    Whole numbers divide to whole ones, as ADQL has it.
    """
    value = _value(node)
    return value if value is not None and math.isfinite(value) else None


def _value(node: exp.Expr | None) -> float | None:
    if isinstance(node, exp.Literal) and not node.is_string:
        return float(node.this)
    if isinstance(node, exp.Parameter) and node.meta.get("kind") in ("i", "r"):
        return float(node.meta["value"])
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
    if value is not None:
        return Number(real(value), value)
    # Differences of two REALs are good to two milliarcseconds at ten degrees.
    if any(datatype(column) == "REAL" for column in node.find_all(exp.Column)):
        return Number(f"CAST({write(node)} AS DOUBLE)")
    return Number(f"({write(node)})" if isinstance(node, exp.Binary) else write(node))


def datatype(column: exp.Column) -> str | None:
    """The type of a column of the catalogue, if it is known to be one."""
    if "datatype" in column.meta:
        return column.meta["datatype"]
    source = column.meta.get("source")
    known = source.columns.get(column.name.lower()) if source is not None and source.columns else None
    return getattr(known.column, "datatype", None) if known else None


# A right ascension counts modulo 360; one that is more than a turn off is a mistake, or stands for none.
RIGHT_ASCENSIONS, DECLINATIONS = (-360, 720), (-90, 90)


def placed(places: Iterable[tuple[Number, Number]], body: str, *more: str) -> str:
    """`body` where positions are some: NULL, and so unknown, where a coordinate is NULL, NaN or beyond its range.

    more : conditions that must hold besides

    Raises RangeError where a constant is beyond it.
    """
    tests: list[str] = []
    for place in places:
        limits = (RIGHT_ASCENSIONS, DECLINATIONS)
        for number, (low, high), name in zip(place, limits, ("right ascension", "declination"), strict=True):
            if number.value is None:
                tests.append(f"{number.sql} BETWEEN {low} AND {high}")
            elif not low <= number.value <= high:
                raise RangeError(f"A {name} of {number.value:.10g} is none: it lies between {low} and {high} degrees")
    tests = list(dict.fromkeys([*tests, *more]))
    return f"CASE WHEN {' AND '.join(tests)} THEN {body} END" if tests else body


def shape(node: exp.Expr, write: Write) -> Shape:
    """What an expression of geometry is, as far as it can be told."""
    node = node.unnest()
    kind = kinds.of(node) or "G"
    if isinstance(node, Call) and node.name in ("POINT", "CIRCLE", "BOX", "POLYGON"):
        return _constructed(node.name, kind, node.arguments, write)
    if isinstance(node, Call) and node.name == "REGION":
        return region_of(node.arguments[0])
    return Shape(kind, sql=f"({write(node)})")


def _constructed(name: str, kind: str, arguments: list[exp.Expr], write: Write) -> Shape:
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
    return Shape(kind, tuple(numbers))


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
        return _constructed(name, kind, arguments, write).array()

    return write_it


point = _constructor("POINT", "P")
circle = _constructor("CIRCLE", "C")
box = _constructor("BOX", "B")
polygon = _constructor("POLYGON", "Y")


# --- functions of geometries ------------------------------------------------------------------------------


class UnsupportedError(Exception):
    """ADQL has it, sedsql does not have it yet."""

    @property
    def sentence(self) -> str:
        """What is told of it."""
        return f"ADQL has {self}; sedsql does not support it yet"


class RangeError(UnsupportedError):
    """A number that is none of its kind, in a sentence."""

    @property
    def sentence(self) -> str:
        return str(self)


class TooLargeError(RangeError):
    """What would become too much SQL, in a sentence."""


class RegionError(UnsupportedError):
    """A string that is no region here; to the language any string is one."""


NAMES = {
    "P": "a point",
    "C": "a circle",
    "B": "a box",
    "Y": "a polygon",
    "G": "a column or region",
    "U": "a union",
    "I": "an intersection",
    "N": "a complement",
}
SIZES = {"P": "2", "C": "3", "B": "4"}


def distance(arguments: list[exp.Expr], write: Write) -> str:
    if len(arguments) == 4:
        ra1, dec1, ra2, dec2 = (number(argument, write) for argument in arguments)
    else:
        (ra1, dec1), (ra2, dec2) = (coordinates(shape(argument, write)) for argument in arguments)
    return placed([(ra1, dec1), (ra2, dec2)], sphere.separation(ra1, dec1, ra2, dec2))


def centroid(arguments: list[exp.Expr], write: Write) -> str:
    inner = shape(arguments[0], write)
    if inner.kind in "PCB" and inner.numbers:
        return Shape("P", inner.numbers[:2]).array()
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


AREAS: dict[str, Callable[[Shape], str]] = {
    "P": lambda point: f"0e0 * {point.numbers[0].sql}",
    "C": lambda circle: _cap(sphere.sin_of(circle.numbers[2], 0.5)),
    "B": _box_area,
    "Y": lambda polygon: sphere.let({"s": sides_of(polygon.array())}, sphere.polygon_area("__g.s"), "__g"),
}


def sides_of(array: str) -> str:
    return sphere.let({"v": array}, sphere.sides("__y.v"), "__y")


def each(value: Shape, name: str, table: dict[str, Callable[[Shape], str]]) -> str:
    """What a table has for the kind of a geometry; for one of unknown kind its length tells when it runs."""
    if value.parts:
        raise UnsupportedError(f"a measure of {NAMES[value.kind]}")
    if value.kind != "G":
        return table[value.kind](value if value.numbers else named(value.kind, value.sql))
    whens = [f"WHEN {size} THEN {table[kind](named(kind, f'{name}.v'))}" for kind, size in SIZES.items()]
    cases = f"CASE len({name}.v) {' '.join(whens)} ELSE {table['Y'](named('Y', f'{name}.v'))} END"
    return sphere.let({"v": value.sql}, cases, name)


def named(kind: str, array: str) -> Shape:
    """A geometry of known kind whose numbers stand in an array."""
    if kind == "Y":
        return Shape("Y", sql=array)
    return Shape(kind, tuple(Number(f"{array}[{place}]") for place in range(1, int(SIZES[kind]) + 1)), array)


# --- REGION -----------------------------------------------------------------------------------------------

STCS_KINDS = {"POSITION": "P", "CIRCLE": "C", "BOX": "B", "POLYGON": "Y", "UNION": "U", "INTERSECTION": "I", "NOT": "N"}


def region_of(node: exp.Expr) -> Shape:
    """The shape of REGION('...')."""
    if not isinstance(node, exp.Literal):
        raise UnsupportedError("REGION of what is no constant")
    found = stcs.parse(node.name)
    if not found:
        shown = node.name if len(node.name) < 60 else f"{node.name[:60]}..."
        raise RegionError(f"the region {shown!r}")
    return _of_region(found)


def _of_region(found: stcs.Region) -> Shape:
    numbers = tuple(Number(real(value), value) for value in found.numbers)
    return Shape(STCS_KINDS[found.word], numbers, parts=tuple(map(_of_region, found.parts)))


def region(arguments: list[exp.Expr], write: Write) -> str:
    found = region_of(arguments[0])
    if found.parts:
        raise UnsupportedError("a compound region as a value")
    return found.array()
