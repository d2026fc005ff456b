"""Compute the features of a model: colours, reddening-free indices and, with a parallax, absolute magnitudes.

Every number is the same in numpy and in ONNX Runtime: differences and products of float32 numbers are rounded after
each step, and a distance modulus is rounded to fewer bits.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from sedsql.photometry.bands import BANDS, COLUMNS

_REDDENING_FREE = """
  BP-RP/J-Ks  BP-G/G-RP  J-H/H-Ks  RP-J/J-Ks  H-Ks/Ks-W1  Ks-W2/J-Ks  Ks-W1/BP-RP  W1-W2/H-Ks
  Ks-W2/H-Ks  Ks-W3/H-Ks  BP-RP/RP-J  G-J/J-H
"""
_LUMINOSITY = ("G", "RP", "J", "Ks", "W1", "W3")

G = "phot_g_mean_mag"

LEAST_PARALLAX = 0.02
"""The least parallax, in mas; smaller and negative ones are raised to it: Gaia's systematic errors (Lindegren et al.
2021, A&A 649, A4, Section 5)."""
MODULUS_UNIT = 2.0**-6
"""Distance moduli are rounded to multiples of this, so that the last bits of a logarithm do not matter."""
LN_TO_MAGNITUDES = 5 / np.log(10)
SURE = 4.0
"""A parallax of this many times its error gives a luminosity to 0.5 mag. By chance one source in a thousand has a
parallax of three times its error, and one in 30,000 of four times; between three and four times, most sources with a
white dwarf's luminosity are far dwarfs."""
LUMINOUS = 1.0
"""A source brighter than this absolute G, by its parallax or the parallax's error, is no dwarf at any distance."""

PRIOR_BANDS = (G, "phot_bp_mean_mag", "j_m", "w1mpro", "w3mpro")
"""The magnitudes whose presence tells which surveys see a source; priors bin the first of them."""
SIN_LATITUDE, FROM_CENTRE = "|sin b|", "cos(angle from the Galactic centre)"
GALACTIC_POLE, GALACTIC_CENTRE = (192.85948, 27.12825), (266.40499, -28.93617)
"""ICRS, degrees (Hipparcos Catalogue, ESA SP-1200, Volume 1, Section 1.5.3; l = b = 0 follows from it)."""
ANGLE_UNIT = 2.0**-10
DEGREE = np.pi / 180

_BY_WAVELENGTH = sorted(BANDS, key=lambda band: band.wavelength_um)


class Colours(TransformerMixin, BaseEstimator):
    """A step from magnitudes, float32 (n, inputs), to colours and reddening-free indices, float32 (n, features).

    Colours are the differences of all pairs of bands, the shorter wavelength first. Reddening-free indices are
    Q = (a - b) - E(a - b) / E(c - d) (c - d), which dust in front of the source does not change (Johnson & Morgan 1953,
    ApJ 117, 313, Section V; extinction coefficients of `sedsql.photometry.bands`). A feature is NaN where a band is
    missing. Adding a constant to all bands changes nothing, so distance does not matter.

    Parameters
    ----------
    columns : the archive's names of the bands, in the order of the inputs
    """

    def __init__(self, columns: Sequence[str] = COLUMNS):
        self.columns = columns

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    @property
    def _bands(self):
        return [band for band in _BY_WAVELENGTH if band.column in self.columns]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Return the places of the two bands of each colour among the inputs."""
        place = self.columns.index
        return [(place(a.column), place(b.column)) for a, b in combinations(self._bands, 2)]

    @property
    def _colour_names(self) -> list[str]:
        return [f"{a.short}-{b.short}" for a, b in combinations(self._bands, 2)]

    @property
    def indices(self) -> list[tuple[int, int, np.float32]]:
        """Return, for each reddening-free index, the places of its two colours and the ratio of their excesses."""
        names = self._colour_names
        excess = {f"{a.short}-{b.short}": a.extinction - b.extinction for a, b in combinations(_BY_WAVELENGTH, 2)}
        found = []
        for text in _REDDENING_FREE.split():
            one, other = text.split("/")
            if one in names and other in names:
                found.append((names.index(one), names.index(other), np.float32(excess[one] / excess[other])))
        return found

    @property
    def names(self) -> list[str]:
        """Return the name of each feature."""
        colours = self._colour_names
        return [*colours, *(f"Q({colours[one]}, {colours[other]})" for one, other, _ in self.indices)]

    def transform(self, X) -> NDArray[np.float32]:
        X = np.asarray(X, dtype=np.float32)
        first, second = np.array(self.pairs).T
        colours = X[:, first] - X[:, second]
        if not self.indices:
            return colours
        one, other, ratio = zip(*self.indices, strict=True)
        return np.hstack([colours, colours[:, one] - np.array(ratio) * colours[:, other]])


class Luminosities(Colours):
    """A step to the features of `Colours` and absolute magnitudes by the parallax.

    The inputs after the bands are `parallax` and `parallax_error`, in mas. A parallax is raised to its error and to
    LEAST_PARALLAX if it is smaller; the source is then at least as luminous as computed. Absolute magnitudes are
    missing without a parallax, and where the parallax is less than SURE times its error and the source may be fainter
    than absolute G = LUMINOUS. A parallax without an error is taken as exact.
    """

    @property
    def luminous(self) -> list[int]:
        """Return the places of the bands that become absolute magnitudes."""
        return [self.columns.index(band.column) for band in self._bands if band.short in _LUMINOSITY]

    @property
    def names(self) -> list[str]:
        return [*super().names, *(f"M({band.short})" for band in self._bands if band.short in _LUMINOSITY)]

    def transform(self, X):
        X = np.asarray(X, dtype=np.float32)
        parallax, error = X[:, len(self.columns) : len(self.columns) + 2].T.astype(np.float64)
        absolute = X[:, self.luminous] + _modulus(parallax, error)[:, None]
        unsure = ~_tells(parallax, error, self._absolute_g(X, absolute))
        absolute[unsure] = np.nan
        return np.hstack([super().transform(X), absolute])

    def _absolute_g(self, X, absolute):
        if G not in self.columns:
            return np.full(len(X), np.nan, np.float32)
        return absolute[:, self.luminous.index(self.columns.index(G))]


def absolute_g(magnitudes: NDArray[np.float32], parallax: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return absolute G as in `Luminosities`, NaN where the parallax tells too little; inputs (n, 10) and (n, 2)."""
    columns = Luminosities()
    return columns._absolute_g(
        magnitudes, columns.transform(np.hstack([magnitudes, parallax]))[:, -len(columns.luminous) :]
    )


