"""Make the functions of models that ONNX Runtime runs callable in a DuckDB connection.

DuckDB hands a function up to 2,048 rows at a time, as Arrow columns. The functions here are called through the
macros of `macros.py`, which pass the magnitudes and the model's name.
"""

import contextlib
import inspect
import threading
from collections.abc import Callable

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sedsql.errors import InterfaceError
from sedsql.forked import in_child
from sedsql.inference import answers, explain
from sedsql.inference.by_value import by_value, flat
from sedsql.inference.macros import GIVEN
from sedsql.inference.model import Model, ModelError
from sedsql.inference.session import Session, finite
from sedsql.inference.uncertainties import predict_with_errors
from sedsql.photometry.bands import COLUMNS

_BANDS = len(COLUMNS)


class Functions:
    """Functions of models that can be called together, each loaded when it is first used.

    functions : name to function, types of its parameters, type of its result
    """

    def __init__(self, models: dict[str, Model], default: str):
        self._models = models
        self._default = default
        self._lock = threading.Lock()
        self._loaded: dict[str, Session] = {}
        self._forked = False
        in_child(self, Functions._leave)
        self.functions: dict[str, tuple[Callable, list[str], str]] = {}
        for name, compute, arguments, returns in (
            ("sed_class", self._class, [], "VARCHAR"),
            ("sed_proba", self._proba, ["VARCHAR"], "DOUBLE"),
            ("sed_predict", self._predict, [], answers.PREDICTION),
            ("sed_answer", self._answer, [], answers.ANSWER),
            ("sed_node", self._node, ["DOUBLE"], "VARCHAR"),
            ("sed_branch", self._branch, ["DOUBLE"], answers.BRANCH),
            ("sed_set", self._set, ["DOUBLE"], "VARCHAR[]"),
            ("sed_explain", self._explain, [], explain.EXPLANATION),
        ):
            for more, given in GIVEN.items():
                self._add(name + more, compute, _BANDS + len(given), arguments, returns)
        for more, given in GIVEN.items():
            self._add(
                "sed_predict_errors" + more, self._predict_errors, 2 * _BANDS + len(given), [], answers.PREDICTION
            )
        for name, compute, kind, returns in (
            ("sed_place", self._place, "VARCHAR", "INTEGER"),
            ("sed_node_of", self._node_of, "DOUBLE", "VARCHAR"),
            ("sed_branch_of", self._branch_of, "DOUBLE", answers.BRANCH),
            ("sed_set_of", self._set_of, "DOUBLE", "VARCHAR[]"),
        ):
            parameters = [kind, "VARCHAR"] if name == "sed_place" else ["DOUBLE[]", kind, "VARCHAR"]
            self.functions[name] = (_with_signature(compute, len(parameters)), parameters, returns)

    def _leave(self) -> None:
        """Refuse calls in a child process: its connection is the parent's, and may wait for the parent's threads."""
        self._forked = True

    def register(self, con: duckdb.DuckDBPyConnection, key: str) -> None:
        """Register them as `_NAME_KEY`; a function of that name, from a sibling of this cursor, is the same."""
        for name, (function, parameters, returns) in self.functions.items():
            with contextlib.suppress(duckdb.CatalogException, duckdb.NotImplementedException):
                con.create_function(  # type: ignore[call-overload]  # its stubs know no Arrow functions
                    f"_{name}_{key}", function, parameters, returns, type="arrow", null_handling="special"
                )

    def load(self, name: str) -> None:
        """Load a model, so that a broken one is told here rather than in the middle of a query."""
        self._get(name)

    def _add(self, name: str, compute: Callable, width: int, arguments: list[str], returns: str) -> None:
        def call(*columns):
            inputs, rest, names = columns[:width], columns[width:-1], columns[-1]
            return by_value(self._asked(compute), _matrix(inputs), names, self._default, *rest)

        parameters = [*["FLOAT"] * width, *arguments, "VARCHAR"]
        self.functions[name] = (_with_signature(call, len(parameters)), parameters, returns)

    def _asked(self, compute: Callable) -> Callable:
        return lambda inputs, name, *rest: compute(self._get(name), inputs, *rest)

    def _get(self, name: str) -> Session:
        if self._forked:
            raise InterfaceError(
                "The connection is of the process that this one was forked from; open a new one in this process, and "
                "call sedsql.register for it."
            )
        if name not in self._models:
            raise ModelError(f"No model {name!r}; there are {', '.join(self._models)}.")
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = Session(self._models[name])
        return self._loaded[name]

    def _class(self, session, inputs):
        return answers.labels(session.model, session.predict(inputs))

    def _proba(self, session, inputs, wanted):
        def of_label(probabilities, label):
            if label is None:
                return pa.nulls(len(probabilities), pa.float64())
            column = probabilities[:, answers.place(session.model, label)].astype(np.float64)
            return pa.array(column, mask=np.isnan(column))

        return by_value(of_label, session.predict(inputs).probabilities, wanted, None)

    def _predict(self, session, inputs):
        return answers.struct(session.model, session.predict(inputs))

    def _predict_errors(self, session, inputs):
        bands, errors, extra = np.split(inputs, [_BANDS, 2 * _BANDS], axis=1)
        prediction = predict_with_errors(session, np.hstack([bands, extra]), errors)
        return answers.struct(session.model, prediction)

    def _answer(self, session, inputs):
        return answers.answer(session.model, session.predict(inputs))

    def _node(self, session, inputs, least):
        return _nodes(session.model, session.predict(inputs).probabilities, least)

    def _branch(self, session, inputs, least):
        return _branches(session.model, session.predict(inputs).probabilities, least)

    def _set(self, session, inputs, level):
        return _sets(session.model, session.predict(inputs).probabilities, level)

    def _explain(self, session, inputs):
        return explain.explanations(session, inputs)

    def _place(self, wanted, names):
        """Find the place of a label in a model's probabilities, from 1 as SQL counts."""

        def places(rows, name, wanted):
            model = self._get(name).model

            def of_label(rows, label):
                if label is None:
                    return pa.nulls(len(rows), pa.int32())
                return pa.repeat(pa.scalar(answers.place(model, label) + 1, pa.int32()), len(rows))

            return by_value(of_label, rows, wanted, None)

        return by_value(places, np.empty(len(names)), names, self._default, wanted)

    def _node_of(self, probabilities, least, names):
        return self._of_probabilities(_nodes, probabilities, least, names)

    def _branch_of(self, probabilities, least, names):
        return self._of_probabilities(_branches, probabilities, least, names)

    def _set_of(self, probabilities, level, names):
        return self._of_probabilities(_sets, probabilities, level, names)

    def _of_probabilities(self, compute, lists, numbers, names):
        """Call `compute` for the probabilities of an answer; each model has its own number of them."""

        def of_model(rows, name, lists, numbers):
            model = self._get(name).model
            values = flat(lists).flatten().to_numpy(zero_copy_only=False)
            return compute(model, values.reshape(len(rows), len(model.classes)).astype(np.float32), numbers)

        return by_value(of_model, np.empty(len(names)), names, self._default, lists, numbers)


