"""Predict classes and probabilities from magnitudes with ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sedsql.forked import in_child, keep
from sedsql.inference.binding import Binding
from sedsql.inference.card import EXTRA
from sedsql.inference.model import Model, ModelError
from sedsql.photometry.bands import COLUMNS

if TYPE_CHECKING:
    import onnxruntime as ort

STRANGE_MAG = 100.0
"""A source with a magnitude beyond this, of either sign, is more unusual than all others: its distance from the typical
SEDs, a small difference of sums of squares, would be what float32 rounds."""


POLE = 90.0
"""A declination beyond it, in degrees, is none."""

_EVERY = (*COLUMNS, *EXTRA)


class Prediction(NamedTuple):
    """What a model says of n sources.

    Attributes
    ----------
    n_bands : how many of the model's bands are there, shape (n,)
    class_index : place of the most probable class in the model's classes, -1 where bands are too few, (n,)
    probabilities : of each class, shape (n, classes); NaN where bands are too few
    outlier : share of the training rows that are more usual, shape (n,); None if the model does not tell
    node, share : place among `classes.nodes` and probability of the deepest node that has a probability which was asked
        for, -1 and NaN where bands are too few, shape (n,); None where none was asked for
    """

    n_bands: NDArray[np.int32]
    class_index: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    outlier: NDArray[np.float64] | None
    node: NDArray[np.int32] | None = None
    share: NDArray[np.float64] | None = None


class Session:
    """A verified model, ready to run; several threads may share it, and a forked process has its own.

    Parameters
    ----------
    model : the model
    threads : of ONNX Runtime's own; 1 where the caller brings threads, as DuckDB does
    """

    def __init__(self, model: Model, threads: int = 1):
        self.model = model
        self._threads = threads
        self._session: ort.InferenceSession | None = self._loaded()
        self._binding = Binding(model, self._session)
        names = (self._binding.probabilities, self._binding.class_index, self._binding.distance)
        self._fetched = [name for name in names if name]
        self._quantiles = np.array(model.card.outlier.quantiles if model.card.outlier else [])
        in_child(self, Session._leave)

    def _loaded(self) -> ort.InferenceSession:
        import onnxruntime as ort  # which takes its time, and the C extension needs none

        options = ort.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        graph = self.model.graph()
        try:
            return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions share no base of their own
            raise ModelError(f"ONNX Runtime cannot load model {self.model.name}: {error}") from None

    def _leave(self) -> None:
        """Drop the graph in a child process, which loads it again where it uses it."""
        keep(self._session)
        self._session = None

    def predict(self, inputs: NDArray[np.float32]) -> Prediction:
        """Predict the classes of sources.

        `inputs` has shape (n, 10): magnitudes, missing where they are NaN or infinite in float32; or (n, 12), with the
        parallax and its error in mas after them; or (n, 14), with right ascension and declination, in degrees, after
        these. What does not come is missing, and a declination beyond POLE.
        """
        inputs = self.chosen(inputs)
        bands = inputs[:, : len(self.model.bands)]
        n_bands = (bands == bands).sum(axis=1, dtype=np.int32)
        enough = n_bands >= self.model.min_bands
        if len(inputs) and enough.all():
            return Prediction(n_bands, *self.run(inputs))
        class_index = np.full(len(inputs), -1, np.int64)
        probabilities = np.full((len(inputs), len(self.model.classes)), np.nan, np.float32)
        outlier = np.full(len(inputs), np.nan) if self._binding.distance else None
        if enough.any():
            class_index[enough], probabilities[enough], found = self.run(inputs[enough])
            if outlier is not None:
                outlier[enough] = found
        return Prediction(n_bands, class_index, probabilities, outlier)

    def chosen(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Choose the columns of `inputs` that the model takes, shape (n, bands + extra); missing = NaN."""
        return chosen(self.model, inputs)

    def run(self, chosen: NDArray[np.float32]) -> tuple[NDArray, NDArray, NDArray | None]:
        """Run the graph on inputs of shape (n, bands + extra), however few are there.

        Return the place of the class, the probabilities, and the outlier.
        """
        rows, classes = len(chosen), len(self.model.classes)
        session = self._session = self._session or self._loaded()
        try:
            given = session.run(self._fetched, self._binding.feed(chosen))
        except Exception as error:  # see above
            raise ModelError(f"ONNX Runtime cannot run model {self.model.name}: {error}") from None
        found = dict(zip(self._fetched, given, strict=True))
        probabilities = found[self._binding.probabilities]
        for name, array in found.items():
            wanted = (rows, classes) if array is probabilities else (rows,)
            if array.shape != wanted:
                raise ModelError(f"Model {self.model.name} gives {name} of shape {array.shape}, not {wanted}.")
        probabilities = probabilities.astype(np.float32, copy=False)
        if self._binding.class_index:
            place = found[self._binding.class_index]
            # A graph of somebody else's may count more classes than its card.
            place = np.where(place < classes, place, -1)
        else:
            place = probabilities.argmax(axis=1)
        outlier = None
        if self._binding.distance:
            shares = np.linspace(0, 1, len(self._quantiles))
            outlier = np.interp(found[self._binding.distance], self._quantiles, shares)
            outlier[(np.abs(chosen[:, : len(self.model.bands)]) > STRANGE_MAG).any(axis=1)] = 1
        return place, probabilities, outlier


def chosen(model: Model, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Choose the columns that a model takes, as `Session.chosen` does."""
    inputs, taken = finite(inputs), [*model.bands, *model.extra]
    columns = [_EVERY.index(column) for column in taken]
    if columns != list(range(inputs.shape[1])):
        lacking = len(COLUMNS) + len(model.extra) - inputs.shape[1]
        if lacking > 0:
            inputs = np.hstack([inputs, np.full((len(inputs), lacking), np.nan, np.float32)])
        inputs = np.ascontiguousarray(inputs[:, columns])
    if "dec" in model.extra and (nowhere := np.abs(inputs[:, -1]) > POLE).any():
        inputs = inputs.copy()
        inputs[nowhere, -1] = np.nan
    return inputs


def finite(numbers: NDArray) -> NDArray[np.float32]:
    """Convert numbers to float32; those that are infinite there become NaN."""
    with np.errstate(over="ignore"):
        numbers = numbers.astype(np.float32, copy=False)
    beyond = np.isinf(numbers)
    return np.where(beyond, np.float32(np.nan), numbers) if beyond.any() else numbers
