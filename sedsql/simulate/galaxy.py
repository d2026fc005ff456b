"""Model a simple Galaxy: the density of stars along a line of sight, and the dust in front of them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sedsql.photometry.bands import BANDS

Array = NDArray[np.float64]

SUN_RADIUS_PC = 8178.0
"""Distance of the Sun from the Galactic centre (GRAVITY Collaboration 2019, A&A 625, L10)."""
DISC_LENGTH_PC = 2600.0
"""Radial scale length of the thin disc (Bland-Hawthorn & Gerhard 2016, ARA&A 54, 529, Section 5.1)."""
DUST_MAG_PER_KPC = 0.7
DUST_HEIGHT_PC = 120.0

GAIA_LIMIT = 20.7
"""The faintest G at which Gaia is nearly complete (Gaia Collaboration, Vallenari et al. 2023, A&A 674, A1)."""

DISTANCES_PC = np.geomspace(3.0, 60_000.0, 48)
_MODULI = (5 * np.log10(DISTANCES_PC / 10)).astype(np.float32)


def extinction_v(distance_pc: ArrayLike, glat: ArrayLike) -> Array:
    """Return the mean A_V in mag in front of a star at `distance_pc` and Galactic latitude `glat` in degrees.

    The layer of dust thins exponentially with height: 0.7 mag / kpc in the plane, 120 pc thick (Parenago's law).
    `simulate` adds the scatter of real clouds.
    """
    height = DUST_HEIGHT_PC / np.maximum(np.abs(np.sin(np.radians(glat))), 1e-6)
    return DUST_MAG_PER_KPC / 1000 * height * -np.expm1(-np.asarray(distance_pc) / height)


def dust_v(distance_pc: ArrayLike, glon: ArrayLike, glat: ArrayLike) -> Array:
    """Return the mean A_V in mag of a layer that, unlike that of `extinction_v`, is denser towards the Galactic centre.

    The three shapes are broadcast. The layer has 0.9 mag / kpc at the Sun, is 120 pc thick and has a scale length of
    8 kpc; with these values the counts of `census` are right at G = 9 to 10 and at G = 17 (further in, dust lies in a
    ring and a bar: Marshall et al. 2006, A&A 453, 635).
    """
    glon, glat = np.radians(glon), np.radians(glat)
    sine = np.maximum(np.abs(np.sin(glat)), 1e-6)
    far = np.minimum(distance_pc, np.minimum(8 * DUST_HEIGHT_PC / sine, 25_000.0))
    nodes, weights = np.polynomial.legendre.leggauss(16)
    total = np.zeros(np.broadcast_shapes(np.shape(far), np.shape(glon)))
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        d = far * node
        x, y = SUN_RADIUS_PC - d * np.cos(glat) * np.cos(glon), d * np.cos(glat) * np.sin(glon)
        radius = np.sqrt(x * x + y * y)
        total += weight * np.exp((SUN_RADIUS_PC - radius) / 8000.0 - d * sine / DUST_HEIGHT_PC)
    return 0.9e-3 * far * total


def density(
    distance_pc: ArrayLike,
    glon: ArrayLike,
    glat: ArrayLike,
    height_pc: float,
    old: bool,
    *,
    thick: float = 0.08,
    halo: float = 0.002,
) -> Array:
    """Return the space density at a point, 1 at the Sun for the thin disc; old stars have a bulge and a halo too.

    height_pc is the disc's scale height. The bulge is a Gaussian of 900 pc (after Dwek et al. 1995, ApJ 445, 716). The
    halo goes as r^-2.75 and has 1/500 of the local stars, the thick disc of 900 pc has 8 % (Juric et al. 2008, ApJ 673,
    864); `halo` and `thick` are these shares.
    """
    glon, glat, d = np.radians(glon), np.radians(glat), np.asarray(distance_pc)
    z = np.abs(d * np.sin(glat))
    x, y = SUN_RADIUS_PC - d * np.cos(glat) * np.cos(glon), d * np.cos(glat) * np.sin(glon)
    cylinder2 = x * x + y * y
    total = np.exp((SUN_RADIUS_PC - np.sqrt(cylinder2)) / DISC_LENGTH_PC)
    if not old:
        return total * np.exp(-z / height_pc)
    total *= np.exp(-z / height_pc) + thick * np.exp(-z / 900.0)
    sphere2 = cylinder2 + z * z
    total += 25.0 * np.exp(-(cylinder2 + 4 * z * z) / (2 * 900.0**2))
    return total + halo * (np.maximum(sphere2, 500.0**2) / SUN_RADIUS_PC**2) ** -1.375


def _seen(g: ArrayLike, glon: Array, glat: Array, height_pc: float, old: bool, faintest: float = GAIA_LIMIT) -> Array:
    """Count stars of absolute magnitude g that are seen down to G = faintest; relative, shape (n, distances).

    Half of a simulation's time is spent here, so the numbers, which are only weights, have single precision.
    """
    lon, lat = (np.asarray(angle, dtype=np.float32)[:, None] for angle in (glon, glat))
    distances = DISTANCES_PC.astype(np.float32)
    reddened = _MODULI + np.float32(BANDS[0].extinction) * extinction_v(distances, lat)
    apparent = np.asarray(g, dtype=np.float32)[..., None] + reddened
    stars = density(distances, lon, lat, height_pc, old) * distances**3
    return stars * ((apparent < faintest) & (apparent > 3.0))


def draw_distance(
    g: Array,
    glon: Array,
    glat: Array,
    rng: np.random.Generator,
    *,
    height_pc: float,
    old: bool,
    faintest: float = GAIA_LIMIT,
) -> Array:
    """Draw distances in pc, shape (n,), of stars of absolute magnitude g that are seen there down to G = faintest.

    Where such a star is seen at no distance, the smallest distance is returned.
    """
    cumulative = np.cumsum(_seen(g, glon, glat, height_pc, old, faintest), axis=1, dtype=np.float64)
    cell = (cumulative <= (rng.random(len(g)) * cumulative[:, -1])[:, None]).sum(axis=1)
    cell = np.where(cumulative[:, -1] > 0, cell, 0)
    step = DISTANCES_PC[1] / DISTANCES_PC[0]
    return DISTANCES_PC[cell] * step ** (rng.random(len(g)) - 1.0)


def star_counts(g: float, glon: Array, glat: Array, *, height_pc: float, old: bool) -> Array:
    """Return the relative number of stars of absolute magnitude g that Gaia sees in each direction, shape (n,)."""
    return _seen(g, glon, glat, height_pc, old).sum(axis=1, dtype=np.float64)


def galaxy_counts(glat: Array) -> Array:
    """Return the relative number of galaxies that Gaia sees behind the Milky Way's dust at a latitude, shape (n,).

    Counts rise as 10^(0.6 m), so each magnitude of extinction hides three quarters of them.
    """
    return 10 ** (-0.6 * BANDS[0].extinction * extinction_v(np.inf, glat))


def random_directions(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw Galactic longitudes and latitudes in degrees, shape (n,), uniform on the sphere."""
    return rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
