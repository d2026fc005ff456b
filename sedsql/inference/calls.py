"""What a translator has to know of the functions: what they take, and what several have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..bands import COLUMNS
from ..sqltext import literal
from .bounds import NOTHING, Bounds, Known
from .card import EXTRA, PARALLAX
from .macros import ERROR_COLUMNS, GIVEN
from .model import DEFAULT_MODEL, SKY_MODEL, Model

UNITS = dict(zip(EXTRA, ("mas", "mas", "deg", "deg"), strict=True))
"""Of what models take besides the bands (VOUnit)."""

_POSITION = {*EXTRA} - {*PARALLAX}

HALF = 0.5
"""The least probability of the node that `sed.classified` calls the class."""


@dataclass(frozen=True)
class Answering:
    """Which model answers where none is named, and what each takes after the bands.

    Attributes
    ----------
    extra : by model
    default : answers for a row without position, and for magnitudes
    sky : answers for a row with one
    """

    extra: Mapping[str, tuple[str, ...]]
    default: str = DEFAULT_MODEL
    sky: str = DEFAULT_MODEL

    @classmethod
    def of(cls, models: Mapping[str, Model], default: str | None = None) -> "Answering":
        """With SKY_MODEL for rows with a position, if it is there and the user chose no `default`."""
        sky = SKY_MODEL if default is None and SKY_MODEL in models else default or DEFAULT_MODEL
        return cls({name: model.extra for name, model in models.items()}, default or DEFAULT_MODEL, sky)

    def of_row(self, there: set[str]) -> str:
        """The model for a row that has these of EXTRA."""
        return self.sky if there >= _POSITION else self.default


@dataclass(frozen=True)
class RowFunction:
    """A function of a row.

    Attributes
    ----------
    arity : the numbers of arguments that it takes
    columns : what the row must have, when the first argument is the alias of a table
    row : whether it may be
    part : from the SQL of a model's whole answer, of the arguments between row and model, and of the model's name,
        to the SQL of this function
    arguments : how many stand between row and model
    alone : from the SQL of row and what comes with it, and of the model's name, to the SQL of what cannot be called by
        its name
    gives_node : whether it gives a node of the tree of classes that has a probability: its argument, or HALF
    names_model : whether it gives the model's name and nothing else
    bounds : what the models cannot say of a row, if it is known
    answering : which model answers, if that depends on the row
    """

    arity: tuple[int, ...]
    columns: tuple[str, ...] = COLUMNS
    row: bool = True
    part: Callable[[str, list[str], str], str] | None = None
    arguments: int = 0
    alone: Callable[[list[str], str], str] | None = None
    gives_node: bool = False
    names_model: bool = False
    bounds: Bounds | None = None
    answering: Answering | None = field(default=None, repr=False)

    def share(self, arguments: list[str]) -> tuple[str, Callable[[str], str]] | None:
        """SQL of what one inference gives, the same for all functions of a row and a model, and how to use it."""
        part = self.part
        if part is None:
            return None
        row, extra, own, model = self._parts(arguments)
        return f"sed_answer({', '.join([*row, *extra, model])})", lambda answer: part(answer, own, model)

    def written(self, name: str, arguments: list[str]) -> str:
        """SQL of a call of the function, which has this name."""
        if self.alone is None:
            return f"{name}({', '.join(arguments)})"
        row, extra, _, model = self._parts(arguments)
        return self.alone([*row, *extra], model)

    def completed(
        self, given: Sequence[str | None], row: Mapping[str, str | None]
    ) -> tuple[tuple[str | None, ...], str | None] | None:
        """What a call with a row leaves out and the row has: columns that the model takes, and the model.

        Parameters
        ----------
        given : the arguments after the row: texts that are constants, None for all others
        row : the columns of numbers that the row has, with their units

        Returns
        -------
        Names of columns for what stands after the row, None for NULL; and the name of the model, None where the call
        has it. None for a call that stays as it is.
        """
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
        return tuple(name if name in there else None for name in taken), None if named else model

    def constant(self, row: Mapping[str, str | None]) -> str | None:
        """What a call without more than the row gives for all rows, if it is known; `row` is as in `completed`."""
        return self.answering.of_row(_there(row)) if self.names_model and self.answering else None

    def quick(self, arguments: list[str]) -> bool:
        """Whether it costs much less than all that a model says, in the engine that runs the model."""
        return self.bounds is not None and self.bounds.engine(self._parts(arguments)[-1]) == "native"

    def bound(self, operator: str, value: str | float, arguments: list[str], known: Known = NOTHING) -> str | None:
        """SQL that is true for every row for which a comparison of the function with a value is; or None.

        It may take as given what is `known`.
        """
        if self.bounds is None:
            return None
        row, extra, own, model = self._parts(arguments)
        if self.gives_node:
            # A class that is the node has its probability.
            least = _number(own[0]) if own else HALF
            if operator != "=" or not isinstance(value, str) or least is None:
                return None
            return self.bounds.condition(">=", least, row, extra, literal(value), model, known)
        return self.bounds.condition(operator, value, row, extra, own[0] if own else None, model, known)

    def _parts(self, arguments: list[str]) -> tuple[list[str], list[str], list[str], str]:
        """The row, what is given besides it, the function's own arguments, and the model."""
        width = 1 if len(arguments) < len(COLUMNS) else len(COLUMNS)
        row, rest = arguments[:width], arguments[width:]
        extra = rest[: max(0, len(rest) - self.arguments - 1)]
        own = rest[len(extra) :][: self.arguments]
        return row, extra, own, rest[-1] if len(rest) > self.arguments else "NULL"


