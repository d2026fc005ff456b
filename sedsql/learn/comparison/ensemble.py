"""Combine several algorithms by the mean of their probabilities."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sedsql.learn.crossvalidation import OutOfFold
from sedsql.learn.evaluation import macro_f1

MEMBERS = 3
_LEAST = 1e-12


@dataclass
class Trial:
    """The scores of an algorithm for every row, by the model of the fold that left the row out.

    Attributes
    ----------
    whole : scores of the rows as they are
    same_bands : by the names of `band_subsets.SAME_BANDS`, scores of the rows that have all these bands, given only
        these
    fit_seconds, row_seconds : the time of one fit, and of one row's prediction
    choices : for each fold the settings used, how many were tried, and on how many inner folds
    """

    whole: OutOfFold
    same_bands: dict[str, OutOfFold]
    fit_seconds: float
    row_seconds: float
    choices: list[dict] = field(default_factory=list)


def best_elsewhere(candidates: dict[str, Trial], labels: NDArray[np.str_], fold: int) -> list[str]:
    """Name the MEMBERS with the best macro F1 on all folds but one; `labels` are those of the table."""
    found = {}
    for name, tested in candidates.items():
        others = tested.whole.folds != fold
        found[name] = macro_f1(labels[tested.whole.rows[others]], tested.whole.found()[others])
    return sorted(found, key=lambda name: -found[name])[:MEMBERS]


def ensemble(candidates: dict[str, Trial], labels: NDArray[np.str_]) -> Trial:
    """Average, in each fold, the calibrated probabilities of the algorithms that are best on the other folds."""
    some = next(iter(candidates.values()))
    members = {int(fold): best_elsewhere(candidates, labels, fold) for fold in np.unique(some.whole.folds)}
    every = sorted({name for names in members.values() for name in names})
    cost = np.array([[candidates[n].fit_seconds, candidates[n].row_seconds] for n in every])
    share = np.array([sum(name in names for names in members.values()) for name in every]) / len(members)
    return Trial(
        _mean({name: candidates[name].whole for name in every}, members, labels),
        {
            bands: _mean({name: candidates[name].same_bands[bands] for name in every}, members, labels)
            for bands in some.same_bands
        },
        float(share @ cost[:, 0]),
        float(share @ cost[:, 1]),
        [{"members": names} for names in members.values()],
    )


def _mean(parts: dict[str, OutOfFold], members: dict[int, list[str]], labels) -> OutOfFold:
    some = next(iter(parts.values()))
    p = {name: part.probabilities(labels[part.rows]) for name, part in parts.items()}
    mean = np.empty_like(some.scores)
    for fold, names in members.items():
        mine = some.folds == fold
        mean[mine] = np.mean([p[name][mine] for name in names], axis=0)
    return OutOfFold(some.rows, some.folds, some.classes, np.log(np.maximum(mean, _LEAST)), {})
