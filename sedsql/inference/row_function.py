"""A function of a row that asks a model: what the translator may know of its calls."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlglot import exp

from sedsql.adql.geometry.numbers import constant
from sedsql.adql.tree.model_function import Comparison, Completion, Known, Mistake, ModelFunction, Shared
from sedsql.adql.tree.nodes import RawSQL, call, text_of
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.signature import Write
from sedsql.adql.tree.value_types import ValueType
from sedsql.inference.answering import POSITION, Answering, given_extra
from sedsql.inference.argument_checks import is_other
from sedsql.inference.card import EXTRA, PARALLAX
from sedsql.inference.model import Model
from sedsql.inference.necessary_conditions import Bounds, Row
from sedsql.inference.usage import usage
from sedsql.photometry.bands import COLUMNS
from sedsql.photometry.classes import HALF


class Parts(NamedTuple):
    """The arguments of a call: the row, what is given besides it, the function's own, and the model's name or NULL."""

    row: list[exp.Expr]
    extra: list[exp.Expr]
    own: list[exp.Expr]
    model: exp.Expr


FromAnswer = Callable[[exp.Expr, list[exp.Expr], exp.Expr], exp.Expr]
"""From a model's whole answer, a function's own arguments and the model's name to what the function gives."""


@dataclass(frozen=True)
class RowFunction(ModelFunction):
    """A function of a row that asks a model.

    Attributes
    ----------
    from_answer : what it gives, from the model's whole answer
    arguments : how many stand between row and model
    alone : what a call is, where the database has no function of this name
    gives_node : whether it gives a node of the tree of classes that has a probability: its argument, or HALF
    names_model : whether it gives the model's name and nothing else
    answer : the column of the stored `sed.classified` that has what it gives
    gives : all texts that it may give, by the model; None where it gives no text, or any
    labels : all texts that it may give, of a function that asks no model
    check : what is wrong with the function's own argument, by the model
    bounds : where the models cannot give a class, if it is known
    answering : which model answers, if that depends on the row
    """

    columns: tuple[str, ...] = COLUMNS
    from_answer: FromAnswer | None = None
    arguments: int = 0
    alone: Callable[[Parts], exp.Expr] | None = None
    gives_node: bool = False
    names_model: bool = False
    answer: str | None = None
    gives: Callable[[Model], Collection[str]] | None = None
    labels: tuple[str, ...] = ()
    check: Callable[[exp.Expr, Model], Mistake | None] | None = None
    bounds: Bounds | None = None
    answering: Answering | None = field(default=None, repr=False)

    __deepcopy__ = ModelFunction.__deepcopy__

    def usage(self, name: str, given: int) -> str:
        return usage(name.lower(), given)

    def shared(self, arguments: Sequence[exp.Expr]) -> Shared | None:
        """Share one inference, the same for all functions of a row and a model."""
        from_answer = self.from_answer
        if from_answer is None:
            return None
        parts = self._parts(arguments)
        return Shared(whole_answer(parts), lambda answer: from_answer(answer, parts.own, parts.model))

    def mistake(self, arguments: Sequence[exp.Expr]) -> Mistake | None:
        """Find a model that is not there, or an argument that the model does not take."""
        if self.answering is None or not self.answering.models:
            return None
        parts = self._parts(arguments)
        if is_other(parts.model, ValueType.STRING):
            return Mistake(parts.model, "The name of a model is a text", self.answering.models)
        for number in (*parts.row, *parts.extra):
            if isinstance(number, exp.Literal) and number.is_string:
                return Mistake(number, "A number is expected here, this is a string")
        name = text_of(parts.model)
        if name is not None and name not in self.answering.models:
            models = self.answering.models
            return Mistake(parts.model, f"No model '{name}'; there are {', '.join(models)}", models)
        model = self._asked(parts)
        return self.check(parts.own[0], model) if model and self.check else None

    def asks(self, arguments: Sequence[exp.Expr]) -> tuple[str, str] | None:
        model = self._asked(self._parts(arguments))
        return (model.name, model.sha256) if model else None

    def texts(self, arguments: Sequence[exp.Expr]) -> Collection[str] | None:
        model = self._asked(self._parts(arguments)) if self.gives else None
        return self.gives(model) if model and self.gives else self.labels or None

    def _asked(self, parts: Parts) -> Model | None:
        """Find the model that a call asks; None where its name is no constant."""
        if self.answering is None:
            return None
        name = self.answering.default if isinstance(parts.model, exp.Null) else text_of(parts.model)
        return self.answering.models.get(name) if name is not None else None

    def written(self, arguments: Sequence[exp.Expr]) -> exp.Expr | None:
        return self.alone(self._parts(arguments)) if self.alone else None

    def completed(self, given: Sequence[str | None], row: Mapping[str, str | None]) -> Completion | None:
        """Add the columns that the model takes, and the model."""
        if self.answering is None or len(given) - self.arguments not in (0, 1):
            return None
        there = given_extra(row)
        named = len(given) > self.arguments
        model = given[-1] if named else self.answering.of_row(there)
        # Another name than a constant one may be any model's, and a model does not mind what it does not take.
        taken = EXTRA if model is None else self.answering.extra.get(model, ())
        if not there >= POSITION:
            taken = taken[: len(PARALLAX)]
        if "parallax" not in there:
            there -= set(PARALLAX)
            taken = taken if taken == EXTRA else ()
        if not taken and (named or model == self.answering.default):
            return None
        return Completion(tuple(name if name in there else None for name in taken), None if named else model)

    def constant(self, row: Mapping[str, str | None]) -> str | None:
        return self.answering.of_row(given_extra(row)) if self.names_model and self.answering else None

    def stored(self, arguments: Sequence[exp.Expr], model: str) -> str | None:
        parts = self._parts(arguments)
        is_node = not parts.own or constant(parts.own[0]) == HALF
        if self.answer is None or self.answering is None or len(parts.row) > 1 or not is_node:
            return None
        named = self.answering.default if isinstance(parts.model, exp.Null) else text_of(parts.model)
        taken = [column.name.lower() for column in parts.extra if _is_of(column, parts.row[0])]
        inputs = list(self.answering.extra.get(model, ()))
        return self.answer if named == model and taken == inputs and len(parts.extra) == len(inputs) else None

    def is_quick(self, arguments: Sequence[exp.Expr]) -> bool:
        """Tell whether the C extension runs the model: a class alone costs it less than the whole answer."""
        return self.bounds is not None and self.bounds.engine(self._model(self._parts(arguments))) == "native"

    def bound(
        self, comparison: Comparison, arguments: Sequence[exp.Expr], known: Known, write: Write
    ) -> exp.Expr | None:
        if self.bounds is None:
            return None
        parts = self._parts(arguments)
        label: str | None = None
        if self.gives_node:
            # A class that is the node has its probability.
            least = constant(parts.own[0]) if parts.own else HALF
            operator, value = comparison
            if operator != "=" or not isinstance(value, str) or least is None:
                return None
            comparison, label = Comparison(">=", least), value
        elif parts.own:
            label = text_of(parts.own[0])
            if label is None:
                return None
        condition = self.bounds.condition(comparison, label, self._model(parts), _row(parts, known, write))
        return RawSQL(this=condition) if condition else None

    def _model(self, parts: Parts) -> str | None:
        """Find the name of the model that a call asks; None where it is no constant."""
        if isinstance(parts.model, exp.Null):
            return self.bounds.default if self.bounds else None
        return text_of(parts.model)

    def _parts(self, arguments: Sequence[exp.Expr]) -> Parts:
        width = 1 if len(arguments) < len(COLUMNS) else max(len(COLUMNS), len(self.columns))
        row, rest = list(arguments[:width]), list(arguments[width:])
        extra = rest[: max(0, len(rest) - self.arguments - 1)]
        own = rest[len(extra) :][: self.arguments]
        return Parts(row, extra, own, rest[-1] if len(rest) > self.arguments else exp.Null())


