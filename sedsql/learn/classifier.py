"""Define classifiers that give the same answer in scikit-learn, in ONNX Runtime and in any other reader of their trees.

Every step gives the same number in float32 and in float64, and in any order of adding.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin

from sedsql.learn.binning import QuickBoosting
from sedsql.learn.decision_tree import Split, rounded


class Boosting(QuickBoosting):
    """Gradient boosting whose leaf values are multiples of LEAF_UNIT. Training chooses a side for missing features.

    Parameters
    ----------
    forests : the number of boosted forests whose mean gives the scores, each with its own random choice of features;
        their leaves are divided by this number, so the scores are still one sum of trees
    others : as in scikit-learn
    """

    def __init__(
        self,
        forests: int = 1,
        *,
        max_iter: int = 100,
        learning_rate: float = 0.1,
        max_leaf_nodes: int = 31,
        min_samples_leaf: int = 20,
        l2_regularization: float = 0.0,
        max_features: float = 1.0,
        max_bins: int = 255,
        random_state: int = 0,
    ):
        super().__init__(
            max_iter=max_iter,
            learning_rate=learning_rate,
            max_leaf_nodes=max_leaf_nodes,
            min_samples_leaf=min_samples_leaf,
            l2_regularization=l2_regularization,
            max_features=max_features,
            max_bins=max_bins,
            random_state=random_state,
            early_stopping=False,
        )
        self.forests = forests

    def fit(self, X, y, sample_weight=None):
        seed, trees, baselines = self.random_state, [], []
        bins: dict[str, Any] = {}
        for forest in range(self.forests):
            self.set_params(random_state=seed + 1000 * forest)
            self.fit_sharing(X, y, sample_weight, bins)
            trees += self._predictors
            baselines.append(self._baseline_prediction)
        self.set_params(random_state=seed)
        self._predictors: list = trees
        for tree in (tree for iteration in trees for tree in iteration):
            tree.nodes["value"] = rounded(tree.nodes["value"] / self.forests)
        self._baseline_prediction: np.ndarray = rounded(np.mean(baselines, axis=0))
        return self


class Calibrated(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are softmax(scores / temperature) (Guo et al. 2017, ICML, section 4.2).

    The class is the one with the largest score, the first of them where several are equal.

    Parameters
    ----------
    estimator : gives the scores
    temperature : divides the scores
    seen : the estimator gets the first `seen` features; all of them where it is None
    prior : trees whose leaves are added to the scores (`prior_trees`); they get all features
    """

    def __init__(self, estimator, temperature: float = 1.0, seen: int | None = None, prior: Sequence[Split] = ()):
        self.estimator = estimator
        self.temperature = temperature
        self.seen = seen
        self.prior = prior

    @property
    def classes_(self):
        return self.estimator.classes_

    def fit(self, X, y, sample_weight=None):
        self.estimator.fit(X[:, : self.seen], y, sample_weight=sample_weight)
        self.n_features_in_ = X.shape[1]
        return self

    def decision_function(self, X):
        scores = self.estimator.decision_function(X[:, : self.seen])
        if scores.ndim == 1:  # with two classes scikit-learn gives the second one's score against the first one's
            scores = np.stack([np.zeros_like(scores), scores], axis=1)
        return sum((tree.scores(X) for tree in self.prior), scores)

    def predict(self, X):
        return self.classes_[self.decision_function(X).argmax(axis=1)]

    def predict_proba(self, X):
        return softmax(self.decision_function(X) / self.temperature, axis=1)
