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
