"""The kinds of sources: how hot, how large, and what dust they bring along.

Each `draw` function returns `Stars`. The distributions are of what a survey limited in magnitude sees,
wide rather than exact: they are there to exercise queries and models, not to count stars.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from ..sed import flux_jy
from .dust import CARBON, SILICATE, disc, dust_shell, power_law
from .galaxy import galaxy_counts, random_directions, star_counts
from .hot import massive, white_dwarf, wolf_rayet
from .photosphere import magnitude, photosphere
from .source import Array, Generator, Stars, bare, radius_of, stars


@dataclass(frozen=True)
class Population:
    """How it is drawn, and where it lies.

    height_pc : scale height of its disc; None for what lies beyond the Galaxy
    old : whether bulge, thick disc and halo have it too
    typical_g : the absolute G that stands for all of it when its place on the sky is worked out
    """

    draw: Callable[[int, Generator], Stars]
    height_pc: float | None
    old: bool = False
    typical_g: float = 0.0

    def counts(self, glon: Array, glat: Array) -> Array:
        """Relative number that Gaia sees towards each direction in degrees, shape (n,)."""
        if self.height_pc is None:
            return galaxy_counts(glat)
        return star_counts(self.typical_g, glon, glat, height_pc=self.height_pc, old=self.old)


# Mass, Teff, radius of dwarfs in solar units: Pecaut & Mamajek 2013, ApJS 208, 9, rounded.
_DWARF_TABLE = """
  0.085  2500 0.110   0.10  2750 0.130   0.16  3060 0.196   0.23  3210 0.274   0.37  3430 0.361
  0.44   3560 0.446   0.57  3850 0.588   0.64  4050 0.654   0.70  4440 0.701   0.78  4830 0.755
  0.88   5270 0.813   1.00  5772 1.000   1.06  5930 1.100   1.33  6550 1.470   1.61  7220 1.730
  1.88   8080 1.790   2.30  9700 2.190   4.70 15700 3.360   7.30 20600 4.060   17.7 31400 7.160
