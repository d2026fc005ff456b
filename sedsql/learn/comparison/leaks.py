"""Measure what leaks from training to testing, with one classifier tested on unseen rows, sky and catalogues.

The bands that a row lacks show which catalogue it is from, and so its class. The classifier gets one of three inputs:
magnitudes as they are; the same with the guards of `augment.training_rows`; or only which bands there are. Each is
tested in three ways: on random rows, on whole sky cells, and on a catalogue (origin) left out (`origins.origin_folds`).
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from sedsql.learn.algorithms import bands
from sedsql.learn.augment import training_rows
from sedsql.learn.band_subsets import with_same_bands
from sedsql.learn.binning import QuickBoosting
from sedsql.learn.crossvalidation import sky_folds
from sedsql.learn.evaluation import macro_f1
from sedsql.learn.features import Colours
from sedsql.learn.origins import learnt_elsewhere, origin_folds
from sedsql.learn.training import LEAST_ROWS, LabelledTable

FOLDS = 3
SEEN = ("magnitudes, no guards", "magnitudes, guards", "only which bands there are")
SPLITS = ("naive", "sky", "origin")
SAME = "Gaia, 2MASS"

TREES = {
    "learning_rate": 0.2,
    "max_iter": 40,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 8,
    "l2_regularization": 30.0,
    "max_features": 0.3,
    "max_bins": 63,
}
"""As in the recipes of the shipped models, with fewer and smaller trees, because there are two dozen fits."""

_Test = Callable[[NDArray[np.float32]], NDArray[np.str_]]


def splits(table: LabelledTable, how: str, seed: int) -> Iterator[tuple[NDArray, NDArray]]:
    """Yield the places of the rows to fit on and of those to test on: 'naive', 'sky' or 'origin'."""
    if how == "naive":
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        yield from folds.split(table.magnitudes, table.labels)
    elif how == "sky":
        yield from sky_folds(table, seed, FOLDS)
    else:
        yield from origin_folds(table)


def fitted(seen: str, table: LabelledTable, columns: Sequence[str], seed: int) -> _Test:
    """Fit a small gradient boosting to a table; the result classifies magnitudes of shape (n, 10)."""
    trees = QuickBoosting(**TREES, early_stopping=False, random_state=seed)
    if seen == "magnitudes, guards":
        rows = training_rows(table, seed)
        magnitudes, labels, weights = rows.magnitudes, rows.labels, rows.weights
    else:
        magnitudes, labels = table.magnitudes, table.labels
        _, place = np.unique(labels, return_inverse=True)
        weights = np.bincount(place)[place] ** -0.5
    colours = Colours(tuple(columns))

    def features(magnitudes):
        seen_bands = bands(magnitudes, columns)
        there = np.isfinite(seen_bands).astype(np.float32)
        return there if seen == "only which bands there are" else colours.fit(seen_bands).transform(seen_bands)

    trees.fit(features(magnitudes), labels, sample_weight=weights / weights.mean())
    return lambda magnitudes: trees.predict(features(magnitudes))


def found_by(seen: str, how: str, table: LabelledTable, seed: int) -> dict[str, NDArray]:
    """Classify the rows that a split tests: returns `rows`, their places, and `found`, their classes.

    The sky split also returns `band_rows` and `band_found`, for rows with the bands of Gaia and 2MASS, given only
    these.
    """
    parts, same = [], []
    for fit, test in splits(table, how, seed):
        test = test[~table.simulated[test]]
        classify = fitted(seen, table[fit], table.columns, seed)
        parts.append((test, classify(table.magnitudes[test])))
        with_bands = with_same_bands(table.magnitudes[test])
        if how == "sky" and SAME in with_bands:
            there, thinned = with_bands[SAME]
            same.append((test[there], classify(thinned)))
    result = {}
    for names, some in ((("rows", "found"), parts), (("band_rows", "band_found"), same)):
        for name, arrays in zip(names, zip(*some, strict=True), strict=False):
            result[name] = np.concatenate(arrays)
    return result


def table_of(found: dict[tuple[str, str], dict[str, NDArray]], table: LabelledTable) -> dict:
    """Return the leaks as figures, from the results of `found_by` for each of SEEN and each possible split.

    `all_classes` is macro F1 by the naive and the sky split; `same_rows` is macro F1 of the rows that the origin
    split can test, by all three; `same_bands` is macro F1 by the sky split with only the bands SAME.
    `by_origin` gives for each origin the share of right answers with the guards: when it is left out, and by the sky
    split.
    """
    testable = learnt_elsewhere(table)
    labels = np.unique(table.labels[~table.simulated])
    tested = np.unique(table.labels[testable])
    lines = []
    for seen in SEEN:
        line: dict = {"seen": seen, "all_classes": {}, "same_rows": {}}
        for how in SPLITS:
            answer = found.get((seen, how))
            if not answer:
                continue
            rows, names = answer["rows"], answer["found"]
            if how != "origin":
                line["all_classes"][how] = _macro_f1(table.labels[rows], names)
            some = testable[rows]
            if some.any():
                line["same_rows"][how] = _macro_f1(table.labels[rows[some]], names[some])
            if "band_rows" in answer:
                line["same_bands"] = _macro_f1(table.labels[answer["band_rows"]], answer["band_found"])
        lines.append(line)
    return {
        "lines": lines,
        "same_bands": SAME,
        "origins": [str(name) for name in np.unique(table.origins[~table.simulated]) if name],
        "tested_by_origin": [str(name) for name in tested],
        "rows_tested_by_origin": int(testable.sum()),
        "not_tested_by_origin": [str(name) for name in labels if name not in tested],
        "least_rows": LEAST_ROWS,
        "by_origin": _by_origin(found, table, testable),
    }


def _by_origin(found, table: LabelledTable, testable: NDArray[np.bool_]) -> list[dict]:
    right = {}
    for how in ("sky", "origin"):
        answer = found.get((SEEN[1], how))
        if not answer:
            return []
        right[how] = np.zeros(len(table), bool)
        right[how][answer["rows"]] = table.labels[answer["rows"]] == answer["found"]
    result = []
    for origin in np.unique(table.origins[testable]):
        mine = testable & (table.origins == origin)
        sky, out = (round(float(right[how][mine].mean()), 4) for how in ("sky", "origin"))
        classes = [str(name) for name in np.unique(table.labels[mine])]
        result.append(
            {"origin": str(origin), "rows": int(mine.sum()), "classes": classes, "sky": sky, "origin_out": out}
        )
    return result


def _macro_f1(truth, found) -> float:
    return round(macro_f1(truth, found), 4)
