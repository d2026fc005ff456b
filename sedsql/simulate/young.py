"""Draw young stars, from those in an envelope to those that have lost their discs."""

import numpy as np
from numpy.typing import NDArray

from sedsql.photometry.sed import flux_jy
from sedsql.simulate.dust import disc
from sedsql.simulate.photosphere import photosphere, planck
from sedsql.simulate.source import Generator, Stars, at_epochs, stars

SHARES = {"I": 0.07, "flat": 0.09, "II": 0.44, "III": 0.40}
"""The shares of the stages of young stars: envelopes, flat spectra and discs after Evans et al. 2009, ApJS 181, 321,
Table 5; at 2 to 3 Myr nearly as many have lost their disc as have one (Mamajek 2009, AIP Conf. Proc. 1158, 3)."""

HOLES = 0.15
"""The share of discs with an inner hole (Espaillat et al. 2014, Protostars and Planets VI, 497)."""

_CLOUD_A_V = {"I": 10.0, "flat": 7.0, "II": 4.5, "III": 3.0}


def young_star(stage: NDArray[np.str_], rng: Generator, *, holes: float = HOLES) -> Stars:
    """Draw stars of given stages 'I', 'flat', 'II' and 'III', shape (n,): T Tauri stars and heavier Herbig stars.

    Masses of 0.05 to 6 solar masses at 1 to 5 Myr; Teff and radii after Baraffe et al. 2015, A&A 577, A42.

    The temperature of a disc falls as radius^-q. A flat disc would have q = 3/4; a flared disc, or one that an envelope
    lights up, has the index of its stage: lambda F_lambda goes as lambda^(2/q - 4) (Adams, Lada & Shu 1987, ApJ 312,
    788). Stage II is a disc that is flat inside and flared outside (Kenyon & Hartmann 1987, ApJ 323, 714). Gas that
    falls on the star shines at 8500 K with a twentieth to half of the star's light (Calvet & Gullbring 1998, ApJ 509,
    802; Hartigan et al. 1995, ApJ 452, 736).
    """
    n = len(stage)
    mass = np.exp(np.interp(rng.random(n), [0, 0.3, 0.7, 0.92, 1], np.log([0.05, 0.2, 0.6, 1.5, 6.0])))
    masses, teffs = [0.05, 0.1, 0.3, 0.7, 1.5, 3.0, 6.0], [2700, 2950, 3350, 3950, 4700, 9000, 16000]
    teff = np.exp(np.interp(np.log(mass), np.log(masses), np.log(teffs))) * rng.normal(1.0, 0.03, n)
    radius = 2.0 * mass**0.5 * np.exp(rng.normal(0, 0.3, n))
    seen = flux_jy(photosphere(teff, radius, "dwarf"))

    dusty = np.flatnonzero(stage != "III")
    kind, t, r = stage[dusty], teff[dusty], radius[dusty]
    m = len(dusty)
    cos_i = rng.uniform(0.2, 1.0, m)
    holed = (kind == "II") & (rng.random(m) < holes)
    inner = np.where(holed, rng.uniform(120, 500, m), rng.uniform(1200, 1600, m))
    slope = np.select(
        [kind == "I", kind == "flat"],
        [rng.uniform(0.40, 0.455, m), rng.uniform(0.475, 0.52, m)],
        rng.uniform(0.64, 0.76, m),
    )
    around = disc(t, r, inner, slope, cos_i)
    flared = disc(t, r, np.minimum(inner, rng.uniform(150, 300, m)), rng.uniform(0.48, 0.56, m), cos_i)
    around += np.where(kind == "II", 10 ** rng.normal(-0.9, 0.3, m), 0.0)[:, None] * flared
    light = 10 ** rng.uniform(-1.3, -0.3, m)
    fallen = flux_jy(planck(np.full(m, 8500.0), r * np.sqrt(light) * (t / 8500.0) ** 2))
    seen[dusty] += around + np.where(holed, 0.3, 1.0)[:, None] * fallen
    a_v = rng.exponential(np.vectorize(_CLOUD_A_V.get, otypes=[float])(stage)) if n else np.zeros(0)
    # Young stars vary by 0.1 to 0.2 mag (Rebull et al. 2014, AJ 148, 92).
    return at_epochs(stars(teff, radius, seen, a_v), 0.12, rng)


def yso(n: int, rng: Generator) -> Stars:
    """Draw young stars with a disc or an envelope, of stages I, flat and II in proportion to SHARES."""
    seen = {stage: share for stage, share in SHARES.items() if stage != "III"}
    return young_star(rng.choice(list(seen), n, p=np.array(list(seen.values())) / sum(seen.values())), rng)


def yso_discless(n: int, rng: Generator) -> Stars:
    """Draw young stars that have lost their discs, of stage III."""
    return young_star(np.full(n, "III"), rng)
