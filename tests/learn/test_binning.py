"""Boosting with quicker bins grows the trees of scikit-learn, bit for bit."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from sedsql.learn.binning import QuickBoosting
from sedsql.learn.classifier import Boosting

SETTINGS = {"max_iter": 3, "min_samples_leaf": 5, "max_features": 0.5, "early_stopping": False}


def rows(n: int, classes: int, seed: int = 0):
    """Columns with ties, gaps, few values and one value; and weights, some of them 0."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 8))
    X[:, 0] = X[:, 0].round(1)
    X[rng.random((n, 8)) < 0.2] = np.nan
    X[:, 1] = rng.integers(0, 5, n)
    X[:, 2] = 1.0
    weights = rng.gamma(1.0, size=n) * (rng.random(n) > 0.1)
    return X, rng.integers(0, classes, n), weights


def same(one, other) -> bool:
    """Whether two fitted classifiers have the same trees, and the same limits of bins."""
    trees = [
        np.array_equal(a.nodes, b.nodes)
        for some, others in zip(one._predictors, other._predictors, strict=True)
        for a, b in zip(some, others, strict=True)
    ]
    limits = zip(one._bin_mapper.bin_thresholds_, other._bin_mapper.bin_thresholds_, strict=True)
    return all(trees) and all(np.array_equal(a, b) for a, b in limits)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("max_bins", [4, 63, 255])
@pytest.mark.parametrize("weighted", [True, False])
def test_trees_and_answers_are_those_of_scikit_learn(classes, max_bins, weighted):
    X, y, weights = rows(1_500, classes)
    given = weights if weighted else None
    bins: dict = {}
    for seed in (0, 1):  # the second takes the bins of the first
        settings = SETTINGS | {"max_bins": max_bins, "random_state": seed}
        plain = HistGradientBoostingClassifier(**settings).fit(X, y, given)
        quick = QuickBoosting(**settings).fit_sharing(X, y, given, bins)
        assert same(plain, quick)
        assert np.array_equal(plain.predict_proba(X), quick.predict_proba(X))
    assert bins["binned"].shape == X.shape


def test_a_sample_of_many_rows_is_drawn_by_each_seed():
    X, y, weights = rows(200_001, 2)
    bins: dict = {}
    for seed in (0, 1):
        settings = SETTINGS | {"max_iter": 1, "max_bins": 8, "random_state": seed}
        plain = HistGradientBoostingClassifier(**settings).fit(X, y, weights)
        assert same(plain, QuickBoosting(**settings).fit_sharing(X, y, weights, bins))
    assert not bins


def test_forests_are_those_of_two_fits():
    X, y, weights = rows(1_000, 3)
    settings = {key: value for key, value in SETTINGS.items() if key != "early_stopping"}
    both = Boosting(2, **settings, random_state=3).fit(X, y, weights)
    for forest, seed in enumerate((3, 1003)):
        one = HistGradientBoostingClassifier(**SETTINGS, random_state=seed).fit(X, y, weights)
        for a, b in zip(one._predictors, both._predictors[3 * forest :][:3], strict=True):
            for tree, halved in zip(a, b, strict=True):
                assert np.array_equal(tree.nodes["num_threshold"], halved.nodes["num_threshold"])
                assert np.array_equal(tree.nodes["feature_idx"], halved.nodes["feature_idx"])
