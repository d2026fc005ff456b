"""Score a model's answers on a simulated sky, weighting each row by the number of sources that it stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from sedsql.inference.card import Conformal
from sedsql.learn.evaluation import MANY_BANDS, weighted_calibration_error
from sedsql.photometry.classes import PARENTS, ROOT, path
from sedsql.simulate.census import ZONES

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

THRESHOLDS = (*(k / 20 for k in range(2, 20)), 0.98, 0.99)
MAGNITUDES = (0.0, 11.0, 13.0, 15.0, 17.0, 18.0, 19.0, 20.0, 22.0)
"""Edges of the bins in G for purity and completeness."""
SURE = 0.95
"""The confidence of the bounds on purities."""


@dataclass(frozen=True)
class Answers:
    """A model's answers for n sources whose classes are known.

    Attributes
    ----------
    labels, weights : the true classes, and how many sources of the sky each row stands for, shape (n,)
    g, latitude : apparent G, and |b| in degrees, shape (n,)
    n_bands : shape (n,)
    classes, parents : the model's classes and their tree
    probabilities : shape (n, classes), 0 where bands are too few
    nodes, node_probability : the default answer, '' and 0 where bands are too few, shape (n,)
    """

    labels: NDArray[np.str_]
    weights: Array
    g: Array
    latitude: Array
    n_bands: NDArray[np.int64]
    classes: Sequence[str]
    parents: Mapping[str, str]
    probabilities: Array
    nodes: NDArray[np.str_]
    node_probability: Array

    @property
    def answered(self) -> Mask:
        return self.nodes != ""

    @cached_property
    def right(self) -> Mask:
        """Tell which rows have their class at the default answer or below it, shape (n,)."""
        result = np.zeros(len(self.labels), bool)
        for label in np.unique(self.labels):
            mine = self.labels == label
            result[mine] = np.isin(self.nodes[mine], self.above(label))
        return result

    def above(self, label: str) -> list[str]:
        """List a class and its ancestors; for a class that the model lacks, by the tree of the shipped models."""
        return [ROOT, *path(label, {**PARENTS, **self.parents})]

    def branch(self, label: str) -> list[str]:
        """List the branch of a class and the classes in it, or only the class if it hangs from the root."""
        parent = self.parents.get(label)
        return [label] if parent is None else [parent, *(name for name in self.classes if parent in self.above(name))]


def by_class(answers: Answers) -> dict[str, dict]:
    """Return purity, completeness and numbers of each class of the model and of the sky.

    purity : the share of the sources called the class that belong to it; `purity_at_least` is its lower bound with
        confidence SURE. Both are None where no source is called so.
    completeness : the share of the class's sources that are called so, counting those with too few bands;
        `completeness_many_bands`: among those with MANY_BANDS or more; `completeness_branch`: the share that is said to
        be in the class's branch
    number, answered, expected, ratio : sources of the class; those with enough bands; the sum of all sources'
        probabilities of the class; and `expected` / `answered`
    called, rows_called : sources called the class, and rows of the simulation called so
    mostly_wrong, its_share : the commonest true class of sources wrongly called so, and its share of all called so
    """
    result = {}
    for label in dict.fromkeys([*answers.classes, *np.unique(answers.labels)]):
        called, mine = answers.nodes == label, answers.labels == label
        many = mine & (answers.n_bands >= MANY_BANDS)
        inside = mine & np.isin(answers.nodes, answers.branch(label))
        known = label in answers.classes
        number, answered = answers.weights[mine].sum(), answers.weights[mine & answers.answered].sum()
        expected = answers.weights @ answers.probabilities[:, answers.classes.index(label)] if known else None
        result[str(label)] = {
            "purity": _share(called & mine, called, answers.weights),
            "purity_at_least": _purity_bound(answers, called, mine),
            "completeness": _share(called & mine, mine, answers.weights) if known else None,
            "completeness_many_bands": _share(called & many, many, answers.weights) if known else None,
            "completeness_branch": _share(inside, mine, answers.weights) if known else None,
            "number": _figures(number),
            "answered": _figures(answered),
            "expected": None if expected is None else _figures(expected),
            "ratio": None if expected is None or not answered else _round(expected / answered),
            "called": _figures(answers.weights[called].sum()),
            "rows_called": int(called.sum()),
            **_mostly_wrong(answers, called, mine),
        }
    return result


def by_node(answers: Answers) -> dict[str, dict]:
    """Return for each default answer the share of all sources that get it, and the share of these that is right."""
    names, place = np.unique(answers.nodes[answers.answered], return_inverse=True)
    shares = np.bincount(place, answers.weights[answers.answered]) / answers.weights.sum()
    return {
        str(name): {
            "share": _round(share, 9),
            "right": _share(answers.right & (answers.nodes == name), answers.nodes == name, answers.weights),
        }
        for share, name in sorted(zip(shares, names, strict=True), reverse=True)
    }


def log_loss(answers: Answers) -> float:
    """Return the weighted mean of -ln p of the true class, over sources with enough bands and a class of the model."""
    known = answers.answered & np.isin(answers.labels, answers.classes)
    place = [answers.classes.index(label) for label in answers.labels[known]]
    p = answers.probabilities[known][np.arange(len(place)), place]
    return _round(np.average(-np.log(np.maximum(p, np.finfo(np.float32).tiny)), weights=answers.weights[known]))


def calibration(answers: Answers) -> dict[str, float]:
    """Return the expected calibration error of the default answer and of the most probable class."""
    some = answers.answered
    p, weights = answers.probabilities[some], answers.weights[some]
    top = np.array(answers.classes)[p.argmax(axis=1)] == answers.labels[some]
    return {
        "default_answer": _round(
            weighted_calibration_error(answers.right[some], np.minimum(answers.node_probability[some], 1), weights)
        ),
        "most_probable_class": _round(weighted_calibration_error(top, p.max(axis=1), weights)),
    }


def coverage(answers: Answers, conformal: Conformal) -> dict[str, dict]:
    """Measure by level how often the sets hold the true class, and their size; `conformal` comes from the card."""
    some = answers.answered & np.isin(answers.labels, answers.classes)
    labels, weights, p = answers.labels[some], answers.weights[some], answers.probabilities[some]
    if not some.any():
        return {}
    place = np.array([answers.classes.index(label) for label in labels])
    result = {}
    for k, level in enumerate(conformal.levels):
        member = p >= np.array([conformal.thresholds[name][k] for name in answers.classes])
        covered = member[np.arange(len(labels)), place]
        result[str(level)] = {
            "covered": _round(np.average(covered, weights=weights)),
            "classes": _round(np.average(member.sum(axis=1), weights=weights), 2),
            "per_class": {
                str(name): _round(np.average(covered[labels == name], weights=weights[labels == name]))
                for name in np.unique(labels)
            },
        }
    return result


def by_threshold(answers: Answers) -> dict[str, dict[str, list]]:
    """Return purity and completeness of each class, if sources are called so from each probability of THRESHOLDS on."""
    result = {}
    for k, label in enumerate(answers.classes):
        mine = answers.labels == label
        called = [answers.probabilities[:, k] >= threshold for threshold in THRESHOLDS]
        result[label] = {
            "purity": [_share(some & mine, some, answers.weights) for some in called],
            "completeness": [_share(some & mine, mine, answers.weights) for some in called],
        }
    return result


def by_g(answers: Answers) -> dict[str, dict[str, list]]:
    """Return purity and completeness of each class at the default answer, in the bins of G between MAGNITUDES."""
    return _by_bins(answers, answers.g, MAGNITUDES)


def by_latitude(answers: Answers) -> dict[str, dict[str, list]]:
    """Return the same in the ZONES of |b|."""
    return _by_bins(answers, answers.latitude, ZONES)


def _by_bins(answers: Answers, value: Array, edges: Sequence[float]) -> dict[str, dict[str, list]]:
    inside = [(value >= low) & (value < high) for low, high in pairwise([*edges[:-1], edges[-1] + 1e-9])]
    result = {}
    for label in answers.classes:
        called, mine = answers.nodes == label, answers.labels == label
        result[label] = {
            "purity": [_share(called & mine & some, called & some, answers.weights) for some in inside],
            "completeness": [_share(called & mine & some, mine & some, answers.weights) for some in inside],
        }
    return result


def _share(part: Mask, whole: Mask, weights: Array) -> float | None:
    total = weights[whole].sum()
    return _round(weights[part].sum() / total) if total > 0 else None


def _purity_bound(answers: Answers, called: Mask, mine: Mask) -> float | None:
    """Return the least purity that the simulated rows allow.

    A single row of a common class stands for tens of thousands of sources and can spoil a rare class; by luck there may
    be no such row. The number of sources wrongly called so is a weighted sum of Poisson numbers, whose upper bound is
    that of Fay & Feuer 1997, Statistics in Medicine 16, 791, with the largest weight of a row of another class that is
    as bright as those called so.
    """
    if not called.any():
        return None
    bright = ~mine & answers.answered & (answers.g <= answers.g[called].max())
    largest = answers.weights[bright].max() if bright.any() else 0.0
    wrong = answers.weights[called & ~mine]
    total, square = wrong.sum() + largest, (wrong**2).sum() + largest**2
    most = square / (2 * total) * chi2.ppf(SURE, 2 * total**2 / square) if total else 0.0
    right = answers.weights[called & mine].sum()
    return _round(right / (right + most)) if right + most > 0 else None


def _mostly_wrong(answers: Answers, called: Mask, mine: Mask) -> dict:
    wrong = called & ~mine
    if not wrong.any():
        return {"mostly_wrong": None, "its_share": 0.0}
    names, place = np.unique(answers.labels[wrong], return_inverse=True)
    weights = np.bincount(place, answers.weights[wrong])
    share = weights.max() / answers.weights[called].sum()
    return {"mostly_wrong": str(names[weights.argmax()]), "its_share": _round(share)}


def _round(value, digits: int = 6) -> float:
    return round(float(value), digits)


def _figures(value) -> float:
    """Round a number of sources to four significant figures."""
    return float(f"{value:.4g}")
