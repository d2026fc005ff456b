"""Simulate the photometry of Gaia, 2MASS and AllWISE: noise, limits, saturation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


GAIA, TMASS, ALLWISE = slice(0, 3), slice(3, 6), slice(6, 10)

GAIA_FLUX_ZERO_POINTS = np.array([25.6873668671, 25.3385422158, 24.7478955012])
"""The Vega magnitudes of one electron per second in G, BP and RP (Riello et al. 2021, Table 3)."""


@dataclass(frozen=True)
class Depth:
    """How one band is measured.

    m10 : magnitude at a signal-to-noise ratio of 10
    gamma : share of the background in the variance at m10; the rest comes from the source's photons
    floor : least error in mag
    threshold : least signal-to-noise ratio of a measurement
    saturates : magnitude above which a source has a larger error (2MASS, AllWISE) or is lost (Gaia)
    """

    m10: float
    gamma: float
    floor: float
    threshold: float
    saturates: float


# Gaia: Riello et al. 2021, A&A 649, A3, Section 8.1. 2MASS: Skrutskie et al. 2006, AJ 131, 1163, Table 8.
# AllWISE: Cutri et al. 2013, Explanatory Supplement, II.3 (5 sigma at 17.1, 15.7, 11.5, 7.7).
DEPTHS = (
    Depth(26.0, 0.2, 0.0003, 5.0, 2.0),
    Depth(20.0, 0.8, 0.0010, 2.0, 3.0),
    Depth(20.75, 0.8, 0.0008, 2.0, 3.0),
    Depth(15.8, 0.9, 0.0200, 4.0, 5.0),
    Depth(15.1, 0.9, 0.0200, 4.0, 5.0),
    Depth(14.3, 0.9, 0.0200, 4.0, 4.5),
    Depth(16.35, 0.95, 0.0220, 2.0, 6.0),
    Depth(14.95, 0.95, 0.0200, 2.0, 5.5),
    Depth(10.75, 0.95, 0.0150, 2.0, 1.0),
    Depth(6.95, 0.95, 0.0200, 2.0, -1.0),
)
_M10, _GAMMA, _FLOOR, THRESHOLD, _SATURATES = (
    np.array([getattr(depth, name) for depth in DEPTHS]) for name in ("m10", "gamma", "floor", "threshold", "saturates")
)
_BP_TRANSIT_NOISE = 50.0
"""The noise of one transit in BP, in electrons per second."""
_CROWDED = 0.08
"""The share of sources with a neighbour in their window for BP and RP."""
_W2_TOO_BRIGHT = ([3.0, 4.0, 5.0, 6.0, 7.0], [0.6, 0.55, 0.35, 0.12, 0.0])
"""The true W2 of saturated sources, and by how much AllWISE measures them too bright, from the medians of W1 - W2 of
dwarfs and supergiants of known magnitude in Ks (see also Patel, Metchev & Heinze 2014, ApJS 212, 10)."""

_MAG_PER_NEPER = 2.5 / np.log(10)


def expected_error(magnitudes: Array) -> Array:
    """Return errors in mag, shape (n, 10), without the floor of the calibration.

    Photon noise and background are as in Ivezic et al. 2019, ApJ 873, 111, eq. 5.
    """
    x = 10 ** (0.4 * (magnitudes - _M10))
    return 0.1 * _MAG_PER_NEPER * np.sqrt(np.maximum((1 - _GAMMA) * x + _GAMMA * x * x, 0))


def limiting_magnitude(snr: float) -> Array:
    """Return the magnitudes, shape (10,), at which the signal-to-noise ratio falls to `snr`."""
    y = (10 / snr) ** 2
    x = (-(1 - _GAMMA) + np.sqrt((1 - _GAMMA) ** 2 + 4 * _GAMMA * y)) / (2 * _GAMMA)
    return _M10 + 2.5 * np.log10(x)


def _with_neighbours(bp_rp: Array, rng: np.random.Generator) -> Array:
    """Add to BP and RP, shape (n, 2), the light of neighbours in the same window of 3.5" by 2.1".

    G does not use this window. Neighbours are as many as at low Galactic latitude; their counts rise as 10^(0.35 m)
    (Riello et al. 2021, Section 9.3).
    """
    n = len(bp_rp)
    faint = 22.0 + np.log10(1 - rng.random(n)) / 0.35
    light = np.where(rng.random(n) < _CROWDED, 10 ** (-0.4 * faint), 0.0)
    colour = 10 ** (0.4 * rng.normal(1.4, 0.4, n))
    return -2.5 * np.log10(10 ** (-0.4 * bp_rp) + light[:, None] * np.stack([np.ones(n), colour], axis=1))


def _only_bright_transits(bp: Array) -> Array:
    """Return BP as the mean of only the transits above 1 e/s, which makes faint sources too bright.

    Riello et al. 2021, Section 8.1. This is the mean of a normal distribution cut at zero; a quadratic in the exponent
    approximates its hazard function to 5 %.
    """
    flux = 10 ** (0.4 * (GAIA_FLUX_ZERO_POINTS[1] - bp))
    x = flux / _BP_TRANSIT_NOISE
    flux = flux + 0.798 * _BP_TRANSIT_NOISE * np.exp(-x * (0.798 + 0.23 * np.minimum(x, 20.0)))
    return GAIA_FLUX_ZERO_POINTS[1] - 2.5 * np.log10(flux)


def observe(magnitudes: Array, rng: np.random.Generator, *, tmass_deeper: float = 0.0) -> tuple[Array, Array]:
    """Measure magnitudes: returns magnitudes and their errors, shapes (n, 10), NaN where a band has no detection.

    Noise is Gaussian in flux, so the limits are soft. 2MASS lists a source that reaches 7 sigma in one of
    its bands, AllWISE one that reaches 5 sigma in W1 or W2; the depth of both varies over the sky by a
    quarter of a magnitude.

    tmass_deeper : by how many magnitudes 2MASS is deeper than its requirement
    """
    true = np.array(magnitudes, dtype=np.float64)
    true[:, 1:3] = _with_neighbours(true[:, 1:3], rng)
    true[:, 1] = _only_bright_transits(true[:, 1])
    true[:, 7] -= np.interp(true[:, 7], *_W2_TOO_BRIGHT)
    depth = np.zeros_like(true)
    depth[:, TMASS] = rng.normal(-tmass_deeper, 0.25, (len(true), 1))
    depth[:, ALLWISE] = rng.normal(0, 0.25, (len(true), 1))
    noise = expected_error(true + depth) / _MAG_PER_NEPER
    saturation = np.maximum(_SATURATES - true, 0)
    noise[:, 3:] = np.hypot(noise[:, 3:], np.minimum(0.07 * saturation[:, 3:], 0.5))
    flux = 1 + noise * rng.standard_normal(true.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        snr: Array = np.where(np.isfinite(true), flux / noise, 0)
        seen: NDArray[np.bool_] = np.greater(snr, THRESHOLD)
        observed = true - 2.5 * np.log10(flux)
        errors = np.hypot(_MAG_PER_NEPER * noise / flux, _FLOOR)
    observed += _FLOOR * rng.standard_normal(true.shape)
    seen[:, GAIA] &= saturation[:, GAIA] == 0
    seen[:, 0] &= true[:, 0] < 21.2
    seen[:, 1:3] &= seen[:, :1]
    for survey, deciding, least in ((TMASS, TMASS, 7.0), (ALLWISE, slice(6, 8), 5.0)):
        seen[:, survey] &= (snr[:, deciding] > least).any(axis=1, keepdims=True)
    return np.where(seen, observed, np.nan), np.where(seen, errors, np.nan)
