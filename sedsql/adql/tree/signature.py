"""Declare the signature of a function of the language, and how it is written in DuckDB's SQL."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from sedsql.adql.tree import value_types
from sedsql.adql.tree.value_types import ValueType

Write = Callable[[exp.Expr], str]
Writes = Callable[[list[exp.Expr], Write], str]

PLAIN_CALL = re.compile(r"\w+\((\{\d\}(, )?)*\)")

_OF_LETTER: dict[str, ValueType] = {one.value: one for one in ValueType}
# The letters of argument lists: what each takes, and its name in a hint.
_TAKES = {
    "n": value_types.NUMBERS,
    "s": {ValueType.STRING},
    "b": {ValueType.BOOLEAN},
    "g": value_types.GEOMETRIES,
    "p": {ValueType.POINT, ValueType.GEOMETRY},
    "t": {ValueType.TIME, ValueType.STRING},
    "l": value_types.GEOMETRIES | {ValueType.LIST},
    "i": {ValueType.INTEGER, ValueType.NUMBER},
}
_WORDS = {
    "n": "number",
    "s": "string",
    "b": "condition",
    "g": "geometry",
    "p": "point",
    "t": "time",
    "l": "array",
    "i": "whole number",
    "a": "value",
}


def bracketed(write: Write) -> Write:
    """Write operators in brackets, for templates that put operators around them."""
    operators = exp.Binary | exp.Neg | exp.Not | exp.Between | exp.In
    return lambda node: f"({write(node)})" if isinstance(node, operators) else write(node)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language.

    `forms` are its argument lists, a letter each: n number, i whole number, s string, g geometry, p point, t time or
    string, b condition, l array, a anything else. `yields` is the letter of a ValueType, or None where it cannot be
    told. `sql` is a template of DuckDB SQL, or writes it from the arguments and a writer of each.
    """

    forms: tuple[str, ...]
    yields: str | None
    sql: str | Writes
    aggregate: bool = False
    more: Callable[[int], tuple[str, ...]] | None = None  # the forms that a number of arguments allows

    @property
    def value_type(self) -> ValueType | None:
        return _OF_LETTER.get(self.yields or "")

    def match(self, arguments: list[exp.Expr]) -> str | None:
        """The form that fits the arguments, or None."""
        for form in self.more(len(arguments)) if self.more else self.forms:
            if len(form) == len(arguments) and all(map(_fits, form, arguments)):
                return form
        return None

    def write(self, arguments: list[exp.Expr], write: Write) -> str:
        """Write a call of the function in DuckDB's SQL."""
        if callable(self.sql):
            return self.sql(arguments, write)
        sqls = map(write if PLAIN_CALL.fullmatch(self.sql) else bracketed(write), arguments)
        return self.sql.format(*sqls)

    def sizes(self) -> str:
        """Say how many arguments the function takes, as `1 or 2 arguments`."""
        counts = sorted({len(form) for form in self.forms})
        return " or ".join(map(str, counts)) + (" argument" if counts == [1] else " arguments")

    def explained(self, name: str) -> str:
        """Say how the function is called, as `ROUND(number) or ROUND(number, number)`."""
        return " or ".join(f"{name}({', '.join(_WORDS[letter] for letter in form)})" for form in self.forms)


def _fits(letter: str, argument: exp.Expr) -> bool:
    found = value_types.of(argument)
    if found is None or letter == "a":
        return letter != "b" and not _is_condition(argument)
    return found in _TAKES[letter]


def _is_condition(argument: exp.Expr) -> bool:
    """Whether it is a condition that is no value: columns, TRUE and functions may be either."""
    values = exp.Boolean | exp.Func | exp.Cast | exp.Column | exp.Parameter
    return value_types.of(argument) is ValueType.BOOLEAN and not isinstance(argument, values)
