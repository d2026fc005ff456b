"""Fit every algorithm of a comparison to each fold's training part, and score the rows that the fit has not seen."""

import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from sedsql.learn.algorithms import Algorithm, Shipped, scores
from sedsql.learn.band_subsets import SAME_BANDS, with_same_bands
from sedsql.learn.comparison.checkpoint import Checkpoint
from sedsql.learn.comparison.clock import Clock
from sedsql.learn.comparison.ensemble import Trial
from sedsql.learn.comparison.nested import choose
from sedsql.learn.crossvalidation import NEVER, OutOfFold
from sedsql.learn.training import LabelledTable

Candidates = Sequence[Algorithm | Shipped]


def test_on_folds(
    table: LabelledTable,
    kept: Checkpoint,
    chosen: Candidates,
    folds: Sequence[tuple[NDArray, NDArray]],
    clock: Clock,
    expected: Mapping[str, float],
    seed: int,
    step: Callable[[str], None],
) -> dict[str, Trial]:
    """Test the algorithms; leave out the slowest where the time does not suffice for all, but never the last one.

    `expected` has seconds of a fit by the algorithms' names, of those for which they are known.
    """
    units = [(fold, algorithm) for fold in range(len(folds)) for algorithm in chosen]
    pieces: dict[str, list[dict]] = {algorithm.name: [] for algorithm in chosen}
    fits = {algorithm.name: expected.get(algorithm.name, 0.0) for algorithm in chosen}
    for place, (fold, algorithm) in enumerate(units):
        new = [a.name for k, a in units[place:] if a.name in pieces and piece_name(k, a) not in kept]
        while len(pieces) > 1 and sum(fits[name] for name in new) > clock.left():
            slowest = max(pieces, key=lambda name: fits[name])
            del pieces[slowest]
            clock.miss(next(algorithm.title for algorithm in chosen if algorithm.name == slowest))
            new = [name for name in new if name != slowest]
        if algorithm.name not in pieces:
            continue
        step(f"{algorithm.title}, fold {fold + 1} of {len(folds)}")
        before = pieces[algorithm.name]
        one_fit = max((piece["fit_seconds"] for piece in before), default=0.0)
        share = max(clock.left() - clock.reserved, 0) / max(len(new), 1)
        make = partial(_one_fold, algorithm, table, folds[fold], share, one_fit, seed)
        before.append(kept.piece(piece_name(fold, algorithm), make))
        fits[algorithm.name] = max(piece["fit_seconds"] for piece in before)
    return {name: _tested(some, table) for name, some in pieces.items()}


def seconds_spent(kept: Checkpoint, chosen: Candidates, folds: int) -> float:
    """Sum the seconds of the pieces that are there: an interrupted run has used a part of the budget."""
    names = [piece_name(fold, algorithm) for fold in range(folds) for algorithm in chosen]
    return sum(kept.piece(name, dict)["seconds"] for name in names if name in kept)


def piece_name(fold: int, algorithm: Algorithm | Shipped) -> str:
    """Return the name of a piece, which changes with the settings."""
    return f"{algorithm.name}-{mark(algorithm.recipe if isinstance(algorithm, Shipped) else algorithm.settings)}-{fold}"


def mark(settings: Any) -> str:
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
