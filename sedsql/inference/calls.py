"""Tell the translator what the functions take, and what several of them have in common."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sqlglot import exp

from sedsql.adql.geometry.numbers import constant
from sedsql.adql.tree.model_function import Comparison, Completion, Known, Mistake, ModelFunction, Shared
from sedsql.adql.tree.nodes import RawSQL, call, text_of
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.signature import Write
from sedsql.adql.tree.value_types import ValueType
from sedsql.catalogue.classified import LABEL
from sedsql.inference.argument_checks import is_other, nodes, wrong_label, wrong_level, wrong_share
from sedsql.inference.card import EXTRA, PARALLAX
from sedsql.inference.macros import ERROR_COLUMNS, GIVEN
from sedsql.inference.model import DEFAULT_MODEL, SKY_MODEL, Model
from sedsql.inference.necessary_conditions import Bounds, Row
from sedsql.photometry import classes
from sedsql.photometry.bands import COLUMNS
from sedsql.photometry.classes import HALF
from sedsql.photometry.sed import STAGES

UNITS = dict(zip(EXTRA, ("mas", "mas", "deg", "deg"), strict=True))
"""Of what models take besides the bands (VOUnit)."""

_POSITION = {*EXTRA} - {*PARALLAX}


@dataclass(frozen=True)
class Answering:
    """Which model answers where none is named, and what each takes after the bands.

    Attributes
    ----------
    extra : by model
    default : answers for a row without position, and for magnitudes
    sky : answers for a row with one
    models : by name, for checks of what queries say of them; none are made where it is empty
    """

    extra: Mapping[str, tuple[str, ...]]
    default: str = DEFAULT_MODEL
    sky: str = DEFAULT_MODEL
    models: Mapping[str, Model] = field(default_factory=dict)

    @classmethod
    def of(cls, models: Mapping[str, Model], default: str | None = None) -> "Answering":
        """Choose SKY_MODEL for rows with a position, if it is there and the user chose no `default`."""
        sky = SKY_MODEL if default is None and SKY_MODEL in models else default or DEFAULT_MODEL
        return cls({name: model.extra for name, model in models.items()}, default or DEFAULT_MODEL, sky, models)

    def of_row(self, there: set[str]) -> str:
        """Choose the model for a row that has these of EXTRA."""
        return self.sky if there >= _POSITION else self.default


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

    def shared(self, arguments: Sequence[exp.Expr]) -> Shared | None:
        """Share one inference, the same for all functions of a row and a model."""
        from_answer = self.from_answer
        if from_answer is None:
            return None
        parts = self._parts(arguments)
        return Shared(_answer(parts), lambda answer: from_answer(answer, parts.own, parts.model))

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
        there = _there(row)
        named = len(given) > self.arguments
        model = given[-1] if named else self.answering.of_row(there)
        # Another name than a constant one may be any model's, and a model does not mind what it does not take.
        taken = EXTRA if model is None else self.answering.extra.get(model, ())
        if not there >= _POSITION:
            taken = taken[: len(PARALLAX)]
        if "parallax" not in there:
            there -= set(PARALLAX)
            taken = taken if taken == EXTRA else ()
        if not taken and (named or model == self.answering.default):
            return None
        return Completion(tuple(name if name in there else None for name in taken), None if named else model)

    def constant(self, row: Mapping[str, str | None]) -> str | None:
        return self.answering.of_row(_there(row)) if self.names_model and self.answering else None

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


def _there(row: Mapping[str, str | None]) -> set[str]:
    """Find which of EXTRA a row has, in the units that models take."""
    return {name for name, unit in UNITS.items() if name in row and row[name] in (None, unit)}


_IN_DATABASE = ModelFunction(())
"""A macro or function that queries do not name, and the database has."""


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return call(name, [argument.copy() for argument in arguments], model=_IN_DATABASE)


def _field(struct: exp.Expr, *names: str) -> exp.Expr:
    for name in names:
        struct = exp.Dot(this=struct, expression=exp.Identifier(this=name))
    return struct


def _answer(parts: Parts) -> exp.Expr:
    """Call the function that gives all that a model says of a row."""
    return _call("sed_answer", *parts.row, *parts.extra, parts.model)


def _asked(from_answer: FromAnswer | None, arguments: int = 0, columns=COLUMNS, **rest) -> RowFunction:
    """Make a function of a row, perhaps what comes with it, the function's own arguments, and perhaps a model."""
    last = (0, *(len(given) + 1 for given in GIVEN.values()))
    arity = tuple(width + arguments + more for width in (1, len(columns)) for more in last)
    return RowFunction(arity, columns, from_answer=from_answer, arguments=arguments, **rest)


