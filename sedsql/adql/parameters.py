"""Values that are handed in beside a query, for `?` by their order and for `:name` by their names.

They are bound when the query is run, and never become a part of its text but for numbers that a region or a bound is
computed from, which are written anew from what they are worth.
"""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

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


class Parameters:
    """The values of one query; `values` is None where they are not known yet."""

    def __init__(self, sql: str, values: Values | None = None):
        self.sql, self.values = sql, values
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
