"""Hold the intrinsic properties of sources: temperature, radius, magnitudes, own dust."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedsql.simulate.photosphere import SUN_TEFF, Kind, magnitude, photosphere

Array = NDArray[np.float64]
Generator = np.random.Generator


@dataclass
class Stars:
    """Intrinsic properties of n sources: teff in K, radius in solar radii, (n, 10) absolute magnitudes, own A_V.

    `a_v` is extinction by dust near the star that reddens like interstellar dust (a cloud around a young star). For
    active nuclei teff and radius are NaN and the magnitudes are apparent ones.
    """

    teff: Array
    radius: Array
    magnitudes: Array
    a_v: Array


def radius_of(luminosity: Array, teff: Array) -> Array:
    """Return the radius in solar radii for a luminosity in solar luminosities (Stefan-Boltzmann)."""
    return np.sqrt(luminosity) * (SUN_TEFF / teff) ** 2


def stars(teff: Array, radius: Array, flux: Array, a_v: Array | float = 0.0) -> Stars:
    """Make sources with given fluxes in Jy at 10 pc, shape (n, 10)."""
    return Stars(teff, radius, magnitude(flux), np.zeros_like(teff) + a_v)


def bare(teff: Array, radius: Array, kind: Kind) -> Stars:
    """Make photospheres with nothing around them."""
    return Stars(teff, radius, photosphere(teff, radius, kind), np.zeros_like(teff))


def at_epochs(source: Stars, amplitude: Array | float, rng: Generator) -> Stars:
    """Vary sources as the three surveys see them: Gaia gives a mean, 2MASS and WISE each observe at another time.

    amplitude : standard deviation in Ks over time, in mag, shape (n,) or a number; in J it is a third larger, in W3
        half as large (Miras: Whitelock, Marang & Feast 2000, MNRAS 319, 728)
    """
    n = len(source.teff)
    source.magnitudes[:, 3:6] += (amplitude * rng.standard_normal(n))[:, None] * np.array([1.3, 1.15, 1.0])
    source.magnitudes[:, 6:] += (amplitude * rng.standard_normal(n))[:, None] * np.array([0.8, 0.7, 0.5, 0.5])
    return source
