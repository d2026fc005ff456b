"""Measure a classification: precision, recall, F1, and the calibration of its probabilities."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, precision_recall_fscore_support

from sedsql.photometry.sed import STAGES, alpha, stage

YOUNG = "yso"
"""The class of young stars with a disc or an envelope."""


def macro_f1(truth: NDArray[np.str_], found: NDArray[np.str_]) -> float:
    """Average F1 over the classes of `truth`, each with the same weight."""
    return float(f1_score(truth, found, labels=np.unique(truth), average="macro", zero_division=0))


def calibration_error(truth: NDArray[np.str_], found: NDArray[np.str_], top: NDArray, bins: int = 15) -> float:
    """Return the expected calibration error: the mean distance of the top probability from the share that is right.

    Naeini et al. 2015, AAAI, equation 1, with bins of equal width.
    """
    return weighted_calibration_error(truth == found, top, np.ones(len(top)), bins)


def weighted_calibration_error(
    right: NDArray[np.bool_], probability: NDArray, weights: NDArray, bins: int = 15
) -> float:
    """Return the same for answers that stand for `weights` sources each; all arrays have shape (n,)."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = np.bincount(place, weights * (right - probability), bins)
    return float(np.abs(gaps).sum() / weights.sum())


MANY_BANDS = 6
"""Rows with this many bands or more are also measured separately."""

ALL_ROWS, MANY, PLACED = "all", f"{MANY_BANDS}_bands_or_more", f"{MANY_BANDS}_bands_or_more_and_a_parallax"
ROWS = {
    ALL_ROWS: "all rows",
    MANY: f"{MANY_BANDS} bands or more",
    PLACED: f"{MANY_BANDS} bands or more and a parallax",
}
"""The groups of rows that are measured: the key in a model's card, and words for people."""


def scores(truth: NDArray[np.str_], found: NDArray[np.str_], top: NDArray | None = None) -> dict:
    """Return macro and weighted F1, accuracy, and precision, recall, F1 and rows of each class."""
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


def by_bands(
    truth: NDArray[np.str_],
    found: NDArray[np.str_],
    top: NDArray,
    n_bands: NDArray,
    parallax: NDArray | None = None,
) -> dict:
    """Return the scores of each group of ROWS that has rows; all arrays have shape (n,)."""
    many = n_bands >= MANY_BANDS
    result = {ALL_ROWS: scores(truth, found, top)}
    if many.any():
        result[MANY] = scores(truth[many], found[many], top[many])
    if parallax is not None:
        placed = many & np.isfinite(parallax)
        if placed.any():
            result[PLACED] = scores(truth[placed], found[placed], top[placed])
    return result


def by_stage(truth: NDArray[np.str_], found: NDArray[np.str_], magnitudes: NDArray) -> dict:
    """Count the young stars, and the share of them that is found, by the stage that their spectral index gives.

    For magnitudes of shape (n, 10); the stage is '' where there are too few bands for an index.
    """
    stages = np.array([one or "" for one in stage(alpha(magnitudes))])
    result = {}
    for name in (*(name for _, name in STAGES), ""):
        mine = (truth == YOUNG) & (stages == name)
        if mine.any():
            result[name] = {"rows": int(mine.sum()), "recall": _round((found[mine] == YOUNG).mean())}
    return result


def same_bands(truth: NDArray[np.str_], found: Mapping[str, tuple[NDArray, NDArray]]) -> dict:
    """Return macro F1 for each subset of bands, given the places of its rows and the classes found for them."""
    return {
        name: {
            "rows": len(rows),
            "classes": len(np.unique(truth[rows])),
            "macro_f1": _round(macro_f1(truth[rows], labels)),
        }
        for name, (rows, labels) in found.items()
    }


def _round(value) -> float:
    return round(float(value), 4)
