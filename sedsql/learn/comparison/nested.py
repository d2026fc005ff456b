"""Choose settings within the training part of a fold, as the inner loop of nested cross-validation."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sedsql.learn.algorithms import Algorithm, Shipped, scores
from sedsql.learn.crossvalidation import sky_folds
from sedsql.learn.evaluation import macro_f1
from sedsql.learn.training import LabelledTable

INNER_FOLDS = 3


@dataclass
class Choice:
    """Settings, how many were tried, on how many inner folds, and the mean macro F1 of each that was tried."""

    settings: dict[str, Any]
    tried: int
    folds: int
    macro_f1: list[float]


def choose(
    algorithm: Algorithm | Shipped,
    table: LabelledTable,
    columns: Sequence[str],
    seed: int,
    seconds: float,
    one_fit: float = 0.0,
) -> Choice:
    """Choose the settings with the best macro F1 on parts of the sky that the fits do not see.

    All settings are tried on the first inner fold, then on the second, until the `seconds` do not suffice for another
    try and the fit after it; `one_fit` is how long a fit is known to take. Without time for two settings the first
    is used.
    """
    first = dict(algorithm.settings[0])
    started, longest = time.monotonic(), one_fit / 2
    found: list[list[float]] = [[] for _ in algorithm.settings]
    # The fit that follows has half as many rows again as an inner one.
    for fit, test in sky_folds(table, seed, INNER_FOLDS) if len(found) > 1 else ():
        test = test[~table.simulated[test]]
        for settings, results in zip(algorithm.settings, found, strict=True):
            begun = time.monotonic()
            if begun - started + 3 * longest > seconds:
                return _best(algorithm, found) or Choice(first, 0, 0, [])
            classifier = algorithm.fit(table[fit], columns, seed, settings)
            names = classifier.classes_[scores(classifier, table.magnitudes[test], columns).argmax(axis=1)]
            results.append(macro_f1(table.labels[test], names))
            longest = max(longest, time.monotonic() - begun)
    return _best(algorithm, found) or Choice(first, 0, 0, [])


def _best(algorithm, found) -> Choice | None:
    """Choose by the folds on which all settings tried so far were tried; None where fewer than two were."""
    tried = [results for results in found if results]
    if len(tried) < 2:
        return None
    folds = min(map(len, tried))
    means = [float(np.mean(results[:folds])) for results in tried]
    return Choice(dict(algorithm.settings[int(np.argmax(means))]), len(tried), folds, [round(m, 4) for m in means])
