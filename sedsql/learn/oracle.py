"""What the simulated sky allows: a classifier that was fitted to other rows of it, and knows their truth.

A model of labelled sources cannot be expected to do better on this sky. It is a lower bound of what is possible: more
rows and more trees would do a little better, and the real sky is another one.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from ..bands import COLUMNS
from ..simulate.census import Sky
from .features import Luminosities
from .training import MIN_BANDS

TREES = {
    "learning_rate": 0.15,
    "max_iter": 100,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 20,
    "l2_regularization": 1.0,
    "max_features": 0.5,
}


def features(sky: Sky) -> NDArray[np.float32]:
    """Colours, absolute magnitudes, G, sin |b|, and which bands are there, shape (n, features)."""
    inputs = sky.inputs
    magnitudes = inputs[:, : len(COLUMNS)]
    colours = Luminosities().transform(inputs)
    place = np.column_stack([magnitudes[:, 0], np.sin(np.radians(np.abs(sky.sample.glat)))])
    return np.hstack([colours, place, np.isfinite(magnitudes)]).astype(np.float32)


def best_possible(
    fitted_to: Sky, sky: Sky, classes: Sequence[str], seed: int = 0, trees: dict | None = None
) -> NDArray[np.float64]:
    """Probabilities of the classes on a sky, by a classifier fitted to another one; NaN with fewer than MIN_BANDS.

    Shape (n, classes). In the fit every class has the weight of its rows, for trees would not grow for one that is a
    millionth of the sky; the classes' true numbers come in afterwards, by Bayes' theorem.
    """
    usable = np.isfinite(fitted_to.sample.magnitudes).sum(axis=1) >= MIN_BANDS
    labels, weights = fitted_to.labels[usable], fitted_to.weights[usable]
    names, place, rows = np.unique(labels, return_inverse=True, return_counts=True)
    numbers = np.bincount(place, weights)
    estimator = HistGradientBoostingClassifier(**(trees or TREES), early_stopping=False, random_state=seed)
    estimator.fit(features(fitted_to)[usable], labels, sample_weight=weights * (rows / numbers)[place])
    answered = np.isfinite(sky.sample.magnitudes).sum(axis=1) >= MIN_BANDS
    p = estimator.predict_proba(features(sky)[answered]) * (numbers / rows)
    result = np.full((len(sky), len(classes)), np.nan)
    result[answered] = 0
    result[np.ix_(answered, [list(classes).index(name) for name in names])] = p / p.sum(axis=1, keepdims=True)
    return result
