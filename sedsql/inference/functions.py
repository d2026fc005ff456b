"""sed_class, sed_proba and sed_predict, registered in a DuckDB connection as Arrow functions.

DuckDB hands a function up to 2,048 rows at a time, as Arrow columns. The functions here are called
through the macros of `sql/model_macros.sql`, which pass the ten magnitudes and the model's name.
"""

import contextlib
import hashlib
import inspect
import re
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..bands import COLUMNS
from ..resources import folder
from .model import DEFAULT_MODEL, Model, ModelError, find_models
from .session import Prediction, Session

MAGNITUDES = ["FLOAT"] * len(COLUMNS)
PREDICTION = "STRUCT(class VARCHAR, probability DOUBLE, entropy DOUBLE, outlier DOUBLE, n_bands INTEGER, model VARCHAR)"
ANSWER = f"STRUCT(prediction {PREDICTION}, probabilities DOUBLE[])"
"""All that a model says of a source: what several functions can be had from, for one inference."""


def register(
    con: duckdb.DuckDBPyConnection, models: Iterable[str | Path] | None = None, default: str | None = None
) -> None:
    """Make the `sed_*` functions callable in a DuckDB connection.

    Parameters
    ----------
    con : any connection, read-only ones too: nothing is written to its database
    models : folders of models to add to the shipped ones
    default : name of the model that answers when a query names none; 'shape-1' unless told

    Notes
    -----
    The functions are called through temporary macros, so a cursor made with `con.cursor()` needs a
    `register` of its own.
    """
    install(con, models, default, temporary=True)


def install(
    con: duckdb.DuckDBPyConnection,
    models: Iterable[str | Path] | None = None,
    default: str | None = None,
    *,
    temporary: bool,
) -> None:
    """`register`, with macros for this connection alone or in its current database."""
    sessions = _sessions(models, default or DEFAULT_MODEL)
    for name, (function, parameters, returns) in sessions.functions.items():
        # A function of this name, from a sibling of this cursor, answers with the same models.
        with contextlib.suppress(duckdb.CatalogException, duckdb.NotImplementedException):
            con.create_function(  # type: ignore[call-overload]  # its stubs know no Arrow functions
                f"_{name}_{sessions.key}",
                function,
                parameters,
                returns,
                type="arrow",
                null_handling="special",
            )
    for file in ("macros.sql", "model_macros.sql"):
        macros = (folder("sql") / file).read_text(encoding="utf-8")
        macros = re.sub(rf"\b_({'|'.join(sessions.functions)})\(", rf"_\1_{sessions.key}(", macros)
        con.execute(macros if temporary else macros.replace(" TEMP MACRO ", " MACRO "))


_known: dict[str, "_Sessions"] = {}
"""By key, for the life of the process: DuckDB calls a function for as long as the database is open, but keeps it
alive only as long as the cursor on which it was registered."""


def _sessions(folders: Iterable[str | Path] | None, default: str) -> "_Sessions":
    models = find_models(folders)
    if default not in models:
        raise ModelError(f"No model {default!r}; there are {', '.join(models)}.")
    words = [default, *(f"{model.folder.absolute()} {model.sha256}" for model in models.values())]
    key = hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]
    if key not in _known:
        # A broken default is told here rather than in the middle of a query.
        _known[key] = _Sessions(models, default, key)
    return _known[key]


