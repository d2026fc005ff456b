"""Convert values with units, and times, that are handed in for parameters, to the unit of what they stand beside."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from sedsql.adql.errors import AdqlError
from sedsql.adql.geometry import numbers
from sedsql.adql.parser.physical_values import UnfitError, in_unit, is_physical, is_time, moment
from sedsql.adql.resolver.columns import known_of
from sedsql.adql.tree.nodes import Call, text_of
from sedsql.adql.tree.notes import note_type, notes, span
from sedsql.adql.tree.value_types import ValueType

_IN_DEGREES = {"POINT", "CIRCLE", "BOX", "POLYGON", "DISTANCE"}
_KEEP_UNIT = {"ABS", "ROUND", "CEILING", "FLOOR", "TRUNCATE"}
_COMPARISONS = exp.EQ | exp.NEQ | exp.LT | exp.LTE | exp.GT | exp.GTE
_AGGREGATES = exp.Min | exp.Max | exp.Avg


def convert(query: exp.Expr, sql: str) -> dict[str, Any]:
    """Convert the physical values of a resolved query, in place; give the new values by the parameters' names."""
    converted: dict[str, Any] = {}
    for node in query.find_all(exp.Parameter):
        value = notes(node).value
        if not is_physical(value):
            continue
        try:
            number = _converted(node, value)
        except UnfitError as reason:
            raise AdqlError(str(reason), sql, *span(node)) from None
        name = node.name
        if name in converted and converted[name] != number:
            raise AdqlError(
                f"':{name}' stands beside columns of different units", sql, *span(node), "hand in a value for each"
            )
        converted[name] = notes(node).value = number
        note_type(node, ValueType.REAL if isinstance(number, float) else ValueType.TIME)
    return converted


def _converted(node: exp.Parameter, value: Any) -> Any:
    unit, what, datatype = _beside(node)
    if not is_time(value):
        return in_unit(value, unit, what)
    if unit is None or datatype == "TIMESTAMP":
        return moment(value)
    if unit == "yr":
        return float(value.tcb.jyear)  # Gaia's epochs are Julian years in TCB
    raise UnfitError(f"A time is handed in, and {what} is a number in {unit}; hand in the number that is meant")


def _beside(node: exp.Expr) -> tuple[str | None, str, str | None]:
    """Find what a value is compared with, or the function that takes it: its unit, its name and its type."""
    parent = node.parent
    while _keeps_unit(parent, node):
        node, parent = parent, parent.parent  # type: ignore[union-attr,assignment]
    if isinstance(parent, Call) and parent.name in _IN_DEGREES:
        return "deg", f"what {parent.name} takes", None
    others: list[exp.Expr] = []
    if isinstance(parent, _COMPARISONS | exp.Between | exp.In):
        others = [one for one in parent.iter_expressions() if one is not node]
    for other in others:
        if (unit := unit_of(other)) is not None or isinstance(other, exp.Column):
            column = known_of(other).column if isinstance(other, exp.Column) else None
            name = other.name if isinstance(other, exp.Column) else "what it is compared with"
            return unit, name, getattr(column, "datatype", None)
    return None, "", None


def _keeps_unit(parent: exp.Expr | None, node: exp.Expr) -> bool:
    """Tell whether an expression has the unit of one that it is made of."""
    if isinstance(parent, exp.Paren | exp.Neg | exp.Add | exp.Sub):
        return True
    if isinstance(parent, exp.Mul) or (isinstance(parent, exp.Div) and parent.this is node):
        other = parent.expression if parent.this is node else parent.this
        return numbers.constant(other) is not None
    return False


def unit_of(node: exp.Expr | None) -> str | None:
    """The unit of an expression of the catalogue's columns; None where it is not known."""
    if isinstance(node, exp.Column):
        return getattr(known_of(node).column, "unit", None) or None
    if isinstance(node, exp.Paren | exp.Neg | _AGGREGATES):
        return unit_of(node.this)
    if isinstance(node, exp.Add | exp.Sub):
        units = {unit_of(part) for part in (node.this, node.expression) if numbers.constant(part) is None}
        return units.pop() if len(units) == 1 else None
    if isinstance(node, exp.Mul | exp.Div):
        if numbers.constant(node.expression) is not None:
            return unit_of(node.this)
        return (
            unit_of(node.expression) if isinstance(node, exp.Mul) and numbers.constant(node.this) is not None else None
        )
    if isinstance(node, Call):
        if node.name == "DISTANCE":
            return "deg"
        if node.name == "IN_UNIT":
            return text_of(node.arguments[1])
        if node.name in _KEEP_UNIT:
            return unit_of(node.arguments[0])
    return None
