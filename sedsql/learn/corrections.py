"""What a prior must make up for: trees that give rare classes a little too much of what is common.

Trees that take one dwarf in ten thousand for a carbon star find more of these than there are. So each class gets a
correction, by which the probabilities of a simulated sky add up to the numbers that the sky has (Saerens, Latinne &
Decaestecker 2002, Neural Computation 14, 21, with the true shares known).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.pipeline import Pipeline

from ..bands import COLUMNS
from ..simulate.census import Sky, natural
from . import prior_trees
from .prior import Prior
from .training import MIN_BANDS

_ROWS = {"main_sequence": 150_000, "giant": 100_000}
_OTHERS = 10_000
_LEAST, _MOST = -3.0, 5.0
"""No correction is smaller or larger, in the logarithm: with less, true carbon stars and supergiants are lost; young
stars without discs, which no colour tells, need more than others to be as many as there are."""
_ROUNDS = 60

Values = NDArray[np.float64]


def tuning_sky(classes: list[str], seed: int) -> Sky:
    """The simulated sky that corrections and the strength of the prior are chosen on, and that no report uses."""
    rows = {name: _ROWS.get(name, _OTHERS) for name in classes}
    return natural(rows, np.random.default_rng([seed, 2]))


def count_corrections(classifier: Pipeline, prior: Prior, strength: float, class_shares: Values, sky: Sky) -> Values:
    """Corrections to the logarithms of a prior's shares, shape (classes,), where no luminosity is known.

    Where it is known the shares stay as they are: corrections that suit the many barely known luminosities would take
    away the well known ones of white dwarfs.

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
