"""Estimators that answer alike wherever they run: in scikit-learn, in ONNX Runtime, in whatever else reads the trees.

Every step gives the same number in float32 and in float64, and in any order of adding.
"""

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier

LEAF_UNIT = 2.0**-12
"""Leaf values are multiples of this; sums below 2048 then need no more than the 24 bits of a float32."""


class Boosting(HistGradientBoostingClassifier):
    """Gradient boosting whose leaf values are multiples of LEAF_UNIT. A missing feature takes a learnt side."""

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
