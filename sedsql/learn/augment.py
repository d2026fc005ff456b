"""Add copies of labelled sources to the training rows: farther away, with other bands, without a parallax."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedsql.learn.features import absolute_g
from sedsql.learn.parallaxes import moduli, parallaxes_at
from sedsql.learn.patterns import balanced, cut_down, pattern
from sedsql.learn.training import MIN_BANDS, LabelledTable
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate.survey import observe

COPIES = 2
"""The number of copies of each row with other bands."""
COPY_WEIGHT = 0.3
"""The weight of a copy, with other bands or farther away; the row itself has the weight 1."""
SIMULATED_SHARE = 0.5
"""The weight of all simulated rows of a class and cell together, relative to its real rows."""

DISCLESS = "yso_discless"
"""Young stars without a disc: they have the SED of an older star, and differ only in luminosity."""

_G_EDGES = (12.0, 15.0, 17.0, 18.5, 19.5)
_ABSENT = np.float32(np.nan)
_WIDTH = 64
"""Larger than every number of a pattern, so that a pattern and a bin together have a number of their own."""


@dataclass
class Rows:
    """The rows to fit a classifier to: magnitudes, shape (n, 10), parallax (n, 2), labels and weights (n,)."""

    magnitudes: NDArray[np.float32]
    parallax: NDArray[np.float32]
    labels: NDArray[np.str_]
    weights: NDArray[np.floating]


def training_rows(table: LabelledTable, seed: int, *, luminosity: bool = False) -> Rows:
    """Return the rows of a table with copies of each: with fewer bands, and as the surveys would see it farther away.

    The bands of a catalogue, the brightness of its sources and the presence of a parallax show where a row comes from,
    and so its class; a model must not learn that. Therefore every copy gets a distance of its own, drawn alike for all
    classes. In every set of bands, bright or faint, all classes have the same shares of the weight; with `luminosity`
    also in every magnitude of absolute G, among the rows whose parallax gives it. A magnitude that is a limit counts
    half as it is and half as missing, because archives' tables have both. Left out are rows whose source has a second
    label, and young stars without a disc whose luminosity is unknown.
    """
    table = table[~table.contradicted]
    rng = np.random.default_rng(seed)
    cut = np.where(table.limits, _ABSENT, table.magnitudes)
    limited = table.limits.any(axis=1)
    parts = [(table.magnitudes, np.where(limited, 0.5, 1.0)), (cut, np.where(limited, 0.5, 0.0))]
    parts += [(cut_down(cut, rng), np.full(len(table), COPY_WEIGHT)) for _ in range(COPIES)]
    magnitudes = np.concatenate([part for part, _ in parts] + [cut])
    share = np.concatenate([share for _, share in parts] + [np.full(len(table), COPY_WEIGHT)])
    source = np.tile(np.arange(len(table)), len(parts) + 1)
    modulus = moduli(table.labels, table.magnitudes, table.parallax, rng)[source]
    moved = _moved(magnitudes, rng)
    magnitudes = magnitudes + moved[:, None]
    farther = slice(len(parts) * len(table), None)
    magnitudes[farther] = observe(magnitudes[farther], rng)[0].astype(np.float32)
    parallax = parallaxes_at(modulus + moved, magnitudes[:, 0], rng)
    labels, absolute = table.labels[source], absolute_g(magnitudes, parallax)
    kept = (np.isfinite(magnitudes).sum(axis=1) >= MIN_BANDS) & (share > 0)
    kept &= (labels != DISCLESS) | (luminosity & np.isfinite(absolute))
    magnitudes, parallax, labels, share = magnitudes[kept], parallax[kept], labels[kept], share[kept]
    by = np.digitize(magnitudes[:, 0], _G_EDGES)
    if luminosity:
        absolute = np.clip(np.round(absolute[kept]), -10, 20)
        by = np.where(np.isnan(absolute), by, absolute + 20).astype(np.int64)
    cells = pattern(magnitudes) + _WIDTH * by
    shares = class_shares(table)
    weights = balanced(labels, cells, share, table.simulated[source[kept]], shares, SIMULATED_SHARE)
    return Rows(magnitudes, parallax, labels, weights)


def class_shares(table: LabelledTable) -> dict[str, float]:
    """Return the share of each class in every set of bands: in proportion to the square root of its real rows.

    This lies half-way between the table's proportions and equal shares, and gives the best F1 of rare and common
    classes together.
    """
    names = np.unique(table.labels)
    rows = np.array([(~table.simulated & (table.labels == name)).sum() for name in names])
    shares = np.sqrt(np.maximum(rows, 30))
    return {str(name): float(share) for name, share in zip(names, shares / shares.sum(), strict=True)}


def _moved(magnitudes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw by how many magnitudes to move each row away or nearer, shape (n,).

    Afterwards G, or the first band that the row has, lies anywhere between bright and the survey's limit.
    """
    there = np.isfinite(magnitudes)
    first = np.where(there.any(axis=1), there.argmax(axis=1), 0)
    limits = np.where(first < 3, 20.7, np.where(first < COLUMNS.index("w1mpro"), 15.5, 16.5))
    wanted = limits - 12.5 * rng.random(len(magnitudes))
    return np.nan_to_num(wanted - magnitudes[np.arange(len(magnitudes)), first]).astype(np.float32)
