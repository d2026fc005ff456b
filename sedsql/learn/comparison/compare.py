"""Compare algorithms by nested cross-validation on the same folds of the sky, within a time budget; resumable."""

import hashlib
import platform
import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from sedsql.learn import evaluation
from sedsql.learn.algorithms import ALGORITHMS, Algorithm, Shipped, scores
from sedsql.learn.augment import training_rows
from sedsql.learn.band_subsets import SAME_BANDS, with_same_bands
from sedsql.learn.baselines import NearestTemplate, colour_cuts, koenig_leisawitz, majority, mistaken, young_by_index
from sedsql.learn.comparison import diagnosis, leaks, published
from sedsql.learn.comparison.budget import plan
from sedsql.learn.comparison.checkpoint import Checkpoint
from sedsql.learn.comparison.ensemble import Trial, ensemble
from sedsql.learn.comparison.nested import choose
from sedsql.learn.crossvalidation import FOLDS, NEVER, OutOfFold, sky_folds
from sedsql.learn.features import Colours
from sedsql.learn.training import SKY_ORDER, LabelledTable

ENSEMBLE = "ensemble"
YOUNG = "yso"

_Candidates = Sequence[Algorithm | Shipped]


def steps(chosen: _Candidates) -> int:
    """Return how often `compare` calls its `step`."""
    return FOLDS * len(chosen) + FOLDS + len(leaks.SEEN) * len(leaks.SPLITS) + 3


