"""Diagnose a classification: confusion, precision-recall curves, the value of bands and of more rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, confusion_matrix, precision_recall_curve
from sklearn.pipeline import Pipeline

from sedsql.learn.algorithms import Algorithm, Shipped, scores
from sedsql.learn.evaluation import macro_f1
from sedsql.learn.training import LabelledTable
from sedsql.photometry.bands import BANDS, COLUMNS

RECALLS = np.linspace(0, 1, 51)
BINS = 10
REPEATS = 3
RESAMPLES = 400
SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)
LEAST_CONFUSION = 0.02


def confusion(
    truth: NDArray[np.str_], found: NDArray[np.str_], classes: Sequence[str] | NDArray[np.str_]
) -> list[list[int]]:
    """Count the rows of each true class (lines) that get each class (columns)."""
    return confusion_matrix(truth, found, labels=list(classes)).tolist()


def macro_f1_error(matrix: Sequence[Sequence[int]], seed: int = 0) -> float:
    """Return the standard error of macro F1, by drawing the rows of a confusion matrix anew RESAMPLES times.

    This is the bootstrap (Efron 1979, Annals of Statistics 7, 1); rows are taken as independent.
    """
    counts = np.array(matrix)
    drawn = np.random.default_rng(seed).multinomial(counts.sum(), counts.ravel() / counts.sum(), RESAMPLES)
    drawn = drawn.reshape(-1, *counts.shape)
    there = counts.sum(axis=1) > 0
    right = np.einsum("kii->ki", drawn)[:, there]
    both = drawn.sum(axis=1)[:, there] + drawn.sum(axis=2)[:, there]
    return round(float((2 * right / np.maximum(both, 1)).mean(axis=1).std()), 4)


def precision_recall(
    truth: NDArray[np.str_], p: NDArray[np.float64], classes: Sequence[str] | NDArray[np.str_]
) -> dict[str, dict]:
    """Return for each class the best precision at each of RECALLS, and the average precision; p is (n, classes)."""
    result = {}
    for place, name in enumerate(classes):
        right = truth == name
        if right.any():
            precision, recall, _ = precision_recall_curve(right, p[:, place])
            best = np.maximum.accumulate(precision)  # recall falls along the curve
            at = len(recall) - 1 - np.searchsorted(recall[::-1], RECALLS)
            result[str(name)] = {
                "precision": [round(float(v), 4) for v in best[at]],
                "average_precision": round(float(average_precision_score(right, p[:, place])), 4),
            }
    return result


def reliability(right: NDArray[np.bool_], top: NDArray[np.float64]) -> list[dict[str, float]]:
    """Return, in bins of the highest probability with 20 rows or more, its mean, the share that is right, and rows."""
    place = np.minimum((top * BINS).astype(int), BINS - 1)
    return [
        {
            "probability": round(float(top[place == b].mean()), 4),
            "right": round(float(right[place == b].mean()), 4),
            "rows": int((place == b).sum()),
        }
        for b in range(BINS)
        if (place == b).sum() >= 20
    ]


def remaining_confusion(
    matrices: dict[str, list[list[int]]], classes: Sequence[str] | NDArray[np.str_], best: str
) -> list[dict]:
    """List the pairs of classes that no algorithm separates, the most confused first.

    The confusion of a pair is the mean of two shares: rows of the one that are called the other, and the reverse.
    The least confusion over all algorithms counts; pairs below LEAST_CONFUSION are left out.
    """
    shares = {}
    for name, matrix in matrices.items():
        counts = np.array(matrix, float)
        shares[name] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    pairs = []
    for i, one in enumerate(classes):
        for j, other in list(enumerate(classes))[i + 1 :]:
            both = {name: (share[i, j] + share[j, i]) / 2 for name, share in shares.items()}
            least = min(both, key=lambda name: both[name])
            if both[least] >= LEAST_CONFUSION:
                pairs.append(
                    {
                        "pair": [str(one), str(other)],
                        "rows": [sum(matrices[best][i]), sum(matrices[best][j])],
                        "least": round(float(both[least]), 4),
                        "by": least,
                        "forth": round(float(shares[best][i, j]), 4),
                        "back": round(float(shares[best][j, i]), 4),
                    }
                )
    return sorted(pairs, key=lambda pair: -pair["least"])


def band_importance(classifier: Pipeline, table: LabelledTable, columns: Sequence[str], seed: int) -> dict[str, Any]:
    """Measure by how much macro F1 falls when the magnitudes of one band are permuted among the rows that have it.

    Breiman 2001, Machine Learning 45, 5, section 10, for all features of a band at once. The rows that lack the band
    stay the same. Returns `mean` and `spread` (standard deviation) of REPEATS permutations.
    """
    rng = np.random.default_rng(seed)

    def score(magnitudes):
        return macro_f1(table.labels, classifier.classes_[scores(classifier, magnitudes, columns).argmax(axis=1)])

    before = score(table.magnitudes)
    result = {}
    for band in BANDS:
        if band.column not in columns:
            continue
        place = COLUMNS.index(band.column)
        there = np.flatnonzero(np.isfinite(table.magnitudes[:, place]))
        falls = []
        for _ in range(REPEATS):
            dealt = table.magnitudes.copy()
            # Only the difference from the row's other bands is permuted: otherwise faint rows would get bright bands,
            # which no source has.
            others = np.delete(table.magnitudes, place, axis=1)[there]
            level = np.nanmedian(others, axis=1)
            dealt[there, place] = level + rng.permutation(table.magnitudes[there, place] - level)
            falls.append(before - score(dealt))
        result[band.short] = {"mean": round(float(np.mean(falls)), 4), "spread": round(float(np.std(falls)), 4)}
    return result


def learning_curve(
    algorithm: Algorithm | Shipped,
    settings: dict[str, Any],
    table: LabelledTable,
    fit: NDArray[np.int64],
    test: NDArray[np.int64],
    seed: int,
) -> list[dict[str, float]]:
    """Return macro F1 of the rows `test` after fits to SHARES of the sky cells of the rows `fit`."""
    cells = np.random.default_rng(seed).permutation(np.unique(table.cells[fit]))
    points = []
    for share in SHARES:
        some = fit[np.isin(table.cells[fit], cells[: max(round(share * len(cells)), 1)])]
        if len(np.unique(table.labels[some])) < 2:
            continue
        classifier = algorithm.fit(table[some], table.columns, seed, settings)
        names = classifier.classes_[scores(classifier, table.magnitudes[test], table.columns).argmax(axis=1)]
        points.append({"rows": len(some), "macro_f1": round(macro_f1(table.labels[test], names), 4)})
    return points
