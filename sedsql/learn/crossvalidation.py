"""What a recipe's models say of rows that they have not seen: sky cell by sky cell, or origin by origin."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from ..tables import TableError
from .bandsets import SAME_BANDS, with_same_bands
from .calibration import best_temperature, probabilities
from .recipes import Recipe
from .training import LabelledTable

FOLDS = 5

CELL_DEGREES = 7.3
"""How far a cell of SKY_ORDER is across."""

NEVER = -1e6
"""Score of a class that a fold's training rows lack."""


@dataclass
class OutOfFold:
    """Scores of n real rows, each by the model of the fold that left it out.

    Attributes
    ----------
    rows : places of the rows in the table, shape (n,)
    folds : which fold left a row out, shape (n,)
    classes : labels, in the order of the columns of `scores`
    scores : before the temperature, shape (n, classes)
    same_bands : by the names of SAME_BANDS: rows that have all these bands, and the classes found when all others
        are taken away from them
    """

    rows: NDArray[np.int64]
    folds: NDArray[np.int64]
    classes: NDArray[np.str_]
    scores: NDArray[np.float64]
    same_bands: dict[str, tuple[NDArray[np.int64], NDArray[np.str_]]]

    def found(self) -> NDArray[np.str_]:
        return self.classes[self.scores.argmax(axis=1)]

    def probabilities(self, truth: NDArray[np.str_]) -> NDArray[np.float64]:
        """Calibrated, each fold at the temperature that suits the others; shape (n, classes)."""
        result = np.empty_like(self.scores)
        for fold in np.unique(self.folds):
            mine = self.folds == fold
            others = ~mine if not mine.all() else mine
            temperature = best_temperature(self.scores[others], truth[others], self.classes)
            result[mine] = probabilities(self.scores[mine], temperature)
        return result


def sky_folds(table: LabelledTable, seed: int = 0, folds: int = FOLDS) -> Iterator[tuple[NDArray, NDArray]]:
    """Places of the rows to fit on and of those to test on; whole sky cells are tested on together."""
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
    """Scores of every real row of the table that one of the `splits` tests on and whose class the recipe can tell.

    `step` is called with a few words at the start of each split.
    """
    decidable = recipe.decidable(table)
    classes = np.unique(table.labels[decidable])
    parts = []
    same_bands: dict[str, list] = {name: [] for name in SAME_BANDS}
    for fold, (fit, test) in enumerate(splits):
        step(f"cross-validating, fold {fold + 1}")
        test = test[~table.simulated[test] & decidable[test]]
        classifier = recipe.fit(table[fit], table.columns, seed)
        scores = np.full((len(test), len(classes)), float(NEVER))
        X = recipe.inputs(table.magnitudes[test], table.parallax[test], table.columns)
        scores[:, np.searchsorted(classes, classifier.classes_)] = classifier.decision_function(X)
        parts.append((test, np.full(len(test), fold), scores))
        for name, (there, thinned) in with_same_bands(table.magnitudes[test]).items():
            X = recipe.inputs(thinned, table.parallax[test[there]], table.columns)
            same_bands[name].append((test[there], classifier.predict(X)))
    rows, folds, scores = _joined(parts)
    order = np.argsort(rows, kind="stable")
    tested = {name: _joined(some) for name, some in same_bands.items() if some}
    return OutOfFold(rows[order], folds[order], classes, scores[order], tested)


def _joined(parts):
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))