def _of_probabilities(name: str) -> FromAnswer:
    """Apply the function `name` to the probabilities of an answer."""
    return lambda answer, own, model: _call(name, _field(answer, "probabilities"), own[0], model)


def _probability(answer: exp.Expr, own: list[exp.Expr], model: exp.Expr) -> exp.Expr:
    place = _call("sed_place", own[0], model)
    return exp.Bracket(this=_field(answer, "probabilities"), expressions=[place], offset=1)


def _of_prediction(name: str) -> FromAnswer:
    """Take a field of the prediction."""
    return lambda answer, own, model: _field(answer, "prediction", name)


FUNCTIONS: dict[str, RowFunction] = {
    "sed_class": _asked(
        _of_prediction("class"), answer=LABEL, gives=lambda model: model.classes, value_type=ValueType.STRING
    ),
    "sed_proba": _asked(_probability, 1, check=wrong_label, value_type=ValueType.REAL),
    "sed_probability": _asked(_of_prediction("probability"), value_type=ValueType.REAL),
    "sed_outlier": _asked(_of_prediction("outlier"), answer="outlier", value_type=ValueType.REAL),
    "sed_predict": _asked(lambda answer, own, model: _field(answer, "prediction"), value_type=ValueType.SEVERAL),
    "sed_node": _asked(
        _of_probabilities("sed_node_of"),
        1,
        gives_node=True,
        answer="class",
        gives=nodes,
        check=wrong_share,
        value_type=ValueType.STRING,
    ),
    "sed_set": _asked(_of_probabilities("sed_set_of"), 1, check=wrong_level, value_type=ValueType.SEVERAL),
    "sed_explain": _asked(None, value_type=ValueType.SEVERAL),
    "sed_predict_errors": _asked(None, columns=(*COLUMNS, *ERROR_COLUMNS), value_type=ValueType.SEVERAL),
    "sed_points": RowFunction((1, 10), value_type=ValueType.SEVERAL),
    "sed_alpha": RowFunction((1, 10), COLUMNS[5:], value_type=ValueType.REAL),
    "sed_stage": RowFunction(
        (1, 10), COLUMNS[5:], labels=tuple(name for _, name in STAGES), value_type=ValueType.STRING
    ),
}
"""The functions that `register` makes callable."""

_HALF = RawSQL(this=str(HALF))


def _column(from_answer: FromAnswer, **rest) -> RowFunction:
    """Make the function that gives a column of `sed.classified`."""
    alone = rest.pop("alone", lambda parts: from_answer(_answer(parts), parts.own, parts.model))
    return _asked(from_answer, alone=alone, **rest)


def _of_branch(name: str) -> FromAnswer:
    """Take a field of the node that the class is."""

    def field_of(answer: exp.Expr, own: list[exp.Expr], model: exp.Expr) -> exp.Expr:
        return _field(_call("sed_branch_of", _field(answer, "probabilities"), _HALF, model), name)

    return field_of


CLASSIFIED = {
    "_class": _column(
        _of_branch("node"),
        alone=lambda parts: _call("sed_node", *parts.row, *parts.extra, _HALF, parts.model),
        gives_node=True,
        answer="class",
        gives=nodes,
        value_type=ValueType.STRING,
    ),
    "_class_probability": _column(_of_branch("probability"), answer="class_probability", value_type=ValueType.REAL),
    "_class_path": _column(
        _of_branch("path"),
        answer="class_path",
        gives=lambda model: [classes.written_path(node, model.card.parents) for node in nodes(model)],
        value_type=ValueType.STRING,
    ),
    "_outlier": _column(_of_prediction("outlier"), answer="outlier", value_type=ValueType.REAL),
    "_class_model": _asked(None, names_model=True, value_type=ValueType.STRING),
}
"""Those that give the columns of `sed.classified`, and cannot be called by these names."""

_BOUNDED = ("sed_class", "sed_proba", "sed_node", "_class")


def functions(bounds: Bounds, answering: Answering | None = None) -> dict[str, RowFunction]:
    """Give all functions the bounds of a connection's models, and the model that answers."""
    answering = answering or Answering.of(bounds.models, bounds.default)
    found = {**FUNCTIONS, **CLASSIFIED}
    found |= {name: replace(found[name], bounds=bounds) for name in _BOUNDED}
    of_models = (name for name in found if name not in ("sed_points", "sed_alpha", "sed_stage"))
    return found | {name: replace(found[name], answering=answering) for name in of_models}
