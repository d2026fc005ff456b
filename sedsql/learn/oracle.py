"""Fit a classifier to the simulated sky itself, to see how well any model can do there.

A model trained on labelled sources cannot be expected to do better on this sky. More rows and more trees would improve
the oracle a little, so it is a lower bound of what is possible; and the real sky is a different one.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sedsql.learn.binning import QuickBoosting
from sedsql.learn.features import Luminosities
from sedsql.learn.training import MIN_BANDS
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate.census import Sky

TREES = {
    "learning_rate": 0.15,
    "max_iter": 100,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 20,
    "l2_regularization": 1.0,
    "max_features": 0.5,
}


def features(sky: Sky) -> NDArray[np.float32]:
    """Return colours, absolute magnitudes, G, sin |b|, and which bands are there, shape (n, features)."""
    inputs = sky.inputs
    magnitudes = inputs[:, : len(COLUMNS)]
    colours = Luminosities().transform(inputs)
    place = np.column_stack([magnitudes[:, 0], np.sin(np.radians(np.abs(sky.sample.glat)))])
    return np.hstack([colours, place, np.isfinite(magnitudes)]).astype(np.float32)


def best_possible(
    fitted_to: Sky, sky: Sky, classes: Sequence[str], seed: int = 0, trees: dict | None = None
) -> NDArray[np.float64]:
    """Return the probabilities of the classes on a sky, by a classifier fitted to another one, shape (n, classes).

    Rows with fewer than MIN_BANDS bands get NaN. In the fit every class has the weight of its rows, because no tree
    would grow for a class that is a millionth of the sky; Bayes' theorem then brings in the true numbers.
    """
    usable = np.isfinite(fitted_to.sample.magnitudes).sum(axis=1) >= MIN_BANDS
    labels, weights = fitted_to.labels[usable], fitted_to.weights[usable]
    names, place, rows = np.unique(labels, return_inverse=True, return_counts=True)
    numbers = np.bincount(place, weights)
    estimator = QuickBoosting(**(trees or TREES), early_stopping=False, random_state=seed)
    estimator.fit(features(fitted_to)[usable], labels, sample_weight=weights * (rows / numbers)[place])
    answered = np.isfinite(sky.sample.magnitudes).sum(axis=1) >= MIN_BANDS
    p = estimator.predict_proba(features(sky)[answered]) * (numbers / rows)
    result = np.full((len(sky), len(classes)), np.nan)
    result[answered] = 0
    result[np.ix_(answered, [list(classes).index(name) for name in names])] = p / p.sum(axis=1, keepdims=True)
    return result
