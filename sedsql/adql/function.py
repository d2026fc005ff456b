"""What is told of a function of the language."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from sedsql.adql import kinds

Write = Callable[[exp.Expr], str]
Writes = Callable[[list[exp.Expr], Write], str]

PLAIN_CALL = re.compile(r"\w+\((\{\d\}(, )?)*\)")


def bracketed(write: Write) -> Write:
    """Writes operators in brackets, for templates that put operators around them."""
    operators = exp.Binary | exp.Neg | exp.Not | exp.Between | exp.In
    return lambda node: f"({write(node)})" if isinstance(node, operators) else write(node)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language.

    `forms` are its argument lists, a letter each: n number, s string, g geometry, p point, t time or string,
    b condition, a anything else. `kind` is what it yields (see kinds.py), or "=" for the kind of its first
    argument. `sql` is a template of DuckDB SQL, or writes it from the arguments and a writer of each.
    """

    forms: tuple[str, ...]
    kind: str | None
    sql: str | Writes
    aggregate: bool = False
    more: Callable[[int], tuple[str, ...]] | None = None  # the forms that a number of arguments allows

    def match(self, arguments: list[exp.Expr]) -> str | None:
        """The form that fits the arguments, or None."""
        for form in self.more(len(arguments)) if self.more else self.forms:
            if len(form) == len(arguments) and all(map(_fits, form, arguments)):
                return form
        return None

    def write(self, arguments: list[exp.Expr], write: Write) -> str:
        if callable(self.sql):
            return self.sql(arguments, write)
        sqls = map(write if PLAIN_CALL.fullmatch(self.sql) else bracketed(write), arguments)
        return self.sql.format(*sqls)

    def sizes(self) -> str:
        counts = sorted({len(form) for form in self.forms})
        return " or ".join(map(str, counts)) + (" argument" if counts == [1] else " arguments")


def _fits(letter: str, argument: exp.Expr) -> bool:
    kind = kinds.of(argument)
    if kind is None or letter == "a":
        return letter != "b" and not _is_condition(argument)
    if letter == "p":
        return kind in "PG"
    if letter == "t":
        return kind in "ts"
    return kinds.family(kind) == letter


def _is_condition(argument: exp.Expr) -> bool:
    """Whether it is a condition that is no value: columns, TRUE and functions may be either."""
    values = exp.Boolean | exp.Func | exp.Cast | exp.Column | exp.Parameter
    return kinds.of(argument) == "b" and not isinstance(argument, values)
