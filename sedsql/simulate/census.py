"""Simulate the sky of Gaia DR3: sources of each class, weighted so that they add up to its published number.

sky = natural({"giant": 5000, "agn": 5000}, np.random.default_rng(1))
sky.weights[sky.labels == "giant"].sum()      # 1.8e8, the giants of Gaia DR3
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from sedsql.simulate import Sample, behind_dust
from sedsql.simulate.astrometry import has_parallax, parallax_error
from sedsql.simulate.counts import (
    FAINTEST,
    LATITUDES,
    LONGITUDES,
    STEP,
    Counts,
    counts,
    directions_of,
    draw_patchiness,
    pool,
    random_in,
)
from sedsql.simulate.crowding import lose
from sedsql.simulate.frames import icrs
from sedsql.simulate.populations import POPULATIONS
from sedsql.simulate.published import PUBLISHED
from sedsql.simulate.source import Stars
from sedsql.simulate.survey import observe

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Generator = np.random.Generator

ZONES = (0.0, 5.0, 20.0, 45.0, 90.0)
"""Edges of the census's zones of |b|, in degrees."""
_RICHER = 0.5
"""Rows of a magnitude and zone are drawn in proportion to this power of their number on the sky: 1 keeps the sky's
proportions, 0 makes all numbers equal. With 0.5, weights differ so little that two thirds of the rows are effective."""

_TMASS_DEEPER = 0.35
"""2MASS reaches a signal-to-noise ratio of 10 about a third of a magnitude beyond its requirement (Skrutskie et al.
2006, Section 3.1: better than 15.8, 15.1 and 14.3)."""


@dataclass
class Sky:
    """Simulated sources, as arrays of one length.

    weights : how many sources of Gaia DR3 each row stands for
    parallax, parallax_error : in mas, NaN where Gaia has only a position
    ra, dec : ICRS, degrees
    """

    labels: NDArray[np.str_]
    sample: Sample
    ra: Array
    dec: Array
    parallax: Array
    parallax_error: Array
    weights: Array

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def inputs(self) -> NDArray[np.float32]:
        """Return the measurements as inputs of models: magnitudes, parallax, its error, ra, dec; shape (n, 14)."""
        further = [self.parallax, self.parallax_error, self.ra, self.dec]
        return np.column_stack([self.sample.magnitudes, *further]).astype(np.float32)


def natural(rows: Mapping[str, int], rng: Generator, *, weighted: bool = True) -> Sky:
    """Draw `rows` sources of each class with the magnitudes and places of Gaia DR3.

    Bright sources and those far from the plane are drawn more often than on the sky, and weigh less; with
    `weighted=False` all sources of a class weigh the same. The weights of a class add up to its number in PUBLISHED.

    Raises ValueError for an unknown class.
    """
    parts = [_drawn(label, n, rng, _RICHER if weighted else 1.0) for label, n in rows.items()]
    sample = join([part for part, _ in parts])
    labels = np.repeat(np.array(list(rows), dtype=np.str_), [len(part) for part, _ in parts])
    weights = np.concatenate([weight for _, weight in parts])
    g = sample.magnitudes[:, 0]
    error = np.where(has_parallax(g, rng), parallax_error(g, rng), np.nan)
    true = np.nan_to_num(1000 / sample.distance_pc)
    return Sky(
        labels, sample, *icrs(sample.glon, sample.glat), true + error * rng.standard_normal(len(g)), error, weights
    )


def join(samples: list[Sample]) -> Sample:
    """Join several samples into one."""
    return Sample(*(np.concatenate([getattr(one, field.name) for one in samples]) for field in fields(Sample)))


