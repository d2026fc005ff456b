"""Predict classes and probabilities from Arrow columns with the kernel; ONNX Runtime where it does not run a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sedsql.inference.card import EXTRA
from sedsql.inference.macros import ERROR_COLUMNS
from sedsql.inference.model import Model, ModelError
from sedsql.inference.session import Prediction, Session, chosen, finite
from sedsql.inference.uncertainties import predict_with_errors
from sedsql.native import kernel
from sedsql.photometry.bands import COLUMNS

INPUTS = (*COLUMNS, *ERROR_COLUMNS, *EXTRA)
"""All columns that functions of models take, in the order of the kernel's."""

Runs = Literal["native", "onnx"]


class KernelSession:
    """A verified model, ready to run; any number of threads may share it.

    engine : 'native', the kernel, or 'onnx', ONNX Runtime; the kernel where it runs the model unless told

    Raises ModelError where the model was changed, or the engine that was asked for does not run it.
    """

    def __init__(self, model: Model, engine: Runs | None = None):
        self.model = model
        self._kernel: kernel.Loaded | None = None
        self._onnx: Session | None = None
        if engine != "onnx":
            try:
                self._kernel = kernel.Loaded(model.folder, model.digest, len(model.classes))
            except kernel.KernelError as error:
                if engine == "native" or not error.for_good:
                    raise ModelError(str(error)) from None
        if self._kernel is None:
            self._onnx = Session(model)

    @property
    def engine(self) -> Runs:
        """Which engine runs the model."""
        return "native" if self._kernel else "onnx"

    def ask(
        self,
        columns: Sequence[pa.Array | None],
        rows: int,
        *,
        probabilities: bool = True,
        outlier: bool = True,
        least: float | None = None,
        with_errors: bool = False,
    ) -> Prediction:
        """Predict the classes of rows: INPUTS as FLOAT or DOUBLE, None where one is not there.

        What is not asked for may be None in the prediction. With errors, it is averaged over draws within them.

        least : the probability that a node is asked for with; ONNX Runtime's prediction has no node
        """
        if self._onnx:
            matrix = matrix_of(columns, rows)
            bands, errors, extra = np.split(matrix, [len(COLUMNS), 2 * len(COLUMNS)], axis=1)
            inputs = np.hstack([bands, extra])
            return predict_with_errors(self._onnx, inputs, errors) if with_errors else self._onnx.predict(inputs)
        wanted = kernel.WANT_CLASS
        wanted |= kernel.WANT_PROBABILITIES if probabilities else 0
        wanted |= kernel.WANT_DISTANCE if outlier and self.model.card.outlier else 0
        wanted |= kernel.WITH_ERRORS if with_errors else 0
        return self._asked(columns, rows, wanted, least)

    def predict(self, inputs: NDArray[np.float32]) -> Prediction:
        """Predict the classes of sources, as `Session.predict` does."""
        return self._onnx.predict(inputs) if self._onnx else self.ask(columns_of(inputs), len(inputs))

    def chosen(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Choose the columns that the model takes, as `Session.chosen` does."""
        return chosen(self.model, inputs)

    def run(self, chosen: NDArray[np.float32]) -> tuple[NDArray, NDArray, NDArray | None]:
        """Run the graph on chosen columns, however few are there, as `Session.run` does."""
        if self._onnx:
            return self._onnx.run(chosen)
        columns = columns_of(chosen, (*self.model.bands, *self.model.extra))
        found = self._asked(columns, len(chosen), kernel.WANT_CLASS | kernel.WANT_PROBABILITIES | kernel.EVERY_ROW)
        return found.class_index, found.probabilities, None

    def _asked(
        self, columns: Sequence[pa.Array | None], rows: int, wanted: int, least: float | None = None
    ) -> Prediction:
        assert self._kernel is not None
        try:
            found = self._kernel.run(columns, rows, wanted, least)
        except kernel.KernelError as error:
            raise ModelError(str(error)) from None
        return Prediction(*found)  # type: ignore[arg-type]


def loaded(model: Model, engine: Runs | None = None) -> KernelSession:
    """Load a model, once in a process."""
    key = str(model.folder), model.digest, engine
    return _loaded.get(key) or _loaded.setdefault(key, KernelSession(model, engine))


_loaded: dict[tuple[str, str, Runs | None], KernelSession] = {}


def columns_of(inputs: NDArray[np.float32], names: Sequence[str] = (*COLUMNS, *EXTRA)) -> list[pa.Array | None]:
    """Spread a matrix over INPUTS; its columns are the first of `names`."""
    columns: list[pa.Array | None] = [None] * len(INPUTS)
    for name, column in zip(names, inputs.T, strict=False):
        columns[INPUTS.index(name)] = pa.array(np.ascontiguousarray(column))
    return columns


def matrix_of(columns: Sequence[pa.Array | None], rows: int) -> NDArray[np.float32]:
    """Give columns as a matrix, one of NaN for what is not there."""
    matrix = np.full((rows, len(columns)), np.nan, np.float32)
    with np.errstate(over="ignore"):
        for k, column in enumerate(columns):
            if column is not None:
                matrix[:, k] = column.to_numpy(zero_copy_only=False)
    return finite(matrix)
