"""What carries over from one catalogue to another: a recipe tested on origins that its training rows lack.

Which bands there are, how bright sources are and what a label means differ from catalogue to catalogue. Cells of the
sky have all catalogues in training and in testing; leaving an origin out does not, so that its figures are nearer to
what a user's own catalogue will meet.
"""

import re
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..tables import TableError
from . import evaluate
from .calibration import coverage
from .crossvalidation import out_of_fold
from .recipes import Recipe
from .training import LEAST_ROWS, LabelledTable

HOW = (
    "each origin left out, with all versions of its catalogue, for the classes of which other origins have "
    f"{LEAST_ROWS} rows or more; temperature and thresholds of each origin from the others"
)


def catalogues(origins: NDArray[np.str_]) -> NDArray[np.str_]:
    """The catalogue that each origin is a version of: the letters that its name begins with, shape (n,).

    Versions of a catalogue share how sources were selected, matched and labelled; with one of them in training, testing
    on another tells little of what carries over. So `muwclass_td_2022` and `muwclass_raw` are left out together.
    """
    names, place = np.unique(origins, return_inverse=True)
    words = [re.match(r"[^\W\d_]*", name) for name in names]
    return np.array([word[0].lower() if word and word[0] else name for word, name in zip(words, names, strict=True)])[
        place
    ]


def learnt_elsewhere(table: LabelledTable, usable: NDArray[np.bool_] | bool = True) -> NDArray[np.bool_]:
    """Whether a row can be tested by what other origins tell of its class: shape (n,).

    Other origins must have LEAST_ROWS `usable` rows of its class to learn from, and as many of the class must be
    testable.
    """
    real = ~table.simulated & (table.origins != "") & usable
    testable = np.zeros(len(table), bool)
    catalogue = catalogues(table.origins)
    for label in np.unique(table.labels[real]):
        of_class = real & (table.labels == label)
        for one in np.unique(catalogue[of_class]):
            mine = of_class & (catalogue == one)
            testable[mine] = (of_class & ~mine).sum() >= LEAST_ROWS
        if (of_class & testable).sum() < LEAST_ROWS:
            testable[of_class] = False
    return testable


def origin_folds(table: LabelledTable, usable: NDArray[np.bool_] | bool = True) -> Iterator[tuple[NDArray, NDArray]]:
    """Places of the rows to fit on and of those to test on, which lack their origins; versions of a catalogue are one.

    All rows of an origin are left out whose class other origins have too (`learnt_elsewhere`). Rows of classes that
    hardly another origin has stay in training and are never tested, for without them the class would be unknown.
    Origins that have no such class in common are left out at once: of a class that is tested no other rows are gone.

    Raises TableError where no class stands in two origins.
    """
    testable = learnt_elsewhere(table, usable)
    if not testable.any():
        what = "" if (table.origins != "").any() else ", for it has no column `origin`"
        raise TableError(
            f"No class of {table.about['table']} has {LEAST_ROWS} rows in two origins{what} (those whose names begin "
            "with the same word count as one): with an origin left out there is nothing to test."
        )
    catalogue = catalogues(table.origins)
    folds: list[tuple[set[str], NDArray[np.bool_], NDArray[np.bool_]]] = []
    for one in np.unique(catalogue[testable]):
        test = testable & (catalogue == one)
        labels = set(table.labels[test])
        gone = (catalogue == one) & np.isin(table.labels, list(labels))
        together = next((fold for fold in folds if not fold[0] & labels), None)
        if together:
            folds.remove(together)
            labels, gone, test = labels | together[0], gone | together[1], test | together[2]
        folds.append((labels, gone, test))
    for _, gone, test in folds:
        yield np.flatnonzero(~gone), np.flatnonzero(test)


def leave_one_origin_out(
    recipe: Recipe,
    table: LabelledTable,
    seed: int = 0,
    step: Callable[[str], None] = lambda _: None,
    look: Callable[[NDArray, NDArray, NDArray], None] = lambda *_: None,
) -> dict:
    """Scores of a recipe's models, each on an origin that its training rows lack; as `build.metrics_of` has them.

    `by_origin` has of each origin the share of its rows that is right, `not_tested` the classes of one origin. `step`
    is called with a few words for each fit, `look` with labels, classes found and their probabilities.
    """
    validated = out_of_fold(recipe, table, origin_folds(table, recipe.decidable(table)), seed, step)
    rows = validated.rows
    truth, found = table.labels[rows], validated.found()
    p = validated.probabilities(truth)
    look(truth, found, p.max(axis=1))
    tested = np.unique(truth)
    return {
        "how": HOW,
        **evaluate.by_bands(truth, found, p.max(axis=1), table.n_bands[rows], table.parallax[rows, 0]),
        "young_by_stage": evaluate.by_stage(truth, found, table.magnitudes[rows]),
        "same_bands": evaluate.same_bands(table.labels, validated.same_bands),
        "conformal": coverage(p, truth, validated.classes, validated.folds),
        "by_origin": by_origin(table.origins[rows], truth, found),
        "not_tested": [str(name) for name in np.unique(table.labels[~table.simulated]) if name not in tested],
    }


def by_origin(origins: NDArray[np.str_], truth: NDArray[np.str_], found: NDArray[np.str_]) -> list[dict]:
    """Of each origin: rows, classes tested, the share that is right, and what most of the others are taken for."""
    result = []
    for origin in np.unique(origins):
        mine = origins == origin
        right = truth[mine] == found[mine]
        others, counts = np.unique(found[mine][~right], return_counts=True)
        result.append(
            {
                "origin": str(origin),
                "rows": int(mine.sum()),
                "classes": [str(name) for name in np.unique(truth[mine])],
                "right": round(float(right.mean()), 4),
                "mostly_wrong": str(others[counts.argmax()]) if len(others) else None,
            }
        )
    return result
