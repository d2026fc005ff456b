"""Draw stars that have left the main sequence: giants, supergiants, and AGB stars in shells of dust."""

import numpy as np

from sedsql.photometry.sed import flux_jy
from sedsql.simulate.dust import CARBON, SILICATE, dust_shell
from sedsql.simulate.photosphere import photosphere
from sedsql.simulate.source import Generator, Stars, at_epochs, bare, radius_of, stars


def giant(n: int, rng: Generator) -> Stars:
    """Draw stars of the red clump (40 %) and of the red-giant branch up to its tip at 2500 solar luminosities.

    Luminosities after Girardi 2016, ARA&A 54, 95; the branch is a line in log L and Teff.
    """
    branch = 0.7 - np.log10(1 - rng.random(n) * (1 - 10 ** (-0.35 * 2.7))) / 0.35
    clump = rng.random(n) < 0.4
    log_l = np.where(clump, rng.normal(1.75, 0.08, n), branch)
    teff = np.interp(log_l, [0.7, 1.5, 2.2, 2.8, 3.4], [5050, 4700, 4250, 3850, 3450])
    teff = np.where(clump, rng.normal(4800, 90, n), teff * rng.normal(1.0, 0.025, n))
    return bare(teff, radius_of(10**log_l, teff), "giant")


def supergiant(n: int, rng: Generator) -> Stars:
    """Draw mostly red supergiants, half with a thin silicate shell, and a sixth yellow or blue ones.

    Levesque et al. 2005, ApJ 628, 973 (Teff, luminosities).
    """
    red = rng.random(n) < 0.84
    teff = np.where(red, rng.normal(3850, 300, n).clip(3300, 4500), np.exp(rng.uniform(np.log(4500), np.log(18000), n)))
    radius = radius_of(10 ** rng.normal(4.7, 0.35, n), teff)
    tau = np.where(red & (rng.random(n) < 0.5), rng.exponential(0.6, n), 0.0)
    star = flux_jy(photosphere(teff, radius, "giant"))
    seen = stars(teff, radius, dust_shell(star, tau, rng.uniform(800, 1200, n), SILICATE))
    return at_epochs(seen, 0.1, rng)


def agb_oxygen(n: int, rng: Generator) -> Stars:
    """Draw Mira-like stars in silicate shells with optical depths of 0 to 40 in V.

    Ranges after Suh 2021, ApJS 256, 43: inner edges near 1000 K.
    """
    teff = rng.normal(2950, 250, n).clip(2400, 3600)
    radius = radius_of(10 ** rng.normal(3.7, 0.2, n), teff)
    tau = np.exp(rng.normal(np.log(0.6), 1.7, n)).clip(0, 40)
    star = flux_jy(photosphere(teff, radius, "giant"))
    inner = np.interp(np.log(tau), np.log([0.1, 10]), [1000, 1200]) * rng.normal(1.0, 0.2, n).clip(0.5, 1.5)
    return at_epochs(stars(teff, radius, dust_shell(star, tau, inner, SILICATE)), 0.35, rng)


def agb_carbon(n: int, rng: Generator) -> Stars:
    """Draw carbon stars of type N (75 %) in shells of amorphous carbon, and hotter ones of types R and CH without.

    Bergeat, Knapik & Rutily 2001, A&A 369, 178 (Teff); shells after Suh 2021, ApJS 256, 43.
    """
    warm = rng.random(n) < 0.25
    teff = np.where(warm, rng.uniform(3500, 5200, n), rng.normal(2850, 250, n).clip(2400, 3500))
    radius = radius_of(10 ** np.where(warm, rng.normal(2.3, 0.4, n), rng.normal(3.75, 0.2, n)), teff)
    tau = np.where(warm, 0.0, np.exp(rng.normal(np.log(0.15), 1.8, n)).clip(0, 25))
    star = flux_jy(photosphere(teff, radius, "carbon"))
    seen = stars(teff, radius, dust_shell(star, tau, rng.uniform(900, 1500, n), CARBON))
    return at_epochs(seen, np.where(warm, 0.03, 0.3), rng)
