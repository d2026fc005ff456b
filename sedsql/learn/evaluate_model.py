"""Evaluate a model on a labelled table: the model as it is, or its recipe cross-validated."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sedsql.errors import Error
from sedsql.inference.card import Conformal
from sedsql.inference.classify_table import Prior
from sedsql.inference.model import Model
from sedsql.inference.session import Session
from sedsql.learn import evaluation
from sedsql.learn.band_subsets import SAME_BANDS, with_same_bands
from sedsql.learn.build import metrics_of
from sedsql.learn.calibration import set_scores
from sedsql.learn.crossvalidation import FOLDS, out_of_fold, sky_folds
from sedsql.learn.origins import leave_one_origin_out, origin_folds
from sedsql.learn.recipes import RECIPES
from sedsql.learn.row_hashes import seen_share
from sedsql.learn.simulated import add_simulated
from sedsql.learn.training import LabelledTable

SKY, ORIGIN = SPLITS = ("sky", "origin")
"""What cross-validation leaves out at a time: a fifth of the sky, or an origin."""

STEPS = 1 + len(SAME_BANDS)
"""The most often that `evaluate_model` calls its `step`."""

Look = Callable[[NDArray[np.str_], NDArray[np.str_], NDArray[np.float64]], None]
"""A function that gets the labels, the classes found and their probabilities, each of shape (n,)."""


class EvaluationError(Error):
    """Raised for a model and a table that do not go together."""


def evaluate_model(
    model: Model,
    table: LabelledTable,
    step: Callable[[str], None] = lambda _: None,
    look: Look = lambda *_: None,
    *,
    prior: Prior = "flat",
) -> dict:
    """Measure a model on the rows of a table that have enough bands and a label that is one of the model's classes.

    `step` is called with a few words at the start of each classification of the table: as it is, then with the same
    bands in every row; `look` gets the classes found.

    prior : of a model that takes a position, 'flat': it is given none; 'sky': each row's, as `classify` does

    Raises EvaluationError where no label is a class of the model, and where a prior by position cannot be had.
    """
    _check_prior(model, table, prior)
    notes = _trained_on(model, table)
    known = np.isin(table.labels, model.classes)
    if not known.any():
        raise EvaluationError(
            f"No label of the table is a class of {model.name}: the table has "
            f"{', '.join(np.unique(table.labels)[:8])}, the model {', '.join(model.classes)}."
        )
    if not known.all():
        others = ", ".join(map(str, np.unique(table.labels[~known])))
        notes.append(f"{(~known).sum():,} rows are left out: {model.name} has no class {others}.")
    table = table[known]
    if "ra" in model.extra:
        notes.append(_said(model, table, prior))
    inputs = [table.magnitudes, table.parallax, *([table.positions] if prior == "sky" else [])]
    session = Session(model, threads=0)
    step("all rows")
    classes = np.array(model.classes)
    prediction = session.predict(np.hstack(inputs))
    enough = prediction.class_index >= 0
    if not enough.all():
        notes.append(f"{(~enough).sum():,} rows are left out: they have fewer than {model.min_bands} of the bands.")
    truth, p = table.labels[enough], prediction.probabilities[enough].astype(float)
    found = classes[prediction.class_index[enough]]
    look(truth, found, p.max(axis=1))
    metrics = evaluation.by_bands(truth, found, p.max(axis=1), table.n_bands[enough], table.parallax[enough, 0])
    metrics["young_by_stage"] = evaluation.by_stage(truth, found, table.magnitudes[enough])
    seen = {}
    for name, (rows, thinned) in with_same_bands(table.magnitudes).items():
        step(f"only {name}")
        place = session.predict(np.hstack([thinned, *(given[rows] for given in inputs[1:])])).class_index
        seen[name] = (rows[place >= 0], classes[place[place >= 0]])
    metrics["same_bands"] = evaluation.same_bands(table.labels, seen)
    conformal = model.card.conformal
    if conformal:
        metrics["conformal"] = _coverage(truth, p, classes, conformal)
    return {**metrics, "prior": prior if "ra" in model.extra else None, "notes": notes}


def _check_prior(model: Model, table: LabelledTable, prior: Prior) -> None:
    if prior not in ("sky", "flat"):
        raise EvaluationError(
            f"prior is 'sky' or 'flat', not {str(prior)!r}; `sedsql evaluate --prior` takes a file too."
        )
    if prior == "flat":
        return
    if "ra" not in model.extra:
        raise EvaluationError(f"Model {model.name} takes no position, so it has no prior of the sky; sky-1 has one.")
    if not _placed(table).any():
        raise EvaluationError(
            f"{table.about['table']} has no position (right ascension and declination) for the prior of {model.name}."
        )


def _placed(table: LabelledTable) -> NDArray[np.bool_]:
    ra, dec = np.isfinite(table.positions).T
    return ra & dec


def _said(model: Model, table: LabelledTable, prior: Prior) -> str:
    """Say with which prior a model that has one is tested."""
    if prior == "flat":
        return (
            f"{model.name} is tested without positions, that is with a flat prior: the classes of a labelled table do "
            "not have the sky's proportions. With positions (--prior sky) it finds fewer of the rare classes."
        )
    nowhere = (~_placed(table)).sum()
    without = f" {nowhere:,} rows without a position have a flat prior." if nowhere else ""
    return (
        f"{model.name} is tested with the prior of each row's position, as `sedsql classify` uses it; a labelled table "
        f"has more of the rare classes than the sky, so it misses more of them than with a flat prior.{without}"
    )


def _trained_on(model: Model, table: LabelledTable) -> list[str]:
    """Say whether the model has seen rows of the table; cards without hashes tell only whole files."""
    training, seen = model.card.training, ""
    if set(table.about["files"].values()) & set(training.get("files", {}).values()):
        seen = f"{model.name} was trained on this very table"
    elif "row_hashes" in training:
        try:
            share = seen_share(training["row_hashes"], table.magnitudes)
        except ValueError as error:
            raise EvaluationError(f"The card of model {model.name} {error}.") from None
        if share:
            seen = f"{model.name} was trained on {_percent(share)} of these rows"
    if not seen:
        return []
    return [f"{seen}, so these figures are better than the truth; --cross-validate gives honest ones."]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "less than 1 %"


def steps(table: LabelledTable, by: str = SKY) -> int:
    """Return the most often that `cross_validated` calls its `step`."""
    return FOLDS if by == SKY else len(list(origin_folds(table)))


def cross_validated(
    model: Model,
    table: LabelledTable,
    step: Callable[[str], None] = lambda _: None,
    look: Look = lambda *_: None,
    *,
    by: str = SKY,
) -> dict:
    """Measure models of the same recipe, each on a fifth of the sky, or an origin, that it was not trained on."""
    algorithm = model.card.algorithm
    recipe = RECIPES.get(algorithm.get("recipe", ""))
    if recipe is None:
        raise EvaluationError(f"{model.name} was not made by a recipe of sedsql, so it cannot be trained anew.")
    seed = algorithm.get("seed", 0)
    table = add_simulated(table, model.card.training.get("simulated_rows", {}), seed)
    if by == ORIGIN:
        return leave_one_origin_out(recipe, table, seed, step, look)
    validated = out_of_fold(recipe, table, sky_folds(table, seed), seed, step)
    truth = table.labels[validated.rows]
    look(truth, validated.found(), validated.probabilities(truth).max(axis=1))
    return metrics_of(validated, table)


def _coverage(truth, p, classes, conformal: Conformal) -> dict:
    place = [list(classes).index(label) for label in truth]
    result = {}
    for k, level in enumerate(conformal.levels):
        member = p >= np.array([conformal.thresholds[name][k] for name in classes])
        covered = member[np.arange(len(truth)), place]
        result[str(level)] = set_scores(truth, covered, member)
    return result
