"""Which bands a source has must tell nothing of its class: bands are taken away, and weights balance the classes.

Catalogues of labels have WISE for one class and Gaia alone for another; on the sky the surveys' limits decide. So
every row is seen with many sets of bands, and within each set every class has the same share of the weight.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..simulate.survey import TMASS

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
"""What sources of Gaia, of 2MASS and of AllWISE have, and how often rows are cut down to it."""
_KEPT = np.array([[survey in name.split("; ") for survey in SURVEYS] for name in _SETS])
_CHANCE = np.array(list(_SETS.values())) / sum(_SETS.values())
_STRUCK = 0.05
"""Share of single measurements that a quality flag strikes out."""

FEW = 30.0
"""A class with fewer rows in a cell than this weighs less than its share, so that no single row decides."""
LEAST_SIMULATED = 3.0
"""What the simulated rows of a class and cell count together at least, in real rows."""
_CELL = 100.0
"""Cells of fewer rows than this count for more than their rows: they are what some user's whole table is."""


def cut_down(magnitudes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Magnitudes, shape (n, 10), of which each row keeps a set of surveys, drawn at random, and few are struck out."""
    kept = _KEPT[rng.choice(len(_KEPT), len(magnitudes), p=_CHANCE)]
    stays = np.repeat(kept, [bands.stop - bands.start for bands in SURVEYS.values()], axis=1)
    stays &= rng.random(magnitudes.shape) >= _STRUCK
    return np.where(stays, magnitudes, np.float32(np.nan))


def pattern(magnitudes: NDArray[np.float32]) -> NDArray[np.int64]:
    """A number for the surveys that each row has, shape (n,)."""
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
    """Weights of rows, so that in every cell each class has the same share of the weight.

    Parameters
    ----------
    labels, cells : shape (n,)
    share : what a row counts among those of its class and cell, shape (n,)
    simulated : whether a row is; of a class and cell simulated rows together count as `simulated_share` of the real
        ones, and at least as LEAST_SIMULATED rows
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
"""A share of what there is to tell from which on `sedsql train` warns."""


@dataclass(frozen=True)
class Clue:
    """What which bands are there, and G, tell of the class, in nats (0: nothing); `entropy` is what there is to tell.

    information : by how much the log loss of a classifier that sees nothing else is below that of the classes' shares,
        on rows that it was not fitted to
    """

    information: float
    entropy: float

    @property
    def share(self) -> float:
        return max(self.information, 0.0) / self.entropy if self.entropy else 0.0


def clue(labels: NDArray[np.str_], magnitudes: NDArray[np.float32], weights: NDArray, seed: int = 0) -> Clue:
    """How much the bands that are there, and G, tell of the class, as the rows are weighted."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    X = np.column_stack([np.isfinite(magnitudes), magnitudes[:, 0]]).astype(np.float32)
    names, place = np.unique(labels, return_inverse=True)
    half = np.random.default_rng(seed).random(len(labels)) < 0.5
    classifier = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=16, early_stopping=False, random_state=seed)
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
