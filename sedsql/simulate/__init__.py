"""Simulate sources: SEDs from simple physics, seen through interstellar dust by three surveys.

    sample = simulate("yso", 1000, np.random.default_rng(1))
    sample.magnitudes      # (1000, 10), Vega magnitudes in the order of `bands.BANDS`, NaN where not seen

The distributions are published ones. Ranges are broad, so that a class looks as it does on the sky; nothing is fitted
to labelled rows. Each module names its sources; see also `docs/simulated.md`.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sedsql.simulate import galaxy
from sedsql.simulate.extinction import draw_r_v, redden
from sedsql.simulate.populations import POPULATIONS, Stars
from sedsql.simulate.survey import observe

__all__ = ["POPULATIONS", "Sample", "observe", "redden", "simulate"]

Array = NDArray[np.float64]


@dataclass
class Sample:
    """n simulated sources, as arrays of shape (n,) or (n, 10).

    teff : effective temperature in K, NaN for active nuclei
    radius : radius in solar radii, NaN for active nuclei
    distance_pc : distance in pc, NaN for active nuclei
    a_v : extinction in V in mag, by interstellar dust and the source's own cloud together
    glon, glat : Galactic longitude and latitude in degrees
    true_magnitudes : reddened magnitudes without noise or limits
    magnitudes : measured magnitudes, NaN where the survey does not detect the band
    errors : errors of `magnitudes`, in mag
    """

    teff: Array
    radius: Array
    distance_pc: Array
    a_v: Array
    glon: Array
    glat: Array
    true_magnitudes: Array
    magnitudes: Array
    errors: Array

    def __len__(self) -> int:
        return len(self.teff)


def directions(population: str, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw Galactic longitudes and latitudes in degrees, shape (n,), as Gaia sees the population on the sky."""
    glon, glat = galaxy.random_directions(4096, rng)
    counts = POPULATIONS[population].counts(glon, glat)
    chosen = rng.choice(len(glon), n, p=counts / counts.sum())
    # The 4096 directions are 3 degrees apart; a degree of scatter keeps sources from sharing one.
    return (glon[chosen] + rng.normal(0, 1, n)) % 360, np.clip(glat[chosen] + rng.normal(0, 1, n), -90, 90)


def simulate(
    population: str,
    n: int,
    rng: np.random.Generator,
    *,
    glon: ArrayLike | None = None,
    glat: ArrayLike | None = None,
    distance_pc: ArrayLike | None = None,
    gaia: bool = True,
    faintest: float = galaxy.GAIA_LIMIT,
) -> Sample:
    """Draw n sources of one of `POPULATIONS` and observe them.

    Parameters
    ----------
    glon, glat : Galactic coordinates in degrees, shape (n,); None draws them from the population's distribution in the
        Galaxy
    distance_pc : distances, shape (n,); NaN draws one of a star along the line of sight that Gaia would see
    gaia : if true, only sources brighter than Gaia's limit (true G < 20.7); otherwise also sources that only 2MASS or
        AllWISE sees
    faintest : the faintest true G, for a catalogue brighter than Gaia's, such as one of stars with spectra; the limits
        of 2MASS and AllWISE move with it

    Raises ValueError for an unknown population.
    """
    if population not in POPULATIONS:
        raise ValueError(f"no population {population!r}; there are {', '.join(POPULATIONS)}")
    kind = POPULATIONS[population]
    if glon is None or glat is None:
        glon, glat = directions(population, n, rng)
    glon, glat = np.asarray(glon, dtype=np.float64), np.asarray(glat, dtype=np.float64)
    given = np.full(n, np.nan) if distance_pc is None else np.asarray(distance_pc, dtype=np.float64)
    stars = kind.draw(n, rng)
    distance, a_v, true = _place(stars, population, glon, glat, given, rng, gaia, faintest)
    # A star that is too faint at its place is drawn again. The number of attempts is limited, so that at a place where
    # no star can be seen the bands end up missing.
    for _ in range(40):
        faint = np.flatnonzero(~_visible(true, gaia, faintest))
        if not faint.size:
            break
        again = kind.draw(faint.size, rng)
        for field in fields(Stars):
            getattr(stars, field.name)[faint] = getattr(again, field.name)
        placed = _place(again, population, glon[faint], glat[faint], given[faint], rng, gaia, faintest)
        distance[faint], a_v[faint], true[faint] = placed
    magnitudes, errors = observe(true, rng)
    return Sample(stars.teff, stars.radius, distance, a_v, glon, glat, true, magnitudes, errors)


def _reach(magnitudes: Array, gaia: bool) -> Array:
    """Return G; without `gaia` the least of G and the magnitudes of G that are seen as easily as Ks or W1."""
    if gaia:
        return magnitudes[:, 0]
    depth = magnitudes[:, [0, 5, 6]] - [galaxy.GAIA_LIMIT, 14.3, 16.5]
    return depth.min(axis=1) + galaxy.GAIA_LIMIT


def _visible(true: Array, gaia: bool, faintest: float) -> NDArray[np.bool_]:
    return (_reach(true, gaia) < faintest) & (true[:, 0] > 2.5)


def _place(
    stars: Stars,
    population: str,
    glon: Array,
    glat: Array,
    given: Array,
    rng: np.random.Generator,
    gaia: bool,
    faintest: float,
) -> tuple[Array, Array, Array]:
    """Return distances, total A_V and reddened apparent magnitudes."""
    kind = POPULATIONS[population]
    patchiness = np.exp(rng.normal(0.0, 0.35, len(glon)))
    if kind.height_pc is None:
        a_v = stars.a_v + patchiness * galaxy.extinction_v(np.inf, glat)
        # The slope of the counts is the same everywhere, so brighter galaxies are the same ones at smaller distances.
        return np.full(len(glon), np.nan), a_v, behind_dust(stars, a_v, rng) + faintest - galaxy.GAIA_LIMIT
    reach = _reach(redden(stars.magnitudes, stars.a_v) if stars.a_v.any() else stars.magnitudes, gaia)
    drawn = galaxy.draw_distance(reach, glon, glat, rng, height_pc=kind.height_pc, old=kind.old, faintest=faintest)
    distance = np.where(np.isnan(given), drawn, given)
    a_v = stars.a_v + patchiness * galaxy.extinction_v(distance, glat)
    return distance, a_v, behind_dust(stars, a_v, rng) + (5 * np.log10(distance / 10))[:, None]


def behind_dust(stars: Stars, a_v: Array, rng: np.random.Generator) -> Array:
    """Redden stars at the same distance, and return their magnitudes."""
    r_v = draw_r_v(stars.a_v / np.maximum(a_v, 1e-9), rng)
    return redden(stars.magnitudes, a_v, r_v)