def _row(parts: Parts, known: Known, write: Write) -> Row:
    """Write a row as SQL, with what is known of its bands."""
    if len(parts.row) > 1:
        places = [(node.text("table"), node.name.lower()) for node in parts.row]
    else:
        places = [(parts.row[0].name, band) for band in COLUMNS]
    missing = {band for band, node in zip(COLUMNS, parts.row, strict=False) if isinstance(node, exp.Null)}
    return Row.of(
        [write(node) for node in (*parts.row, *parts.extra)],
        write(parts.model),
        null=frozenset(missing | {band for band, place in zip(COLUMNS, places, strict=True) if place in known.null}),
        there=frozenset(band for band, place in zip(COLUMNS, places, strict=True) if place in known.there),
        in_region=known.region,
    )


def _is_of(column: exp.Expr, row: exp.Expr) -> bool:
    """Whether an argument is a column of the table whose row another argument is."""
    return isinstance(column, exp.Column) and notes(column).source is notes(row).row


_IN_DATABASE = ModelFunction(())
"""A macro or function that queries do not name, and the database has."""


def database_call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """Call a macro or function of the database with copies of the arguments."""
    return call(name, [argument.copy() for argument in arguments], model=_IN_DATABASE)


def whole_answer(parts: Parts) -> exp.Expr:
    """Call the function that gives all that a model says of a row."""
    return database_call("sed_answer", *parts.row, *parts.extra, parts.model)