def _there(row: Mapping[str, str | None]) -> set[str]:
    """What a row has of EXTRA, as models take it."""
    return {name for name, unit in UNITS.items() if name in row and row[name] in (None, unit)}


def _number(sql: str) -> float | None:
    try:
        return float(sql)
    except ValueError:
        return None


def _asked(part: Callable[[str, list[str], str], str] | None, arguments: int = 0, columns=COLUMNS, **rest):
    """A function of a row, perhaps what comes with it, the function's own arguments, and perhaps a model."""
    last = (0, *(len(given) + 1 for given in GIVEN.values()))
    arity = tuple(width + arguments + more for width in (1, len(columns)) for more in last)
    return RowFunction(arity, columns, part=part, arguments=arguments, **rest)


FUNCTIONS = {
    "sed_class": _asked(lambda answer, own, model: f"{answer}.prediction.class"),
    "sed_proba": _asked(lambda answer, own, model: f"{answer}.probabilities[sed_place({own[0]}, {model})]", 1),
    "sed_predict": _asked(lambda answer, own, model: f"{answer}.prediction"),
    "sed_node": _asked(
        lambda answer, own, model: f"sed_node_of({answer}.probabilities, {own[0]}, {model})", 1, gives_node=True
    ),
    "sed_set": _asked(lambda answer, own, model: f"sed_set_of({answer}.probabilities, {own[0]}, {model})", 1),
    "sed_explain": _asked(None),
    "sed_predict_errors": _asked(None, columns=(*COLUMNS, *ERROR_COLUMNS)),
    "sed_points": RowFunction((1, 10)),
    "sed_alpha": RowFunction((1, 10), COLUMNS[5:]),
    "sed_stage": RowFunction((1, 10), COLUMNS[5:]),
}
"""The functions that `register` makes callable."""


def _column(field: str, **rest) -> RowFunction:
    """A column of `sed.classified`, by the SQL of it in which {0} is the answer and {1} the model."""

    def part(answer: str, own: list[str], model: str) -> str:
        return field.format(answer, model)

    alone = rest.pop("alone", lambda row, model: part(f"sed_answer({', '.join([*row, model])})", [], model))
    return _asked(part, alone=alone, **rest)


CLASSIFIED = {
    "_class": _column(
        f"sed_branch_of({{0}}.probabilities, {HALF}, {{1}}).node",
        alone=lambda row, model: f"sed_node({', '.join([*row, str(HALF), model])})",
        gives_node=True,
    ),
    "_class_probability": _column(f"sed_branch_of({{0}}.probabilities, {HALF}, {{1}}).probability"),
    "_class_path": _column(f"sed_branch_of({{0}}.probabilities, {HALF}, {{1}}).path"),
    "_outlier": _column("{0}.prediction.outlier"),
    "_class_model": _asked(None, names_model=True),
}
"""Those that give the columns of `sed.classified`, and cannot be called by these names."""

_BOUNDED = ("sed_class", "sed_proba", "sed_node", "_class")


def functions(bounds: Bounds, answering: Answering | None = None) -> dict[str, RowFunction]:
    """All of them, where it is known what a connection's models cannot say, and which of them answers."""
    answering = answering or Answering.of(bounds.models, bounds.default)
    found = {**FUNCTIONS, **CLASSIFIED}
    found |= {name: replace(found[name], bounds=bounds) for name in _BOUNDED}
    of_models = (name for name in found if name not in ("sed_points", "sed_alpha", "sed_stage"))
    return found | {name: replace(found[name], answering=answering) for name in of_models}
