"""From a labelled table to a model's folder: cross-validate, fit, export, check, card."""

import hashlib
import json
import platform
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn.pipeline import Pipeline

from ..classes import PARENTS
from ..inference.model import Model
from ..output import new_folder
from . import evaluate, outlier, prior_trees
from .augment import COPIES, class_shares, training_rows
from .baselines import colour_cuts, majority
from .bounds import write_bounds
from .calibration import LEVELS, best_temperature, conformal_thresholds, coverage
from .corrections import count_corrections, tuning_sky
from .crossvalidation import FOLDS, OutOfFold, out_of_fold, sky_folds
from .export import check, to_onnx
from .parallaxes import refuse_telling_parallaxes
from .patterns import Clue, clue
from .prior import PRIOR_TABLE, STRENGTH, sky_prior
from .prior import read as read_prior
from .recipes import SHAPE, Recipe
from .training import MIN_BANDS, SKY_ORDER, LabelledTable

STEPS = FOLDS + 4

_DIGITS = 4
"""Of numbers in a card."""


def build_model(
    table: LabelledTable,
    out: Path,
    recipe: Recipe = SHAPE,
    *,
    seed: int = 0,
    force: bool = False,
    step: Callable[[str], None] = lambda _: None,
) -> Model:
    """Train on a labelled table and write the model's folder `out`, whose name becomes the model's.

    `step` is called with a few words at the start of each of the STEPS.
    """
    if recipe.luminosity:
        refuse_telling_parallaxes(table)
    with new_folder(out, what="model", mark="card.json", force=force) as folder:
        validated = out_of_fold(recipe, table, sky_folds(table, seed), seed, step)
        step("fitting")
        rows = training_rows(table, seed, luminosity=recipe.luminosity)
        classifier = recipe.fitted(rows, table.columns, seed)
        told = clue(rows.labels, rows.magnitudes, rows.weights, seed)
        write_model(classifier, validated, recipe, table, folder, name=out.name, seed=seed, told=told, step=step)
        step("finding where a class cannot be")
        write_bounds(Model.read(folder))
    return Model.read(out)


