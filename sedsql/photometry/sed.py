"""Convert magnitudes to fluxes, and compute the infrared spectral index; NaN means missing.

`sql/macros.sql` has the same formulas as SQL macros; a test compares the two.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sedsql.photometry.bands import BANDS

SPEED_OF_LIGHT_UM_S = 299792458e6
"""Speed of light in micrometres per second (SI, exact)."""

WAVELENGTH_UM = np.array([band.wavelength_um for band in BANDS])
ZERO_POINT_JY = np.array([band.zero_point_jy for band in BANDS])

INDEX_BANDS = slice(5, 10)
"""Ks, W1, W2, W3, W4: the bands of the infrared spectral index."""

STAGES = ((0.3, "I"), (-0.3, "flat"), (-1.6, "II"), (-np.inf, "III"))
"""The least index of each stage, from the youngest (Greene et al. 1994, ApJ 434, 614, after Lada 1987)."""


def flux_jy(magnitudes: ArrayLike) -> NDArray[np.float64]:
    """Return flux densities F_nu in Jy for magnitudes of shape (..., 10)."""
    return ZERO_POINT_JY * 10 ** (-0.4 * np.asarray(magnitudes, dtype=np.float64))


def lambda_flux(magnitudes: ArrayLike) -> NDArray[np.float64]:
    """Return lambda F_lambda = nu F_nu in W m^-2 for magnitudes of shape (..., 10)."""
    return flux_jy(magnitudes) * 1e-26 * SPEED_OF_LIGHT_UM_S / WAVELENGTH_UM


def alpha(magnitudes: ArrayLike) -> NDArray[np.float64]:
    """Return the infrared spectral index d log(lambda F_lambda) / d log(lambda), Ks to W4.

    This is the slope of the unweighted least-squares line through the bands that are there, of shape (...)
    for magnitudes of shape (..., 10); NaN with fewer than two of the five bands.
    (Lada 1987, IAU Symp. 115, 1; fitted over all bands as in Greene et al. 1994.)
    """
    y = np.log10(lambda_flux(magnitudes))[..., INDEX_BANDS]
    x = np.broadcast_to(np.log10(WAVELENGTH_UM[INDEX_BANDS]), y.shape)
    there = np.isfinite(y)
    n = there.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        dx = np.where(there, x - (np.where(there, x, 0).sum(-1) / n)[..., None], 0)
        slope = np.where(there, dx * y, 0).sum(-1) / (dx**2).sum(-1)
    return np.where(n >= 2, slope, np.nan)


def stage(index: ArrayLike) -> NDArray[np.object_]:
    """Return the evolutionary stage 'I', 'flat', 'II' or 'III' of spectral indices; None where the index is NaN."""
    index = np.asarray(index, dtype=np.float64)
    stages = np.full(index.shape, None, dtype=object)
    for least, name in reversed(STAGES):
        stages[index >= least] = name
    return stages
