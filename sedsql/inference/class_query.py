"""Ask a model for the classes of many rows, by the fastest engine that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from sedsql.inference import answers
from sedsql.inference.kernel_session import columns_of, loaded
from sedsql.inference.model import Model
from sedsql.photometry.classes import HALF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sedsql.inference.session import Prediction


class Classes(NamedTuple):
    """What a model says of n rows; null where bands are too few.

    Attributes
    ----------
    label : the deepest node of the tree of classes that has HALF; the most probable class of a model without a tree
    probability : of the label
    path : the label with what is above it in the tree
    n_bands : how many of the model's bands are there
    outlier : how unusual a row is, where it was asked for and the model tells it
    probabilities : of all classes, shape (n, classes), NaN = null, where they were asked for
    """

    label: pa.Array
    probability: pa.Array
    path: pa.Array
    n_bands: pa.Array
    outlier: pa.Array | None = None
    probabilities: NDArray[np.float64] | None = None


class ClassQuery:
    """A model that is ready to classify; several threads may call it, each on rows of its own.

    whole : whether to ask for outliers and the probabilities of all classes too
    """

    def __init__(self, model: Model, *, whole: bool = False):
        self.model, self._whole = model, whole
        self._session = loaded(model)
        self._least = HALF if model.card.parents else None

    def __call__(self, inputs: NDArray[np.float32]) -> Classes:
        """Classify rows: magnitudes, parallax, its error and position, shape (n, 14), NaN = missing."""
        prediction = self._session.ask(columns_of(inputs), len(inputs), outlier=self._whole, least=self._least)
        found = self._classes(prediction)
        if not self._whole:
            return found
        missing = prediction.class_index < 0
        outlier = None if prediction.outlier is None else pa.array(prediction.outlier, mask=missing)
        probabilities = np.where(missing[:, None], np.nan, prediction.probabilities.astype(np.float64))
        return found._replace(outlier=outlier, probabilities=probabilities)

    def _classes(self, prediction: Prediction) -> Classes:
        n_bands = pa.array(prediction.n_bands)
        if self._least is None:
            label = answers.labels(self.model, prediction)
            highest = prediction.probabilities.max(axis=1).astype(np.float64)
            return Classes(label, pa.array(highest, mask=prediction.class_index < 0), label, n_bands)
        branch = answers.branches_of(self.model, prediction, self._least)
        return Classes(branch.field("node"), branch.field("probability"), branch.field("path"), n_bands)
