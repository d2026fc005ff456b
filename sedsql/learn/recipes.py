"""The recipes of the shipped models: what each sees, and how it is fitted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline, make_pipeline

from ..bands import COLUMNS
from ..inference.model import PARALLAX
from .augment import training_rows
from .classifier import Boosting, Calibrated
from .features import Colours, Luminosities
from .training import LabelledTable


@dataclass(frozen=True)
class Recipe:
    """How a model is made.

    Attributes
    ----------
    name : what `sedsql train --recipe` calls it
    description : what a model of this kind is, for its card
    trees : parameters of the gradient boosting
    luminosity : whether the model takes a parallax and its error after the bands
    """

    name: str
    description: str
    trees: dict
    luminosity: bool = False

    @property
    def extra(self) -> tuple[str, ...]:
        """The inputs after the bands."""
        return PARALLAX if self.luminosity else ()

    def inputs(self, magnitudes, parallax, columns: Sequence[str]) -> NDArray[np.float32]:
        """The matrix that the model takes, shape (n, columns + extra), of magnitudes (n, 10) and parallax (n, 2)."""
        bands = magnitudes[:, [COLUMNS.index(column) for column in columns]]
        return np.hstack([bands, parallax]) if self.luminosity else bands

    def pipeline(self, columns: Sequence[str], seed: int) -> Pipeline:
        """The classifier, not yet fitted."""
        features = (Luminosities if self.luminosity else Colours)(tuple(columns))
        trees = Boosting(**self.trees, random_state=seed)
        return make_pipeline(features, Calibrated(trees))

    def fit(self, table: LabelledTable, columns: Sequence[str], seed: int = 0) -> Pipeline:
        """The classifier, fitted to a table."""
        rows = training_rows(table, seed)
        X = self.inputs(rows.magnitudes, rows.parallax, columns)
        return self.pipeline(columns, seed).fit(X, rows.labels, calibrated__sample_weight=rows.weights)


_TREES = {
    "forests": 2,
    "max_iter": 60,
    "learning_rate": 0.15,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 8,
    "l2_regularization": 30.0,
    "max_features": 0.3,
    "max_bins": 63,
}

SHAPE = Recipe(
    "shape",
    "Class of a source from the shape of its SED: colours only, so distance does not matter.",
    _TREES,
)
LUMINOSITY = Recipe(
    "luminosity",
    "Class of a source from the shape of its SED and, where there is a parallax, from its luminosity.",
    _TREES,
    luminosity=True,
)
LITE = Recipe(
    "lite",
    "A small, quick model of the shape of the SED: colours only, with an eighth of the leaves of 'shape'.",
    {**_TREES, "forests": 1, "max_iter": 30, "learning_rate": 0.3, "max_leaf_nodes": 16},
)

RECIPES = {recipe.name: recipe for recipe in (SHAPE, LUMINOSITY, LITE)}