def _nodes(model: Model, probabilities: NDArray, least) -> pa.Array:
    def of_one(rows, number):
        if number is None:
            return pa.nulls(len(rows), pa.string())
        return answers.deepest_nodes(model, rows, number)

    return by_value(of_one, probabilities, least, None)


def _branches(model: Model, probabilities: NDArray, least) -> pa.Array:
    def of_one(rows, number):
        nothing = number is None
        return answers.branches(model, np.full_like(rows, np.nan) if nothing else rows, 1.0 if nothing else number)

    return by_value(of_one, probabilities, least, None)


def _sets(model: Model, probabilities: NDArray, level) -> pa.Array:
    def of_one(rows, number):
        return pa.nulls(len(rows), pa.list_(pa.string())) if number is None else answers.sets(model, rows, number)

    return by_value(of_one, probabilities, level, None)


def _matrix(columns) -> NDArray[np.float32]:
    """Turn Arrow columns into a float32 matrix of shape (n, columns); NULL and infinities become NaN."""
    matrix = np.empty((len(columns[0]), len(columns)), np.float32)
    for i, column in enumerate(columns):
        matrix[:, i] = column.to_numpy()
    return finite(matrix)


def _with_signature(function: Callable, width: int) -> Callable:
    """Give a function a parameter for each column: DuckDB refuses `*args`."""

    def call(*columns):
        return function(*columns)

    kind = inspect.Parameter.POSITIONAL_ONLY
    call.__signature__ = inspect.Signature([inspect.Parameter(f"c{i}", kind) for i in range(width)])  # type: ignore[attr-defined]
    return call
