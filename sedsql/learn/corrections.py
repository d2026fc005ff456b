"""Correct a prior for trees that take a few common sources for rare ones.

Trees that take one dwarf in ten thousand for a carbon star find more carbon stars than there are. So each class gets a
correction, with which the probabilities on a simulated sky add up to the true numbers of the sky (Saerens, Latinne &
Decaestecker 2002, Neural Computation 14, 21, with the true shares known).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.pipeline import Pipeline

from sedsql.learn import prior_trees
from sedsql.learn.prior import Prior
from sedsql.learn.training import MIN_BANDS
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate.census import Sky, natural

_ROWS = {"main_sequence": 150_000, "giant": 100_000}
_OTHERS = 10_000
_LEAST, _MOST = -3.0, 5.0
"""Limits of the corrections, in the logarithm. Smaller ones would lose true carbon stars and supergiants; young stars
without discs, which no colour identifies, need larger ones than other classes."""
_ROUNDS = 60

Values = NDArray[np.float64]


def tuning_sky(classes: list[str], seed: int) -> Sky:
    """Simulate the sky on which corrections and the strength of the prior are chosen; no report uses it."""
    rows = {name: _ROWS.get(name, _OTHERS) for name in classes}
    return natural(rows, np.random.default_rng([seed, 2]))


def count_corrections(classifier: Pipeline, prior: Prior, strength: float, class_shares: Values, sky: Sky) -> Values:
    """Return corrections to the logarithms of a prior's shares, shape (classes,), for sources without a luminosity.

    Sources with a known luminosity get none: corrections for the many barely known luminosities would spoil the answers
    for white dwarfs, whose luminosities are well known.

    classifier : fitted, with its temperature, and without a prior
    """
    features, calibrated = classifier[0], classifier[-1]
    X = sky.inputs
    seen = features.transform(X)
    rows = np.isfinite(X[:, : len(COLUMNS)]).sum(axis=1) >= MIN_BANDS
    rows &= np.isnan(seen[:, features.names.index(prior_trees.ABSOLUTE_G)])
    seen, weights = seen[rows], sky.weights[rows]
    made = prior_trees.trees(prior, features.names, strength, class_shares, calibrated.temperature)
    scores = calibrated.decision_function(seen) + sum(tree.scores(seen) for tree in made)
    there = np.bincount(np.searchsorted(classifier.classes_, sky.labels[rows]), weights, scores.shape[1])
    found = np.zeros(scores.shape[1])
    for _ in range(_ROUNDS):
        expected = weights @ softmax(scores / calibrated.temperature + found, axis=1)
        step = np.log(np.maximum(there, 1e-9) / np.maximum(expected, 1e-9))
        found = np.clip(found + np.where(there > 0, step, 0), _LEAST, _MOST)
    return found
