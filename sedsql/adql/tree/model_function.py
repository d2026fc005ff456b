"""Declare what the translator asks of a function that is handed in, such as those of models."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlglot import exp

from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.signature import Write
from sedsql.adql.tree.value_types import ValueType


class Completion(NamedTuple):
    """What a call leaves out and its row has.

    columns : names of the columns for what stands after the row, None for NULL
    model : the model's name; None where the call names one
    """

    columns: tuple[str | None, ...]
    model: str | None


class Shared(NamedTuple):
    """A value that several calls can be computed from.

    value : computes it
    use : from the column that holds the value to what the call gives
    """

    value: exp.Expr
    use: Callable[[exp.Expr], exp.Expr]


class Mistake(NamedTuple):
    """An argument that a function takes of no row.

    argument : where it stands
    message : a sentence without a full stop
    texts : one of them may have been meant
    """

    argument: exp.Expr
    message: str
    texts: Collection[str] = ()


class Comparison(NamedTuple):
    """What WHERE compares a call with, such as ("=", "yso") or (">", 0.9)."""

    operator: str
    value: str | float


class Known(NamedTuple):
    """What WHERE says of the rows that count.

    null, there : columns that are NULL, and columns that are not, as (table's alias, column in lower case)
    region : whether they lie in a region of the sky
    """

    null: frozenset[tuple[str, str]]
    there: frozenset[tuple[str, str]]
    region: bool


@dataclass(frozen=True)
class ModelFunction:
    """A function that the database has besides ADQL's.

    One that gives no more than these attributes is called by its name, with its arguments as they are. Arguments come
    as syntax trees, and what a method gives is a tree of its own: it holds copies of the arguments.

    Attributes
    ----------
    arity : the numbers of arguments that it takes
    columns : what the row must have, when the first argument is the alias of a table
    row : whether the first argument may be one
    value_type : what it yields, if that is known
    is_share : whether it yields a number from 0 to 1, such as a probability
    """

    arity: tuple[int, ...]
    columns: tuple[str, ...] = ()
    row: bool = True
    value_type: ValueType | None = None
    is_share: bool = False

    def __deepcopy__(self, memo: object) -> ModelFunction:
        return self  # sqlglot copies the notes on a node with the node

    def usage(self, name: str, given: int) -> str:
        """Say what the function takes, where a call gives another number of arguments; no full stop."""
        return f"{name} takes {' or '.join(map(str, self.arity))} arguments, not {given}"

    def completed(self, given: Sequence[str | None], row: Mapping[str, str | None]) -> Completion | None:
        """What a call with a row leaves out and the row has; None for a call that stays as it is.

        Parameters
        ----------
        given : the arguments after the row: texts that are constants, None for all others
        row : the columns of numbers that the row has, with their units
        """
        return None

    def constant(self, row: Mapping[str, str | None]) -> str | None:
        """The text that a call without more than the row gives for all rows; None where it depends on the row."""
        return None

    def mistake(self, arguments: Sequence[exp.Expr]) -> Mistake | None:
        """Find an argument that the function takes of no row, such as a model that is not there."""
        return None

    def asks(self, arguments: Sequence[exp.Expr]) -> tuple[str, str] | None:
        """Name and SHA-256 of the model that a call asks; None where it asks none, or each row's own."""
        return None

    def texts(self, arguments: Sequence[exp.Expr]) -> Collection[str] | None:
        """All texts that a call may give; None where these are not known, or it gives no text."""
        return None

    def written(self, arguments: Sequence[exp.Expr]) -> exp.Expr | None:
        """What stands in the place of a call that the database does not have by this name; None where it has."""
        return None

    def shared(self, arguments: Sequence[exp.Expr]) -> Shared | None:
        """The value that this call and others of the row can be computed from; None where there is none."""
        return None

    def stored(self, arguments: Sequence[exp.Expr], model: str) -> str | None:
        """The column that has what a call with a row gives, where the answers of this model for all rows are stored."""
        return None

    def is_quick(self, arguments: Sequence[exp.Expr]) -> bool:
        """Whether this call costs much less than the shared value."""
        return False

    def bound(
        self, comparison: Comparison, arguments: Sequence[exp.Expr], known: Known, write: Write
    ) -> exp.Expr | None:
        """A cheap condition that holds for every row for which the comparison and all that is known hold, or None."""
        return None


def model_of(call: exp.Expr) -> ModelFunction:
    """The function that is handed in which a call calls."""
    found = notes(call).model
    if found is None:
        raise ValueError(f"{call.name} is no function that is handed in")
    return found
