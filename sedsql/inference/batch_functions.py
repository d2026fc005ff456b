"""The functions of models, computed from what a model says of a batch: `sed_class`, `sed_proba('yso')` ..."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sedsql.errors import Error
from sedsql.inference import answers, explain
from sedsql.inference.kernel_session import INPUTS, KernelSession, matrix_of
from sedsql.inference.macros import ERROR_COLUMNS
from sedsql.inference.model import Model
from sedsql.inference.session import Prediction


class CallError(Error, ValueError):
    """A function that is not there, or whose argument is missing or of another type."""


@dataclass(frozen=True)
class Function:
    """A function of a row, as `docs/functions.md` describes it.

    Attributes
    ----------
    compute : from model, prediction and argument to an Arrow column
    argument : an example of the function's own argument; None of one without
    probabilities, outlier : whether it needs them
    of_node : whether its argument is the probability of a node, which the kernel finds
    """

    compute: Callable[[Model, Prediction, Any], pa.Array]
    argument: str | float | None = None
    probabilities: bool = True
    outlier: bool = False
    of_node: bool = False


def _of_label(model: Model, prediction: Prediction, label: str) -> pa.Array:
    return _known(prediction.probabilities[:, answers.place(model, label)])


def _probability(model: Model, prediction: Prediction, _: None) -> pa.Array:
    return _known(prediction.probabilities.max(axis=1))


def _outlier(model: Model, prediction: Prediction, _: None) -> pa.Array:
    rows = len(prediction.n_bands)
    return pa.nulls(rows, pa.float64()) if prediction.outlier is None else _known(prediction.outlier)


def _known(numbers: NDArray) -> pa.Array:
    """Give numbers as DOUBLE, null where they are NaN."""
    numbers = numbers.astype(np.float64)
    missing = np.isnan(numbers)
    return pa.array(numbers, mask=missing if missing.any() else None)


FUNCTIONS: dict[str, Function] = {
    "sed_class": Function(lambda model, p, _: answers.labels(model, p), probabilities=False),
    "sed_proba": Function(_of_label, "yso"),
    "sed_probability": Function(_probability),
    "sed_outlier": Function(_outlier, probabilities=False, outlier=True),
    "sed_predict": Function(lambda model, p, _: answers.struct(model, p), outlier=True),
    "sed_answer": Function(lambda model, p, _: answers.answer(model, p), outlier=True),
    "sed_node": Function(lambda model, p, least: answers.branches_of(model, p, least).field("node"), 0.5, of_node=True),
    "sed_branch": Function(answers.branches_of, 0.5, of_node=True),
    "sed_set": Function(lambda model, p, level: answers.sets(model, p.probabilities, level), 0.9),
}
WITH_ERRORS, EXPLAINED = "sed_predict_errors", "sed_explain"
_OF_SOURCE = [k for k, name in enumerate(INPUTS) if name not in ERROR_COLUMNS]
NAMES = (*FUNCTIONS, WITH_ERRORS, EXPLAINED)


@dataclass(frozen=True)
class Call:
    """A function and its argument."""

    name: str
    argument: Any = None


@lru_cache(maxsize=256)
def parsed(written: str) -> Call:
    """Read a call as it is written: `sed_class`, `sed_class()`, `sed_proba('yso')`, `sed_set(0.9)`.

    Raises CallError for any other.
    """
    try:
        tree = ast.parse(written.strip(), mode="eval").body
        name, given = (tree.func, tree.args) if isinstance(tree, ast.Call) else (tree, [])
        arguments = [ast.literal_eval(one) for one in given]
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise CallError(f"{written!r} is no call of a function such as sed_class or sed_proba('yso').") from None
    if not isinstance(name, ast.Name) or name.id.lower() not in NAMES:
        raise CallError(f"There is no function {written!r}; there are {', '.join(NAMES)}.")
    function = FUNCTIONS.get(name.id.lower())
    example = function.argument if function else None
    kinds = (int, float) if isinstance(example, float) else str
    fine = len(arguments) == (example is not None) and all(
        isinstance(one, kinds) and not isinstance(one, bool) for one in arguments
    )
    if not fine:
        form = f"{name.id.lower()}({example!r})" if example is not None else name.id.lower()
        raise CallError(f"{name.id.lower()} is written {form}, not {written}.")
    return Call(name.id.lower(), arguments[0] if arguments else None)


def computed(
    session: KernelSession, calls: Sequence[Call], columns: Sequence[pa.Array | None], rows: int
) -> list[pa.Array]:
    """Compute calls for the rows of INPUTS; the model is asked once for all that can be had from one answer."""
    model = session.model
    wanted = [FUNCTIONS[call.name] for call in calls if call.name in FUNCTIONS]
    # The kernel finds nodes of one probability; those of others come from the probabilities of the classes.
    leasts = {call.argument for call in calls if call.name in FUNCTIONS and FUNCTIONS[call.name].of_node}
    least = leasts.pop() if len(leasts) == 1 else None
    prediction: Prediction | None = None
    if wanted:
        prediction = session.ask(
            columns,
            rows,
            probabilities=any(one.probabilities and not (one.of_node and least is not None) for one in wanted),
            outlier=any(one.outlier for one in wanted),
            least=least,
        )
    found = []
    for call in calls:
        if prediction is not None and call.name in FUNCTIONS:
            found.append(FUNCTIONS[call.name].compute(model, prediction, call.argument))
        elif call.name == WITH_ERRORS:
            found.append(answers.struct(model, session.ask(columns, rows, with_errors=True)))
        else:
            found.append(explain.explanations(session, matrix_of([columns[k] for k in _OF_SOURCE], rows)))
    return found


def checked(model: Model, calls: Sequence[Call]) -> None:
    """Refuse an argument that the model does not take, whether or not there are rows."""
    nothing = Prediction(
        np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros((0, len(model.classes)), np.float32), np.zeros(0)
    )
    for call in calls:
        if call.name in FUNCTIONS:
            FUNCTIONS[call.name].compute(model, nothing, call.argument)
