"""Look up functions, ADQL's and user-defined ones: what they take, what they yield, how DuckDB writes them."""

from __future__ import annotations

from sqlglot import exp

from sedsql.adql.functions.coordinate_systems import frame_of
from sedsql.adql.functions.ivoa import REFUSED, USER_DEFINED
from sedsql.adql.geometry import compounds, shapes
from sedsql.adql.geometry.errors import UnsupportedError
from sedsql.adql.geometry.sphere import real
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.signature import Function, Write, Writes
from sedsql.adql.tree.value_types import ValueType


def _rounding(function: str) -> Writes:
    def write_it(arguments: list[exp.Expr], write: Write) -> str:
        value, *places = map(write, arguments)
        return f"{function}({value}, CAST({places[0]} AS INT))" if places else f"{function}({value})"

    return write_it


def in_unit(arguments: list[exp.Expr], write: Write) -> str:
    """Convert a column to another unit (VOUnit). Without a catalogue units are unknown, and the value stays."""
    import astropy.units as u  # most queries convert no units

    value, target = arguments
    if not isinstance(target, exp.Literal):
        raise UnsupportedError("IN_UNIT with a unit that is no constant")
    sources = (notes(column).source for column in value.find_all(exp.Column))
    if not any(source.table for source in sources if source):
        return write(value)
    own = notes(value).source if isinstance(value, exp.Column) else None
    given = getattr(own.table.columns[value.name.lower()], "unit", None) if own and own.table else None
    try:
        factor = u.Unit(given or "?", format="vounit").to(u.Unit(target.name, format="vounit"))
    except (ValueError, u.UnitsError, TypeError):
        what = f"{given!r} to {target.name!r}" if given else "a value whose unit is not known"
        raise UnsupportedError(f"IN_UNIT from {what}, which has no conversion here") from None
    return f"({write(value)} * {real(factor)})"


# ADQL 2.1, section 2.3 and table 1. Their names are reserved words.
LANGUAGE: dict[str, Function] = {
    "ABS": Function(("n",), "=", "abs({0})"),
    "CEILING": Function(("n",), "r", "ceil({0})"),
    "DEGREES": Function(("n",), "r", "degrees({0})"),
    "EXP": Function(("n",), "r", "exp({0})"),
    "FLOOR": Function(("n",), "r", "floor({0})"),
    "LOG": Function(("n",), "r", "ln({0})"),
    "LOG10": Function(("n",), "r", "log10({0})"),
    "MOD": Function(("nn",), "=", "({0} % {1})"),
    "PI": Function(("",), "r", "pi()"),
    "POWER": Function(("nn",), "r", "pow({0}, {1})"),
    "RADIANS": Function(("n",), "r", "radians({0})"),
    # DuckDB takes no seed in a query: RAND(x) is as random as RAND().
    "RAND": Function(("", "n"), "r", "random()"),
    "ROUND": Function(("n", "nn"), "r", _rounding("round")),
    "SQRT": Function(("n",), "r", "sqrt({0})"),
    "TRUNCATE": Function(("n", "nn"), "r", _rounding("trunc")),
    "ACOS": Function(("n",), "r", "acos({0})"),
    "ASIN": Function(("n",), "r", "asin({0})"),
    "ATAN": Function(("n",), "r", "atan({0})"),
    "ATAN2": Function(("nn",), "r", "atan2({0}, {1})"),
    "COS": Function(("n",), "r", "cos({0})"),
    "COT": Function(("n",), "r", "cot({0})"),
    "SIN": Function(("n",), "r", "sin({0})"),
    "TAN": Function(("n",), "r", "tan({0})"),
    "LOWER": Function(("s",), "s", "lower({0})"),
    "UPPER": Function(("s",), "s", "upper({0})"),
    "IN_UNIT": Function(("ns",), "r", in_unit),
    "POINT": Function(("nn", "snn"), "P", shapes.point),
    "CIRCLE": Function(("nnn", "snnn", "pn", "spn"), "C", shapes.circle),
    "BOX": Function(("nnnn", "snnnn", "pnn", "spnn"), "B", shapes.box),
    "POLYGON": Function(("nnnnnn", "snnnnnn", "ppp", "sppp"), "Y", shapes.polygon, more=shapes.polygon_forms),
    "REGION": Function(("s",), "G", shapes.region),
    "CENTROID": Function(("g",), "P", shapes.centroid),
    "AREA": Function(("g",), "r", shapes.area),
    "COORD1": Function(("p",), "r", "{0}[1]"),
    "COORD2": Function(("p",), "r", "{0}[2]"),
    "COORDSYS": Function(("g",), "s", lambda arguments, write: f"'{frame_of(arguments[0]) or 'ICRS'}'"),
    "DISTANCE": Function(("pp", "nnnn"), "r", shapes.distance),
    "CONTAINS": Function(("gg",), "i", compounds.contains),
    "INTERSECTS": Function(("gg",), "i", compounds.intersects),
}
__all__ = ["AGGREGATES", "LANGUAGE", "REFUSED", "USER_DEFINED", "Function", "explain", "find"]

AGGREGATES = {
    "AVG": ValueType.REAL,
    "MAX": ValueType.OF_ARGUMENT,
    "MIN": ValueType.OF_ARGUMENT,
    "SUM": ValueType.OF_ARGUMENT,
    "COUNT": ValueType.INTEGER,
}
"""What the aggregates of SQL yield."""


def find(name: str) -> Function | None:
    """The function of that name, which is in upper case; None if there is none."""
    return LANGUAGE.get(name) or USER_DEFINED.get(name)


def explain(name: str) -> str:
    """Say how a function is called, for a hint."""
    function = find(name)
    return function.explained(name) if function else ""
