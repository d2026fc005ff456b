"""Draw hot sources: massive stars and their surroundings, Wolf-Rayet stars, white dwarfs."""

import numpy as np

from sedsql.photometry.sed import flux_jy
from sedsql.simulate.dust import CARBON, dust_shell, free_free, nebula
from sedsql.simulate.photosphere import photosphere
from sedsql.simulate.source import Generator, Stars, bare, radius_of, stars

# Teff and log luminosity of B9.5 to O3 dwarfs: Pecaut & Mamajek 2013, ApJS 208, 9; Martins, Schaerer & Hillier 2005,
# A&A 436, 1049.
_LOG_TEFF = np.log([10400.0, 14000.0, 20600.0, 26000.0, 31400.0, 36900.0, 44800.0])
_LOG_L = [1.85, 2.55, 3.43, 4.05, 4.68, 5.10, 5.75]


def massive(n: int, rng: Generator) -> Stars:
    """Draw O and B stars: bare ones (72 %), Be stars (12 %), B[e] stars and LBVs with winds and dust (16 %).

    Half of them are in an H II region, whose dust adds to W3 and W4.

    Be stars, a fifth of B stars, free-free discs as bright as the star in the near infrared: Rivinius,
    Carciofi & Martayan 2013, A&ARv 21, 69; winds of O stars: Lamers & Waters 1984, A&A 136, 37; B[e]: Lamers et al.
    1998, A&A 340, 117; LBVs, from 8000 K: Clark, Larionov & Arkharov 2005, A&A 435, 239; H II regions: Anderson
    et al. 2014, ApJS 212, 1.
    """
    kind = rng.random(n)
    be, dusty = kind > 0.72, kind > 0.84
    log_teff = np.where(
        dusty,
        rng.uniform(np.log(8000), np.log(26000), n),
        np.where(be, rng.uniform(np.log(12000), np.log(30000), n), rng.uniform(np.log(10400), np.log(46000), n)),
    )
    teff = np.exp(log_teff)
    # Stars leave the main sequence to the red at nearly constant luminosity.
    log_l = np.interp(log_teff, _LOG_TEFF, _LOG_L) + np.abs(rng.normal(0.15, 0.4, n))
    log_l = np.where(dusty, rng.uniform(4.3, 6.1, n), log_l)
    radius = radius_of(10**log_l, teff)
    star = flux_jy(photosphere(teff, radius, "dwarf"))
    wind = np.where(be, 10 ** rng.uniform(-1.3, 0.2, n), 10 ** rng.normal(-2.3, 0.5, n))
    seen = star + free_free(star, wind)
    tau = np.where(dusty, 10 ** rng.uniform(-2.3, -0.3, n), 0.0)
    seen = dust_shell(seen, tau, 10 ** rng.uniform(2.1, 3.1, n), CARBON)
    ionised = rng.random(n) < 0.5
    seen = seen + nebula(star, np.where(ionised, 10 ** rng.normal(0.3, 0.9, n), 0.0), 10 ** rng.uniform(0.0, 0.9, n))
    return stars(teff, radius, seen, rng.exponential(0.8, n))


def wolf_rayet(n: int, rng: Generator) -> Stars:
    """Draw hot stars under a dense wind; a seventh form dust, a quarter are in a nebula.

    Crowther 2007, ARA&A 45, 177. Free-free emission adds a tenth of the star's light to three times that in Ks:
    Morris, Brownsberger & Conti 1993, ApJ 412, 324 have indices between that of the wind and that of a photosphere.
    """
    teff = np.exp(rng.uniform(np.log(35000), np.log(100000), n))
    radius = radius_of(10 ** rng.normal(5.3, 0.25, n), teff)
    star = flux_jy(photosphere(teff, radius, "dwarf"))
    seen = star + free_free(star, 10 ** rng.uniform(-0.8, 0.5, n))
    tau = np.where(rng.random(n) < 0.15, 10 ** rng.uniform(-2.5, -1.0, n), 0.0)
    seen = dust_shell(seen, tau, rng.uniform(700, 1300, n), CARBON)
    ionised = rng.random(n) < 0.25
    seen = seen + nebula(star, np.where(ionised, 10 ** rng.normal(0.3, 0.7, n), 0.0), 10 ** rng.uniform(0.0, 0.9, n))
    return stars(teff, radius, seen, rng.exponential(4.0, n))


def white_dwarf(n: int, rng: Generator) -> Stars:
    """Draw white dwarfs, a quarter with helium atmospheres (ranges: Gentile Fusillo et al. 2021, MNRAS 508, 3877)."""
    teff = np.exp(rng.normal(np.log(12000), 0.45, n)).clip(4500, 60000)
    radius = rng.normal(0.0128, 0.0014, n).clip(0.008, 0.02)
    drawn, helium = bare(teff, radius, "hydrogen"), rng.random(n) < 0.25
    drawn.magnitudes[helium] = photosphere(teff[helium], radius[helium], "helium")
    return drawn
