"""Define the recipes of the shipped models: the inputs of each, and how it is fitted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline, make_pipeline

from sedsql.inference.card import EXTRA, PARALLAX
from sedsql.learn.augment import DISCLESS, Rows, training_rows
from sedsql.learn.classifier import Boosting, Calibrated
from sedsql.learn.features import Colours, Luminosities, Places, absolute_g
from sedsql.learn.training import LabelledTable
from sedsql.photometry.bands import COLUMNS


@dataclass(frozen=True)
class Recipe:
    """How a model is made.

    Attributes
    ----------
    name : its name for `sedsql train --recipe`
    description : what a model of this kind is, for its card
    trees : parameters of the gradient boosting
    luminosity : whether the model takes a parallax and its error after the bands
    position : whether it also takes a position, and has a prior
    """

    name: str
    description: str
    trees: dict
    luminosity: bool = False
    position: bool = False

    @property
    def extra(self) -> tuple[str, ...]:
        """Return the names of the inputs after the bands."""
        return EXTRA if self.position else PARALLAX if self.luminosity else ()

    def inputs(
        self, magnitudes, parallax, columns: Sequence[str], position: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the input matrix of the model, shape (n, columns + extra).

        It is made of magnitudes (n, 10), parallaxes with errors (n, 2) and positions in degrees (n, 2); without
        positions the prior has no effect.
        """
        parts = [magnitudes[:, [COLUMNS.index(column) for column in columns]]]
        if self.luminosity:
            parts.append(parallax)
        if self.position:
            parts.append(np.full((len(magnitudes), 2), np.nan, np.float32) if position is None else position)
        return np.hstack(parts)

    def pipeline(self, columns: Sequence[str], seed: int) -> Pipeline:
        """Return the unfitted classifier."""
        trees = Boosting(**self.trees, random_state=seed)
        if self.position:
            features = Places(tuple(columns))
            return make_pipeline(features, Calibrated(trees, seen=features.likelihood))
        return make_pipeline((Luminosities if self.luminosity else Colours)(tuple(columns)), Calibrated(trees))

    def fit(self, table: LabelledTable, columns: Sequence[str], seed: int = 0) -> Pipeline:
        """Fit the classifier to a table; it has no prior yet."""
        return self.fitted(training_rows(table, seed, luminosity=self.luminosity), columns, seed)

    def fitted(self, rows: Rows, columns: Sequence[str], seed: int = 0) -> Pipeline:
        """Fit the classifier to weighted rows."""
        X = self.inputs(rows.magnitudes, rows.parallax, columns)
        return self.pipeline(columns, seed).fit(X, rows.labels, calibrated__sample_weight=rows.weights)

    def decidable(self, table: LabelledTable) -> NDArray[np.bool_]:
        """Tell which rows have a class that the model can find: young stars without a disc need a luminosity."""
        discless = table.labels == DISCLESS
        return ~discless | (self.luminosity & np.isfinite(absolute_g(table.magnitudes, table.parallax)))


_TREES = {
    "forests": 2,
    "max_iter": 56,
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

SKY = Recipe(
    "sky",
    "Class of a source of the sky: from its SED, its luminosity where there is a parallax, and, where there is a "
    "position, from how many sources of each class are there.",
    _TREES,
    luminosity=True,
    position=True,
)

RECIPES = {recipe.name: recipe for recipe in (SKY, SHAPE, LUMINOSITY, LITE)}
