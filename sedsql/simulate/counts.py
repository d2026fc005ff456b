"""Count the sources of a class that Gaia sees, by direction, luminosity and distance.

A table for each class is made once: the density of `galaxy` times the luminosity function of `luminosity`, in cells of
the sky, of M_G and of distance, behind the dust, down to Gaia's faintest sources.
"""

from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sedsql.simulate import galaxy
from sedsql.simulate.extinction import coefficients, redden
from sedsql.simulate.luminosity import LUMINOSITY, OLD_SHARES, height_pc, quasars
from sedsql.simulate.populations import POPULATIONS
from sedsql.simulate.source import Array, Generator, Stars

Ints = NDArray[np.int64]

LATITUDES = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 5, 6.5, 8, 10, 12.5, 15, 20, 25, 30, 37, 45, 55, 70, 90], dtype=float)
"""Edges of the cells in |b| in degrees; both halves of the sky are alike."""
LONGITUDES = np.linspace(0, 180, 19)
"""Edges of the cells in |l| in degrees."""
AREAS = 720 * np.diff(np.degrees(np.sin(np.radians(LATITUDES)))) / (len(LONGITUDES) - 1)
"""The area in square degrees of the four cells of equal |l| and |b|, by |b|, shape (20,)."""
STEP = 0.5
"""The width of a cell in M_G, in mag."""

PATCHES = 5
_Z = np.array([NormalDist(sigma=0.35).inv_cdf((k + 0.5) / 500) for k in range(500)])
_A_V = np.concatenate([[0.0], np.geomspace(0.1, 60, 60)])

FAINTEST = 21.2
"""The G beyond which Gaia lists hardly any source."""


def patchiness(place: ArrayLike) -> Array:
    """Return A_V over its mean at a quantile between 0 and 1 of its distribution, which has 35 % of scatter."""
    return np.exp(_Z[np.asarray(np.multiply(place, len(_Z)), dtype=np.int64)])


def completeness(g: ArrayLike) -> Array:
    """Return the share of the sources of apparent G that Gaia lists: all to 20, half at 20.85."""
    g = np.asarray(g, dtype=np.float32)
    return np.where((g < FAINTEST) & (g > 2.5), 1 / (1 + np.exp((np.minimum(g, 25) - 20.85) / 0.12)), 0)


@dataclass(frozen=True)
class Pool:
    """Stars of one class in the order of their M_G, behind their own dust.

    weight : the relative number of such stars in the Galaxy
    """

    stars: Stars
    m_g: Array
    weight: Array


def pool(label: str, n: int, rng: Generator) -> Pool:
    """Draw n stars of a class and weigh them with its luminosity function; active nuclei are all scaled to G = 0."""
    stars = POPULATIONS[label].draw(n, rng)
    if POPULATIONS[label].height_pc is None:
        stars.magnitudes -= redden(stars.magnitudes, stars.a_v)[:, :1]
    bare = stars.magnitudes[:, 0]
    m_g = redden(stars.magnitudes, stars.a_v)[:, 0] if stars.a_v.any() else bare
    weight = np.ones(n)
    if label in LUMINOSITY:
        step = STEP / 2
        drawn = np.floor(bare / step).astype(np.int64)
        drawn -= drawn.min()
        weight = LUMINOSITY[label](bare) * step / np.bincount(drawn)[drawn]
    order = np.argsort(m_g)
    stars = Stars(*(getattr(stars, name)[order] for name in ("teff", "radius", "magnitudes", "a_v")))
    return Pool(stars, m_g[order], weight[order])


@dataclass(frozen=True)
class Space:
    """The stars of a class in the Galaxy, seen or not.

    m_g : lower edges of the cells in M_G, shape (M,)
    magnitudes : mean absolute magnitudes of their stars, shape (M, 10)
    moduli : middles of the cells in distance, as distance moduli, shape (D,)
    a_v : mean A_V in front of each, shape (directions, D)
    number : relative numbers of stars, shape (directions, M, D)

    Directions are the cells of LATITUDES times LONGITUDES.
    """

    m_g: Array
    magnitudes: Array
    moduli: Array
    a_v: Array
    number: NDArray[np.float32]


def space(label: str) -> Space:
    drawn = pool(label, 20_000, np.random.default_rng(0))
    cell = np.floor(drawn.m_g / STEP).astype(np.int64)
    first = cell.min()
    weights = np.bincount(cell - first, drawn.weight)
    kept = weights > 0
    m_g = ((np.arange(len(weights)) + first) * STEP)[kept]
    seen = redden(drawn.stars.magnitudes, drawn.stars.a_v)
    sums = np.stack([np.bincount(cell - first, drawn.weight * band) for band in seen.T], axis=1)
    glat, glon = (np.ravel(axis) for axis in np.meshgrid(_middles(LATITUDES), _middles(LONGITUDES), indexing="ij"))
    moduli, a_v, number = _line_of_sight(label, m_g, glon, glat)
    area = np.repeat(AREAS, len(LONGITUDES) - 1) * np.radians(1) ** 2 * np.log(10) / 5 * (moduli[1] - moduli[0])
    number = (number * area[:, None, None] * weights[kept][:, None]).astype(np.float32)
    return Space(m_g, sums[kept] / weights[kept][:, None], moduli, a_v, number)


