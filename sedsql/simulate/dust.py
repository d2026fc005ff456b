"""Compute the light from around stars: discs, dust shells, ionised winds; and the power laws of active nuclei.

All fluxes are in Jy as seen from 10 pc, shape (n, 10) in the order of the bands.
"""

import numpy as np
from numpy.typing import NDArray

from sedsql.photometry.sed import WAVELENGTH_UM
from sedsql.simulate.photosphere import disc_solid_angle, planck_jy

Array = NDArray[np.float64]

CARBON = (WAVELENGTH_UM / 0.55) ** -1.2 * np.array([1, 1, 1, 1, 1, 1, 1, 1, 1.3, 1.3])
"""Optical depth in units of that in V: amorphous carbon as a power law (Rouleau & Martin 1991,
ApJ 377, 526), a little flatter beyond 10 micrometres, where W3 has the band of silicon carbide."""

SILICATE = np.array([0.82, 1.10, 0.58, 0.25, 0.14, 0.085, 0.045, 0.034, 0.055, 0.055])
"""The same for warm circumstellar silicates (Ossenkopf, Henning & Mathis 1992, A&A 261, 567): the
9.7 and 18 micrometre bands, averaged over W3 and W4, exceed the near infrared."""

_LOG_WAVELENGTH = np.log(WAVELENGTH_UM)
_ORDER = np.argsort(WAVELENGTH_UM)


def _in_band_power(flux: Array) -> Array:
    """Integrate nu F_nu d ln(lambda) over the bands by the trapezoidal rule, in Jy Hz micrometre / c."""
    return np.trapezoid((flux / WAVELENGTH_UM)[:, _ORDER], _LOG_WAVELENGTH[_ORDER], axis=1)


def dust_shell(star: Array, tau: Array, temperature: Array, opacity: Array) -> Array:
    """Return the flux of stars behind spherical shells of dust.

    star : (n, 10) fluxes of the bare stars
    tau : (n,) optical depths in V
    temperature : (n,) dust temperatures at the inner edge in K; they fall as radius^-0.4, the density as radius^-2
        (a steady wind), and the shell is optically thin to its own light
    opacity : (10,) CARBON or SILICATE

    The shell emits between 0.5 and 22 micrometres what it absorbs there, in proportion to opacity times Planck
    function: the single-shell limit of Ivezic & Elitzur 1997, MNRAS 287, 799.
    """
    transmitted = star * np.exp(-tau[:, None] * opacity)
    emission = np.zeros_like(star)
    # With n ~ r^-2 each dr has the same mass of dust, so the emission per d ln r is proportional to B_nu(T) r.
    for radius in np.geomspace(1.0, 50.0, 12):
        emission += planck_jy(temperature * radius**-0.4) * radius
    emission *= opacity
    scale = _in_band_power(star - transmitted) / _in_band_power(emission)
    return transmitted + scale[:, None] * emission


def disc(teff: Array, radius: Array, inner_temperature: Array, slope: Array, cos_i: Array) -> Array:
    """Return the flux of opaque discs that the star heats.

    teff, radius : (n,) temperature and radius of the star, in K and solar radii
    inner_temperature : (n,) temperature of the inner edge in K: about 1500 where dust sublimates, a few
        hundred where the disc has a hole
    slope : (n,) q of T ~ r^-q: 3/4 for a flat disc, 1/2 and less for a flared one
        (Adams, Lada & Shu 1987, ApJ 312, 788; Chiang & Goldreich 1997, ApJ 490, 368)
    cos_i : (n,) cosine of the inclination

    The inner edge is where a black grain has that temperature, at 0.5 R (teff / T)^2; the disc ends at 40 K.
    """
    inner = 0.5 * radius * (teff / inner_temperature) ** 2
    steps = 20
    log_span = np.log(inner_temperature / 40.0)
    flux = np.zeros((len(teff), len(WAVELENGTH_UM)))
    for k in range(steps):
        log_t = np.log(inner_temperature) - log_span * (k + 0.5) / steps
        temperature = np.exp(log_t)
        ring = (inner_temperature / temperature) ** (2 / slope) * 2 * log_span / (steps * slope)
        flux += planck_jy(temperature) * (ring * disc_solid_angle(inner) * cos_i)[:, None]
    return flux


def free_free(star: Array, strength: Array) -> Array:
    """Return the flux of ionised winds, F_nu ~ nu^0.6 (Wright & Barlow 1975, MNRAS 170, 41).

    strength : (n,) wind over star in Ks
    """
    # The law does not hold in the optical, so the flux is cut below 1 micrometre.
    law = (WAVELENGTH_UM / WAVELENGTH_UM[5]) ** -0.6 * np.minimum(WAVELENGTH_UM, 1.0) ** 2
    return (strength * star[:, 5])[:, None] * law


def nebula(star: Array, strength: Array, ratio: Array) -> Array:
    """Return the flux of the dust of an H II region that a survey cannot separate from its star.

    star : (n, 10) fluxes of the bare stars
    strength : (n,) nebula over star in W3
    ratio : (n,) F_nu of the nebula in W4 over that in W3: 1 where the 11.3 micrometre band of hydrocarbons dominates,
        10 near the star

    W1, which has the 3.3 micrometre band, gets a hundredth of the flux in W3 (Flagey et al. 2006, A&A 453, 969).
    """
    added = np.zeros_like(star)
    added[:, 8] = strength * star[:, 8]
    added[:, 9] = ratio * added[:, 8]
    added[:, 6] = 0.01 * added[:, 8]
    added[:, 7] = 0.008 * added[:, 8]
    return added


def power_law(slope_blue: Array, slope_red: Array) -> Array:
    """Return the flux of active nuclei, 1 Jy at 1 micrometre: F_nu ~ lambda^slope on either side of it.

    At 1 micrometre the light of hot dust takes over from the accretion disc's (Elvis et al. 1994, ApJS 95, 1).
    """
    slope = np.where(WAVELENGTH_UM < 1.0, slope_blue[:, None], slope_red[:, None])
    return WAVELENGTH_UM**slope
