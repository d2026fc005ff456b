"""Build a model's folder from a labelled table: cross-validate, fit, export, check, write the card."""

import hashlib
import platform
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from sedsql.files.atomic import new_folder
from sedsql.inference.card import Card, Conformal, Outlier, Prior
from sedsql.inference.model import Model
from sedsql.learn import evaluation, outlier, prior_trees
from sedsql.learn.augment import COPIES, class_shares, training_rows
from sedsql.learn.baselines import colour_cuts, majority
from sedsql.learn.calibration import LEVELS, best_temperature, conformal_thresholds, coverage
from sedsql.learn.class_bounds import write_bounds
from sedsql.learn.corrections import count_corrections, tuning_sky
from sedsql.learn.crossvalidation import FOLDS, OutOfFold, out_of_fold, sky_folds
from sedsql.learn.export import check, to_onnx
from sedsql.learn.parallaxes import refuse_telling_parallaxes
from sedsql.learn.patterns import Clue, clue
from sedsql.learn.prior import PRIOR_TABLE, STRENGTH, sky_prior
from sedsql.learn.prior import read as read_prior
from sedsql.learn.recipes import SHAPE, Recipe
from sedsql.learn.row_hashes import hashes_of
from sedsql.learn.training import MIN_BANDS, SKY_ORDER, LabelledTable
from sedsql.photometry.classes import PARENTS

STEPS = FOLDS + 4

_DIGITS = 4
"""Decimal digits of the numbers in a card."""


def build_model(
    table: LabelledTable,
    out: Path,
    recipe: Recipe = SHAPE,
    *,
    seed: int = 0,
    force: bool = False,
    step: Callable[[str], None] = lambda _: None,
) -> Model:
    """Train on a labelled table and write the folder `out`; the model takes the folder's name.

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

    `told` says how much the presence of bands alone tells about the class, in the training rows.
    """
    step("exporting")
    truth = table.labels[validated.rows]
    temperature = round(best_temperature(validated.scores, truth, validated.classes), _DIGITS)
    classifier.set_params(calibrated__temperature=temperature)
    prior = _with_prior(classifier, table, folder, seed) if recipe.position else None
    magnitudes = recipe.inputs(table.magnitudes, table.parallax, table.columns)[:, : len(table.columns)]
    seds = outlier.typical_seds(magnitudes, table.labels, seed)
    step("comparing with ONNX Runtime")
    graph, difference = _export(classifier, recipe, table, seds, seed)
    (folder / "model.onnx").write_bytes(graph)
    p = validated.probabilities(truth)
    Card(
        name=name,
        classes=tuple(str(label) for label in classifier.classes_),
        parents={str(label): PARENTS[label] for label in classifier.classes_ if label in PARENTS},
        bands=tuple(table.columns),
        extra=tuple(recipe.extra),
        min_bands=MIN_BANDS,
        sha256=hashlib.sha256(graph).hexdigest(),
        algorithm=_algorithm(classifier, recipe, seed),
        training={
            **table.about,
            "contradicted_rows_left_out": int(table.contradicted.sum()),
            "row_hashes": hashes_of(table),
            **({"told_by_bands": round(told.share, 4)} if told else {}),
        },
        metrics=metrics_of(validated, table),
        conformal=Conformal(list(LEVELS), conformal_thresholds(p, truth, validated.classes)),
        outlier=Outlier(outlier.quantiles(magnitudes[~table.simulated], seds), len(seds)),
        prior=prior,
        further={
            "description": recipe.description,
            "created": date.today().isoformat(),
            "agreement": {
                "rows": len(table),
                "labels_that_differ": 0,
                "largest_probability_difference": difference,
            },
            "versions": _versions(),
        },
    ).write(folder)


def _export(
    classifier: Pipeline, recipe: Recipe, table: LabelledTable, seds: NDArray[np.float32], seed: int
) -> tuple[bytes, float]:
    """Export a classifier as ONNX; return the graph and its largest difference from the classifier on the table."""
    X = recipe.inputs(table.magnitudes, table.parallax, table.columns)
    graph = to_onnx(classifier, X.shape[1], seds)
    difference = check(graph, classifier, X)
    if recipe.position:
        anywhere = np.random.default_rng(seed).uniform((0, -90), (360, 90), (len(X), 2)).astype(np.float32)
        X = recipe.inputs(table.magnitudes, table.parallax, table.columns, anywhere)
        difference = max(difference, check(graph, classifier, X))
    return graph, difference


def _versions() -> dict[str, str]:
    packages = ("numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx", "sedsql")
    return {package: version(package) for package in packages} | {"python": platform.python_version()}


def _with_prior(classifier: Pipeline, table: LabelledTable, folder: Path, seed: int) -> Prior:
    """Add the prior of the sky to a fitted classifier; write its table, and return its part of the card."""
    classes = [str(label) for label in classifier.classes_]
    shares = {name: round(share, _DIGITS) for name, share in class_shares(table).items()}
    # The trees are made from the rounded numbers of the card and the table, so that they can be made again from these.
    sky_prior(classes, seed).write(folder / PRIOR_TABLE)
    prior = read_prior(folder / PRIOR_TABLE, classes)
    calibrated = classifier[-1]
    given = np.array([shares[name] for name in classes])
    corrections = count_corrections(classifier, prior, STRENGTH, given, tuning_sky(classes, seed)).round(_DIGITS)
    names = classifier[0].names
    calibrated.set_params(prior=prior_trees.trees(prior, names, STRENGTH, given, calibrated.temperature, corrections))
    return Prior(
        table=PRIOR_TABLE,
        strength=STRENGTH,
        class_shares={name: shares[name] for name in classes},
        corrections=dict(zip(classes, corrections.tolist(), strict=True)),
        first_tree=sum(len(trees) for trees in calibrated.estimator._predictors),
    )


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
    """Return the metrics of a cross-validated recipe on a table, with those of baselines on the same rows."""
    rows = validated.rows
    truth, found, n_bands = table.labels[rows], validated.found(), table.n_bands[rows]
    p = validated.probabilities(truth)
    others = {
        "majority class": majority(truth, len(truth)),
        "colour cuts": colour_cuts(table.magnitudes[rows]),
    }
    baselines = {
        name: evaluation.by_bands(truth, labels, np.ones(len(truth)), n_bands) for name, labels in others.items()
    }
    return {
        "how": f"{FOLDS}-fold cross-validation by whole HEALPix cells of order {SKY_ORDER}, rows without a position "
        "at random; no simulated rows; temperature and thresholds of each fold from the others",
        **evaluation.by_bands(truth, found, p.max(axis=1), n_bands, table.parallax[rows, 0]),
        "young_by_stage": evaluation.by_stage(truth, found, table.magnitudes[rows]),
        "same_bands": evaluation.same_bands(table.labels, validated.same_bands),
        "conformal": coverage(p, truth, validated.classes, validated.folds),
        "baselines": {
            name: {rows: scores["macro_f1"] for rows, scores in some.items()} for name, some in baselines.items()
        },
    }
