"""Compute the functions of models on Spark's workers, from Arrow columns to an Arrow column."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from sedsql.errors import Error
from sedsql.inference import answers
from sedsql.inference.batch_columns import ColumnError
from sedsql.inference.batch_functions import FUNCTIONS, WITH_ERRORS, CallError
from sedsql.inference.by_value import by_value
from sedsql.inference.classify_batch import classify_batch, session_of
from sedsql.inference.macros import ERROR_COLUMNS, GIVEN
from sedsql.inference.model import Model, ModelError
from sedsql.inference.usage import usage
from sedsql.photometry.bands import COLUMNS

Known = Mapping[str, tuple[str, str | None]]
"""Models by name, as the driver knows them: the card's digest, and where the folder of a model that was sent is."""

_LABEL, _NUMBER = pa.string(), pa.float64()
_PREDICTION = pa.struct(
    {
        "class": _LABEL,
        "probability": _NUMBER,
        "entropy": _NUMBER,
        "outlier": _NUMBER,
        "n_bands": pa.int32(),
        "model": _LABEL,
        "path": pa.list_(_LABEL),
    }
)
_BRANCH = pa.struct({"node": _LABEL, "probability": _NUMBER, "path": _LABEL})

TYPES: dict[str, pa.DataType] = {
    "sed_class": _LABEL,
    "sed_proba": _NUMBER,
    "sed_probability": _NUMBER,
    "sed_outlier": _NUMBER,
    "sed_predict": _PREDICTION,
    "sed_answer": pa.struct({"prediction": _PREDICTION, "probabilities": pa.list_(_NUMBER)}),
    "sed_node": _LABEL,
    "sed_branch": _BRANCH,
    "sed_set": pa.list_(_LABEL),
    "sed_predict_errors": _PREDICTION,
    "sed_explain": pa.list_(pa.struct({"band": _LABEL, "contribution": _NUMBER})),
    "sed_node_of": _LABEL,
    "sed_branch_of": _BRANCH,
    "sed_set_of": pa.list_(_LABEL),
}
"""The functions, with the types of their results, which are those of `inference/answers.py`."""

_OF_PROBABILITIES: dict[str, Callable[[Model, Any, float], pa.Array]] = {
    "sed_node_of": answers.deepest_nodes,
    "sed_branch_of": answers.branches,
    "sed_set_of": answers.sets,
}
"""The functions of the probabilities in an answer, rather than of a row."""


class WorkerError(Error):
    """A worker that has not what the driver has."""


class Form(NamedTuple):
    """What a function takes: columns of the row, or one with all; how many more; and whether a model stands last."""

    row: int
    more: tuple[str, ...]
    model: bool


@cache
def forms(name: str) -> dict[int, Form]:
    """Give the forms of a function by their numbers of arguments, as the macros of DuckDB have them."""
    own = int(name in FUNCTIONS and FUNCTIONS[name].argument is not None)
    width = len(COLUMNS) + (len(ERROR_COLUMNS) if name == WITH_ERRORS else 0)
    found = {}
    for row in (1, width):
        found[row + own] = Form(row, (), False)
        for more in GIVEN.values():
            found[row + len(more) + own + 1] = Form(row, more, True)
    return found


def compute(name: str, default: str, known: Known, *columns: pa.Array) -> pa.Array:
    """Compute a function for the rows of a batch.

    default : the model where none is named
    columns : the arguments, of the types that Spark gave them

    Raises CallError for another number of arguments, and ColumnError for what is no number.
    """
    if name in _OF_PROBABILITIES:
        probabilities, *constants = columns

        def of_rows(rows: Sequence[pa.Array], argument: Any, model: Model) -> pa.Array:
            values = rows[0].flatten().to_numpy(zero_copy_only=False).astype(np.float32)
            return _OF_PROBABILITIES[name](model, values.reshape(len(rows[0]), len(model.classes)), argument)

        return _by_constants(of_rows, name, default, known, [probabilities], constants)
    form = forms(name).get(len(columns))
    if form is None:
        raise CallError(usage(name, len(columns), "struct(s.*)") + ".")
    taken = (*COLUMNS, *ERROR_COLUMNS) if name == WITH_ERRORS else COLUMNS
    row = columns[: form.row] if form.row > 1 else _fields(name, columns[0], taken)
    after = form.row + len(form.more)
    names = [*taken, *form.more]

    def of_columns(rows: Sequence[pa.Array], argument: Any, model: Model) -> pa.Array:
        call = name if argument is None else f"{name}({argument!r})"
        batch = pa.RecordBatch.from_arrays(list(rows), names=names)
        return classify_batch(batch, call, model.name, models=_folders(known, model.name)).column(0)

    return _by_constants(of_columns, name, default, known, [*row, *columns[form.row : after]], columns[after:])


