"""Score each row by a model that was trained without it, leaving out whole cells of the sky or whole origins."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from sedsql.files import TableError
from sedsql.learn.band_subsets import SAME_BANDS, with_same_bands
from sedsql.learn.calibration import best_temperature, probabilities
from sedsql.learn.recipes import Recipe
from sedsql.learn.training import LabelledTable

FOLDS = 5

CELL_DEGREES = 7.3
"""The width of a cell of SKY_ORDER."""

MANY_ROWS = 2_000
"""With fewer rows, to start a process takes longer than it saves."""

NEVER = -1e6
"""The score of a class that the training rows of a fold lack."""


@dataclass
class OutOfFold:
    """Scores of n real rows, each by the model of the fold that left it out.

    Attributes
    ----------
    rows : places of the rows in the table, shape (n,)
    folds : the fold that left the row out, shape (n,)
    classes : labels, in the order of the columns of `scores`
    scores : scores before the temperature, shape (n, classes)
    same_bands : by the names of SAME_BANDS, the rows that have all these bands, and the classes found when only these
        bands are given
    """

    rows: NDArray[np.int64]
    folds: NDArray[np.int64]
    classes: NDArray[np.str_]
    scores: NDArray[np.float64]
    same_bands: dict[str, tuple[NDArray[np.int64], NDArray[np.str_]]]

    def found(self) -> NDArray[np.str_]:
        return self.classes[self.scores.argmax(axis=1)]

    def probabilities(self, truth: NDArray[np.str_]) -> NDArray[np.float64]:
        """Calibrate each fold with the temperature that is best for the others; shape (n, classes)."""
        result = np.empty_like(self.scores)
        for fold in np.unique(self.folds):
            mine = self.folds == fold
            others = ~mine if not mine.all() else mine
            temperature = best_temperature(self.scores[others], truth[others], self.classes)
            result[mine] = probabilities(self.scores[mine], temperature)
        return result


def sky_folds(table: LabelledTable, seed: int = 0, folds: int = FOLDS) -> Iterator[tuple[NDArray, NDArray]]:
    """Yield the places of the rows to fit on and of those to test on; a cell of the sky is never divided."""
    cells = len(np.unique(table.cells))
    if cells < folds:
        raise TableError(
            f"The rows of {table.about['table']} lie in {cells} cells of the sky ({CELL_DEGREES:g} degrees across); "
            f"testing on whole cells needs {folds}; without the columns ra and dec rows are tested on at random."
        )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    yield from splitter.split(table.magnitudes, table.labels, table.cells)


def out_of_fold(
    recipe: Recipe,
    table: LabelledTable,
    splits: Iterator[tuple[NDArray, NDArray]],
    seed: int = 0,
    step: Callable[[str], None] = lambda _: None,
) -> OutOfFold:
    """Score every real row of the table that one of the `splits` tests on and whose class the recipe can tell.

    `step` is called with a few words when the first split starts, and each further one when that before it has ended:
    where there are many rows, all processors work on splits.
    """
    decidable = recipe.decidable(table)
    classes = np.unique(table.labels[decidable])
    parts = []
    same_bands: dict[str, list] = {name: [] for name in SAME_BANDS}
    tests = ((fit, test[~table.simulated[test] & decidable[test]]) for fit, test in splits)
    for fold, (scored, same) in enumerate(_scored(recipe, table, classes, list(tests), seed, step)):
        parts.append((scored[0], np.full(len(scored[0]), fold), scored[1]))
        for name, some in same.items():
            same_bands[name].append(some)
    rows, folds, scores = _joined(parts)
    order = np.argsort(rows, kind="stable")
    tested = {name: _joined(some) for name, some in same_bands.items() if some}
    return OutOfFold(rows[order], folds[order], classes, scores[order], tested)


_Fold = tuple[tuple[NDArray[np.int64], NDArray[np.float64]], dict[str, tuple[NDArray[np.int64], NDArray[np.str_]]]]
"""The rows that a fold tests with their scores, and by the names of SAME_BANDS rows with the classes found."""


def _scored(recipe: Recipe, table: LabelledTable, classes, splits, seed: int, step) -> Iterator[_Fold]:
    """Fit and score each split, in order."""
    at_once = min(os.cpu_count() or 1, len(splits)) if len(table) >= MANY_ROWS else 1
    work = Parallel(n_jobs=at_once, return_as="generator")(
        delayed(_score)(recipe, table, classes, fit, test, seed) for fit, test in splits
    )
    for fold in range(len(splits)):
        step(f"cross-validating, fold {fold + 1}")
        yield next(work)


def _score(recipe: Recipe, table: LabelledTable, classes, fit, test, seed: int) -> _Fold:
    classifier = recipe.fit(table[fit], table.columns, seed)
    scores = np.full((len(test), len(classes)), float(NEVER))
    X = recipe.inputs(table.magnitudes[test], table.parallax[test], table.columns)
    scores[:, np.searchsorted(classes, classifier.classes_)] = classifier.decision_function(X)
    same = {}
    for name, (there, thinned) in with_same_bands(table.magnitudes[test]).items():
        X = recipe.inputs(thinned, table.parallax[test[there]], table.columns)
        same[name] = (test[there], classifier.predict(X))
    return (test, scores), same


def _joined(parts):
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))
