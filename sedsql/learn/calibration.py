"""Calibrate probabilities by a temperature, and find the thresholds of conformal sets of classes."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
"""The coverages for which a card gives thresholds."""


def probabilities(scores: NDArray, temperature: float) -> NDArray[np.float64]:
    """Return softmax(scores / temperature), shape (n, classes)."""
    return softmax(scores / temperature, axis=1)


def best_temperature(scores: NDArray, truth: NDArray[np.str_], classes: NDArray[np.str_]) -> float:
    """Find the temperature at which the labels of rows left out of the fit are most likely.

    Guo et al. 2017, ICML, section 4.2. `scores` has shape (n, classes), the classes sorted.
    """
    rows, place = np.arange(len(truth)), np.searchsorted(classes, truth)

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(scores / np.exp(log_temperature), axis=1)[rows, place].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def conformal_thresholds(
    p: NDArray[np.float64], truth: NDArray[np.str_], classes: NDArray[np.str_]
) -> dict[str, list[float]]:
    """Find the least probability at which a class belongs to a source's set, for each of LEVELS.

    The sets are split-conformal for each class by itself (Vovk 2012, ACML, section 4; "Mondrian"): of n rows of the
    class that were left out of the fit, at most a share 1 - level are less probable, counting one more row for the
    source in question. With too few rows for a level the threshold is 0: the class is never excluded.
    `p` has shape (n, classes).
    """
    thresholds = {}
    for place, name in enumerate(classes):
        known = np.sort(p[truth == name, place])
        excluded = [int((len(known) + 1) * (1 - level) + 1e-9) for level in LEVELS]
        thresholds[str(name)] = [float(np.floor(known[k - 1] * 1e6) / 1e6) if k else 0.0 for k in excluded]
    return thresholds


def in_set(p: NDArray[np.float64], classes, thresholds: dict[str, list[float]], level: float) -> NDArray[np.bool_]:
    """Tell which classes belong to the sets of sources with probabilities p, shape (n, classes)."""
    return p >= np.array([thresholds[str(name)][LEVELS.index(level)] for name in classes])


def coverage(
    p: NDArray[np.float64], truth: NDArray[np.str_], classes: NDArray[np.str_], folds: NDArray[np.int64]
) -> dict:
    """Measure how often the sets hold the true class, and how many classes they hold, by level.

    Each fold is tested with the thresholds of the others.
    """
    result = {}
    place = np.searchsorted(classes, truth)
    for level in LEVELS:
        member = np.zeros(p.shape, bool)
        for fold in np.unique(folds):
            mine = folds == fold
            member[mine] = in_set(p[mine], classes, conformal_thresholds(p[~mine], truth[~mine], classes), level)
        covered = member[np.arange(len(truth)), place]
        result[str(level)] = set_scores(truth, covered, member)
    return result


def set_scores(truth: NDArray[np.str_], covered: NDArray[np.bool_], member: NDArray[np.bool_]) -> dict:
    """Measure how often sets hold the true class, in all and by class, and how many classes they hold.

    covered : whether a source's set holds its class, shape (n,)
    member : whether a class is in a source's set, shape (n, classes)
    """
    return {
        "covered": round(float(covered.mean()), 4),
        "classes": round(float(member.sum(axis=1).mean()), 2),
        "per_class": {str(name): round(float(covered[truth == name].mean()), 4) for name in np.unique(truth)},
    }
