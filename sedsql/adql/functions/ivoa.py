"""Define the functions of the IVOA's catalogue (EN-1.2, 2024) and of the Gaia Archive.

Each is plain DuckDB SQL. Values agree with the examples of the IVOA's catalogue.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from sqlglot import exp

from sedsql.adql.functions import arrays, epoch, other_services
from sedsql.adql.functions.to_char import to_char
from sedsql.adql.geometry import healpix, numbers, shapes
from sedsql.adql.geometry.errors import RangeError, UnsupportedError
from sedsql.adql.geometry.sphere import let, real
from sedsql.adql.tree import value_types
from sedsql.adql.tree.signature import Function, Write, Writes, bracketed
from sedsql.adql.tree.value_types import ValueType
from sedsql.catalogue.healpix import ORDER, SOURCE_ID_SHIFT

DEEPEST = 29
"""The order of the smallest HEALPix cells that 64 bits can number."""


def _order(node: exp.Expr, largest: int) -> exp.Expr:
    """Give back the order of cells; raise RangeError for a constant that is none."""
    value = numbers.constant(node)
    if value is not None and not (0 <= value <= largest and value == int(value)):
        raise RangeError(f"An order of HEALPix cells is a whole number from 0 to {largest}, not {value:.10g}")
    return node


def healpix_index(arguments: list[exp.Expr], write: Write) -> str:
    order, *place = arguments
    _order(order, DEEPEST)
    if len(place) == 1:
        ra, dec = (number.sql for number in shapes.coordinates(shapes.shape(place[0], write)))
    else:
        ra, dec = map(write, place)
    is_place = "__p.o IS NOT NULL AND __p.ra BETWEEN -360 AND 720 AND __p.dec BETWEEN -90 AND 90"
    body = f"CASE WHEN {is_place} THEN {healpix.index('__p.o', '__p.ra', '__p.dec')} END"
    return let({"o": write(order), "ra": f"CAST({ra} AS DOUBLE)", "dec": f"CAST({dec} AS DOUBLE)"}, body, "__p")


def healpix_center(arguments: list[exp.Expr], write: Write) -> str:
    order, cell = write(_order(arguments[0], DEEPEST)), write(arguments[1])
    body = f"CASE WHEN __h.o + __h.i IS NOT NULL THEN {healpix.center('__h.o', '__h.i')} END"
    return let({"o": order, "i": cell}, body, "__h")


def gaia_healpix_index(arguments: list[exp.Expr], write: Write) -> str:
    """The cell of a source by its source_id, whose upper bits are the cell of order 12."""
    order, source = map(bracketed(write), arguments)
    constant = numbers.constant(_order(arguments[0], ORDER))
    below_all = SOURCE_ID_SHIFT + 2 * ORDER
    if constant is not None and 0 <= constant <= ORDER:
        return f"({source} >> {int(below_all - 2 * constant)})"
    return f"({source} >> ({below_all} - 2 * {order})::INT)"


FRAMES = {"ICRS": "icrs", "FK5": "fk5", "J2000": "fk5", "FK4": "fk4noeterms", "B1950": "fk4noeterms",
          "GALACTIC": "galactic"}  # fmt: skip
"""Names of frames: astropy's by ADQL's."""


@lru_cache
def rotation(start: str, end: str) -> np.ndarray:
    """The matrix that turns unit vectors from one frame to another."""
    import astropy.units as u  # most queries turn no frames
    from astropy.coordinates import CartesianRepresentation, SkyCoord

    axes = CartesianRepresentation(np.eye(3) * u.one)
    return SkyCoord(axes, frame=FRAMES[start]).transform_to(FRAMES[end]).cartesian.xyz.value


def geom_transform(arguments: list[exp.Expr], write: Write) -> str:
    start, end = (argument.name.upper() if isinstance(argument, exp.Literal) else "" for argument in arguments[:2])
    for frame in (start, end):
        if frame not in FRAMES:
            raise UnsupportedError(f"the frame {frame or 'of a column'}")
    rows = rotation(start, end)
    shape = shapes.shape(arguments[2], write)
    x, y, z = (
        f"({real(row[0])} * __e.x + {real(row[1])} * __e.y + {real(row[2])} * __e.z)"
        for row in np.asarray(rows).tolist()
    )
    turned = f"[(degrees(atan2({y}, {x})) + 360) % 360, degrees(atan2({z}, sqrt({x} * {x} + {y} * {y})))]"
    a, d = "radians(__c.g[2 * __i - 1])", "radians(__c.g[2 * __i])"
    unit = {"x": f"cos({d}) * cos({a})", "y": f"cos({d}) * sin({a})", "z": f"sin({d})"}
    pairs = "CASE WHEN len(__c.g) <= 4 THEN 1 ELSE len(__c.g) // 2 END"
    places = f"flatten(list_transform(range(1, {pairs} + 1), lambda __i: {let(unit, turned, '__e')}))"
    body = f"list_concat({places}, CASE WHEN len(__c.g) IN (3, 4) THEN __c.g[3:] ELSE [] END)"
    return let({"g": shape.array()}, body, "__c")


def julian(zero: str) -> Writes:
    def write_it(arguments: list[exp.Expr], write: Write) -> str:
        return f"({zero} + epoch_us(CAST({write(arguments[0])} AS TIMESTAMP)) / 86400e6)"

    return write_it


def sexagesimal(factor: str) -> Writes:
    def write_it(arguments: list[exp.Expr], write: Write) -> str:
        parts = "CAST(regexp_extract_all(__s.t, '[0-9]+[.]?[0-9]*') AS DOUBLE[])"
        size = f"({parts}[1] + coalesce({parts}[2], 0) / 60 + coalesce({parts}[3], 0) / 3600)"
        return let(
            {"t": write(arguments[0])},
            f"CASE WHEN __s.t LIKE '-%' THEN -{factor} ELSE {factor} END * {size}",
            "__s",
        )

    return write_it


_WORDS = "regexp_extract_all(lower({}), '[\\p{{L}}\\p{{N}}_]+')"


def has_word(arguments: list[exp.Expr], write: Write) -> str:
    """Whether each word of the second argument begins a word of the first."""
    text, words = (_WORDS.format(write(argument)) for argument in arguments)
    one = "list_bool_or(list_transform(__k.t, lambda __x: starts_with(__x, __y)))"
    return let(
        {"t": text, "w": words},
        f"CAST(list_bool_and(list_transform(__k.w, lambda __y: {one})) AS INT)",
        "__k",
    )


def histogram(arguments: list[exp.Expr], write: Write) -> str:
    value, low, high, bins = map(bracketed(write), arguments)
    inside = f"floor(({value} - {low}) * ({bins})::DOUBLE / ({high} - {low}))::BIGINT + 1"
    bucket = f"CASE WHEN {value} < {low} THEN 0::BIGINT WHEN {value} >= {high} THEN {bins} + 1 ELSE {inside} END"
    counts = "list_transform(range(0, __j.n + 2), lambda __i: coalesce(map_extract_value(__j.h, __i), 0))"
    return let({"h": f"histogram(CAST({bucket} AS BIGINT))", "n": f"any_value({bins})"}, counts, "__j")


def quotient(arguments: list[exp.Expr], write: Write) -> str:
    whole = {value_types.of(argument) for argument in arguments} == {ValueType.INTEGER}
    one, other = map(bracketed(write), arguments)
    return f"({one} // {other})" if whole else f"trunc({one} / {other})"


def _listed(function: str) -> Writes:
    return lambda arguments, write: f"{function}({', '.join(map(write, arguments))})"


def _aggregate(name: str) -> Function:
    return Function(("n",), "r", f"{name}({{0}})", aggregate=True)


def _pair(name: str) -> Function:
    return Function(("nn",), "r", f"{name}({{0}}, {{1}})", aggregate=True)


IVOA = {
    "IVO_HEALPIX_INDEX": Function(("nnn", "np"), "i", healpix_index),
    "IVO_HEALPIX_CENTER": Function(("nn",), "P", healpix_center),
    "IVO_EPOCH_PROP_POS": Function(("n" * 8, "lnn"), "P", epoch.position),
    "IVO_GEOM_TRANSFORM": Function(("ssg",), "G", geom_transform),
    "IVO_TO_JD": Function(("t",), "r", julian("2440587.5e0")),
    "IVO_TO_MJD": Function(("t",), "r", julian("40587e0")),
    "IVO_STRING_AGG": Function(("as",), "s", "string_agg({0}, {1})", aggregate=True),
    "IVO_NOCASEMATCH": Function(("ss",), "i", "CAST({0} ILIKE {1} AS INT)"),
    "IVO_HASWORD": Function(("ss",), "i", has_word),
    "IVO_HASHLIST_HAS": Function(("ss",), "i", "CAST(list_contains(string_split(lower({0}), '#'), lower({1})) AS INT)"),
    "IVO_HISTOGRAM": Function(("nnnn",), None, histogram, aggregate=True),
    "IVO_NORMAL_RANDOM": Function(("nn",), "r", "({0} + {1} * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))"),
    "IVO_INTERVAL_OVERLAPS": Function(
        ("nnnn",), "i", "CAST({0} <= {3} AND {2} <= {1} AND {0} <= {1} AND {2} <= {3} AS INT)"
    ),
    "IVO_HMS_TO_DEGREES": Function(("s",), "r", sexagesimal("15")),
    "IVO_DMS_TO_DEGREES": Function(("s",), "r", sexagesimal("1")),
}
# Gaia Archive, "ADQL functions" of its help.
GAIA = {
    "GAIA_HEALPIX_INDEX": Function(("ni",), "i", gaia_healpix_index),
    "EPOCH_PROP_POS": Function(("n" * 8, "lnn"), "P", epoch.position),
    "EPOCH_PROP": Function(("n" * 8, "lnn"), None, epoch.all_six),
    "EPOCH_PROP_ERROR": Function(("n" * 24, "llnn"), None, epoch.propagated_errors),
    "ASTROMETRIC_PARAMETERS": Function(("n" * 6,), None, epoch.six),
    "ASTROMETRIC_PARAMETER_ERROR": Function(("n" * 18,), None, epoch.error_array),
    "TO_CHAR": Function(("a", "as"), "s", to_char),
    "CBRT": Function(("n",), "r", "cbrt({0})"),
    "DIV": Function(("nn",), "=", quotient),
    "SIGN": Function(("n",), "i", "sign({0})"),
    "TO_INTEGER": Function(("a",), "i", "CAST({0} AS INTEGER)"),
    "TO_BIGINT": Function(("a",), "i", "CAST({0} AS BIGINT)"),
    "TO_REAL": Function(("a",), "r", "CAST({0} AS FLOAT)"),
    "TO_DOUBLE": Function(("a",), "r", "CAST({0} AS DOUBLE)"),
    "IF_THEN_ELSE": Function(("baa",), None, "CASE WHEN {0} THEN {1} ELSE {2} END"),
    "WIDTH_BUCKET": Function(
        ("nnnn",),
        "i",
        "CASE WHEN {0} < {1} THEN 0 WHEN {0} >= {2} THEN {3} + 1"
        " ELSE floor(({0} - {1}) * ({3})::DOUBLE / ({2} - {1}))::INT + 1 END",
    ),
    "GREATEST": Function(("aa",), "=", _listed("greatest"), more=lambda size: ("a" * size,) if size else ()),
    "LEAST": Function(("aa",), "=", _listed("least"), more=lambda size: ("a" * size,) if size else ()),
    "LENGTH": Function(("s",), "i", "length({0})"),
    "BIT_AND": Function(("ii",), "i", "({0} & {1})"),
    "BIT_OR": Function(("ii",), "i", "({0} | {1})"),
    "BIT_XOR": Function(("ii",), "i", "xor({0}, {1})"),
    "BIT_NOT": Function(("i",), "i", "(~{0})"),
    **{
        name: _aggregate(name.lower())
        for name in ("STDDEV", "STDDEV_POP", "STDDEV_SAMP", "VARIANCE", "VAR_POP", "VAR_SAMP", "MEDIAN")
    },
    "REGR_COUNT": Function(("nn",), "i", "CAST(regr_count({0}, {1}) AS BIGINT)", aggregate=True),
    **{
        name: _pair(name.lower())
        for name in (
            "CORR",
            "COVAR_POP",
            "COVAR_SAMP",
            "REGR_AVGX",
            "REGR_AVGY",
            "REGR_INTERCEPT",
            "REGR_R2",
            "REGR_SLOPE",
            "REGR_SXX",
            "REGR_SXY",
            "REGR_SYY",
        )
    },
}

# The same under names of their own, at the same and at other archives.
ALIASES = {
    **{f"ESDC_{name}": name for name in (
        "EPOCH_PROP", "EPOCH_PROP_POS", "EPOCH_PROP_ERROR", "ASTROMETRIC_PARAMETERS", "ASTROMETRIC_PARAMETER_ERROR",
        "ARRAY_ELEMENT", "ARRAY_LENGTH", "ARRAY_NDIMS", "ARRAY_DIMS", "ARRAY_CAT", "ARRAY_POSITION", "CARDINALITY",
        "TO_CHAR", "TO_INTEGER", "TO_BIGINT", "TO_REAL", "TO_DOUBLE", "IF_THEN_ELSE", "GREATEST", "LEAST", "LENGTH",
        "STDDEV", "GAIA_HEALPIX_INDEX",
    )},
    **{f"IVO_{name}": name for name in (
        "CORR", "COVAR_SAMP", "REGR_INTERCEPT", "REGR_R2", "REGR_SLOPE", "STDDEV", "VARIANCE",
    )},
    **{f"GAVO_{name}": f"IVO_{name}" for name in (
        "TO_JD", "TO_MJD", "HISTOGRAM", "NORMAL_RANDOM", "HEALPIX_INDEX", "NOCASEMATCH",
    )},
    "GAVO_TRANSFORM": "IVO_GEOM_TRANSFORM",
    "CDS_EPOCH_PROP_POS": "EPOCH_PROP_POS",
    "CEFCA_DMS_TO_DEGREES": "IVO_DMS_TO_DEGREES",
    "CEFCA_HMS_TO_DEGREES": "IVO_HMS_TO_DEGREES",
    "CEFCA_TS_TO_JD": "IVO_TO_JD",
    "CEFCA_TS_TO_MJD": "IVO_TO_MJD",
}  # fmt: skip
VIZIER = {
    "HEALPIX": Function(("nnn",), "i", lambda arguments, write: healpix_index([arguments[2], *arguments[:2]], write))
}

NAMED = {
    **IVOA,
    **GAIA,
    **arrays.POSTGRESQL,
    **arrays.STATISTICS,
    **other_services.STRINGS,
    **other_services.VALUES,
    **VIZIER,
}
USER_DEFINED: dict[str, Function] = NAMED | {alias: NAMED[name] for alias, name in ALIASES.items()}
REFUSED = other_services.REFUSED