def _modulus(parallax: NDArray[np.float64], error: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return absolute minus apparent magnitudes, shape (n,)."""
    near = np.maximum(parallax, np.fmax(error, LEAST_PARALLAX))
    modulus = np.log(near / 100) * LN_TO_MAGNITUDES
    return (np.round(modulus / MODULUS_UNIT) * MODULUS_UNIT).astype(np.float32)


def _tells(parallax, error, m_g) -> NDArray[np.bool_]:
    """Tell which parallaxes are good enough for a luminosity, shape (n,)."""
    measured = parallax - SURE * np.where(np.isnan(error), 0.0, error)
    bright = np.where(np.isnan(m_g), -1.0, LUMINOUS - m_g.astype(np.float64))
    return np.maximum(measured, bright) >= 0


class Places(Luminosities):
    """A step to the features of `Luminosities` and those that a prior needs.

    The inputs after the parallax are `ra` and `dec`, ICRS in degrees. The features of a prior are the magnitudes of
    PRIOR_BANDS, the absolute value of the sine of the Galactic latitude, and the cosine of the angle from the Galactic
    centre. The latter two are rounded to multiples of ANGLE_UNIT, so that the last bits of a sine do not matter, and
    are missing without a position.
    """

    @property
    def shown(self) -> list[int]:
        """Return the places of the magnitudes of PRIOR_BANDS."""
        return [self.columns.index(column) for column in PRIOR_BANDS if column in self.columns]

    @property
    def likelihood(self) -> int:
        """Return how many of the features are those of `Luminosities`."""
        return len(super().names)

    @property
    def names(self) -> list[str]:
        return [*super().names, *(self.columns[place] for place in self.shown), SIN_LATITUDE, FROM_CENTRE]

    def transform(self, X):
        X = np.asarray(X, dtype=np.float32)
        ra, dec = X[:, len(self.columns) + 2 :].T.astype(np.float64)
        latitude = np.abs(cosine_from(ra, dec, *GALACTIC_POLE))
        centre = cosine_from(ra, dec, *GALACTIC_CENTRE)
        return np.hstack([super().transform(X), X[:, self.shown], latitude[:, None], centre[:, None]])


def cosine_from(ra, dec, pole_ra: float, pole_dec: float) -> NDArray[np.float32]:
    """Return cosines of the angles between directions and a pole, in multiples of ANGLE_UNIT; inputs in degrees."""
    # Only sines are used, in the order of the exported graph: cos x = sin(x + 90).
    ahead, up = np.sin((ra + (90 - pole_ra)) * DEGREE), np.sin((dec + 90) * DEGREE)
    sine, cosine = np.sin(np.radians(pole_dec)), np.cos(np.radians(pole_dec))
    angle = np.sin(dec * DEGREE) * sine + up * cosine * ahead
    return (np.round(angle / ANGLE_UNIT) * ANGLE_UNIT).astype(np.float32)