def _fields(name: str, row: pa.Array, wanted: Sequence[str]) -> list[pa.Array]:
    """Take columns out of a row, by their names in whatever case."""
    if not pa.types.is_struct(row.type):
        raise ColumnError(f"{name} takes a row as a struct, such as struct(s.*), not {row.type}.")
    there = {field.name.lower(): place for place, field in enumerate(row.type)}
    lacking = [column for column in wanted if column not in there]
    if lacking:
        raise ColumnError(f"The row that {name} is given has no {', '.join(lacking)}; it has {', '.join(there)}.")
    fields = row.flatten()
    return [fields[there[column]] for column in wanted]


def _by_constants(
    compute: Callable[[Sequence[pa.Array], Any, Model], pa.Array],
    name: str,
    default: str,
    known: Known,
    rows: Sequence[pa.Array],
    constants: Sequence[pa.Array],
) -> pa.Array:
    """Compute for the rows of each argument and model."""
    own = name in _OF_PROBABILITIES or (name in FUNCTIONS and FUNCTIONS[name].argument is not None)
    if constants and not len(rows[0]):
        return pa.nulls(0, TYPES[name])

    def of_argument(_: Any, value: Any, *columns: pa.Array) -> pa.Array:
        argument = _argument(name, value) if own else None
        if own and argument is None:
            return pa.nulls(len(columns[0]), TYPES[name])

        def of_model(_: Any, asked: Any, *columns: pa.Array) -> pa.Array:
            return compute(columns, argument, _model(str(asked), known)).cast(TYPES[name])

        columns, named = columns[: len(rows)], columns[len(rows) :]
        if not named:
            return of_model(None, default, *columns)
        return by_value(of_model, np.empty(len(columns[0])), named[0], default, *columns)

    columns = [*rows, *constants[own:]]
    return (
        by_value(of_argument, np.empty(len(rows[0])), constants[0], None, *columns)
        if own
        else of_argument(None, None, *columns)
    )


def _argument(name: str, value: Any) -> str | float | None:
    """Read a function's own argument: a class, or a probability."""
    if value is None or name == "sed_proba":
        return None if value is None else str(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise CallError(f"{name} takes a probability as a number, not {value!r}.") from None


def _model(name: str, known: Known) -> Model:
    """Give a model that is the driver's."""
    if name not in known:
        raise ModelError(f"No model {name!r}; there are {', '.join(known)}.")
    digest, sent = known[name]
    if sent and not Path(_folders(known, name)[0]).is_dir():
        raise WorkerError(
            f"Model {name} did not reach the worker {platform.node()}, which has no {_folders(known, name)[0]}; call "
            "sedsql.spark.register again, with the model's folder, in the session that asks."
        )
    model = session_of(name, _folders(known, name)).model
    if model.digest != digest:
        raise WorkerError(
            f"Model {name} on the worker {platform.node()} is not the driver's, for {model.folder} has another card; "
            "install the same sedsql on both."
        )
    return model


def _folders(known: Known, name: str) -> tuple[str, ...]:
    """Say where a model that was sent lies on this worker; the shipped ones need no word."""
    sent = known[name][1]
    if sent is None:
        return ()
    from pyspark import SparkFiles

    return (SparkFiles.get(sent),)
