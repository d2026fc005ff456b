"""How good a classification is: precision, recall, F1, and whether the probabilities are true."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, precision_recall_fscore_support

from ..bands import BANDS, COLUMNS

SAME_BANDS = {
    "all ten bands": COLUMNS,
    "Gaia, 2MASS, W1, W2": COLUMNS[:8],
    "Gaia, 2MASS": COLUMNS[:6],
    "Gaia": COLUMNS[:3],
    "2MASS, WISE": COLUMNS[3:],
}
"""Subsets on which classes are compared with the same bands there for all: no help from what is missing."""


def macro_f1(truth: NDArray[np.str_], found: NDArray[np.str_]) -> float:
    """F1 averaged over the classes of `truth`, each counting the same."""
    return float(f1_score(truth, found, labels=np.unique(truth), average="macro", zero_division=0))


def calibration_error(truth: NDArray[np.str_], found: NDArray[np.str_], top: NDArray, bins: int = 15) -> float:
    """Expected calibration error: mean distance of the top probability from how often it is right.

    (Naeini et al. 2015, AAAI, equation 1, with bins of equal width.)
    """
    place = np.minimum((top * bins).astype(int), bins - 1)
    right = (truth == found).astype(float)
    return float(sum(abs((right - top)[place == b].sum()) for b in range(bins)) / len(top))


def scores(truth: NDArray[np.str_], found: NDArray[np.str_], top: NDArray | None = None) -> dict:
    """Macro and weighted F1, accuracy, and precision, recall, F1 and rows of each class."""
    classes = np.unique(truth)
    precision, recall, f1, rows = precision_recall_fscore_support(truth, found, labels=classes, zero_division=0)
    result = {
        "rows": len(truth),
        "macro_f1": _round(f1.mean()),
        "weighted_f1": _round(np.average(f1, weights=rows)),
        "accuracy": _round((truth == found).mean()),
        "per_class": {
            str(name): {"precision": _round(p), "recall": _round(r), "f1": _round(f), "rows": int(n)}
            for name, p, r, f, n in zip(classes, precision, recall, f1, rows, strict=True)
        },
    }
    if top is not None:
        result["calibration_error"] = _round(calibration_error(truth, found, top))
    return result


def by_same_bands(classifier, magnitudes: NDArray[np.float32], truth: NDArray[np.str_]) -> dict:
    """Macro F1 where every row has just the same bands, for several subsets of the bands.

    Only the rows that have all bands of a subset count, with the others taken away.
    """
    result = {}
    for name, columns in SAME_BANDS.items():
        kept = np.array([band.column in columns for band in BANDS])
        rows = np.isfinite(magnitudes[:, kept]).all(axis=1)
        if rows.any():
            thinned = np.where(kept, magnitudes[rows], np.float32(np.nan))
            found = classifier.predict(thinned)
            result[name] = {
                "rows": int(rows.sum()),
                "classes": len(np.unique(truth[rows])),
                "macro_f1": _round(macro_f1(truth[rows], found)),
            }
    return result


def _round(value) -> float:
    return round(float(value), 4)
