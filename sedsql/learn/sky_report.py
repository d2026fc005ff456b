"""How good a model is on the sky as Gaia sees it: simulated sources in the numbers that the sky has.

Labelled tables have other proportions than the sky, where nearly all sources are dwarfs and giants: a class that is
pure in a table may be lost among them. The simulated sky is that of `simulate.census`. It is not independent of a model
with a prior, which has its numbers from the same census, nor of simulated rows in training: only the rows are others.
So the figures are what the simulation lets one hope for, and the true sky has kinds of sources that it lacks.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import Error
from ..inference.answers import branches
from ..inference.model import Model
from ..inference.session import Session
from ..simulate import POPULATIONS
from ..simulate.census import Sky, join_skies, natural
from ..simulate.published import PUBLISHED
from . import sky_scores
from .ruled_out import HALF
from .sky_scores import Answers

ROWS = 5_000
COMMON = ("main_sequence", "giant")
TIMES = 10
"""COMMON classes have so many times more rows than others: they are what rare ones are lost among."""
STEPS = len(POPULATIONS) + 2

_TESTING = 10**6
"""After the seed, in the place where training has small numbers: other rows than any that a model saw."""


class SkyReportError(Error):
    """A model that cannot be tried on the simulated sky."""


def drawn_sky(rows: int = ROWS, seed: int = 0, step: Callable[[str], None] = lambda _: None, *, stream: int = 0) -> Sky:
    """Simulated sources of every class: `rows` of each, and TIMES as many of COMMON; `stream` gives others."""
    rng = np.random.default_rng([seed, _TESTING + stream])
    parts = []
    for label in POPULATIONS:
        step(f"simulating {label}")
        parts.append(natural({label: rows * (TIMES if label in COMMON else 1)}, rng))
    return join_skies(parts)


def asked(model: Model, sky: Sky) -> Answers:
    """What a model says of a simulated sky."""
    if not set(model.classes) & set(POPULATIONS):
        raise SkyReportError(
            f"No class of {model.name} can be simulated: it has {', '.join(model.classes)}; the sky of the census has "
            f"{', '.join(POPULATIONS)}."
        )
    prediction = Session(model, threads=0).predict(sky.inputs)
    return answers_of(model, sky, prediction.probabilities.astype(np.float64))


def answers_of(model: Model, sky: Sky, probabilities: NDArray[np.float64]) -> Answers:
    """The default answers of probabilities, shape (n, classes), NaN where bands are too few."""
    found = branches(model, probabilities, HALF)
    nodes = np.array(found.field("node").fill_null("").to_pylist(), dtype=np.str_)
    return Answers(
        labels=sky.labels,
        weights=sky.weights,
        g=sky.sample.magnitudes[:, 0],
        latitude=np.abs(sky.sample.glat),
        n_bands=np.isfinite(sky.sample.magnitudes).sum(axis=1),
        classes=model.classes,
        parents=model.card.get("parents", {}),
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
    """All figures of a model on the simulated sky, as JSON has them.

    `oracle` adds those of a classifier fitted to other rows of the same simulation (`learn.oracle`). `step` is called
    with a few words at the start of each of the STEPS, one more with an oracle.
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
        **figures(answers, model.card.get("conformal")),
    }
    if oracle:
        from .oracle import best_possible

        step("fitting the oracle")
        other = drawn_sky(rows, seed, stream=1)
        told = replace(model, name="oracle", classes=tuple(POPULATIONS))
        result["oracle"] = figures(answers_of(told, sky, best_possible(other, sky, told.classes, seed)), None)
    return result


def figures(answers: Answers, conformal: Mapping | None) -> dict:
    """The figures of answers; those of sets where a card has thresholds."""
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