def compare(
    table: LabelledTable,
    folder: Path,
    chosen: _Candidates,
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
    next(sky_folds(table, seed))  # a table of too few places is refused before anything is written
    kept = Checkpoint(folder, _what(table, seed), force)
    step("how many rows there is time for")
    begun, of = time.monotonic(), len(table)
    planned = kept.piece("rows", partial(plan, budget, table, chosen, seed))
    table = table[planned["rows"]]
    left_out = [one.title for one in chosen if one.name not in planned["algorithms"]]
    chosen = [one for one in chosen if one.name in planned["algorithms"]]
    budget -= planned["reserved"] + time.monotonic() - begun
    for_budget = f"{len(table):,} of {of:,} rows, drawn at random for the budget; " if len(table) < of else ""
    for_budget += f"no time for {', '.join(left_out)}; " if left_out else ""
    folds = list(sky_folds(table, seed))
    tested = _test(table, kept, chosen, folds, budget, seed, step)
    single = {name: t for name, t in tested.items() if isinstance(ALGORITHMS[name], Algorithm)}
    if len(single) > 1:
        tested[ENSEMBLE] = ensemble(single, table.labels)
    classical = _classical(table, kept, folds, seed, step)
    leaking = leaks.table_of(_leaks(table, kept, seed, step), table)
    figures = {name: _figures(some, table) for name, some in tested.items()}
    best = max(figures, key=lambda name: figures[name]["all"]["macro_f1"])
    best_single = max((name for name in figures if name != ENSEMBLE), key=lambda name: figures[name]["all"]["macro_f1"])
    return {
        "table": table.about,
        "budget": {"rows_taken": len(table), "rows": of, "left_out": left_out},
        "how": f"{for_budget}{FOLDS}-fold cross-validation by whole HEALPix cells of order {SKY_ORDER}, rows without a "
        "position at random; settings chosen on cells within each training part; no simulated rows tested; the "
        "temperature of each fold from the others",
        "seed": seed,
        "folds": FOLDS,
        "classes": [str(name) for name in next(iter(tested.values())).whole.classes],
        "algorithms": figures,
        "best": best,
        "best_single": best_single,
        "classical": classical,
        **_closer(tested, best, table),
        **_worth(tested, best_single, table, kept, folds, seed, step),
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


def _test(table, kept: Checkpoint, chosen: _Candidates, folds, budget, seed, step) -> dict[str, Trial]:
    units = [(fold, algorithm) for fold in range(len(folds)) for algorithm in chosen]
    pieces: dict[str, list[dict]] = {algorithm.name: [] for algorithm in chosen}
    spent = sum(
        kept.piece(_name(fold, a), dict)["seconds"] for fold, a in units if _name(fold, a) in kept
    )  # an interrupted run has used a part of the budget
    left = sum(_name(fold, a) not in kept for fold, a in units)
    for fold, algorithm in units:
        step(f"{algorithm.title}, fold {fold + 1} of {len(folds)}")
        name, before = _name(fold, algorithm), pieces[algorithm.name]
        one_fit = max((piece["fit_seconds"] for piece in before), default=0.0)
        share = max(budget - spent, 0) / max(left, 1)
        new = name not in kept
        make = partial(_one_fold, algorithm, table, folds[fold], share, one_fit, seed)
        before.append(kept.piece(name, make))
        left -= new
        spent += new * before[-1]["seconds"]
    return {name: _tested(some, table) for name, some in pieces.items()}


def _name(fold: int, algorithm: Algorithm | Shipped) -> str:
    """Return the name of a piece, which changes with the settings."""
    return (
        f"{algorithm.name}-{_mark(algorithm.recipe if isinstance(algorithm, Shipped) else algorithm.settings)}-{fold}"
    )


def _mark(settings: Any) -> str:
    """Return a few letters that change with the settings."""
    return hashlib.sha256(re.sub(r" at 0x\w+", "", repr(settings)).encode()).hexdigest()[:8]


def _one_fold(algorithm, table: LabelledTable, split, seconds, one_fit, seed) -> dict[str, Any]:
    """Choose settings, fit, and score the rows that the fit has not seen."""
    started = time.monotonic()
    fit, test = split
    test = test[~table.simulated[test]]
    choice = choose(algorithm, table[fit], table.columns, seed, seconds, one_fit)
    begun = time.monotonic()
    classifier = algorithm.fit(table[fit], table.columns, seed, choice.settings)
    fit_seconds = time.monotonic() - begun
    with threadpool_limits(1):
        begun = time.monotonic()
        found = _all_classes(classifier, table.magnitudes[test], table)
        row_seconds = (time.monotonic() - begun) / max(len(test), 1)
    result = {"rows": test, "scores": found, "settings": choice.settings, "tried": choice.tried}
    for name, (there, thinned) in with_same_bands(table.magnitudes[test]).items():
        result |= {f"rows {name}": test[there], f"scores {name}": _all_classes(classifier, thinned, table)}
    return result | {
        "inner_folds": choice.folds,
        "inner_macro_f1": choice.macro_f1,
        "fit_seconds": fit_seconds,
        "row_seconds": row_seconds,
        "seconds": time.monotonic() - started,
    }


def _all_classes(classifier: Pipeline, magnitudes, table: LabelledTable) -> NDArray[np.float64]:
    classes = np.unique(table.labels)
    found = np.full((len(magnitudes), len(classes)), float(NEVER))
    found[:, np.searchsorted(classes, classifier.classes_)] = scores(classifier, magnitudes, table.columns)
    return found


def _tested(pieces: list[dict], table: LabelledTable) -> Trial:
    there = [name for name in SAME_BANDS if any(f"rows {name}" in piece for piece in pieces)]
    return Trial(
        _joined(pieces, "rows", "scores", table),
        {name: _joined(pieces, f"rows {name}", f"scores {name}", table) for name in there},
        float(np.mean([piece["fit_seconds"] for piece in pieces])),
        float(np.mean([piece["row_seconds"] for piece in pieces])),
        [{key: piece[key] for key in ("settings", "tried", "inner_folds", "inner_macro_f1")} for piece in pieces],
    )


def _joined(pieces, rows: str, found: str, table: LabelledTable) -> OutOfFold:
    some = [(k, piece) for k, piece in enumerate(pieces) if rows in piece]
    places = np.concatenate([piece[rows] for _, piece in some])
    folds = np.concatenate([np.full(len(piece[rows]), k) for k, piece in some])
    order = np.argsort(places, kind="stable")
    every = np.concatenate([piece[found] for _, piece in some])
    return OutOfFold(places[order], folds[order], np.unique(table.labels), every[order], {})


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


def _classical(table: LabelledTable, kept: Checkpoint, folds, seed, step) -> dict[str, Any]:
    """Measure the classical ways on the same rows: those that give a class, and those that only find young stars."""
    parts = []
    for k, (fit, test) in enumerate(folds):
        step(f"nearest template, fold {k + 1} of {len(folds)}")
        test = test[~table.simulated[test]]
        known = table[fit][~table.contradicted[fit]]

        def make(known=known, test=test):
            nearest = NearestTemplate(known.magnitudes, known.labels, seed)
            return {"rows": test, "found": nearest.predict(table.magnitudes[test])}

        parts.append(kept.piece(f"template-{k}", make))
    rows, template = (np.concatenate([part[key] for part in parts]) for key in ("rows", "found"))
    truth, magnitudes, n_bands = table.labels[rows], table.magnitudes[rows], table.n_bands[rows]
    of_class = {
        "nearest template": template,
        "colour cuts": colour_cuts(magnitudes),
        "majority": majority(truth, len(truth)),
    }
    of_young = {
        "Koenig & Leisawitz 2014": koenig_leisawitz(magnitudes) != "",
        "spectral index: stage I, flat or II": young_by_index(magnitudes),
    }
    ones = np.ones(len(truth))
    young = np.where(truth == YOUNG, YOUNG, "other")
    return {
        "of_class": {name: evaluation.by_bands(truth, found, ones, n_bands) for name, found in of_class.items()},
        "of_young": {
            name: evaluation.by_bands(young, np.where(found, YOUNG, "other"), ones, n_bands)
            | {"wrongly": mistaken(truth, found, YOUNG)}
            for name, found in of_young.items()
        }
        if (truth == YOUNG).any()
        else {},
    }


def _leaks(table: LabelledTable, kept: Checkpoint, seed, step) -> dict:
    found = {}
    for how in leaks.SPLITS:
        for seen in leaks.SEEN:
            step(f"leaks, {how} split: {seen}")
            if how != "origin" or leaks.learnt_elsewhere(table).any():
                name = f"leak-{how}-{leaks.SEEN.index(seen)}-{_mark(leaks.TREES)}"
                found[seen, how] = kept.piece(name, partial(leaks.found_by, seen, how, table, seed))
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


def _worth(tested, name, table: LabelledTable, kept: Checkpoint, folds, seed, step) -> dict[str, Any]:
    """Measure on the first fold how much each band, and more rows, improve an algorithm."""
    algorithm, settings = ALGORITHMS[name], tested[name].choices[0]["settings"]
    fit, test = folds[0]
    test = test[~table.simulated[test]]

    def bands():
        classifier = algorithm.fit(table[fit], table.columns, seed, settings)
        return diagnosis.band_importance(classifier, table[test], table.columns, seed)

    def rows():
        return {"points": diagnosis.learning_curve(algorithm, settings, table, fit, test, seed)}

    step("what each band is worth")
    importance = kept.piece(f"importance-{_name(0, algorithm)}", bands)
    step("what more rows would be worth")
    curve = kept.piece(f"learning-{_name(0, algorithm)}", rows)
    return {"importance": {"algorithm": name, "bands": importance}, "learning_curve": {"algorithm": name, **curve}}
