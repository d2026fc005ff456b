"""List the algorithms that `sedsql compare` tries: scikit-learn pipelines on the same colours, rows and weights."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sedsql.learn.augment import training_rows
from sedsql.learn.binning import QuickBoosting
from sedsql.learn.features import Colours
from sedsql.learn.recipes import SHAPE, Recipe
from sedsql.learn.training import LabelledTable
from sedsql.photometry.bands import COLUMNS

NO_VOTE = 1e-3
"""The probability of a class that no tree or neighbour votes for, so that its logarithm is finite."""


@dataclass(frozen=True)
class Algorithm:
    """An algorithm and the settings to try.

    Attributes
    ----------
    name : its name for `sedsql compare --algorithms`
    title : its name in tables and plots
    make : returns the classifier for a seed and settings
    settings : the settings to choose from; the first is used where there is no time to choose
    filled : if true, missing colours are filled with the column's median, further columns say which were missing, and
        all columns are scaled; if false, the classifier gets missing values as they are
    weighted : whether the classifier takes weights of rows
    """

    name: str
    title: str
    make: Callable[..., ClassifierMixin]
    settings: tuple[Mapping[str, Any], ...]
    filled: bool = True
    weighted: bool = True

    def pipeline(self, columns: Sequence[str], seed: int, settings: Mapping[str, Any]) -> Pipeline:
        """Return an unfitted pipeline from magnitudes, shape (n, columns), to colours to classes."""
        filling = (
            [SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()]
            if self.filled
            else []
        )
        return make_pipeline(Colours(tuple(columns)), *filling, self.make(seed, **settings))

    def fit(self, table: LabelledTable, columns: Sequence[str], seed: int, settings: Mapping[str, Any]) -> Pipeline:
        """Fit the pipeline to the same rows as the shipped models: `augment.training_rows`."""
        rows = training_rows(table, seed)
        pipeline = self.pipeline(columns, seed, settings)
        weights = {f"{pipeline.steps[-1][0]}__sample_weight": rows.weights} if self.weighted else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the number of steps is one of the settings
            return pipeline.fit(bands(rows.magnitudes, columns), rows.labels, **weights)


@dataclass(frozen=True)
class Shipped:
    """A recipe of the shipped models, used as an algorithm with fixed settings."""

    recipe: Recipe
    title: str
    settings: tuple[Mapping[str, Any], ...] = ({},)

    @property
    def name(self) -> str:
        return self.recipe.name

    def fit(self, table: LabelledTable, columns: Sequence[str], seed: int, settings: Mapping[str, Any]) -> Pipeline:
        return self.recipe.fit(table, columns, seed)


def bands(magnitudes: NDArray[np.float32], columns: Sequence[str]) -> NDArray[np.float32]:
    """Select the columns that a pipeline takes from magnitudes of shape (n, 10)."""
    return magnitudes[:, [COLUMNS.index(column) for column in columns]]


def scores(classifier: Pipeline, magnitudes: NDArray[np.float32], columns: Sequence[str]) -> NDArray[np.float64]:
    """Return scores, shape (n, classes), for magnitudes, shape (n, 10); their softmax gives the probabilities.

    Support vectors have no probabilities; their scores are the votes of the pairs of classes.
    """
    X = bands(magnitudes, columns)
    if hasattr(classifier, "predict_proba"):
        p = classifier.predict_proba(X)
        return np.log(np.where(p > 0, p, NO_VOTE))
    found = classifier.decision_function(X)
    return found if found.ndim == 2 else np.stack([-found, found], axis=1)


def _logistic(seed, **settings):
    return LogisticRegression(max_iter=300, random_state=seed, **settings)


def _neighbours(seed, **settings):
    return KNeighborsClassifier(weights="distance", **settings)


def _support_vectors(seed, **settings):
    return SVC(kernel="rbf", cache_size=500, random_state=seed, **settings)


def _forest(seed, **settings):
    return RandomForestClassifier(100, random_state=seed, **settings)


def _extra_trees(seed, **settings):
    return ExtraTreesClassifier(200, random_state=seed, **settings)


def _boosting(seed, **settings):
    fixed = {"min_samples_leaf": 8, "max_features": 0.3, "early_stopping": False}
    return QuickBoosting(random_state=seed, **fixed, **settings)


def _perceptron(seed, **settings):
    return MLPClassifier(early_stopping=True, max_iter=60, random_state=seed, **settings)


_LEAVES = (
    {"min_samples_leaf": 2, "max_features": "sqrt"},
    {"min_samples_leaf": 1, "max_features": "sqrt"},
    {"min_samples_leaf": 2, "max_features": 0.3},
    {"min_samples_leaf": 4, "max_features": 0.3},
)

ALGORITHMS = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm("logistic", "logistic regression", _logistic, ({"C": 1.0}, {"C": 0.1}, {"C": 10.0})),
        Algorithm(
            "neighbours",
            "k nearest neighbours",
            _neighbours,
            ({"n_neighbors": 10}, {"n_neighbors": 5}, {"n_neighbors": 20}, {"n_neighbors": 40}),
            weighted=False,
        ),
        Algorithm(
            "svm",
            "support vectors",
            _support_vectors,
            (
                {"C": 10.0, "gamma": 0.01},
                {"C": 30.0, "gamma": 0.003},
                {"C": 3.0, "gamma": 0.03},
                {"C": 100.0, "gamma": 0.003},
            ),
        ),
        Algorithm("forest", "random forest", _forest, _LEAVES, filled=False),
        Algorithm("extra_trees", "extra trees", _extra_trees, _LEAVES, filled=False),
        Algorithm(
            "boosting",
            "gradient boosting",
            _boosting,
            (
                {"max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 31, "l2_regularization": 30.0},
                {"max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 15, "l2_regularization": 10.0},
                {"max_iter": 60, "learning_rate": 0.2, "max_leaf_nodes": 31, "l2_regularization": 30.0},
            ),
            filled=False,
        ),
        Algorithm(
            "perceptron",
            "perceptron",
            _perceptron,
            (
                {"hidden_layer_sizes": (64, 64), "alpha": 1e-3},
                {"hidden_layer_sizes": (128, 64), "alpha": 1e-2},
                {"hidden_layer_sizes": (32, 32), "alpha": 1e-3},
            ),
        ),
        Shipped(SHAPE, "recipe of shape-2"),
    )
}