def _line_of_sight(label: str, m_g: Array, glon: Array, glat: Array) -> tuple[Array, Array, Array]:
    """Return distance moduli (D,), A_V (directions, D), and stars per steradian and ln distance (directions, M, D)."""
    if POPULATIONS[label].height_pc is None:
        moduli = np.arange(12.0, FAINTEST, 0.25)
        a_v = np.broadcast_to(galaxy.dust_v(np.inf, glon, glat)[:, None], (len(glat), len(moduli)))
        return moduli, a_v, np.broadcast_to(quasars(moduli), (len(glat), len(m_g), len(moduli)))
    distances = galaxy.DISTANCES_PC
    heights, old = height_pc(label, m_g + STEP / 2)
    shares = OLD_SHARES.get(label, {})
    number = [
        galaxy.density(distances, glon[:, None], glat[:, None], height, bool(is_old), **shares)
        for height, is_old in zip(heights, old, strict=True)
    ]
    a_v = galaxy.dust_v(distances, glon[:, None], glat[:, None])
    return 5 * np.log10(distances / 10), a_v, np.stack(number, axis=1) * distances**3


@dataclass(frozen=True)
class Counts:
    """The relative numbers of sources of a class that Gaia sees, with the axes of `Space`.

    number : shape (directions, M, D)
    g : mean apparent G of each cell, the same shape
    a_g : A_G at the nodes of A_V, for the stars of each cell in M_G, shape (M, nodes)
    """

    m_g: Array
    moduli: Array
    a_v: Array
    number: NDArray[np.float32]
    g: NDArray[np.float32]
    a_g: Array


@cache
def counts(label: str) -> Counts:
    """Make the table of a class."""
    there = space(label)
    colours = there.magnitudes[:, 1] - there.magnitudes[:, 2]
    a_g = np.stack([_A_V * coefficients(np.full(len(_A_V), colour), _A_V)[:, 0] for colour in colours])
    listed, mean = np.empty_like(there.number), np.empty_like(there.number)
    behind = there.a_v[..., None] * patchiness((np.arange(PATCHES) + 0.5) / PATCHES)
    for k in range(len(there.m_g)):
        g = there.m_g[k] + STEP / 2 + there.moduli[:, None] + np.interp(behind, _A_V, a_g[k])
        share = completeness(g)
        listed[:, k] = share.mean(axis=-1)
        mean[:, k] = (g * share).sum(axis=-1) / np.maximum(share.sum(axis=-1), 1e-30)
    return Counts(there.m_g, there.moduli, there.a_v, there.number * listed, mean, a_g)


def draw_patchiness(table: Counts, direction: Ints, m: Ints, d: Ints, rng: Generator) -> Array:
    """Draw A_V over its mean in front of sources that Gaia sees in these cells; shape (n,)."""
    n = len(m)
    factors = patchiness((np.arange(PATCHES) + 0.5) / PATCHES)
    a_v = table.a_v[direction, d][:, None] * factors
    # The nodes of A_V are evenly spaced in its logarithm, except for the first.
    place = np.interp(a_v, _A_V, np.arange(len(_A_V)))
    below = np.minimum(place.astype(np.int64), len(_A_V) - 2)
    low, high = table.a_g[m[:, None], below], table.a_g[m[:, None], below + 1]
    g = (table.m_g[m] + STEP / 2 + table.moduli[d])[:, None] + low + (place - below) * (high - low)
    share = np.cumsum(completeness(g) + 1e-9, axis=1)
    fifth = (share <= rng.random(n)[:, None] * share[:, -1:]).sum(axis=1)
    return patchiness((fifth + rng.random(n)) / PATCHES)


def directions_of(glon: ArrayLike, glat: ArrayLike) -> Ints:
    """Find the cells of Galactic coordinates in degrees."""
    glon = np.abs((np.asarray(glon) + 180) % 360 - 180)
    row = np.clip(np.searchsorted(LATITUDES, np.abs(glat), "right") - 1, 0, len(LATITUDES) - 2)
    column = np.clip(np.searchsorted(LONGITUDES, glon, "right") - 1, 0, len(LONGITUDES) - 2)
    return row * (len(LONGITUDES) - 1) + column


def surface_density(table: Counts, glon: Array, glat: Array) -> Array:
    """Return the relative number of sources per square degree towards Galactic coordinates in degrees, shape (n,)."""
    shape = len(LATITUDES) - 1, len(LONGITUDES) - 1
    number = np.log(table.number.sum(axis=(1, 2), dtype=np.float64).reshape(shape) / AREAS[:, None])
    row = np.interp(np.abs(glat), _middles(LATITUDES), np.arange(shape[0]))
    column = np.interp(np.abs((glon + 180) % 360 - 180), _middles(LONGITUDES), np.arange(shape[1]))
    i, j = (np.minimum(place.astype(np.int64), most - 2) for place, most in zip((row, column), shape, strict=True))
    x, y = row - i, column - j
    near, far = number[i, j] * (1 - y) + number[i, j + 1] * y, number[i + 1, j] * (1 - y) + number[i + 1, j + 1] * y
    return np.exp(near * (1 - x) + far * x)


def random_in(direction: Ints, rng: Generator) -> tuple[Array, Array]:
    """Draw glon and glat in degrees, uniform in the cells, on any side of the plane and of the centre."""
    row, column = np.divmod(direction, len(LONGITUDES) - 1)
    sines = np.sin(np.radians(LATITUDES))
    sine = sines[row] + rng.random(len(row)) * (sines[row + 1] - sines[row])
    glon = LONGITUDES[column] + rng.random(len(row)) * (LONGITUDES[1] - LONGITUDES[0])
    east, north = rng.integers(0, 2, (2, len(row))) * 2 - 1
    return (east * glon) % 360, north * np.degrees(np.arcsin(sine))


def _middles(edges: Array) -> Array:
    return (edges[1:] + edges[:-1]) / 2
