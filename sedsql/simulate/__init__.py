"""Simulated sources: SEDs from simple physics, seen through interstellar dust by three surveys.

    sample = simulate("yso", 1000, np.random.default_rng(1))
    sample.magnitudes      # (1000, 10), Vega magnitudes in the order of `bands.BANDS`, NaN where not seen

Physics with published distributions; broad ranges are chosen so that a class looks as it does on the sky, and
nothing is fitted to labelled rows. See the sources named in each module, and `docs/simulated.md`.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import galaxy
from .extinction import draw_r_v, redden
from .populations import POPULATIONS, Stars
from .survey import observe

__all__ = ["POPULATIONS", "Sample", "observe", "redden", "simulate"]

Array = NDArray[np.float64]


@dataclass
class Sample:
    """n simulated sources; arrays of shape (n,) or (n, 10).

    teff : effective temperature in K, NaN for active nuclei
    radius : in solar radii, NaN for active nuclei
    distance_pc : NaN for active nuclei
    a_v : extinction in V in mag, interstellar and of the source's own cloud together
    glon, glat : Galactic longitude and latitude in degrees
    true_magnitudes : as a perfect survey would see them, reddened
    magnitudes : measured, NaN where the survey does not detect the band
    errors : of `magnitudes`, in mag
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
    """Galactic longitude and latitude in degrees, shape (n,), as Gaia sees the population on the sky."""
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
    glon, glat : Galactic coordinates in degrees, shape (n,); drawn from the population's place in the Galaxy
        when not given
    distance_pc : shape (n,), NaN where it is to be drawn: from the stars along the line of sight that Gaia
        would see
    gaia : only sources with a true G above Gaia's limit (20.7); otherwise those count as well that 2MASS
        or AllWISE sees
    faintest : the faintest true G, where the sources are those of a brighter catalogue than Gaia's, such as one of
        stars with spectra; the limits of 2MASS and AllWISE move with it

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
    # A star that is too faint where it stands gives way to another of its kind; after a while to none,
    # so that a hopeless place ends as missing bands, not as an endless loop.
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
    """G; or, where more than Gaia counts, the G that is as easily seen as Ks by 2MASS or W1 by AllWISE."""
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
    """Distances, total A_V and reddened apparent magnitudes."""
    kind = POPULATIONS[population]
    patchiness = np.exp(rng.normal(0.0, 0.35, len(glon)))
    if kind.height_pc is None:
        a_v = stars.a_v + patchiness * galaxy.extinction_v(np.inf, glat)
        # Counts rise as steeply everywhere, so that brighter galaxies are the same ones nearer by.
        return np.full(len(glon), np.nan), a_v, behind_dust(stars, a_v, rng) + faintest - galaxy.GAIA_LIMIT
    reach = _reach(redden(stars.magnitudes, stars.a_v) if stars.a_v.any() else stars.magnitudes, gaia)
    drawn = galaxy.draw_distance(reach, glon, glat, rng, height_pc=kind.height_pc, old=kind.old, faintest=faintest)
    distance = np.where(np.isnan(given), drawn, given)
    a_v = stars.a_v + patchiness * galaxy.extinction_v(distance, glat)
    return distance, a_v, behind_dust(stars, a_v, rng) + (5 * np.log10(distance / 10))[:, None]


def behind_dust(stars: Stars, a_v: Array, rng: np.random.Generator) -> Array:
    """The magnitudes behind the dust, at the same distance."""
    r_v = draw_r_v(stars.a_v / np.maximum(a_v, 1e-9), rng)
    return redden(stars.magnitudes, a_v, r_v)
