"""The classifiers: scikit-learn pipelines from ten magnitudes to a class.

Every step gives the same number in float32 and in float64, and in any order of adding, so that
scikit-learn, ONNX Runtime and whatever else runs the same trees find the same class for every row.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from ..bands import BANDS, COLUMNS

_LONG_COLOURS = (
    ("G", "J"), ("G", "Ks"), ("J", "Ks"), ("Ks", "W2"), ("Ks", "W3"), ("Ks", "W4"), ("W1", "W3"), ("W2", "W4")
)  # fmt: skip

LEAF_UNIT = 2.0**-12
"""Leaf values are multiples of this; sums below 2048 then need no more than the 24 bits of a float32."""


def colour_pairs(columns: Sequence[str] = COLUMNS) -> list[tuple[int, int]]:
    """Places in `columns` of the bands whose differences are the features: neighbours, and longer baselines."""
    bands = sorted((band for band in BANDS if band.column in columns), key=lambda band: band.wavelength_um)
    place = {band.short: columns.index(band.column) for band in bands}
    short = [band.short for band in bands]
    pairs = [*pairwise(short), *_LONG_COLOURS]
    return [(place[a], place[b]) for a, b in dict.fromkeys(pairs) if a in place and b in place]


class Colours(TransformerMixin, BaseEstimator):
    """Differences of magnitudes: shape (n, bands) to (n, pairs), float32, NaN where a band is missing.

    A constant added to all bands changes nothing: distance does not matter.
    """

    def __init__(self, pairs: Sequence[tuple[int, int]]):
        self.pairs = pairs

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        X = np.asarray(X, dtype=np.float32)
        first, second = np.array(self.pairs).T
        return X[:, first] - X[:, second]


class Boosting(HistGradientBoostingClassifier):
    """Gradient boosting whose leaf values are multiples of LEAF_UNIT. A missing colour takes a learnt side."""

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        for trees in self._predictors:
            for tree in trees:
                tree.nodes["value"] = np.round(tree.nodes["value"] / LEAF_UNIT) * LEAF_UNIT
        self._baseline_prediction: np.ndarray = np.round(self._baseline_prediction / LEAF_UNIT) * LEAF_UNIT
        return self


class Calibrated(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are softmax(scores / temperature) (Guo et al. 2017, ICML, section 4.2).

    The class is the one with the largest score, the first of them where several are equal.
    """

    def __init__(self, estimator, temperature: float = 1.0):
        self.estimator = estimator
        self.temperature = temperature

    @property
    def classes_(self):
        return self.estimator.classes_

    def fit(self, X, y, sample_weight=None):
        self.estimator.fit(X, y, sample_weight=sample_weight)
        self.n_features_in_ = X.shape[1]
        return self

    def decision_function(self, X):
        scores = self.estimator.decision_function(X)
        # With two classes scikit-learn gives the second one's score against the first one's.
        return scores if scores.ndim == 2 else np.stack([np.zeros_like(scores), scores], axis=1)

    def predict(self, X):
        return self.classes_[self.decision_function(X).argmax(axis=1)]

    def predict_proba(self, X):
        return softmax(self.decision_function(X) / self.temperature, axis=1)


def boosting(columns: Sequence[str] = COLUMNS, *, seed: int = 0) -> Pipeline:
    """Colours, then gradient-boosted trees; small enough to ship and to run in microseconds a row."""
    trees = Boosting(
        max_iter=60,
        learning_rate=0.15,
        max_leaf_nodes=31,
        min_samples_leaf=10,
        l2_regularization=1.0,
        max_features=0.5,
        early_stopping=False,
        random_state=seed,
    )
    return make_pipeline(Colours(colour_pairs(columns)), Calibrated(trees))
