"""How good a model is on a labelled table: the model as it is, or its recipe cross-validated."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..errors import Error
from ..inference.model import Model
from ..inference.session import Session
from . import evaluate
from .bandsets import SAME_BANDS, with_same_bands
from .build import metrics_of
from .calibration import set_scores
from .crossvalidation import FOLDS, out_of_fold, sky_folds
from .origins import leave_one_origin_out, origin_folds
from .recipes import RECIPES
from .simulated import add_simulated
from .training import LabelledTable

SKY, ORIGIN = SPLITS = ("sky", "origin")
"""What is left out whole in cross-validation: a fifth of the sky at a time, or an origin."""

LOOKS = 1 + len(SAME_BANDS)
"""Steps of `judged`, at most."""


Look = Callable[[NDArray[np.str_], NDArray[np.str_], NDArray[np.float64]], None]
"""What is called with the labels, the classes found and their probabilities, each of shape (n,)."""


class JudgeError(Error):
    """A model and a table that do not go together."""


def judged(
    model: Model, table: LabelledTable, step: Callable[[str], None] = lambda _: None, look: Look = lambda *_: None
) -> dict:
    """Scores of a model on the rows of a table that have a label of the model's, and bands enough.

    `step` is called with a few words at the start of each classification of the table: as it is, then with the same
    bands in every row; `look` with what is found.
    """
    notes = []
    trained_on = model.card.get("training", {}).get("files", {})
    if set(table.about["files"].values()) & set(trained_on.values()):
        notes.append(
            f"{model.name} was trained on this very table, so these figures are better than the truth; "
            "--cross-validate gives honest ones."
        )
    known = np.isin(table.labels, model.classes)
    if not known.any():
        raise JudgeError(
            f"No label of the table is a class of {model.name}: the table has "
            f"{', '.join(np.unique(table.labels)[:8])}, the model {', '.join(model.classes)}."
        )
    if not known.all():
        others = ", ".join(map(str, np.unique(table.labels[~known])))
        notes.append(f"{(~known).sum():,} rows are left out: {model.name} has no class {others}.")
    table = table[known]
    session = Session(model, threads=0)
    step("all rows")
    classes = np.array(model.classes)
    prediction = session.predict(np.hstack([table.magnitudes, table.parallax]))
    enough = prediction.class_index >= 0
    if not enough.all():
        notes.append(f"{(~enough).sum():,} rows are left out: they have fewer than {model.min_bands} of the bands.")
    truth, p = table.labels[enough], prediction.probabilities[enough].astype(float)
    found = classes[prediction.class_index[enough]]
    look(truth, found, p.max(axis=1))
    metrics = evaluate.by_bands(truth, found, p.max(axis=1), table.n_bands[enough], table.parallax[enough, 0])
    metrics["young_by_stage"] = evaluate.by_stage(truth, found, table.magnitudes[enough])
    seen = {}
    for name, (rows, thinned) in with_same_bands(table.magnitudes).items():
        step(f"only {name}")
        place = session.predict(np.hstack([thinned, table.parallax[rows]])).class_index
        seen[name] = (rows[place >= 0], classes[place[place >= 0]])
    metrics["same_bands"] = evaluate.same_bands(table.labels, seen)
    conformal = model.card.get("conformal")
    if conformal:
        metrics["conformal"] = _coverage(truth, p, classes, conformal)
    return {**metrics, "notes": notes}


def steps(table: LabelledTable, by: str = SKY) -> int:
    """How often `cross_validated` calls its `step`, at most."""
    return FOLDS if by == SKY else len(list(origin_folds(table)))


def cross_validated(
    model: Model,
    table: LabelledTable,
    step: Callable[[str], None] = lambda _: None,
    look: Look = lambda *_: None,
    *,
    by: str = SKY,
) -> dict:
    """Scores of models of the same recipe, each on a fifth of the sky, or an origin, that it was not trained on."""
    algorithm = model.card.get("algorithm", {})
    recipe = RECIPES.get(algorithm.get("recipe"))
    if recipe is None:
        raise JudgeError(f"{model.name} was not made by a recipe of sedsql, so it cannot be trained anew.")
    seed = algorithm.get("seed", 0)
    table = add_simulated(table, model.card.get("training", {}).get("simulated_rows", {}), seed)
    if by == ORIGIN:
        return leave_one_origin_out(recipe, table, seed, step, look)
    validated = out_of_fold(recipe, table, sky_folds(table, seed), seed, step)
    truth = table.labels[validated.rows]
    look(truth, validated.found(), validated.probabilities(truth).max(axis=1))
    return metrics_of(validated, table)


def _coverage(truth, p, classes, conformal: dict) -> dict:
    place = [list(classes).index(label) for label in truth]
    result = {}
    for k, level in enumerate(conformal["levels"]):
        member = p >= np.array([conformal["thresholds"][name][k] for name in classes])
        covered = member[np.arange(len(truth)), place]
        result[str(level)] = set_scores(truth, covered, member)
    return result
