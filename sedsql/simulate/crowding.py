"""Simulate crowding: the bands that a survey loses where stars are close together."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from sedsql.simulate.counts import AREAS, FAINTEST, LONGITUDES, counts, directions_of, space
from sedsql.simulate.published import PUBLISHED
from sedsql.simulate.survey import ALLWISE, TMASS

Array = NDArray[np.float64]

_EDGES = np.arange(-2.0, 24.0, 0.5)
_KS, _W1 = 5, 6
BLEND_ARCSEC = {"2mass": 2.0, "allwise": 13.0}
"""A source with a brighter neighbour nearer than this is not listed: one width of 2MASS's images (Skrutskie et al.
2006, AJ 131, 1163), and two of WISE's (Wright et al. 2010, AJ 140, 1868), in which the wings of bright sources hide
faint ones. With these values as many of Gaia's sources have a match as in the archive."""
_BP_RP_WINDOW = 2.5
"""The area in square arcseconds in which a neighbour spoils most transits in BP and RP: a third of their windows, which
rotate with the scan (Riello et al. 2021, A&A 649, A3, Section 9.3)."""


@cache
def _brighter() -> dict[int, Array]:
    """Count stars per square arcsecond brighter than _EDGES in G, Ks and W1: shape (directions, edges) each."""
    area = np.repeat(AREAS, len(LONGITUDES) - 1) * 3600.0**2
    total = {band: np.zeros((len(area), len(_EDGES))) for band in (0, _KS, _W1)}
    for label in ("main_sequence", "giant"):
        there = space(label)
        scale = PUBLISHED[label].number / counts(label).number.sum(dtype=np.float64)
        for band, extinction in ((0, 0.75), (_KS, 0.11), (_W1, 0.05)):
            seen = there.magnitudes[:, band][:, None] + there.moduli + extinction * there.a_v[:, None, :]
            cell = np.clip(np.searchsorted(_EDGES, seen), 0, len(_EDGES) - 1)
            cell += (np.arange(len(area)) * len(_EDGES))[:, None, None]
            found = np.bincount(cell.ravel(), there.number.ravel() * scale, total[band].size)
            total[band] += np.cumsum(found.reshape(total[band].shape), axis=1) / area[:, None]
    return total


def brighter(band: int, magnitude: Array, glon: Array, glat: Array) -> Array:
    """Count stars per square arcsecond at a place that are brighter in G (0), Ks (5) or W1 (6), shape (n,)."""
    table = _brighter()[band]
    place = np.clip((np.nan_to_num(magnitude, nan=FAINTEST) - _EDGES[0]) / 0.5, 0, len(_EDGES) - 1.001)
    below = place.astype(np.int64)
    row, part = directions_of(glon, glat), place - below
    return table[row, below] * (1 - part) + table[row, below + 1] * part


def lose(true: Array, seen: Array, glon: Array, glat: Array, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw which bands of sources are lost to neighbours or faintness, shape (n, 10).

    true, seen : magnitudes before and after `survey.observe`, shape (n, 10)
    glon, glat : degrees, shape (n,)

    2MASS and AllWISE do not list a source that a brighter one outshines. BP and RP are missing where too few of their
    transits are free of neighbours, and for the faintest sources: for 15 % of all (Riello et al. 2021, Section 9).
    """
    lost = np.zeros(seen.shape, dtype=bool)
    for name, survey, band in (("2mass", TMASS, _KS), ("allwise", ALLWISE, _W1)):
        expected = np.pi * BLEND_ARCSEC[name] ** 2 * brighter(band, true[:, band], glon, glat)
        lost[:, survey] = (rng.random(len(seen)) > np.exp(-expected))[:, None]
    g = seen[:, 0]
    crowded = 1 - np.exp(-_BP_RP_WINDOW * brighter(0, g + 1.0, glon, glat))
    faint = 0.35 / (1 + np.exp(-(g - 20.5) / 0.2))
    lost[:, 1:3] = (rng.random(len(seen)) < crowded + faint - crowded * faint)[:, None]
    return lost
