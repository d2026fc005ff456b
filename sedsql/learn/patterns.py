"""Take bands away and balance weights, so that the presence of bands tells nothing of the class.

Catalogues of labels have WISE for one class and only Gaia for another; on the sky the surveys' limits decide. So every
row is seen with many sets of bands, and within each set every class has the same share of the weight.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedsql.simulate.survey import TMASS

SURVEYS = {
    "G": slice(0, 1),
    "BP, RP": slice(1, 3),
    "2MASS": TMASS,
    "W1, W2": slice(6, 8),
    "W3": slice(8, 9),
    "W4": slice(9, 10),
}
"""Places of the bands that a source has, or lacks, together."""

_SETS = {
    "G; BP, RP; 2MASS; W1, W2; W3; W4": 3,
    "G; BP, RP; 2MASS; W1, W2; W3": 1,
    "G; BP, RP; 2MASS; W1, W2": 2,
    "G; BP, RP; 2MASS": 3,
    "G; BP, RP; W1, W2; W3; W4": 1,
    "G; BP, RP; W1, W2; W3": 0.5,
    "G; BP, RP; W1, W2": 1,
    "G; BP, RP": 3,
    "2MASS; W1, W2; W3; W4": 2,
    "2MASS; W1, W2; W3": 0.5,
    "2MASS; W1, W2": 1,
    "G; 2MASS; W1, W2; W3; W4": 1,
    "G; 2MASS; W1, W2; W3": 0.5,
    "G; 2MASS; W1, W2": 1,
    "W1, W2; W3; W4": 1,
    "W1, W2; W3": 0.5,
    "2MASS": 0.5,
    "G; 2MASS": 0.5,
}
"""The sets of bands that sources of Gaia, 2MASS and AllWISE have, and how often rows are reduced to each."""
_KEPT = np.array([[survey in name.split("; ") for survey in SURVEYS] for name in _SETS])
_CHANCE = np.array(list(_SETS.values())) / sum(_SETS.values())
_STRUCK = 0.05
"""The share of single measurements that is removed, as quality flags do."""

FEW = 30.0
"""A class with fewer rows in a cell than this weighs less than its share, so that no single row decides."""
LEAST_SIMULATED = 3.0
"""The least weight of all simulated rows of a class and cell together, in real rows."""
_CELL = 100.0
"""Cells with fewer rows than this count for more than their rows: a user's whole table may be such a cell."""


def cut_down(magnitudes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Reduce each row of magnitudes, shape (n, 10), to a random set of surveys, and remove a few single values."""
    kept = _KEPT[rng.choice(len(_KEPT), len(magnitudes), p=_CHANCE)]
    stays = np.repeat(kept, [bands.stop - bands.start for bands in SURVEYS.values()], axis=1)
    stays &= rng.random(magnitudes.shape) >= _STRUCK
    return np.where(stays, magnitudes, np.float32(np.nan))


def pattern(magnitudes: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return a number for the set of surveys that each row has, shape (n,)."""
    there = np.isfinite(magnitudes)
    seen = np.stack([there[:, bands].any(axis=1) for bands in SURVEYS.values()], axis=1)
    return seen @ (1 << np.arange(len(SURVEYS)))


def balanced(
    labels: NDArray[np.str_],
    cells: NDArray[np.int64],
    share: NDArray[np.floating],
    simulated: NDArray[np.bool_],
    class_shares: dict[str, float],
    simulated_share: float,
) -> NDArray[np.float64]:
    """Return weights of rows with which each class has the same share of the weight in every cell.

    Parameters
    ----------
    labels, cells : shape (n,)
    share : weight of a row among those of its class and cell, shape (n,)
    simulated : whether a row is simulated, shape (n,); the simulated rows of a class and cell together count as
        `simulated_share` of the real ones, and at least as LEAST_SIMULATED rows
    class_shares : relative weights of the classes, the same in every cell
    """
    names, place = np.unique(labels, return_inverse=True)
    _, cells = np.unique(cells, return_inverse=True)
    both = cells * len(names) + place
    n = (cells.max() + 1) * len(names)
    real = np.bincount(both[~simulated], share[~simulated], n)
    made = np.bincount(both[simulated], share[simulated], n)
    counts = share.astype(np.float64)
    counts[simulated] *= (np.maximum(simulated_share * real, LEAST_SIMULATED) / np.maximum(made, 1e-9))[both[simulated]]
    total = np.bincount(both, counts, n)
    per_class = np.array([class_shares[str(name)] for name in names])
    in_cell = np.sqrt(np.bincount(cells, share * ~simulated) + _CELL)
    weights = counts / total[both] * per_class[place] * in_cell[cells] * np.minimum(1, total[both] / FEW)
    return weights / weights.mean()


TELLING = 0.1
"""`sedsql train` warns where the presence of bands tells more than this share of the class."""


@dataclass(frozen=True)
class Clue:
    """How much the presence of bands, and G, tell of the class, in nats.

    information : by how much a classifier that sees nothing else has a lower log loss than the classes' shares, on rows
        to which it was not fitted; 0 if these tell nothing
    entropy : the log loss of the classes' shares, which is the most that can be told
    """

    information: float
    entropy: float

    @property
    def share(self) -> float:
        return max(self.information, 0.0) / self.entropy if self.entropy else 0.0


def clue(labels: NDArray[np.str_], magnitudes: NDArray[np.float32], weights: NDArray, seed: int = 0) -> Clue:
    """Measure how much the presence of bands, and G, tell of the class, with the weights of the rows."""
    from sedsql.learn.binning import QuickBoosting

    X = np.column_stack([np.isfinite(magnitudes), magnitudes[:, 0]]).astype(np.float32)
    names, place = np.unique(labels, return_inverse=True)
    half = np.random.default_rng(seed).random(len(labels)) < 0.5
    classifier = QuickBoosting(max_iter=30, max_leaf_nodes=16, early_stopping=False, random_state=seed)
    classifier.fit(X[half], place[half], weights[half])
    shares = np.bincount(place[half], weights[half], len(names)) / weights[half].sum()
    tested = ~half & np.isin(place, classifier.classes_)
    w, rows = weights[tested], np.arange(tested.sum())
    told = np.log(np.maximum(classifier.predict_proba(X[tested]), 1e-12))
    found = told[rows, np.searchsorted(classifier.classes_, place[tested])]
    return Clue(
        float(np.average(found - np.log(shares[place[tested]]), weights=w)),
        float(-(shares * np.log(np.maximum(shares, 1e-12))).sum()),
    )
