"""ONNX Runtime: magnitudes in, classes and probabilities out."""

from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ..bands import COLUMNS
from .model import Model, ModelError

INPUT, PROBABILITIES, CLASS_INDEX = "magnitudes", "probabilities", "class_index"
"""Names in the graph: input float (n, bands) with missing = NaN, outputs float (n, classes) and int64 (n,)."""


class Prediction(NamedTuple):
    """What a model says of n sources.

    Attributes
    ----------
    n_bands : how many of the model's bands are there, shape (n,)
    class_index : place of the most probable class in the model's classes, -1 where bands are too few, (n,)
    probabilities : of each class, shape (n, classes); NaN where bands are too few
    """

    n_bands: NDArray[np.int32]
    class_index: NDArray[np.int64]
    probabilities: NDArray[np.float32]


class Session:
    """A verified model, ready to run; several threads may share it.

    Parameters
    ----------
    model : the model
    threads : of ONNX Runtime's own; 1 where the caller brings threads, as DuckDB does
    """

    def __init__(self, model: Model, threads: int = 1):
        self.model = model
        self._columns = [COLUMNS.index(band) for band in model.bands]
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        graph = model.graph()
        try:
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions share no base of their own
            raise ModelError(f"ONNX Runtime cannot load model {model.name}: {error}") from None
        self._check("input", self._session.get_inputs(), INPUT, "tensor(float)", len(model.bands))
        outputs = self._session.get_outputs()
        self._check("output", outputs, PROBABILITIES, "tensor(float)", len(model.classes))
        self._check("output", outputs, CLASS_INDEX, "tensor(int64)", None)

    def _check(self, kind, found, name, dtype, width):
        shape = {t.name: t.shape for t in found if t.type == dtype}.get(name)
        if shape is None or len(shape) != (1 if width is None else 2) or shape[1:] != ([width] if width else []):
            wanted = f"{name} {dtype} [n, {width}]" if width else f"{name} {dtype} [n]"
            have = ", ".join(f"{t.name} {t.type} {t.shape}" for t in found)
            raise ModelError(f"Model {self.model.name} should have the {kind} {wanted}, but has {have}.")

    def predict(self, magnitudes: NDArray[np.float32]) -> Prediction:
        """Classes of sources with magnitudes of shape (n, 10); NaN = missing."""
        if self.model.bands != COLUMNS:
            magnitudes = np.ascontiguousarray(magnitudes[:, self._columns])
        n_bands = (magnitudes == magnitudes).sum(axis=1, dtype=np.int32)
        enough = n_bands >= self.model.min_bands
        if len(magnitudes) and enough.all():
            return Prediction(n_bands, *self._run(magnitudes))
        class_index = np.full(len(magnitudes), -1, np.int64)
        probabilities = np.full((len(magnitudes), len(self.model.classes)), np.nan, np.float32)
        if enough.any():
            class_index[enough], probabilities[enough] = self._run(magnitudes[enough])
        return Prediction(n_bands, class_index, probabilities)

    def _run(self, magnitudes):
        return self._session.run([CLASS_INDEX, PROBABILITIES], {INPUT: magnitudes})
