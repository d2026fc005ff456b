"""Measure the classical ways to classify, beside the algorithms of a comparison."""

from typing import Any

import numpy as np

from sedsql.learn import evaluation
from sedsql.learn.baselines import NearestTemplate, colour_cuts, koenig_leisawitz, majority, mistaken, young_by_index
from sedsql.learn.comparison.checkpoint import Checkpoint
from sedsql.learn.comparison.clock import Clock
from sedsql.learn.training import LabelledTable

TEMPLATE = "nearest template"
YOUNG = "yso"


def classical(table: LabelledTable, kept: Checkpoint, folds, clock: Clock, seed, step) -> dict[str, Any]:
    """Measure the classical ways on the same rows: those that give a class, and those that only find young stars.

    The nearest template is left out where there is no time for it.
    """
    parts = []
    for k, (fit, test) in enumerate(folds):
        step(f"nearest template, fold {k + 1} of {len(folds)}")
        test = test[~table.simulated[test]]
        known = table[fit][~table.contradicted[fit]]

        def make(known=known, test=test) -> dict[str, Any]:
            nearest = NearestTemplate(known.magnitudes, known.labels, seed)
            return {"rows": test, "found": nearest.predict(table.magnitudes[test])}

        parts.append(clock.optional(kept, f"template-{k}", TEMPLATE, make))
    rows = np.concatenate([test[~table.simulated[test]] for _, test in folds])
    truth, magnitudes, n_bands = table.labels[rows], table.magnitudes[rows], table.n_bands[rows]
    made = [part["found"] for part in parts if part]
    of_class = {
        **({TEMPLATE: np.concatenate(made)} if len(made) == len(folds) else {}),
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
