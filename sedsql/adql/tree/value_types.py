"""Tell what sort of value an expression yields."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import lru_cache

from sqlglot import exp

from sedsql.adql.tree.notes import noted
from sedsql.catalogue.datatypes import INTEGERS, of_word


class ValueType(Enum):
    """A sort of value; its letter is how the tables of functions write it. None stands for one that cannot be told."""

    INTEGER = "i"
    REAL = "r"
    NUMBER = "n"  # an integer or a real
    STRING = "s"
    BOOLEAN = "b"
    TIME = "t"
    POINT = "P"
    CIRCLE = "C"
    BOX = "B"
    POLYGON = "Y"
    GEOMETRY = "G"  # any of these four
    LIST = "x"  # ADQL has no operators for lists and records
    RECORD = "y"
    OF_ARGUMENT = "="  # that of the first argument; noted on calls, and never what `of` gives

    __hash__ = object.__hash__  # Enum's own takes three times longer


NUMBERS = frozenset({ValueType.INTEGER, ValueType.REAL, ValueType.NUMBER})
GEOMETRIES = frozenset(
    {ValueType.POINT, ValueType.CIRCLE, ValueType.BOX, ValueType.POLYGON, ValueType.GEOMETRY},
)
FAMILIES = {
    **dict.fromkeys(NUMBERS, ValueType.NUMBER),
    **dict.fromkeys(GEOMETRIES, ValueType.GEOMETRY),
    **{one: one for one in (ValueType.STRING, ValueType.BOOLEAN, ValueType.TIME, ValueType.LIST, ValueType.RECORD)},
}
"""The coarse sort that the grammar looks at: a number, a string, a condition, a time or a geometry."""
NAMES = {
    ValueType.NUMBER: "a number",
    ValueType.STRING: "a string",
    ValueType.BOOLEAN: "a condition",
    ValueType.TIME: "a time",
    ValueType.GEOMETRY: "a geometry",
    ValueType.LIST: "a list",
    ValueType.RECORD: "a record",
}
"""What a person is told of each family."""

_OF_DATATYPE = {
    **dict.fromkeys(INTEGERS, ValueType.INTEGER),
    **dict.fromkeys(("REAL", "DOUBLE"), ValueType.REAL),
    "VARCHAR": ValueType.STRING,
    "BOOLEAN": ValueType.BOOLEAN,
    "TIMESTAMP": ValueType.TIME,
}
_LOOK_INSIDE = exp.Paren | exp.Neg | exp.Alias
_ARITHMETIC = exp.Add | exp.Sub | exp.Mul | exp.Div


@lru_cache(maxsize=256)
def of_datatype(datatype: object) -> ValueType | None:
    """What a column yields, by the name of its type in TAP_SCHEMA, VOTable or DuckDB."""
    name = str(datatype or "").upper()
    if name.endswith("]") and not name.startswith("CHAR"):
        return None
    if name == "DATE":  # DuckDB's, which TAP has no name of
        return ValueType.TIME
    found = of_word(name.split("(")[0].strip())
    return _OF_DATATYPE[found] if found else None


def of(node: exp.Expr | None) -> ValueType | None:
    """What an expression yields; None where it cannot be told. Columns have it noted once their names are resolved."""
    if node is None:
        return None
    found = noted(node)
    known = found.value_type if found is not None else None
    if known is ValueType.OF_ARGUMENT:  # a number at least if a function of numbers asked for it
        first = (node.args.get("expressions") or [node.this])[0]
        return of(first.expressions[0] if isinstance(first, exp.Distinct) else first)
    if known is not None:
        return known
    if isinstance(node, _LOOK_INSIDE):
        return of(node.this)
    if isinstance(node, _ARITHMETIC):
        return _of_arithmetic(node)
    if isinstance(node, exp.Case):
        branches = [of(branch.args["true"]) for branch in node.args["ifs"]]
        return common([*branches, of(node.args.get("default"))])
    if isinstance(node, exp.Coalesce):
        return common([of(node.this), *map(of, node.expressions)])
    return None


def _of_arithmetic(node: exp.Expr) -> ValueType:
    # Left-deep chains may be long: walk them, do not recurse.
    found = set()
    while isinstance(node, _ARITHMETIC):
        found.add(of(node.expression))
        node = node.this
    found.add(of(node))
    if ValueType.REAL in found:
        return ValueType.REAL
    return ValueType.INTEGER if found == {ValueType.INTEGER} else ValueType.NUMBER


def common(types: Iterable[ValueType | None]) -> ValueType | None:
    """The type of a value that has one of several types; None where they have nothing in common."""
    known = {one for one in types if one}
    if len(known) == 1:
        return known.pop()
    if known == {ValueType.INTEGER, ValueType.REAL}:
        return ValueType.REAL
    return ValueType.NUMBER if known and known <= NUMBERS else None


def family(value_type: ValueType | None) -> ValueType | None:
    """The coarse sort of a value; None where it cannot be told."""
    return FAMILIES.get(value_type) if value_type else None
