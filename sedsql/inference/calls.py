"""What a translator has to know of the functions: what they take, and what several have in common."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..bands import COLUMNS
from .bounds import NOTHING, Bounds, Known
from .macros import ERROR_COLUMNS
from .model import EXTRA


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
    bounds : what the models cannot say of a row, if it is known
    """

    arity: tuple[int, ...]
    columns: tuple[str, ...] = COLUMNS
    row: bool = True
    part: Callable[[str, list[str], str], str] | None = None
    arguments: int = 0
    bounds: Bounds | None = None

    def share(self, arguments: list[str]) -> tuple[str, Callable[[str], str]] | None:
        """SQL of what one inference gives, the same for all functions of a row and a model, and how to use it."""
        part = self.part
        if part is None:
            return None
        row, parallax, own, model = self._parts(arguments)
        return f"sed_answer({', '.join([*row, *parallax, model])})", lambda answer: part(answer, own, model)

    def quick(self, arguments: list[str]) -> bool:
        """Whether it costs much less than all that a model says, in the engine that runs the model."""
        return self.bounds is not None and self.bounds.engine(self._parts(arguments)[-1]) == "native"

    def bound(self, operator: str, value: str | float, arguments: list[str], known: Known = NOTHING) -> str | None:
        """SQL that is true for every row for which a comparison of the function with a value is; or None.

        It may take as given what is `known`.
        """
        if self.bounds is None:
            return None
        row, parallax, own, model = self._parts(arguments)
        return self.bounds.condition(operator, value, row, parallax, own[0] if own else None, model, known)

    def _parts(self, arguments: list[str]) -> tuple[list[str], list[str], list[str], str]:
        """The row, the parallax and its error if they are given, the function's own arguments, and the model."""
        width = 1 if len(arguments) < len(COLUMNS) else len(COLUMNS)
        row, rest = arguments[:width], arguments[width:]
        parallax = rest[: len(EXTRA)] if len(rest) > self.arguments + 1 else []
        own = rest[len(parallax) :][: self.arguments]
        return row, parallax, own, rest[-1] if len(rest) > self.arguments else "NULL"


def _asked(part: Callable[[str, list[str], str], str] | None, arguments: int = 0, columns=COLUMNS) -> RowFunction:
    """A function of a row or its columns, its own arguments, and then nothing, a model, or a parallax and a model."""
    last = (0, 1, len(EXTRA) + 1)
    arity = tuple(width + arguments + more for width in (1, len(columns)) for more in last)
    return RowFunction(arity, columns, part=part, arguments=arguments)


FUNCTIONS = {
    "sed_class": _asked(lambda answer, own, model: f"{answer}.prediction.class"),
    "sed_proba": _asked(lambda answer, own, model: f"{answer}.probabilities[sed_place({own[0]}, {model})]", 1),
    "sed_predict": _asked(lambda answer, own, model: f"{answer}.prediction"),
    "sed_node": _asked(lambda answer, own, model: f"sed_node_of({answer}.probabilities, {own[0]}, {model})", 1),
    "sed_set": _asked(lambda answer, own, model: f"sed_set_of({answer}.probabilities, {own[0]}, {model})", 1),
    "sed_explain": _asked(None),
    "sed_predict_errors": _asked(None, columns=(*COLUMNS, *ERROR_COLUMNS)),
    "sed_points": RowFunction((1, 10)),
    "sed_alpha": RowFunction((1, 10), COLUMNS[5:]),
    "sed_stage": RowFunction((1, 10), COLUMNS[5:]),
}
"""The functions that `register` makes callable."""


def functions(bounds: Bounds) -> dict[str, RowFunction]:
    """The same, where it is known what a connection's models cannot say."""
    return FUNCTIONS | {name: replace(FUNCTIONS[name], bounds=bounds) for name in ("sed_class", "sed_proba")}