class _Sessions:
    """Models that can be called together, each loaded when it is first used.

    key : tells apart sets of models; functions of the same key give the same answers
    functions : name to function, types of its parameters, type of its result
    """

    def __init__(self, models: dict[str, Model], default: str, key: str):
        self.key = key
        self._models = models
        self._default = default
        self._lock = threading.Lock()
        self._loaded = {default: Session(models[default])}
        self.functions = {
            name: (_with_signature(function, len(parameters)), parameters, returns)
            for name, function, parameters, returns in (
                ("sed_class", self.sed_class, [*MAGNITUDES, "VARCHAR"], "VARCHAR"),
                ("sed_proba", self.sed_proba, [*MAGNITUDES, "VARCHAR", "VARCHAR"], "DOUBLE"),
                ("sed_predict", self.sed_predict, [*MAGNITUDES, "VARCHAR"], PREDICTION),
                ("sed_answer", self.sed_answer, [*MAGNITUDES, "VARCHAR"], ANSWER),
                ("sed_place", self.sed_place, ["VARCHAR", "VARCHAR"], "INTEGER"),
            )
        }

    def _get(self, name: str) -> Session:
        if name not in self._models:
            raise ModelError(f"No model {name!r}; there are {', '.join(self._models)}.")
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = Session(self._models[name])
        return self._loaded[name]

    def sed_class(self, *columns):
        *bands, names = columns
        return _by_value(self._class, _matrix(bands), names, self._default)

    def _class(self, magnitudes, name):
        session = self._get(name)
        return labels(session.model, session.predict(magnitudes))

    def sed_proba(self, *columns):
        *bands, wanted, names = columns
        return _by_value(self._proba, _matrix(bands), names, self._default, wanted)

    def _proba(self, magnitudes, name, wanted):
        session = self._get(name)

        def of_label(probabilities, label):
            if label is None:
                return pa.nulls(len(probabilities), pa.float64())
            column = probabilities[:, _place(session.model, label)].astype(np.float64)
            return pa.array(column, mask=np.isnan(column))

        return _by_value(of_label, session.predict(magnitudes).probabilities, wanted, None)

    def sed_predict(self, *columns):
        *bands, names = columns
        return _by_value(self._predict, _matrix(bands), names, self._default)

    def _predict(self, magnitudes, name):
        session = self._get(name)
        return _prediction(session.model, session.predict(magnitudes))

    def sed_answer(self, *columns):
        *bands, names = columns
        return _by_value(self._answer, _matrix(bands), names, self._default)

    def _answer(self, magnitudes, name):
        session = self._get(name)
        prediction = session.predict(magnitudes)
        rows, classes = prediction.probabilities.shape
        probabilities = pa.ListArray.from_arrays(
            pa.array(np.arange(rows + 1, dtype=np.int32) * classes),
            pa.array(prediction.probabilities.ravel().astype(np.float64), from_pandas=True),
        )
        return pa.StructArray.from_arrays(
            [_prediction(session.model, prediction), probabilities], names=["prediction", "probabilities"]
        )

    def sed_place(self, wanted, names):
        """Place of a label in a model's probabilities, from 1 as SQL counts."""
        return _by_value(self._places, np.empty(len(names)), names, self._default, wanted)

    def _places(self, rows, name, wanted):
        model = self._get(name).model

        def of_label(rows, label):
            if label is None:
                return pa.nulls(len(rows), pa.int32())
            return pa.repeat(pa.scalar(_place(model, label) + 1, pa.int32()), len(rows))

        return _by_value(of_label, rows, wanted, None)


def _place(model: Model, label: str) -> int:
    if label not in model.classes:
        raise ModelError(f"Model {model.name} has no class {label!r}; it has {', '.join(model.classes)}.")
    return model.classes.index(label)


def _prediction(model: Model, prediction: Prediction) -> pa.StructArray:
    p = prediction.probabilities.astype(np.float64)
    missing = prediction.class_index < 0
    entropy = -(p * np.log2(np.where(p > 0, p, 1))).sum(axis=1)
    return pa.StructArray.from_arrays(
        [
            labels(model, prediction),
            pa.array(p.max(axis=1), mask=missing),
            pa.array(entropy, mask=missing),
            pa.nulls(len(p), pa.float64()),
            pa.array(prediction.n_bands),
            pa.repeat(model.name, len(p)),
        ],
        names=["class", "probability", "entropy", "outlier", "n_bands", "model"],
    )


def labels(model: Model, prediction: Prediction) -> pa.Array:
    """The classes of a prediction as strings; null where there are too few bands."""
    places = prediction.class_index.astype(np.int32)
    return pa.array(model.classes, pa.string()).take(pa.array(places, mask=places < 0))


def _matrix(columns) -> NDArray[np.float32]:
    """Ten Arrow columns as a float32 matrix of shape (n, 10); NULL and infinities become NaN."""
    matrix = np.empty((len(columns[0]), len(columns)), np.float32)
    for i, column in enumerate(columns):
        matrix[:, i] = column.to_numpy()
    matrix[np.isinf(matrix)] = np.nan
    return matrix


def _by_value(compute: Callable, rows: NDArray, values, default: str | None, *others):
    """`compute(rows, value, *others)` for the rows of each distinct value (NULL: default), in the rows' order.

    A model's name or a label is nearly always one constant: then all rows go in one call.
    """
    encoded = _flat(values).dictionary_encode(null_encoding="encode")
    distinct = [default if value is None else value for value in encoded.dictionary.to_pylist()]
    if len(distinct) == 1:
        return compute(rows, distinct[0], *others)
    codes = encoded.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(distinct) + 1))
    parts = []
    for value, start, end in zip(distinct, bounds, bounds[1:], strict=False):
        places = order[start:end]
        parts.append(_flat(compute(rows[places], value, *(other.take(pa.array(places)) for other in others))))
    return pa.concat_arrays(parts).take(pa.array(np.argsort(order)))


def _flat(array):
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _with_signature(function: Callable, width: int) -> Callable:
    """DuckDB refuses `*args` and wants each parameter by name."""

    def call(*columns):
        return function(*columns)

    kind = inspect.Parameter.POSITIONAL_ONLY
    call.__signature__ = inspect.Signature([inspect.Parameter(f"c{i}", kind) for i in range(width)])  # type: ignore[attr-defined]
    return call
