"""Compute curves to compare an SED with: the blackbody nearest to it, and simulated sources of its class."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sedsql.photometry import sed as seds
from sedsql.simulate import POPULATIONS, simulate
from sedsql.simulate.photosphere import planck_jy

Array = NDArray[np.float64]

_ORDER = np.argsort(seds.WAVELENGTH_UM)
_PHOTOSPHERE_UM = 2.5
"""The wavelength up to which most light comes from a star's photosphere; at longer ones it may come from dust."""
_TEMPERATURES = np.geomspace(500, 60_000, 600)
_FLOOR = 0.05
"""An error in mag that is added to that of every band in quadrature, so that the Gaia bands do not outweigh others."""


@dataclass(frozen=True)
class Curve:
    """A curve to compare an SED with: lambda F_lambda in W m^-2, in the order of wavelengths.

    Attributes
    ----------
    wavelengths, flux : shape (n,); wavelengths in micrometres
    at_bands : the flux at the ten bands, in the order of `BANDS`
    temperature : of a blackbody, in K
    low, high : the spread of simulated sources, 16 to 84 %, shape (n,)
    """

    wavelengths: Array
    flux: Array
    at_bands: Array
    temperature: float | None = None
    low: Array | None = None
    high: Array | None = None

    def residuals(self, magnitudes: Array) -> Array:
        """Return log10 of the flux of magnitudes, shape (10,), over that of the curve."""
        return np.log10(seds.lambda_flux(magnitudes) / self.at_bands)


def blackbody(magnitudes: Array, errors: Array) -> Curve | None:
    """Fit a blackbody to the photosphere's bands by least squares in log flux, on a grid of temperatures.

    Both arguments have shape (10,), NaN = missing. None with fewer than two bands.
    """
    used = np.isfinite(magnitudes) & (seds.WAVELENGTH_UM < _PHOTOSPHERE_UM)
    if used.sum() < 2:
        used = np.isfinite(magnitudes)
    if used.sum() < 2:
        return None
    weight = 1 / np.hypot(np.nan_to_num(errors[used]), _FLOOR) ** 2
    shapes = _log_shapes()[:, used]
    apart = np.log10(seds.flux_jy(magnitudes)[used]) - shapes
    scale = (apart * weight).sum(1) / weight.sum()
    best = (((apart - scale[:, None]) ** 2) * weight).sum(1).argmin()
    temperature, scale = float(_TEMPERATURES[best]), 10 ** scale[best]
    fine = np.geomspace(0.42, 27, 200)
    flux, at_bands = (scale * _planck(wavelengths, temperature) for wavelengths in (fine, seds.WAVELENGTH_UM))
    return Curve(fine, flux, at_bands, temperature)


@cache
def _log_shapes() -> Array:
    """Return log10 of the Planck function in Jy / sr at the ten bands, shape (temperatures, 10)."""
    return np.log10(planck_jy(_TEMPERATURES))


def _planck(wavelengths: Array, temperature: float) -> Array:
    """Return nu B_nu in W m^-2 / sr."""
    return planck_jy(temperature, wavelengths) * 1e-26 * seds.SPEED_OF_LIGHT_UM_S / wavelengths


def template(label: str, magnitudes: Array) -> Curve | None:
    """Return median and spread of simulated sources of a class, scaled to the mean magnitude of the source.

    `magnitudes` have shape (10,), NaN = missing. None without any, and of a class that is not simulated.
    """
    there = np.isfinite(magnitudes)
    if label not in POPULATIONS or not there.any():
        return None
    flux = simulated(label)
    flux = flux[np.isfinite(flux[:, there]).all(axis=1)]
    if len(flux) < 3:
        return None
    source = np.log10(seds.lambda_flux(magnitudes)[there]).mean()
    flux = flux + (source - flux[:, there].mean(axis=1))[:, None]
    low, middle, high = 10 ** np.percentile(flux, [16, 50, 84], axis=0)
    return Curve(seds.WAVELENGTH_UM[_ORDER], middle[_ORDER], middle, low=low[_ORDER], high=high[_ORDER])


@cache
def simulated(label: str) -> Array:
    """Return log lambda F_lambda of simulated sources of a class, whether detected or not, shape (n, 10)."""
    return np.log10(seds.lambda_flux(simulate(label, 2_000, np.random.default_rng(0)).true_magnitudes))
