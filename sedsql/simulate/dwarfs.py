"""Draw stars on the main sequence, single and double, and brown dwarfs."""

from functools import cache

import numpy as np

from sedsql.photometry.sed import flux_jy
from sedsql.simulate.galaxy import random_directions, star_counts
from sedsql.simulate.photosphere import magnitude, photosphere
from sedsql.simulate.source import Array, Generator, Stars, bare

LEAST_MASS = 0.085
"""The least mass of a star in solar masses; lighter objects do not keep burning hydrogen."""

DOUBLE = 0.4
"""The share of stars with a companion; some companions are too light to matter."""

# Mass, Teff, radius of dwarfs in solar units: Pecaut & Mamajek 2013, ApJS 208, 9, rounded.
_DWARF_TABLE = """
  0.085  2500 0.110   0.10  2750 0.130   0.16  3060 0.196   0.23  3210 0.274   0.37  3430 0.361
  0.44   3560 0.446   0.57  3850 0.588   0.64  4050 0.654   0.70  4440 0.701   0.78  4830 0.755
  0.88   5270 0.813   1.00  5772 1.000   1.06  5930 1.100   1.33  6550 1.470   1.61  7220 1.730
  1.88   8080 1.790   2.30  9700 2.190   4.70 15700 3.360   7.30 20600 4.060   17.7 31400 7.160
"""
_DWARFS = np.log(np.array(_DWARF_TABLE.split(), dtype=float).reshape(-1, 3).T)


def _dwarf(log_mass: Array) -> tuple[Array, Array]:
    """Return Teff in K and radius in solar radii on the main sequence."""
    return np.exp(np.interp(log_mass, *_DWARFS[[0, 1]])), np.exp(np.interp(log_mass, *_DWARFS[[0, 2]]))


@cache
def _dwarf_masses() -> tuple[Array, Array]:
    """Return the cumulative distribution and the log masses of dwarfs in a magnitude-limited sample.

    Initial masses (Kroupa 2001, MNRAS 322, 231) are reduced by main-sequence lifetimes ~ m^-2.5 in a disc 10 Gyr old,
    and multiplied by the volume in which Gaia sees the stars.
    """
    log_mass = np.linspace(np.log(LEAST_MASS), np.log(16.0), 400)
    mass = np.exp(log_mass)
    number = np.where(mass < 0.5, (mass / 0.5) ** -1.3, (mass / 0.5) ** -2.3) * np.minimum(1, mass**-2.5)
    teff, radius = _dwarf(log_mass)
    rng = np.random.default_rng(0)
    glon, glat = random_directions(64, rng)
    g = photosphere(teff, radius)[:, 0]
    volume = np.array([star_counts(m, glon, glat, height_pc=300.0, old=True).sum() for m in g])
    weights = np.cumsum(number * mass * volume)
    return weights / weights[-1], log_mass


def main_sequence(n: int, rng: Generator) -> Stars:
    """Draw dwarfs of 0.085 to 16 solar masses, a third of them with an unresolved companion on the main sequence.

    Those above 0.8 solar masses have grown by up to 60 % with age. Mass ratios are uniform (Duchene & Kraus 2013,
    ARA&A 51, 269). Teff and radius are the primary's.
    """
    cumulative, log_mass = _dwarf_masses()
    drawn = np.interp(rng.random(n), cumulative, log_mass)
    teff, radius = _dwarf(drawn)
    teff *= rng.normal(1.0, 0.015, n)
    aged = np.where(drawn > np.log(0.8), rng.uniform(0, 0.6, n), 0.0)
    single = bare(teff, radius * (1 + aged) * rng.normal(1.0, 0.05, n), "dwarf")
    companion = np.log(rng.uniform(0.02, 1.0, n)) + drawn
    double = np.flatnonzero((rng.random(n) < DOUBLE) & (companion > np.log(LEAST_MASS)))
    other = photosphere(*_dwarf(companion[double]), "dwarf")
    single.magnitudes[double] = magnitude(flux_jy(single.magnitudes[double]) + flux_jy(other))
    return single


def brown_dwarf(n: int, rng: Generator) -> Stars:
    """Draw late M, L and T dwarfs of 2500 to 700 K, more of the warmer (Kirkpatrick et al. 2021, ApJS 253, 7)."""
    teff = 2500 - 1800 * rng.random(n) ** 1.6
    return bare(teff, rng.normal(0.1, 0.008, n), "dwarf")
