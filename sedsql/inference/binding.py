"""Match a graph's inputs and outputs with its card: those of sedsql's models, and of others' classifiers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sedsql.inference.model import Model, ModelError

if TYPE_CHECKING:
    import onnxruntime as ort

INPUT, PROBABILITIES, CLASS_INDEX, DISTANCE = "magnitudes", "probabilities", "class_index", "distance"
"""Names in our graphs: input float (n, bands + extra) with missing = NaN, outputs float (n, classes), int64 (n,)
and float (n,)."""

_NUMBERS = {"tensor(float)": np.float32, "tensor(double)": np.float64}


class Binding:
    """Feeds a graph, and names what to fetch from it.

    Attributes
    ----------
    feed : from a matrix of shape (n, bands + extra), missing = NaN, to the graph's inputs
    probabilities, class_index, distance : names of outputs; None where the graph has none
    """

    def __init__(self, model: Model, session: ort.InferenceSession):
        self._model = model
        self._missing = model.card.missing
        self.feed = self._inputs(session.get_inputs())
        given = model.card.outputs
        outputs = {output.name: output for output in session.get_outputs()}
        name = given.get("probabilities", PROBABILITIES)
        maps = [output.name for output in outputs.values() if output.type.startswith("seq(map")]
        if name in maps or (name not in outputs and maps):
            raise self._wrong(
                f"gives {maps[0]} as a sequence of maps; export it again with the option zipmap=False of skl2onnx"
            )
        self.probabilities: str = self._number(outputs, name, len(model.classes))
        self.class_index = self._optional(outputs, given.get(CLASS_INDEX), CLASS_INDEX, "tensor(int64)")
        self.distance = self._optional(outputs, None, DISTANCE, "tensor(float)") if model.card.outlier else None

    def _wrong(self, what: str) -> ModelError:
        return ModelError(f"Model {self._model.name} {what}.")

    def _number(self, tensors, name: str, width: int) -> str:
        tensor = tensors.get(name)
        if tensor is None or tensor.type not in _NUMBERS or len(tensor.shape) != 2 or not _fits(tensor.shape[1], width):
            raise self._wrong(
                f"should have the output {name} tensor(float) [n, {width}], but has {_listed(tensors.values())}"
            )
        return name

    def _optional(self, outputs, asked: str | None, usual: str, dtype: str) -> str | None:
        name = asked or usual
        if name in outputs and outputs[name].type == dtype and len(outputs[name].shape) == 1:
            return name
        if asked or name in outputs:
            raise self._wrong(f"should have the output {name} {dtype} [n], but has {_listed(outputs.values())}")
        return None

    def _inputs(self, tensors) -> Callable[[NDArray[np.float32]], dict[str, NDArray]]:
        """Make what feeds the graph: one matrix, or an input for each column."""
        columns = (*self._model.bands, *self._model.extra)
        width = len(columns)
        name = INPUT if self._model.card.input is None else self._model.card.input
        for tensor in tensors:
            if tensor.type not in _NUMBERS:
                raise self._wrong(f"takes {_listed([tensor])}; only inputs of type float or double can be fed")
        if len(tensors) == 1 and (width > 1 or tensors[0].name == name):
            tensor = tensors[0]
            if tensor.name != name or len(tensor.shape) != 2 or not _fits(tensor.shape[1], width):
                raise self._wrong(
                    f"should have the input {name} tensor(float) [n, {width}], but has {_listed(tensors)}; "
                    "the card names another input in 'input', and the columns in 'bands' and 'extra'"
                )
            dtype = _NUMBERS[tensor.type]
            return lambda matrix: {name: self._filled(matrix).astype(dtype, copy=False)}
        given = self._model.card.inputs
        names = {given.get(column, column): column for column in columns}
        found = {tensor.name: tensor for tensor in tensors}
        unknown, lacking = [n for n in found if n not in names], [n for n in names if n not in found]
        if unknown or lacking:
            wrong = f"takes the input {unknown[0]!r}" if unknown else f"takes no input {lacking[0]!r}"
            raise self._wrong(
                f"{wrong}, and its card says {', '.join(names)}; name the inputs in 'inputs', column by column"
            )
        parts = []
        for name, column in names.items():
            tensor = found[name]
            if len(tensor.shape) not in (1, 2) or (len(tensor.shape) == 2 and not _fits(tensor.shape[1], 1)):
                raise self._wrong(f"should take a column as {name} [n, 1], but takes {_listed([tensor])}")
            shape = (-1,) if len(tensor.shape) == 1 else (-1, 1)
            parts.append((name, columns.index(column), _NUMBERS[tensor.type], shape))

        def feed(matrix):
            matrix = self._filled(matrix)
            return {name: matrix[:, k].astype(dtype).reshape(shape) for name, k, dtype, shape in parts}

        return feed

    def _filled(self, matrix):
        return matrix if self._missing is None else np.where(np.isnan(matrix), np.float32(self._missing), matrix)


def _fits(size, width: int) -> bool:
    """Tell whether a size is right; one that the graph leaves open is a name or None."""
    return size == width or not isinstance(size, int)


def _listed(tensors) -> str:
    return ", ".join(f"{tensor.name} {tensor.type} {tensor.shape}" for tensor in tensors)
