"""What a table of labels does not show a model: that bands and parallaxes may be missing in any class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .parallaxes import with_parallaxes
from .training import MIN_BANDS, LabelledTable

COPY_WEIGHT = 0.3
"""Of a row's copy with bands taken away, against the row itself."""

SIMULATED_WEIGHT = 0.1
"""Of a simulated row, against a real one."""


@dataclass
class Rows:
    """What a classifier is fitted to: magnitudes, shape (n, 10), parallax (n, 2), labels and weights (n,)."""

    magnitudes: NDArray[np.float32]
    parallax: NDArray[np.float32]
    labels: NDArray[np.str_]
    weights: NDArray[np.floating]


def training_rows(table: LabelledTable, seed: int) -> Rows:
    """The rows of a table, and each once more with bands taken away at random.

    Which bands a catalogue lacks, and whether it has a parallax, tells where its rows come from, and so their
    class; a model must not learn that. A magnitude that is a limit counts half as it stands, half as missing:
    archives' tables have both. Rows whose source has another label too are left out.
    """
    table = table[~table.contradicted]
    rng = np.random.default_rng(seed)
    cut = np.where(table.limits, np.float32(np.nan), table.magnitudes)
    limited = table.limits.any(axis=1) & (np.isfinite(cut).sum(axis=1) >= MIN_BANDS)
    thinned = take_bands_away(cut, rng)
    enough = np.isfinite(thinned).sum(axis=1) >= MIN_BANDS
    everything = np.arange(len(table))
    source = np.concatenate([everything, everything[limited], everything[enough]])
    magnitudes = np.concatenate([table.magnitudes, cut[limited], thinned[enough]])
    labels = table.labels[source]
    share = np.concatenate(
        [np.where(limited, 0.5, 1.0), np.full(limited.sum(), 0.5), np.full(enough.sum(), COPY_WEIGHT)]
    )
    simulated = table.simulated[source]
    share[simulated] *= SIMULATED_WEIGHT
    weights = share * _balance(labels, magnitudes, simulated, share)
    parallax = with_parallaxes(labels, table.magnitudes[source], table.parallax[source], rng)
    return Rows(magnitudes, parallax, labels, weights / weights.mean())


def _balance(labels, magnitudes, simulated, share) -> NDArray[np.floating]:
    """1 / sqrt(rows of the same class that have the same surveys, real or simulated).

    Half-way between the table's proportions and all classes alike, in each group of rows that a user meets by
    itself: a class that nearly always lacks WISE has to be known by the few rows that have it.
    """
    there = np.isfinite(magnitudes)
    surveys = there[:, 3:6].any(axis=1) + 2 * there[:, 6:].any(axis=1) + 4 * (there.sum(axis=1) >= 8)
    _, class_place = np.unique(labels, return_inverse=True)
    _, place = np.unique(class_place * 16 + surveys + 8 * simulated, return_inverse=True)
    return np.bincount(place, weights=share)[place] ** -0.5


def take_bands_away(magnitudes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Magnitudes, shape (n, 10), with some of them missing.

    Whole surveys go as surveys lack sources (WISE most often, W3 and W4 together), single bands as quality flags
    strike them.
    """
    n = len(magnitudes)
    gone = rng.random(magnitudes.shape) < 0.15
    for bands, chance in ((slice(0, 3), 0.1), (slice(3, 6), 0.15), (slice(6, 10), 0.3), (slice(8, 10), 0.3)):
        gone[:, bands] |= (rng.random(n) < chance)[:, None]
    return np.where(gone, np.float32(np.nan), magnitudes)
