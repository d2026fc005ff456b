"""Compare algorithms by nested cross-validation on the same folds of the sky, within a time budget; resumable."""

import hashlib
import platform
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from sedsql.learn import evaluation
from sedsql.learn.algorithms import ALGORITHMS, Algorithm
from sedsql.learn.augment import training_rows
from sedsql.learn.binning import FEW_ROWS
from sedsql.learn.comparison import diagnosis, leaks, published
from sedsql.learn.comparison.budget import plan
from sedsql.learn.comparison.checkpoint import Checkpoint
from sedsql.learn.comparison.classical import classical
from sedsql.learn.comparison.clock import WORK, Clock
from sedsql.learn.comparison.ensemble import Trial, ensemble
from sedsql.learn.comparison.fold_tests import Candidates, mark, piece_name, seconds_spent, test_on_folds
from sedsql.learn.crossvalidation import FOLDS, sky_folds
from sedsql.learn.features import Colours
from sedsql.learn.training import SKY_ORDER, LabelledTable

ENSEMBLE = "ensemble"


def steps(chosen: Candidates) -> int:
    """Return how often `compare` calls its `step`."""
    return FOLDS * len(chosen) + FOLDS + len(leaks.SEEN) * len(leaks.SPLITS) + 3


def compare(
    table: LabelledTable,
    folder: Path,
    chosen: Candidates,
    *,
    budget: float,
    seed: int = 0,
    force: bool = False,
    step: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Compare algorithms on a labelled table and return the figures, in the form of the JSON output.

    Parameters
    ----------
    folder : keeps the finished pieces, so that a second call continues the first
    budget : seconds for the comparison. Where they do not suffice for all rows, it takes fewer, drawn at random, and
        leaves out the slowest algorithms; where there is time left, the algorithms share it equally and try as many of
        their settings as it allows
    step : called with a few words at the start of each of the `steps`
    """
    begun, of = time.monotonic(), len(table)
    next(sky_folds(table, seed))  # a table of too few places is refused before anything is written
    kept = Checkpoint(folder, _what(table, seed), force)
    step("how many rows there is time for")
    with threadpool_limits(1):  # for fits to a few rows
        planned = kept.piece("rows", partial(plan, budget * WORK, table, chosen, seed))
    table = table[planned["rows"]]
    left_out = [one.title for one in chosen if one.name not in planned["algorithms"]]
    chosen = [one for one in chosen if one.name in planned["algorithms"]]
    spent = seconds_spent(kept, chosen, FOLDS)
    clock = Clock(begun + WORK * budget - spent, planned["reserved"], left_out)
    with threadpool_limits(1 if len(table) < FEW_ROWS else None):
        return _compared(table, of, kept, chosen, clock, planned, seed, step)


def _compared(
    table: LabelledTable,
    of: int,
    kept: Checkpoint,
    chosen: Candidates,
    clock: Clock,
    planned: Mapping[str, Any],
    seed: int,
    step: Callable[[str], None],
) -> dict[str, Any]:
    """Compare algorithms on the rows for which there is time, of so many; `planned` is a `plan`."""
    folds = list(sky_folds(table, seed))
    tested = test_on_folds(table, kept, chosen, folds, clock, planned.get("seconds", {}), seed, step)
    single = {name: t for name, t in tested.items() if isinstance(ALGORITHMS[name], Algorithm)}
    if len(single) > 1:
        tested[ENSEMBLE] = ensemble(single, table.labels)
    by_rules = classical(table, kept, folds, clock, seed, step)
    leaking = leaks.table_of(_leaks(table, kept, clock, planned.get("leak", 0.0), seed, step), table)
    figures = {name: _figures(some, table) for name, some in tested.items()}
    best = max(figures, key=lambda name: figures[name]["all"]["macro_f1"])
    best_single = max((name for name in figures if name != ENSEMBLE), key=lambda name: figures[name]["all"]["macro_f1"])
    worth = _worth(tested, best_single, table, kept, folds, clock, seed, step)
    for_budget = f"{len(table):,} of {of:,} rows, drawn at random for the budget; " if len(table) < of else ""
    for_budget += f"no time for {', '.join(clock.missed)}; " if clock.missed else ""
    return {
        "table": table.about,
        "budget": {"rows_taken": len(table), "rows": of, "left_out": clock.missed},
        "how": f"{for_budget}{FOLDS}-fold cross-validation by whole HEALPix cells of order {SKY_ORDER}, rows without a "
        "position at random; settings chosen on cells within each training part; no simulated rows tested; the "
        "temperature of each fold from the others",
        "seed": seed,
        "folds": FOLDS,
        "classes": [str(name) for name in next(iter(tested.values())).whole.classes],
        "algorithms": figures,
        "best": best,
        "best_single": best_single,
        "classical": by_rules,
        **_closer(tested, best, table),
        **worth,
        "leaks": leaking,
        "published": published.regrouped_all(tested[best].same_bands, table.labels),
        "versions": {
            **{package: version(package) for package in ("sedsql", "scikit-learn", "numpy")},
            "python": platform.python_version(),
        },
    }


def _what(table: LabelledTable, seed: int) -> dict[str, Any]:
    """Return what identifies a comparison: the table, the seed, and the training rows made from the table."""
    rows = training_rows(table, seed)
    print_of = hashlib.sha256(repr(Colours(table.columns).names).encode())
    for array in (rows.magnitudes, rows.weights, rows.labels.astype("U"), table.cells, table.origins.astype("U")):
        print_of.update(np.ascontiguousarray(array).tobytes())
    return {
        "table": sorted(table.about["files"].values()),
        "label": table.about["label"],
        "simulated rows": table.about.get("simulated_rows", {}),
        "seed": seed,
        "training rows": print_of.hexdigest(),
    }


def _figures(tested: Trial, table: LabelledTable) -> dict[str, Any]:
    whole = tested.whole
    truth, found = table.labels[whole.rows], whole.found()
    raw, p = softmax(whole.scores, axis=1).max(axis=1), whole.probabilities(truth).max(axis=1)
    scored = evaluation.by_bands(truth, found, p, table.n_bands[whole.rows])
    rows_of = {"all": np.ones(len(truth), bool), evaluation.MANY: table.n_bands[whole.rows] >= evaluation.MANY_BANDS}
    for name, some in scored.items():
        matrix = diagnosis.confusion(truth[rows_of[name]], found[rows_of[name]], whole.classes)
        some["macro_f1_error"] = diagnosis.macro_f1_error(matrix)
    same = {name: (some.rows, some.found()) for name, some in tested.same_bands.items()}
    return {
        **scored,
        "calibration_error_as_fitted": round(evaluation.calibration_error(truth, found, raw), 4),
        "same_bands": evaluation.same_bands(table.labels, same),
        "reliability": diagnosis.reliability(truth == found, p),
        "reliability_as_fitted": diagnosis.reliability(truth == found, raw),
        "fit_seconds": round(tested.fit_seconds, 2),
        "microseconds_a_row": round(tested.row_seconds * 1e6, 2),
        "choices": tested.choices,
    }


def _leaks(table: LabelledTable, kept: Checkpoint, clock: Clock, seconds: float, seed, step) -> dict:
    found = {}
    for how in leaks.SPLITS:
        for seen in leaks.SEEN:
            step(f"leaks, {how} split: {seen}")
            if how != "origin" or leaks.learnt_elsewhere(table).any():
                name = f"leak-{how}-{leaks.SEEN.index(seen)}-{mark(leaks.TREES)}"
                make = partial(leaks.found_by, seen, how, table, seed)
                if piece := clock.optional(kept, name, "all of what leaks", make, seconds):
                    found[seen, how] = piece
    return found


def _closer(tested: dict[str, Trial], best: str, table: LabelledTable) -> dict[str, Any]:
    """Return confusion and curves of the best algorithm, and the pairs of classes that all algorithms confuse."""
    whole = tested[best].whole
    classes, truth = whole.classes, table.labels[whole.rows]
    rows_of = {"all": np.ones(len(truth), bool), evaluation.MANY: table.n_bands[whole.rows] >= evaluation.MANY_BANDS}
    result: dict[str, Any] = {"confusion": {}, "remaining_confusion": {}}
    for name, rows in rows_of.items():
        if rows.any():
            matrices = {
                key: diagnosis.confusion(truth[rows], some.whole.found()[rows], classes) for key, some in tested.items()
            }
            result["confusion"][name] = matrices[best]
            result["remaining_confusion"][name] = diagnosis.remaining_confusion(matrices, classes, best)
    p = whole.probabilities(truth)
    return {**result, "precision_recall": diagnosis.precision_recall(truth, p, classes)}


def _worth(tested, name, table: LabelledTable, kept: Checkpoint, folds, clock: Clock, seed, step) -> dict[str, Any]:
    """Measure on the first fold how much each band, and more rows, improve an algorithm, where there is time."""
    algorithm, settings = ALGORITHMS[name], tested[name].choices[0]["settings"]
    fit, test = folds[0]
    test = test[~table.simulated[test]]
    one_fit = tested[name].fit_seconds

    def bands():
        classifier = algorithm.fit(table[fit], table.columns, seed, settings)
        return diagnosis.band_importance(classifier, table[test], table.columns, seed)

    def rows():
        return {"points": diagnosis.learning_curve(algorithm, settings, table, fit, test, seed)}

    place, worth = piece_name(0, algorithm), {}
    step(words := "what each band is worth")
    if importance := clock.optional(kept, f"importance-{place}", words, bands, 2 * one_fit):
        worth["importance"] = {"algorithm": name, "bands": importance}
    step(words := "what more rows would be worth")
    if curve := clock.optional(kept, f"learning-{place}", words, rows, sum(diagnosis.SHARES) * one_fit):
        worth["learning_curve"] = {"algorithm": name, **curve}
    return worth
