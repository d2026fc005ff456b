"""What a table of labels does not show a model: the same sources farther away, with other bands, without a parallax."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..bands import COLUMNS
from ..simulate.survey import observe
from .features import absolute_g
from .parallaxes import moduli, parallaxes_at
from .patterns import balanced, cut_down, pattern
from .training import MIN_BANDS, LabelledTable

COPIES = 2
"""How often each row is seen with other bands."""
COPY_WEIGHT = 0.3
"""Of a copy with other bands, and of one as it would be seen farther away, against the row itself."""
SIMULATED_SHARE = 0.5
"""Of the simulated rows of a class and cell together, against its real ones."""

DISCLESS = "yso_discless"
"""A young star without a disc has the SED of a star; only its luminosity tells it from one."""

_G_EDGES = (12.0, 15.0, 17.0, 18.5, 19.5)
_ABSENT = np.float32(np.nan)
_WIDTH = 64
"""More than there are numbers of patterns."""


@dataclass
class Rows:
    """What a classifier is fitted to: magnitudes, shape (n, 10), parallax (n, 2), labels and weights (n,)."""

    magnitudes: NDArray[np.float32]
    parallax: NDArray[np.float32]
    labels: NDArray[np.str_]
    weights: NDArray[np.floating]


def training_rows(table: LabelledTable, seed: int, *, luminosity: bool = False) -> Rows:
    """The rows of a table, and copies of each: with fewer bands, and as the surveys would see it farther away.

    Which bands a catalogue has, how bright its sources are and whether they have a parallax tells where its rows
    come from, and so their class; a model must not learn that. So every copy stands at a distance of its own, drawn
    alike for all classes, and in every set of bands, bright or faint, all classes have the same shares of the weight;
    with `luminosity` in every magnitude of absolute G too, among the rows whose parallax tells it. A magnitude that
    is a limit counts half as it stands, half as missing: archives' tables have both. Rows whose source has another
    label too are left out, and so are young stars without a disc where nothing tells their luminosity.
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
    """What the classes weigh in every set of bands: the square root of their real rows.

    Half-way between the table's proportions and all classes alike, which gives the best F1 of rare and common classes
    together.
    """
    names = np.unique(table.labels)
    rows = np.array([(~table.simulated & (table.labels == name)).sum() for name in names])
    shares = np.sqrt(np.maximum(rows, 30))
    return {str(name): float(share) for name, share in zip(names, shares / shares.sum(), strict=True)}


def _moved(magnitudes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """By how many magnitudes each row is moved away, or nearer, shape (n,).

    G, or the first of the bands that are there, then lies anywhere between bright and the survey's limit.
    """
    there = np.isfinite(magnitudes)
    first = np.where(there.any(axis=1), there.argmax(axis=1), 0)
    limits = np.where(first < 3, 20.7, np.where(first < COLUMNS.index("w1mpro"), 15.5, 16.5))
    wanted = limits - 12.5 * rng.random(len(magnitudes))
    return np.nan_to_num(wanted - magnitudes[np.arange(len(magnitudes)), first]).astype(np.float32)