def write_model(
    classifier: Pipeline,
    validated: OutOfFold,
    recipe: Recipe,
    table: LabelledTable,
    folder: Path,
    *,
    name: str,
    seed: int = 0,
    told: Clue | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> None:
    """Calibrate a fitted classifier, give it its prior, export it, and check the graph on all rows of the table.

    `told` is what which bands are there tells of the class in the rows that it was fitted to.
    """
    step("exporting")
    truth = table.labels[validated.rows]
    temperature = round(best_temperature(validated.scores, truth, validated.classes), _DIGITS)
    classifier.set_params(calibrated__temperature=temperature)
    prior = _with_prior(classifier, table, folder, seed) if recipe.position else None
    columns = table.columns
    X = recipe.inputs(table.magnitudes, table.parallax, columns)
    magnitudes = X[:, : len(columns)]
    seds = outlier.typical_seds(magnitudes, table.labels, seed)
    graph = to_onnx(classifier, X.shape[1], seds)
    (folder / "model.onnx").write_bytes(graph)
    step("comparing with ONNX Runtime")
    difference = check(graph, classifier, X)
    if recipe.position:
        anywhere = np.random.default_rng(seed).uniform((0, -90), (360, 90), (len(X), 2)).astype(np.float32)
        X = recipe.inputs(table.magnitudes, table.parallax, columns, anywhere)
        difference = max(difference, check(graph, classifier, X))
    p = validated.probabilities(truth)
    real = ~table.simulated
    card = {
        "name": name,
        "description": recipe.description,
        "classes": [str(label) for label in classifier.classes_],
        "parents": {str(label): PARENTS[label] for label in classifier.classes_ if label in PARENTS},
        "bands": list(columns),
        "extra": list(recipe.extra),
        "min_bands": MIN_BANDS,
        "sha256": hashlib.sha256(graph).hexdigest(),
        "created": date.today().isoformat(),
        "algorithm": _algorithm(classifier, recipe, seed),
        "training": {
            **table.about,
            "contradicted_rows_left_out": int(table.contradicted.sum()),
            **({"told_by_bands": round(told.share, 4)} if told else {}),
        },
        "metrics": metrics_of(validated, table),
        "conformal": {
            "levels": list(LEVELS),
            "thresholds": conformal_thresholds(p, truth, validated.classes),
        },
        "outlier": {"quantiles": outlier.quantiles(magnitudes[real], seds), "typical_seds": len(seds)},
        "agreement": {
            "rows": len(table),
            "labels_that_differ": 0,
            "largest_probability_difference": difference,
        },
        "versions": {
            **{package: version(package) for package in ("numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx")},
            "sedsql": version("sedsql"),
            "python": platform.python_version(),
        },
    }
    if prior:
        card["prior"] = prior
    if not recipe.extra:
        del card["extra"]
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def _with_prior(classifier: Pipeline, table: LabelledTable, folder: Path, seed: int) -> dict:
    """Add the prior of the sky to a fitted classifier; write its table, and give what the card says of it."""
    classes = [str(label) for label in classifier.classes_]
    shares = {name: round(share, _DIGITS) for name, share in class_shares(table).items()}
    # What stands in the card and the table is what the trees are made of, so that they can be made again.
    sky_prior(classes, seed).write(folder / PRIOR_TABLE)
    prior = read_prior(folder / PRIOR_TABLE, classes)
    calibrated = classifier[-1]
    given = np.array([shares[name] for name in classes])
    corrections = count_corrections(classifier, prior, STRENGTH, given, tuning_sky(classes, seed)).round(_DIGITS)
    names = classifier[0].names
    calibrated.set_params(prior=prior_trees.trees(prior, names, STRENGTH, given, calibrated.temperature, corrections))
    return {
        "table": PRIOR_TABLE,
        "strength": STRENGTH,
        "class_shares": {name: shares[name] for name in classes},
        "corrections": dict(zip(classes, corrections.tolist(), strict=True)),
        "first_tree": sum(len(trees) for trees in calibrated.estimator._predictors),
    }


def _algorithm(classifier: Pipeline, recipe: Recipe, seed: int) -> dict:
    return {
        "name": "gradient-boosted trees",
        "recipe": recipe.name,
        "features": classifier[0].names,
        **recipe.trees,
        "temperature": classifier[-1].temperature,
        "weights": "in every set of bands, bright or faint, each class in proportion to the square root of its rows",
        "copies": f"each training row {COPIES} times more with other bands, and once as it would be seen farther away",
        "seed": seed,
    }


def metrics_of(validated: OutOfFold, table: LabelledTable) -> dict:
    """What cross-validation says of a recipe on a table, and what baselines do on the same rows."""
    rows = validated.rows
    truth, found, n_bands = table.labels[rows], validated.found(), table.n_bands[rows]
    p = validated.probabilities(truth)
    others = {
        "majority class": majority(truth, len(truth)),
        "colour cuts": colour_cuts(table.magnitudes[rows]),
    }
    baselines = {
        name: evaluate.by_bands(truth, labels, np.ones(len(truth)), n_bands) for name, labels in others.items()
    }
    return {
        "how": f"{FOLDS}-fold cross-validation by whole HEALPix cells of order {SKY_ORDER}, rows without a position "
        "at random; no simulated rows; temperature and thresholds of each fold from the others",
        **evaluate.by_bands(truth, found, p.max(axis=1), n_bands, table.parallax[rows, 0]),
        "young_by_stage": evaluate.by_stage(truth, found, table.magnitudes[rows]),
        "same_bands": evaluate.same_bands(table.labels, validated.same_bands),
        "conformal": coverage(p, truth, validated.classes, validated.folds),
        "baselines": {
            name: {rows: scores["macro_f1"] for rows, scores in some.items()} for name, some in baselines.items()
        },
    }
