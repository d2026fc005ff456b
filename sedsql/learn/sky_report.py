"""Evaluate a model on a simulated sky, with as many sources of each class as Gaia sees.

Labelled tables do not have the proportions of the sky, where nearly all sources are dwarfs and giants; a class that is
pure in a table may be lost among these. The simulated sky is that of `simulate.census`. It is not independent of a
model with a prior, whose numbers come from the same census, nor of simulated rows in training: only the rows differ.
So the figures are what one may hope for according to the simulation; the true sky has kinds of sources that it lacks.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sedsql.errors import Error
from sedsql.inference.answers import branches
from sedsql.inference.card import Conformal
from sedsql.inference.model import Model
from sedsql.inference.session import Session
from sedsql.learn import sky_scores
from sedsql.learn.sky_scores import Answers
from sedsql.photometry.classes import HALF
from sedsql.simulate import POPULATIONS
from sedsql.simulate.census import Sky, join_skies, natural
from sedsql.simulate.published import PUBLISHED

ROWS = 5_000
COMMON = ("main_sequence", "giant")
TIMES = 10
"""COMMON classes get this many times more rows than others, because rare ones are lost among them."""
STEPS = len(POPULATIONS) + 2

_TESTING = 10**6
"""Follows the seed, where training uses small numbers, so that no model has seen these rows."""


class SkyReportError(Error):
    """Raised for a model that cannot be evaluated on the simulated sky."""


def drawn_sky(rows: int = ROWS, seed: int = 0, step: Callable[[str], None] = lambda _: None, *, stream: int = 0) -> Sky:
    """Simulate `rows` sources of every class, and TIMES as many of COMMON; another `stream` gives other sources."""
    rng = np.random.default_rng([seed, _TESTING + stream])
    parts = []
    for label in POPULATIONS:
        step(f"simulating {label}")
        parts.append(natural({label: rows * (TIMES if label in COMMON else 1)}, rng))
    return join_skies(parts)


def asked(model: Model, sky: Sky) -> Answers:
    """Return the answers of a model on a simulated sky."""
    if not set(model.classes) & set(POPULATIONS):
        raise SkyReportError(
            f"No class of {model.name} can be simulated: it has {', '.join(model.classes)}; the sky of the census has "
            f"{', '.join(POPULATIONS)}."
        )
    prediction = Session(model, threads=0).predict(sky.inputs)
    return answers_of(model, sky, prediction.probabilities.astype(np.float64))


def answers_of(model: Model, sky: Sky, probabilities: NDArray[np.float64]) -> Answers:
    """Return the default answers for probabilities of shape (n, classes), NaN where bands are too few."""
    found = branches(model, probabilities, HALF)
    nodes = np.array(found.field("node").fill_null("").to_pylist(), dtype=np.str_)
    return Answers(
        labels=sky.labels,
        weights=sky.weights,
        g=sky.sample.magnitudes[:, 0],
        latitude=np.abs(sky.sample.glat),
        n_bands=np.isfinite(sky.sample.magnitudes).sum(axis=1),
        classes=model.classes,
        parents=model.card.parents,
        probabilities=np.nan_to_num(probabilities),
        nodes=nodes,
        node_probability=found.field("probability").fill_null(0).to_numpy(),
    )


def report(
    model: Model,
    rows: int = ROWS,
    seed: int = 0,
    *,
    oracle: bool = False,
    step: Callable[[str], None] = lambda _: None,
) -> dict:
    """Return all figures of a model on the simulated sky, in the form of the JSON output.

    `oracle` adds those of a classifier fitted to other rows of the same simulation (`learn.oracle`). `step` is called
    with a few words at the start of each of the STEPS, and once more with an oracle.
    """
    sky = drawn_sky(rows, seed, step)
    step(f"asking {model.name}")
    answers = asked(model, sky)
    step("counting")
    result = {
        "what": "simulated sources, in the numbers in which Gaia DR3 has them; not real ones",
        "model": model.name,
        "seed": seed,
        "rows": {label: int((sky.labels == label).sum()) for label in POPULATIONS},
        **figures(answers, model.card.conformal),
    }
    if oracle:
        from sedsql.learn.oracle import best_possible

        step("fitting the oracle")
        other = drawn_sky(rows, seed, stream=1)
        told = replace(model, name="oracle", classes=tuple(POPULATIONS))
        result["oracle"] = figures(answers_of(told, sky, best_possible(other, sky, told.classes, seed)), None)
    return result


def figures(answers: Answers, conformal: Conformal | None) -> dict:
    """Return the figures of answers, and those of sets where the card has thresholds."""
    classes = sky_scores.by_class(answers)
    for label, some in classes.items():
        some["published"] = PUBLISHED[label].number if label in PUBLISHED else None
    result = {
        "answered": round(float(answers.weights[answers.answered].sum() / answers.weights.sum()), 4),
        "right": round(
            float(np.average(answers.right[answers.answered], weights=answers.weights[answers.answered])), 4
        ),
        "classes": classes,
        "default_answer": sky_scores.by_node(answers),
        "calibration_error": sky_scores.calibration(answers),
        "log_loss": sky_scores.log_loss(answers),
        "by_threshold": {"thresholds": list(sky_scores.THRESHOLDS), "classes": sky_scores.by_threshold(answers)},
        "by_g": {"edges": list(sky_scores.MAGNITUDES), "classes": sky_scores.by_g(answers)},
        "by_latitude": {"edges": list(sky_scores.ZONES), "classes": sky_scores.by_latitude(answers)},
    }
    if conformal:
        result["conformal"] = sky_scores.coverage(answers, conformal)
    return result
