"""Values that are handed in beside a query, for `?` by their order and for `:name` by their names.

They are bound when the query is run, and never become a part of its text but for numbers that a region or a bound is
computed from, which are written anew from what they are worth.
"""

from __future__ import annotations

import datetime
import decimal
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from astropy.units import Quantity, dimensionless_unscaled
from sqlglot import exp
from sqlglot.tokens import Token

from sedsql.adql.errors import AdqlError

Values = Sequence[Any] | Mapping[str, Any]

KINDS: tuple[tuple[type, str], ...] = (
    (bool, "b"),
    (numbers.Integral, "i"),
    (numbers.Real, "r"),
    (str, "s"),
    (datetime.date, "t"),
)
"""The sorts of values, as in kinds.py; the first that fits."""


LARGEST = 2**127 - 1
"""Of the database's whole numbers."""


class UnfitError(ValueError):
    """A value that cannot be handed in, in a sentence."""


def plain(values: Values) -> list[Any] | dict[str, Any]:
    """The values as Python's own, which the database knows: numpy's scalars, arrays and the like become these.

    Raises UnfitError where that cannot be.
    """
    if isinstance(values, Mapping):
        return {name: _plain(value) for name, value in values.items()}
    # Arrays and quantities of one value have the method, and refuse to be iterated.
    if isinstance(values, str | bytes) or not isinstance(values, Iterable) or getattr(values, "shape", None) == ():
        kind = type(values).__name__
        raise UnfitError(f"Values are handed in as a list, or by name as a dictionary, not as a {kind}")
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if isinstance(value, Quantity):
        if not value.unit.is_equivalent(dimensionless_unscaled):
            raise UnfitError(
                f"A value in {value.unit} is handed in, and a query knows no units; "
                "hand in its number in the unit of the column, as quantity.to_value(unit) gives it"
            )
        value = value.to_value(dimensionless_unscaled)
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
            raise UnfitError(f"The text {value!r} is handed in, which is none of Unicode") from None
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

    def node(self, token: Token) -> exp.Parameter:
        """The parameter that a word stands for."""
        if token.text == "?":
            self.count += 1
            name: str = str(self.count)
        else:
            name = token.text[1:]
        node = exp.Parameter(this=exp.Var(this=name))
        node.meta.update(start=token.start, end=token.end)
        if self.values is not None:
            value = self.value(token, name)
            node.meta["value"] = value
            if kind := next((kind for type_, kind in KINDS if isinstance(value, type_)), None):
                node.meta["kind"] = kind
        return node

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
        """All values by place must have been asked for."""
        if self.values is not None and not isinstance(self.values, Mapping) and len(self.values) > self.count:
            raise AdqlError(f"{len(self.values)} values were handed in, and the query has {self.count} '?'", self.sql)

    def error(self, token: Token, message: str, hint: str) -> AdqlError:
        return AdqlError(message, self.sql, token.start, token.end, hint)


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
