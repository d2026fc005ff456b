"""Compute interstellar extinction in ten bands, by the kind of dust, its amount, and the colour of the light.

A band as wide as Gaia's G loses its blue light first, so further dust, or any dust in front of a cool star, dims it
less. `extinction.csv` has A_band / A_V, integrated over the passbands, for Planck functions named by their BP - RP:
Gordon et al. 2023, ApJ 950, 86, for R_V from 2.3 to 5.6.
"""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

TABLE = Path(__file__).with_name("extinction.csv")


def _read() -> tuple[tuple[Array, Array, Array], NDArray[np.float32]]:
    """Read the nodes in BP - RP, 1 / R_V and A_V, increasing, and coefficients of shape (nodes, nodes, nodes, 10)."""
    rows = np.loadtxt(TABLE, delimiter=",", skiprows=1)
    colour, r_v, a_v = (np.unique(rows[:, k]) for k in range(3))
    values = rows[:, 3:].reshape(len(colour), len(r_v), len(a_v), -1)
    # The curve is linear in 1 / R_V.
    return (colour, 1 / r_v[::-1], a_v), values[:, ::-1].astype(np.float32)


_NODES, _COEFFICIENTS = _read()


def _cell(nodes: Array, values: Array) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Find the node below each value, and the fraction of the way to the next; outside the table the nearest end."""
    place = np.interp(values, nodes, np.arange(len(nodes)))
    below = np.minimum(place.astype(np.intp), len(nodes) - 2)
    return below, (place - below).astype(np.float32)[:, None]


def coefficients(bp_rp: ArrayLike, a_v: ArrayLike, r_v: ArrayLike = 3.1) -> Array:
    """Interpolate A_band / A_V, shape (n, 10).

    Parameters
    ----------
    bp_rp : colour of the light before the dust, in mag, shape (n,)
    a_v : extinction in V in mag, shape (n,)
    r_v : A_V / E(B - V), shape (n,) or a number
    """
    axes = np.broadcast_arrays(np.asarray(bp_rp, dtype=float), 1 / np.asarray(r_v, dtype=float), a_v)
    (i, x), (j, y), (k, z) = (_cell(nodes, axis) for nodes, axis in zip(_NODES, axes, strict=True))
    total = np.zeros((len(x), _COEFFICIENTS.shape[-1]))
    # Pieces of this size stay in the processor's cache.
    for start in range(0, len(x), 8192):
        part = slice(start, start + 8192)
        for di, dj, dk in np.ndindex(2, 2, 2):
            weight = (
                (x[part] if di else 1 - x[part]) * (y[part] if dj else 1 - y[part]) * (z[part] if dk else 1 - z[part])
            )
            total[part] += weight * _COEFFICIENTS[i[part] + di, j[part] + dj, k[part] + dk]
    return total


def redden(magnitudes: ArrayLike, a_v: ArrayLike, r_v: ArrayLike = 3.1) -> Array:
    """Redden magnitudes, shape (n, 10), by a_v mag in V; a_v and r_v are numbers or have shape (n,)."""
    magnitudes = np.asarray(magnitudes, dtype=np.float64)
    a_v = np.broadcast_to(np.asarray(a_v, dtype=np.float64), len(magnitudes))
    return magnitudes + a_v[:, None] * coefficients(magnitudes[:, 1] - magnitudes[:, 2], a_v, r_v)


def draw_r_v(cloud: ArrayLike, rng: np.random.Generator) -> Array:
    """Draw R_V of lines of sight: 3.1 with a scatter of 0.3, and up to 5 where a part of the dust is in a dense cloud.

    cloud : the dense cloud's share of A_V, shape (n,)

    Fitzpatrick & Massa 2007, ApJ 663, 320 (the scatter); Cardelli, Clayton & Mathis 1989, ApJ 345, 245 (clouds).
    """
    cloud = np.asarray(cloud)
    return (rng.normal(3.1, 0.3, len(cloud)) + cloud * rng.exponential(0.6, len(cloud))).clip(2.3, 5.6)
