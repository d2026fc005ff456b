"""What Gaia, 2MASS and AllWISE make of a magnitude: noise, limits, saturation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Depth:
    """How one band is measured.

    m10 : magnitude at a signal-to-noise ratio of 10
    gamma : share of the background in the variance at m10, the rest are the source's photons
    floor : least error in mag
    threshold : least signal-to-noise ratio of a detection
    saturates : brighter than this the error grows (2MASS, AllWISE) or the source is lost (Gaia)
    """

    m10: float
    gamma: float
    floor: float
    threshold: float
    saturates: float


# Gaia: Riello et al. 2021, A&A 649, A3, Section 8.1; 2MASS: Skrutskie et al. 2006, AJ 131, 1163, Table 8;
# AllWISE: Cutri et al. 2013, Explanatory Supplement, II.3 (5 sigma at 17.1, 15.7, 11.5, 7.7; detected from 2).
DEPTHS = (
    Depth(26.0, 0.2, 0.0003, 5.0, 2.0),
    Depth(20.0, 0.8, 0.0010, 2.0, 3.0),
    Depth(20.75, 0.8, 0.0008, 2.0, 3.0),
    Depth(15.8, 0.9, 0.0200, 6.0, 5.0),
    Depth(15.1, 0.9, 0.0200, 6.0, 5.0),
    Depth(14.3, 0.9, 0.0200, 6.0, 4.5),
    Depth(16.35, 0.95, 0.0220, 5.0, 6.0),
    Depth(14.95, 0.95, 0.0200, 2.0, 5.5),
    Depth(10.75, 0.95, 0.0150, 2.0, 1.0),
    Depth(6.95, 0.95, 0.0200, 2.0, -1.0),
)
_M10, _GAMMA, _FLOOR, THRESHOLD, _SATURATES = (
    np.array([getattr(depth, name) for depth in DEPTHS])
    for name in ("m10", "gamma", "floor", "threshold", "saturates")
)
GAIA, TMASS, ALLWISE = slice(0, 3), slice(3, 6), slice(6, 10)

BP_PEDESTAL = 21.6
"""BP of the light that a source without any blue light still shows, because transits below 1 e/s are
left out of the mean (Riello et al. 2021, Section 8.1): faint red sources look too blue in BP."""

_MAG_PER_NEPER = 2.5 / np.log(10)


def expected_error(magnitudes: Array) -> Array:
    """Errors in mag, shape (n, 10), without the floor of the calibration (Ivezic et al. 2019, ApJ 873, 111, eq. 5)."""
    x = 10 ** (0.4 * (magnitudes - _M10))
    return 0.1 * _MAG_PER_NEPER * np.sqrt(np.maximum((1 - _GAMMA) * x + _GAMMA * x * x, 0))


def limiting_magnitude(snr: float) -> Array:
    """Magnitudes, shape (10,), at which the signal-to-noise ratio falls to `snr`."""
    y = (10 / snr) ** 2
    x = (-(1 - _GAMMA) + np.sqrt((1 - _GAMMA) ** 2 + 4 * _GAMMA * y)) / (2 * _GAMMA)
    return _M10 + 2.5 * np.log10(x)


def observe(magnitudes: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Measured magnitudes and their errors, both of shape (n, 10); NaN where a band has no detection.

    Noise is Gaussian in flux, so the limits are soft. 2MASS lists a source when one of its bands is
    found, AllWISE when W1 or W2 is; the depth of both varies over the sky by a quarter of a magnitude.
    """
    true = np.array(magnitudes, dtype=np.float64)
    true[:, 1] = -2.5 * np.log10(10 ** (-0.4 * true[:, 1]) + 10 ** (-0.4 * BP_PEDESTAL))
    depth = np.zeros_like(true)
    depth[:, TMASS] = rng.normal(0, 0.25, (len(true), 1))
    depth[:, ALLWISE] = rng.normal(0, 0.25, (len(true), 1))
    noise = expected_error(true + depth) / _MAG_PER_NEPER
    saturation = np.maximum(_SATURATES - true, 0)
    noise[:, 3:] = np.hypot(noise[:, 3:], np.minimum(0.05 * saturation[:, 3:], 0.3))
    flux = 1 + noise * rng.standard_normal(true.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = (flux > 0) & (flux / noise > THRESHOLD) & np.isfinite(true)
        observed = true - 2.5 * np.log10(flux)
        errors = np.hypot(_MAG_PER_NEPER * noise / flux, _FLOOR)
    observed += _FLOOR * rng.standard_normal(true.shape)
    seen[:, GAIA] &= saturation[:, GAIA] == 0
    seen[:, 0] &= true[:, 0] < 21.2
    seen[:, 1:3] &= seen[:, :1]
    seen[:, ALLWISE] &= (seen[:, 6] | seen[:, 7])[:, None]
    return np.where(seen, observed, np.nan), np.where(seen, errors, np.nan)