"""
_DWARFS = np.log(np.array(_DWARF_TABLE.split(), dtype=float).reshape(-1, 3).T)


def _dwarf(log_mass: Array) -> tuple[Array, Array]:
    """Teff in K and radius in solar radii on the main sequence."""
    return np.exp(np.interp(log_mass, *_DWARFS[[0, 1]])), np.exp(np.interp(log_mass, *_DWARFS[[0, 2]]))


@cache
def _dwarf_masses() -> tuple[Array, Array]:
    """Cumulative distribution and log mass of the dwarfs in a magnitude-limited sample.

    Kroupa 2001 (MNRAS 322, 231) initial masses, thinned by main-sequence lifetimes ~ m^-2.5 in a disc
    10 Gyr old, times the volume in which Gaia sees them.
    """
    log_mass = np.linspace(np.log(0.085), np.log(16.0), 400)
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
    """Dwarfs of 0.085 to 16 solar masses; those above 0.8 have grown by up to 60 % with age."""
    cumulative, log_mass = _dwarf_masses()
    drawn = np.interp(rng.random(n), cumulative, log_mass)
    teff, radius = _dwarf(drawn)
    teff *= rng.normal(1.0, 0.015, n)
    aged = np.where(drawn > np.log(0.8), rng.uniform(0, 0.6, n), 0.0)
    return bare(teff, radius * (1 + aged) * rng.normal(1.0, 0.05, n), "dwarf")


def giant(n: int, rng: Generator) -> Stars:
    """The red clump (40 %) and the red-giant branch up to its tip at 2500 solar luminosities.

    Luminosities after Girardi 2016, ARA&A 54, 95; the branch is a line in log L and Teff.
    """
    branch = 0.7 - np.log10(1 - rng.random(n) * (1 - 10 ** (-0.35 * 2.7))) / 0.35
    clump = rng.random(n) < 0.4
    log_l = np.where(clump, rng.normal(1.75, 0.08, n), branch)
    teff = np.interp(log_l, [0.7, 1.5, 2.2, 2.8, 3.4], [5050, 4700, 4250, 3850, 3450])
    teff = np.where(clump, rng.normal(4800, 90, n), teff * rng.normal(1.0, 0.025, n))
    return bare(teff, radius_of(10**log_l, teff), "giant")


def supergiant(n: int, rng: Generator) -> Stars:
    """Mostly red supergiants, a sixth yellow or blue ones; half the red ones with a thin silicate shell.

    Levesque et al. 2005, ApJ 628, 973 (Teff, luminosities).
    """
    red = rng.random(n) < 0.84
    teff = np.where(red, rng.normal(3750, 200, n), np.exp(rng.uniform(np.log(4500), np.log(18000), n)))
    radius = radius_of(10 ** rng.normal(4.7, 0.35, n), teff)
    tau = np.where(red & (rng.random(n) < 0.5), rng.exponential(0.6, n), 0.0)
    star = flux_jy(photosphere(teff, radius, "giant"))
    return stars(teff, radius, dust_shell(star, tau, rng.uniform(600, 1100, n), SILICATE))


def agb_oxygen(n: int, rng: Generator) -> Stars:
    """Mira-like stars in silicate shells, from thin to an optical depth of some ten in V.

    Ranges after Suh 2021, ApJS 256, 43.
    """
    teff = rng.normal(2950, 220, n).clip(2400, 3500)
    radius = radius_of(10 ** rng.normal(3.7, 0.2, n), teff)
    tau = np.exp(rng.normal(np.log(0.45), 1.0, n))
    star = flux_jy(photosphere(teff, radius, "giant"))
    return stars(teff, radius, dust_shell(star, tau, rng.uniform(350, 900, n), SILICATE))


def agb_carbon(n: int, rng: Generator) -> Stars:
    """Carbon stars in shells of amorphous carbon; without TiO they stay near a Planck function."""
    teff = rng.normal(2600, 250, n).clip(2000, 3400)
    radius = radius_of(10 ** rng.normal(3.75, 0.2, n), teff)
    tau = np.exp(rng.normal(np.log(0.08), 1.3, n))
    star = flux_jy(photosphere(teff, radius, "planck"))
    return stars(teff, radius, dust_shell(star, tau, rng.uniform(450, 1100, n), CARBON))


def yso(n: int, rng: Generator) -> Stars:
    """Young stars of 1 to 5 Myr: no disc left (40 %), a disc (50 %), or one still fed and
    deeply veiled (10 %).

    A fifth of the discs have a hole. Teff and radii after Baraffe et al. 2015, A&A 577, A42.
    """
    mass = np.exp(np.interp(rng.random(n), [0, 0.35, 0.75, 0.95, 1], np.log([0.08, 0.25, 0.6, 1.5, 4.0])))
    masses, teffs = [0.08, 0.3, 0.7, 1.5, 4.0], [2900, 3350, 3950, 4700, 12000]
    teff = np.exp(np.interp(np.log(mass), np.log(masses), np.log(teffs)))
    teff *= rng.normal(1.0, 0.03, n)
    radius = 2.0 * mass**0.5 * np.exp(rng.normal(0, 0.3, n))
    kind = rng.random(n)
    has_disc, fed = kind > 0.40, kind > 0.90
    hole = rng.random(n) < 0.2
    inner = np.where(hole, rng.uniform(120, 500, n), rng.uniform(1100, 1600, n))
    slope = np.where(fed, rng.uniform(0.46, 0.53, n), rng.uniform(0.51, 0.70, n))
    dusty = disc(teff, radius, inner, slope, rng.uniform(0.15, 1.0, n))
    star = flux_jy(photosphere(teff, radius, "dwarf"))
    a_v = rng.exponential(np.where(fed, 6.0, np.where(has_disc, 2.0, 1.2)))
    return stars(teff, radius, star + np.where(has_disc[:, None], dusty, 0.0), a_v)


def brown_dwarf(n: int, rng: Generator) -> Stars:
    """Late M, L and T dwarfs of 2500 to 700 K, the warmer the more (Kirkpatrick et al. 2021, ApJS 253, 7)."""
    teff = 2500 - 1800 * rng.random(n) ** 1.6
    return bare(teff, rng.normal(0.1, 0.008, n), "dwarf")


def agn(n: int, rng: Generator) -> Stars:
    """Active nuclei: a power law that breaks at 1 micrometre, mixed with the old stars of the host.

    G rises as Euclid's counts to 20.7 (Shen et al. 2011, ApJS 194, 45 for the colours).
    """
    nucleus = power_law(rng.normal(0.5, 0.3, n), rng.normal(1.15, 0.3, n))
    host = flux_jy(photosphere(rng.normal(4600, 150, n), np.ones(n), "giant"))
    nucleus /= nucleus[:, 3:4]
    host /= host[:, 3:4]
    share = rng.beta(1.1, 0.9, n)[:, None]
    magnitudes = magnitude((1 - share) * nucleus + share * host)
    g = 20.65 + np.log10(1 - rng.random(n) * (1 - 1e-3)) / 0.6
    magnitudes += (g - magnitudes[:, 0])[:, None]
    nan = np.full(n, np.nan)
    return Stars(nan, nan, magnitudes, rng.exponential(0.15, n))


POPULATIONS: dict[str, Population] = {
    "main_sequence": Population(main_sequence, 300.0, True, 5.5),
    "giant": Population(giant, 350.0, True, 0.5),
    "supergiant": Population(supergiant, 80.0, False, -5.0),
    "agb_oxygen": Population(agb_oxygen, 300.0, True, 0.0),
    "agb_carbon": Population(agb_carbon, 200.0, False, -1.0),
    "yso": Population(yso, 80.0, False, 8.0),
    "white_dwarf": Population(white_dwarf, 350.0, False, 11.5),
    "brown_dwarf": Population(brown_dwarf, 300.0, False, 18.0),
    "agn": Population(agn, None),
    "wolf_rayet": Population(wolf_rayet, 60.0, False, -5.0),
    "massive": Population(massive, 60.0, False, -3.0),
}
"""By class."""
