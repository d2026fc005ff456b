"""Simulate Gaia's astrometry: the errors of parallaxes, and which sources have one."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def expected_parallax_error(g: ArrayLike) -> Array:
    """Return the mean error of a parallax in mas for sources of apparent G, shape (n,).

    Lindegren et al. 2021, A&A 649, A2, Section 5.4, in the form of the mission's prediction:
    sqrt(40 + 800 z + 30 z^2) microarcseconds with z = 10^(0.4 (G - 15)).
    """
    z = 10 ** (0.4 * (np.maximum(g, 13.0) - 15))
    return np.sqrt(40 + 800 * z + 30 * z * z) / 1000


def parallax_error(g: ArrayLike, rng: np.random.Generator) -> Array:
    """Draw errors of parallaxes with 15 % of scatter about `expected_parallax_error`."""
    return expected_parallax_error(g) * np.exp(rng.normal(0, 0.15, np.shape(g)))


def has_parallax(g: ArrayLike, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw which sources of apparent G have a parallax besides a position, shape (n,).

    Of all sources 81 % have one (Gaia Collaboration, Vallenari et al. 2023, A&A 674, A1, Table 1); others are faint.
    """
    g = np.asarray(g)
    return rng.random(g.shape) > 0.75 / (1 + np.exp(-(g - 20.3) / 0.2))
