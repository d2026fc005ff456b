"""From a labelled table to a model's folder: split, fit, calibrate, test, export, check, card."""

import hashlib
import json
import platform
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline

from ..bands import BANDS, COLUMNS
from ..inference.model import Model
from ..inference.session import Session
from ..output import new_folder
from . import evaluate
from .algorithms import boosting, colour_pairs
from .baselines import colour_cuts, majority
from .export import check, to_onnx
from .training import HELD_OUT, MIN_BANDS, SKY_ORDER, LabelledTable, with_missing_bands

FOLDS = 3
_TEMPERATURES = np.geomspace(0.3, 2.0, 96)


def build_model(
    table: LabelledTable,
    out: Path,
    *,
    seed: int = 0,
    force: bool = False,
    step: Callable[[str], None] = lambda _: None,
) -> Model:
    """Train on a labelled table and write the model's folder `out`, whose name becomes the model's.

    `step` is called with a few words at the start of each of the STEPS.
    """
    with new_folder(out, what="model", mark="card.json", force=force) as folder:
        classifier = fit_classifier(table, seed, step)
        write_model(classifier, table, folder, name=out.name, seed=seed, step=step)
    return Model.read(out)


def fit_classifier(table: LabelledTable, seed: int = 0, step: Callable[[str], None] = lambda _: None) -> Pipeline:
    """A calibrated classifier, fitted on the rows that are not held out."""
    train = ~table.held_out
    classifier = boosting(seed=seed)
    step("calibrating")
    temperature = _fit_temperature(classifier, table, train, seed)
    step("fitting")
    _fit(classifier, table.magnitudes[train], table.labels[train], seed)
    return classifier.set_params(calibrated__temperature=temperature)


def write_model(
    classifier: Pipeline,
    table: LabelledTable,
    folder: Path,
    *,
    name: str,
    seed: int = 0,
    step: Callable[[str], None] = lambda _: None,
) -> None:
    """Export a classifier, test it on the rows held out, and check the graph on all rows of the table."""
    step("exporting")
    graph = to_onnx(classifier, len(COLUMNS))
    (folder / "model.onnx").write_bytes(graph)
    step("testing")
    card = {
        "name": name,
        "description": "Class of a source from the shape of its SED: colours only, so distance does not matter.",
        "classes": [str(name) for name in classifier.classes_],
        "bands": list(COLUMNS),
        "min_bands": MIN_BANDS,
        "sha256": hashlib.sha256(graph).hexdigest(),
        "created": date.today().isoformat(),
        "algorithm": _algorithm(classifier, seed),
        "training": {
            **table.origin,
            "rows_trained_on": int((~table.held_out).sum()),
            "held_out": _HELD_OUT_RULE,
        },
        "metrics": _metrics(classifier, table),
        "versions": {
            **{package: version(package) for package in ("numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx")},
            "sedsql": version("sedsql"),
            "python": platform.python_version(),
        },
    }
    card_file = folder / "card.json"
    card_file.write_text(json.dumps(card))
    step("comparing with ONNX Runtime")
    difference = check(Session(Model.read(folder)), classifier, table.magnitudes)
    card["agreement"] = {
        "rows": len(table),
        "labels_that_differ": 0,
        "largest_probability_difference": difference,
    }
    card_file.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


STEPS = 5

_HELD_OUT_RULE = (
    f"whole HEALPix cells of order {SKY_ORDER}, one in {HELD_OUT} by a hash of the cell; "
    "rows without a position at random; no simulated rows"
)


def _fit(classifier, magnitudes, labels, seed: int):
    """Fit on the rows and their copies with bands missing.

    Rows of a class weigh 1 / sqrt(rows): half-way between the table's proportions and all classes alike.
    """
    magnitudes, labels = with_missing_bands(magnitudes, labels, seed)
    _, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    weights = counts[place] ** -0.5
    return classifier.fit(magnitudes, labels, calibrated__sample_weight=weights / weights.mean())


def _fit_temperature(classifier, table: LabelledTable, train, seed: int) -> float:
    """The temperature at which probabilities of rows left out of the fit are most likely (Guo et al. 2017)."""
    X, y, cells = table.magnitudes[train], table.labels[train], table.cells[train]
    classes = np.unique(y)
    scores = np.full((len(y), len(classes)), -np.inf)
    for fit, left_out in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(X, y, cells):
        fold = _fit(clone(classifier), X[fit], y[fit], seed)
        places = np.searchsorted(classes, fold.classes_)
        scores[np.ix_(left_out, places)] = fold.decision_function(X[left_out])
    real = ~table.simulated[train]
    scores, truth, rows = scores[real], np.searchsorted(classes, y[real]), np.arange(real.sum())
    losses = [-log_softmax(scores / t, axis=1)[rows, truth].mean() for t in _TEMPERATURES]
    return float(_TEMPERATURES[np.argmin(losses)])


_TREE_PARAMETERS = (
    "max_iter", "learning_rate", "max_leaf_nodes", "min_samples_leaf", "l2_regularization", "max_features"
)  # fmt: skip


def _algorithm(classifier, seed: int) -> dict:
    trees = classifier[-1].estimator
    return {
        "name": "gradient-boosted trees on colours",
        "colours": [f"{BANDS[a].short} - {BANDS[b].short}" for a, b in colour_pairs()],
        **{name: trees.get_params()[name] for name in _TREE_PARAMETERS},
        "class_weight": "1 / sqrt(rows of the class)",
        "temperature": round(classifier[-1].temperature, 4),
        "bands_dropped": "each training row once more with bands taken away at random",
        "seed": seed,
    }


def _metrics(classifier, table: LabelledTable) -> dict:
    train, test = ~table.held_out & ~table.simulated, table.held_out
    magnitudes, truth, many = table.magnitudes[test], table.labels[test], table.n_bands[test] >= 8
    found, top = classifier.predict(magnitudes), classifier.predict_proba(magnitudes).max(axis=1)
    others = {
        "majority class": majority(table.labels[train], len(truth)),
        "colour cuts": colour_cuts(magnitudes),
    }
    return {
        "held_out": evaluate.scores(truth, found, top),
        "held_out_8_bands_or_more": evaluate.scores(truth[many], found[many], top[many]),
        "held_out_same_bands": evaluate.by_same_bands(classifier, magnitudes, truth),
        "baselines": {
            name: {
                "macro_f1": round(evaluate.macro_f1(truth, labels), 4),
                "macro_f1_8_bands_or_more": round(evaluate.macro_f1(truth[many], labels[many]), 4),
            }
            for name, labels in others.items()
        },
    }