def _drawn(label: str, n: int, rng: Generator, power: float) -> tuple[Sample, Array]:
    """Draw n sources of a class and their weights."""
    if label not in PUBLISHED:
        raise ValueError(f"no class {label!r} in the census; there are {', '.join(PUBLISHED)}")
    table = counts(label)
    factor = _factors(table) ** (power - 1)
    cumulative = np.cumsum(table.number * factor, dtype=np.float64)
    samples, weights, left = [], [], n
    while left > 0:
        # A few end up fainter than Gaia's limit, because cells have a width.
        cell = np.searchsorted(cumulative, rng.random(left + left // 20 + 1) * cumulative[-1], "right")
        direction, m, d = np.unravel_index(cell, table.number.shape)
        made = _sources(label, table, (direction, m, d), *random_in(direction, rng), rng)
        kept = np.flatnonzero(np.isfinite(made.magnitudes[:, 0]))[:left]
        samples.append(taken(made, kept))
        weights.append(1 / factor.ravel()[cell[kept]])
        left -= len(kept)
    if not samples:
        return Sample(*np.zeros((6, 0)), *np.zeros((3, 0, 10))), np.zeros(0)
    weight = np.concatenate(weights)
    return join(samples), weight * (PUBLISHED[label].number / weight.sum())


def join_skies(skies: list[Sky]) -> Sky:
    """Join several skies into one."""
    arrays = {
        f.name: np.concatenate([getattr(one, f.name) for one in skies]) for f in fields(Sky) if f.name != "sample"
    }
    return Sky(sample=join([one.sample for one in skies]), **arrays)


def taken(sample: Sample, rows: Ints) -> Sample:
    """Take some of a sample's sources."""
    return Sample(*(getattr(sample, field.name)[rows] for field in fields(Sample)))


def _factors(table: Counts) -> Array:
    """Count the sources in the zone and the whole magnitude of G of each cell; the shape is that of the table."""
    bins = np.clip(table.g.astype(np.int64), 0, int(FAINTEST))
    zone = np.repeat(np.searchsorted(ZONES, LATITUDES[:-1], "right") - 1, len(LONGITUDES) - 1)
    bins += (zone * (int(FAINTEST) + 1))[:, None, None]
    return np.maximum(np.bincount(bins.ravel(), table.number.ravel()), 1e-30)[bins]


def along(label: str, glon: Array, glat: Array, distance_pc: Array, rng: Generator) -> Sample:
    """Draw sources of a class in given directions, with luminosities and distances of those that Gaia sees there.

    glon, glat : degrees, shape (n,)
    distance_pc : shape (n,); NaN draws a distance
    """
    made = _along(label, glon, glat, distance_pc, rng)
    for _ in range(3):
        lost = np.flatnonzero(np.isnan(made.magnitudes[:, 0]))
        if not lost.size:
            break
        again = _along(label, glon[lost], glat[lost], distance_pc[lost], rng)
        for field in fields(Sample):
            getattr(made, field.name)[lost] = getattr(again, field.name)
    return made


def _along(label: str, glon: Array, glat: Array, distance_pc: Array, rng: Generator) -> Sample:
    table, direction, n = counts(label), directions_of(glon, glat), len(glon)
    luminosities, distances = table.number.shape[1:]
    size = luminosities * distances
    up_to = np.concatenate([[0.0], np.cumsum(table.number, dtype=np.float64)])
    first, last = up_to[direction * size], up_to[(direction + 1) * size]
    cell = np.searchsorted(up_to, first + rng.random(n) * (last - first), "right") - 1
    m, d = np.divmod(np.clip(cell - direction * size, 0, size - 1), distances)
    given = np.flatnonzero(np.isfinite(distance_pc))
    if given.size:
        step = table.moduli[1] - table.moduli[0]
        modulus = 5 * np.log10(distance_pc[given] / 10)
        d[given] = np.clip(np.round((modulus - table.moduli[0]) / step), 0, distances - 1)
        there = np.cumsum(table.number[direction[given], :, d[given]], axis=1, dtype=np.float64)
        m[given] = (there <= rng.random(len(given))[:, None] * there[:, -1:]).sum(axis=1).clip(0, luminosities - 1)
    return _sources(label, table, (direction, m, d), glon, glat, rng, distance_pc)


def _sources(
    label: str,
    table: Counts,
    cells: tuple[Ints, Ints, Ints],
    glon: Array,
    glat: Array,
    rng: Generator,
    distance_pc: Array | None = None,
) -> Sample:
    """Draw sources of a class in cells of direction, luminosity and distance, and observe them at glon and glat."""
    direction, m, d = cells
    n = len(m)
    drawn = pool(label, 3 * n + 500, rng)
    above = np.concatenate([[0.0], np.cumsum(drawn.weight)])
    low, high = (above[np.searchsorted(drawn.m_g, table.m_g[m] + edge)] for edge in (0.0, STEP))
    star = np.clip(np.searchsorted(above, low + rng.random(n) * (high - low), "right") - 1, 0, len(drawn.m_g) - 1)
    stars = Stars(*(getattr(drawn.stars, field.name)[star] for field in fields(Stars)))
    width = table.moduli[1] - table.moduli[0]
    modulus = table.moduli[d] + width * (rng.random(n) - 0.5)
    if distance_pc is not None:
        modulus = np.where(np.isnan(distance_pc), modulus, 5 * np.log10(distance_pc / 10))
    a_v = stars.a_v + table.a_v[direction, d] * draw_patchiness(table, direction, m, d, rng)
    true = behind_dust(stars, a_v, rng) + modulus[:, None]
    distance = np.full(n, np.nan) if POPULATIONS[label].height_pc is None else 10 ** (modulus / 5 + 1)
    magnitudes, errors = observe(true, rng, tmass_deeper=_TMASS_DEEPER)
    lost = lose(true, magnitudes, glon, glat, rng)
    magnitudes[lost], errors[lost] = np.nan, np.nan
    return Sample(stars.teff, stars.radius, distance, a_v, glon, glat, true, magnitudes, errors)
