"""Cross-validate a recipe by leaving out whole catalogues (origins), to measure what carries over to a new one.

Bands, brightness and the meaning of a label differ from catalogue to catalogue. When cells of the sky are left out,
every catalogue is in training and in testing; when an origin is left out, it is not, so the figures are closer to those
for a user's own catalogue.
"""

import re
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from sedsql.files import TableError
from sedsql.learn import evaluation
from sedsql.learn.calibration import coverage
from sedsql.learn.crossvalidation import out_of_fold
from sedsql.learn.recipes import Recipe
from sedsql.learn.training import LEAST_ROWS, LabelledTable

HOW = (
    "each origin left out, with all versions of its catalogue, for the classes of which other origins have "
    f"{LEAST_ROWS} rows or more; temperature and thresholds of each origin from the others"
)


def catalogues(origins: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return the catalogue of which each origin is a version: the letters with which its name begins, shape (n,).

    Versions of a catalogue select, match and label sources in the same way; with one of them in training, testing on
    another shows little of what carries over. So `muwclass_td_2022` and `muwclass_raw` are left out together.
    """
    names, place = np.unique(origins, return_inverse=True)
    words = [re.match(r"[^\W\d_]*", name) for name in names]
    return np.array([word[0].lower() if word and word[0] else name for word, name in zip(words, names, strict=True)])[
        place
    ]


def learnt_elsewhere(table: LabelledTable, usable: NDArray[np.bool_] | bool = True) -> NDArray[np.bool_]:
    """Tell which rows can be tested by a model trained on other origins, shape (n,).

    Other origins must have LEAST_ROWS `usable` rows of the row's class, and as many rows of the class must be testable.
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
    """Yield the places of the rows to fit on, without an origin, and of those to test on, from that origin.

    Versions of a catalogue count as one origin.

    Left out are the rows of an origin whose class other origins have too (`learnt_elsewhere`). Rows of a class that
    other origins hardly have stay in training and are never tested, because without them the class would be unknown.
    Origins without a tested class in common are left out together, since this takes no other rows from a class that is
    tested.

    Raises TableError where no class occurs in two origins.
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
    """Measure a recipe's models, each on an origin that its training rows lack, in the form of `build.metrics_of`.

    `by_origin` gives the share of right answers for each origin, `not_tested` lists the classes with one origin. `step`
    is called with a few words for each fit; `look` gets labels, classes found and their probabilities.
    """
    validated = out_of_fold(recipe, table, origin_folds(table, recipe.decidable(table)), seed, step)
    rows = validated.rows
    truth, found = table.labels[rows], validated.found()
    p = validated.probabilities(truth)
    look(truth, found, p.max(axis=1))
    tested = np.unique(truth)
    return {
        "how": HOW,
        **evaluation.by_bands(truth, found, p.max(axis=1), table.n_bands[rows], table.parallax[rows, 0]),
        "young_by_stage": evaluation.by_stage(truth, found, table.magnitudes[rows]),
        "same_bands": evaluation.same_bands(table.labels, validated.same_bands),
        "conformal": coverage(p, truth, validated.classes, validated.folds),
        "by_origin": by_origin(table.origins[rows], truth, found),
        "not_tested": [str(name) for name in np.unique(table.labels[~table.simulated]) if name not in tested],
    }


def by_origin(origins: NDArray[np.str_], truth: NDArray[np.str_], found: NDArray[np.str_]) -> list[dict]:
    """List for each origin its rows, the classes tested, the share of right answers and the commonest wrong answer."""
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
