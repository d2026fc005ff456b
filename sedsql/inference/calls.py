"""What a translator has to know of the functions: what they take, and what several have in common."""

from collections.abc import Callable
from dataclasses import dataclass

from ..bands import COLUMNS


@dataclass(frozen=True)
class RowFunction:
    """A function of a row.

    Attributes
    ----------
    arity : the numbers of arguments that it takes
    columns : what the row must have, when the first argument is the alias of a table
    row : whether it may be
    part : from the SQL of a model's whole answer, and of the arguments after the row, to the SQL of this function
    """

    arity: tuple[int, ...]
    columns: tuple[str, ...] = COLUMNS
    row: bool = True
    part: Callable[[str, list[str]], str] | None = None

    def share(self, arguments: list[str]) -> tuple[str, Callable[[str], str]] | None:
        """SQL of what one inference gives, the same for all functions of a row and a model, and how to use it."""
        part = self.part
        if part is None:
            return None
        width = 1 if len(arguments) < len(COLUMNS) else len(COLUMNS)
        row, rest = arguments[:width], arguments[width:]
        # Of each two numbers of arguments the larger one is that with a model.
        model = rest[-1] if len(arguments) in self.arity[1::2] else "NULL"
        return f"sed_answer({', '.join(row)}, {model})", lambda answer: part(answer, [*rest, "NULL"])


FUNCTIONS = {
    "sed_class": RowFunction((1, 2, 10, 11), part=lambda answer, _: f"{answer}.prediction.class"),
    "sed_proba": RowFunction(
        (2, 3, 11, 12),
        part=lambda answer, rest: f"{answer}.probabilities[sed_place({rest[0]}, {rest[1]})]",
    ),
    "sed_predict": RowFunction((1, 2, 10, 11), part=lambda answer, _: f"{answer}.prediction"),
    "sed_points": RowFunction((1, 10)),
    "sed_alpha": RowFunction((1, 10), COLUMNS[5:]),
    "sed_stage": RowFunction((1, 10), COLUMNS[5:]),
}
"""The functions that `register` makes callable."""
