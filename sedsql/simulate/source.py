"""What every kind of source is made of: its temperature, its radius, its magnitudes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .photosphere import SUN_TEFF, Kind, magnitude, photosphere

Array = NDArray[np.float64]
Generator = np.random.Generator


@dataclass
class Stars:
    """Intrinsic properties: teff in K, radius in solar radii, (n, 10) absolute magnitudes, own A_V.

    `a_v` is dust near the star that reddens like interstellar dust (a cloud around a young star). For
    active nuclei teff and radius are NaN and the magnitudes are apparent ones.
    """

    teff: Array
    radius: Array
    magnitudes: Array
    a_v: Array


def radius_of(luminosity: Array, teff: Array) -> Array:
    """Radius in solar radii of luminosity in solar luminosities (Stefan-Boltzmann)."""
    return np.sqrt(luminosity) * (SUN_TEFF / teff) ** 2


def stars(teff: Array, radius: Array, flux: Array, a_v: Array | float = 0.0) -> Stars:
    """Sources of given fluxes in Jy at 10 pc, shape (n, 10)."""
    return Stars(teff, radius, magnitude(flux), np.zeros_like(teff) + a_v)


def bare(teff: Array, radius: Array, kind: Kind) -> Stars:
    """Photospheres with nothing around them."""
    return Stars(teff, radius, photosphere(teff, radius, kind), np.zeros_like(teff))


def at_epochs(source: Stars, amplitude: Array | float, rng: Generator) -> Stars:
    """Variables as the three surveys catch them: Gaia's mean, and 2MASS and WISE at times of their own.

    amplitude : standard deviation in Ks over time, in mag, shape (n,) or a number; in J it is a third larger, in W3
        half as large (Miras: Whitelock, Marang & Feast 2000, MNRAS 319, 728)
    """
    n = len(source.teff)
    source.magnitudes[:, 3:6] += (amplitude * rng.standard_normal(n))[:, None] * np.array([1.3, 1.15, 1.0])
    source.magnitudes[:, 6:] += (amplitude * rng.standard_normal(n))[:, None] * np.array([0.8, 0.7, 0.5, 0.5])
    return source
