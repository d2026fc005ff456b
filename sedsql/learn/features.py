"""What a model sees of a source: colours, reddening-free combinations of them and, with a parallax, luminosities.

Every number comes out the same in numpy and in ONNX Runtime: differences and products of float32 numbers, rounded
after each step, and a distance modulus whose last bits are cut away.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from ..bands import BANDS, COLUMNS

_REDDENING_FREE = """
  BP-RP/J-Ks  BP-G/G-RP  J-H/H-Ks  RP-J/J-Ks  H-Ks/Ks-W1  Ks-W2/J-Ks  Ks-W1/BP-RP  W1-W2/H-Ks
  Ks-W2/H-Ks  Ks-W3/H-Ks  BP-RP/RP-J  G-J/J-H
"""
_LUMINOSITY = ("G", "RP", "J", "Ks", "W1", "W3")

LEAST_PARALLAX = 0.02
"""Smaller parallaxes, in mas, and negative ones count as this: Gaia's systematic errors (Lindegren et al. 2021,
A&A 649, A4, Section 5)."""
MODULUS_UNIT = 2.0**-6
"""Distance moduli are multiples of this, so that the last bits of a logarithm do not matter."""
LN_TO_MAGNITUDES = 5 / np.log(10)

_BY_WAVELENGTH = sorted(BANDS, key=lambda band: band.wavelength_um)


class Colours(TransformerMixin, BaseEstimator):
    """Magnitudes, float32 of shape (n, inputs), to colours and reddening-free indices, float32 (n, features).

    Colours are the differences of all pairs of bands, the shorter wavelength first. Reddening-free indices are
    Q = (a - b) - E(a - b) / E(c - d) (c - d), which dust in front of the source leaves as it is (Johnson & Morgan
    1953, ApJ 117, 313, Section V; extinction coefficients of `sedsql.bands`). NaN where a band is missing. Adding
    a constant to all bands changes nothing: distance does not matter.

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
        """Places among the inputs of the two bands of each colour."""
        place = self.columns.index
        return [(place(a.column), place(b.column)) for a, b in combinations(self._bands, 2)]

    @property
    def _colour_names(self) -> list[str]:
        return [f"{a.short}-{b.short}" for a, b in combinations(self._bands, 2)]

    @property
    def indices(self) -> list[tuple[int, int, np.float32]]:
        """Of each reddening-free index: places of its two colours, and the ratio of their excesses."""
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
        """What each feature is."""
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
    """The same, and absolute magnitudes by the parallax; the inputs after the bands are `parallax` and
    `parallax_error`, in mas.

    A parallax smaller than its error counts as its error, and one below LEAST_PARALLAX as that: then the source is
    known to be as luminous as that, or more. Without a parallax the absolute magnitudes are missing.
    """

    @property
    def luminous(self) -> list[int]:
        """Places of the bands that become absolute magnitudes."""
        return [self.columns.index(band.column) for band in self._bands if band.short in _LUMINOSITY]

    @property
    def names(self) -> list[str]:
        return [*super().names, *(f"M({band.short})" for band in self._bands if band.short in _LUMINOSITY)]

    def transform(self, X):
        X = np.asarray(X, dtype=np.float32)
        parallax, error = X[:, len(self.columns) :].T.astype(np.float64)
        least = np.fmax(error, LEAST_PARALLAX)
        modulus = np.log(np.maximum(parallax, least) / 100) * LN_TO_MAGNITUDES
        modulus = (np.round(modulus / MODULUS_UNIT) * MODULUS_UNIT).astype(np.float32)
        return np.hstack([super().transform(X), X[:, self.luminous] + modulus[:, None]])
