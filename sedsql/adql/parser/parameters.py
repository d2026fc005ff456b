"""Parse parameters, `?` and `:name`, and check the values that are handed in for them.

The values are bound when the query is run. Only numbers that a region or a bound is computed from become a part of its
text, and those are written anew from their value.
"""

from __future__ import annotations

import datetime
import decimal
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sqlglot import exp
from sqlglot.tokens import Token

from sedsql.adql.errors import AdqlError
from sedsql.adql.parser.physical_values import (
    UnfitError,
    checked,
    degrees_of,
    is_physical,
    is_position,
    without_context,
)
from sedsql.adql.tree.nodes import call
from sedsql.adql.tree.notes import mark, note_type, notes
from sedsql.adql.tree.value_types import ValueType

Values = Sequence[Any] | Mapping[str, Any]

TYPES: tuple[tuple[type, ValueType], ...] = (
    (bool, ValueType.BOOLEAN),
    (numbers.Integral, ValueType.INTEGER),
    (numbers.Real, ValueType.REAL),
    (str, ValueType.STRING),
    (datetime.date, ValueType.TIME),
    (list, ValueType.GEOMETRY),
)
"""The sorts of Python's values; the first that fits."""

LARGEST = 2**127 - 1
"""The largest whole number of the database."""


def plain(values: Values) -> list[Any] | dict[str, Any]:
    """Convert values to Python's own, which the database knows: numpy's scalars, arrays and the like.

    Quantities with units, times and positions stay: what they mean depends on where they stand in the query.

    Raises UnfitError for a value that cannot be converted.
    """
    if isinstance(values, Mapping):
        return {name: _plain(value) for name, value in values.items()}
    # Arrays and quantities of one value have the method, and refuse to be iterated.
    if isinstance(values, str | bytes) or not isinstance(values, Iterable) or getattr(values, "shape", None) == ():
        kind = type(values).__name__
        raise UnfitError(f"Values are handed in as a list, or by name as a dictionary, not as a {kind}")
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if is_physical(value):
        value = checked(value)
        if is_physical(value):
            return value
    if value is np.ma.masked:
        return None
    if isinstance(value, np.ndarray):
        if value.ndim:
            return [_plain(one) for one in value]
        value = value[()]
    if isinstance(value, np.datetime64 | np.timedelta64):  # in nanoseconds it would give a number
        return value.astype(f"{'datetime64' if isinstance(value, np.datetime64) else 'timedelta64'}[us]").item()
    if isinstance(value, np.bool_ | bool):
        return bool(value)
    if isinstance(value, decimal.Decimal):  # numbers of ADQL are whole or DOUBLE
        is_whole = value.is_finite() and value == value.to_integral_value() and "." not in f"{value:f}"
        number = "nan" if value.is_nan() else value  # a signalling one would be an error
        value = int(value) if is_whole and abs(value) < LARGEST else float(number)
    if isinstance(value, numbers.Integral):
        if abs(int(value)) > LARGEST:
            raise UnfitError("A whole number beyond 2^127 is handed in, and the database has none; hand in a float")
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise UnfitError(f"The text {value!r} is handed in, and is no valid Unicode") from None
        return str.__str__(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


class Parameters:
    """The values of one query; `values` is None where they are not known yet."""

    def __init__(self, sql: str, values: Values | None = None):
        try:
            self.values = None if values is None else plain(values)
        except UnfitError as reason:
            raise AdqlError(str(reason), sql) from None
        self.sql = sql
        self.count = 0

    def node(self, token: Token) -> exp.Expr:
        """Make the node of a parameter; a position becomes a POINT of its two numbers."""
        if token.text == "?":
            self.count += 1
            name: str = str(self.count)
        else:
            name = token.text[1:]
        node = mark(exp.Parameter(this=exp.Var(this=name)), token.start, token.end)
        if self.values is not None:
            value = notes(node).value = self.value(token, name)
            if isinstance(value, bytes | bytearray | memoryview):
                kind = type(value).__name__
                raise self.error(token, f"A value of the type {kind} is handed in, and ADQL has none", "decode it")
            if is_position(value):
                return self.point(token, value)
            note_type(node, next((found for type_, found in TYPES if isinstance(value, type_)), None))
        return node

    def point(self, token: Token, position: Any) -> exp.Expr:
        try:
            ra, dec = degrees_of(position)
        except UnfitError as reason:
            raise self.error(token, str(reason), None) from None
        system = note_type(exp.Literal.string("ICRS"), ValueType.STRING)
        point = call("POINT", [system, number(ra), number(dec)])
        return mark(point, token.start, token.end, ValueType.POINT)

    def value(self, token: Token, name: str) -> Any:
        named = isinstance(self.values, Mapping)
        if token.text == "?" and named:
            raise self.error(token, "'?' takes a value by its place", "hand in a list, or write :name")
        if token.text != "?" and not named:
            raise self.error(token, f"'{token.text}' takes a value by its name", f"hand in {{'{name}': ...}}")
        if isinstance(self.values, Mapping):
            if name not in self.values:
                given = ", ".join(map(str, self.values)) or "none"
                raise self.error(token, f"There is no value for '{token.text}'", f"those given are {given}")
            return self.values[name]
        values = self.values or ()
        if self.count > len(values):
            raise self.error(token, f"There is no value for this '?', the {_ordinal(self.count)}",
                             f"{len(values)} were handed in")  # fmt: skip
        return values[self.count - 1]

    def end(self) -> None:
        """Check that the query has a `?` for each value."""
        if self.values is not None and not isinstance(self.values, Mapping) and len(self.values) > self.count:
            raise AdqlError(f"{len(self.values)} values were handed in, and the query has {self.count} '?'", self.sql)

    def error(self, token: Token, message: str, hint: str | None) -> AdqlError:
        return AdqlError(message, self.sql, token.start, token.end, hint)


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def number(value: float) -> exp.Expr:
    """Write a number as a literal that has all its digits."""
    literal = exp.Literal.number(repr(abs(value)))
    return exp.Neg(this=literal) if value < 0 else literal


def for_sql(values: list[Any] | dict[str, Any]) -> list[Any] | dict[str, Any]:
    """Convert plain values for a query in DuckDB's SQL: what has a unit or a time becomes a number or a time.

    Raises UnfitError for one whose meaning is not known there.
    """
    if isinstance(values, dict):
        return {name: without_context(value) for name, value in values.items()}
    return [without_context(value) for value in values]
