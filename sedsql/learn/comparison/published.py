"""Score a classification in the classes of published ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sedsql.learn.crossvalidation import OutOfFold
from sedsql.learn.evaluation import scores

SURE = 0.9
"""The probability from which on both papers count a source as classified."""


@dataclass(frozen=True)
class Setting:
    """A published classification.

    Attributes
    ----------
    name : the paper
    groups : its classes, and which of ours belong to each
    bands : the name in `band_subsets.SAME_BANDS` of the bands nearest to those that it used
    abstract : a summary of its abstract, with the numbers given there
    other : how it differs from our classification, so that figures cannot simply be compared
    """

    name: str
    groups: dict[str, tuple[str, ...]]
    bands: str
    abstract: str
    other: str


SETTINGS = (
    Setting(
        "Marton et al. 2019, MNRAS 487, 2522",
        {
            "YSO": ("yso",),
            "extragalactic": ("agn",),
            "main sequence": ("main_sequence", "massive"),
            "evolved": ("agb_oxygen", "agb_carbon", "supergiant", "giant", "wolf_rayet"),
        },
        "all ten bands",
        "Gaia DR2 with WISE and Planck, 103 million sources in four classes by support vectors, forests and networks; "
        "1,129,295 of them young at a probability of 90 %.",
        "It used Planck's measurements at the place of a source, which tell where the dust of star formation is; here "
        "no model knows where a source stands.",
    ),
    Setting(
        "Lakshmipathaiah et al. 2023, MNRAS 526, 1923",
        {
            "YSO": ("yso",),
            "AGB": ("agb_oxygen", "agb_carbon"),
            "AGN": ("agn",),
            "MS": ("main_sequence", "massive"),
        },
        "2MASS, WISE",
        "Colours and magnitudes in seven bands from near to mid-infrared; 1,966,340 of 8,308,384 sources selected in "
        "the infrared have a class at a probability above 90 %, about 1.7 % of these young.",
        "It used magnitudes beside colours; here distance does not matter.",
    ),
)


def regrouped(
    p: NDArray[np.float64], classes: Sequence[str] | NDArray[np.str_], truth: NDArray[np.str_], setting: Setting
) -> dict | None:
    """Score the rows whose class belongs to a class of a published setting, in the classes of that setting.

    Probabilities, shape (n, classes), are summed in each group. Rows and probabilities of other classes are left out,
    because the published classifiers could not answer them. Returns None where fewer than two groups have rows.
    """
    place = {ours: theirs for theirs, names in setting.groups.items() for ours in names}
    names = [name for name, ours in setting.groups.items() if np.isin(truth, ours).any()]
    kept = np.isin(truth, [ours for ours in place if place[ours] in names])
    if len(names) < 2:
        return None
    columns = [[place.get(label) == name for label in classes] for name in names]
    summed = p[kept] @ np.array(columns, float).T
    summed /= np.maximum(summed.sum(axis=1, keepdims=True), 1e-12)
    groups = np.array([place[label] for label in truth[kept]])
    found, top = np.array(names)[summed.argmax(axis=1)], summed.max(axis=1)
    sure = top >= SURE
    result = scores(groups, found, top)
    result["sure"] = {
        "probability": SURE,
        "share_of_rows": round(float(sure.mean()), 4),
        "right": round(float((groups == found)[sure].mean()), 4) if sure.any() else None,
    }
    return result


def regrouped_all(same_bands: Mapping[str, OutOfFold], labels: NDArray[np.str_]) -> list[dict[str, Any]]:
    """List each of the SETTINGS with the figures of rows that have its bands; `labels` are those of the table."""
    result = []
    for setting in SETTINGS:
        some = same_bands.get(setting.bands)
        ours = None
        if some is not None:
            truth = labels[some.rows]
            ours = regrouped(some.probabilities(truth), some.classes, truth, setting)
        result.append({"paper": setting.name, **vars(setting), "ours": ours})
    return result
