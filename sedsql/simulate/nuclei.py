"""Draw active galactic nuclei in their host galaxies."""

import numpy as np

from sedsql.photometry.sed import flux_jy
from sedsql.simulate.dust import power_law
from sedsql.simulate.photosphere import magnitude, photosphere
from sedsql.simulate.source import Generator, Stars


def agn(n: int, rng: Generator) -> Stars:
    """Draw active nuclei: a power law that breaks at 1 micrometre, mixed with the old stars of the host.

    Numbers rise with G as Euclidean counts, to 20.7 (colours: Shen et al. 2011, ApJS 194, 45).
    """
    nucleus = power_law(rng.normal(0.4, 0.3, n), rng.normal(1.15, 0.3, n))
    host = flux_jy(photosphere(rng.normal(4600, 150, n), np.ones(n), "giant"))
    nucleus /= nucleus[:, 3:4]
    host /= host[:, 3:4]
    share = rng.beta(0.9, 1.1, n)[:, None]
    magnitudes = magnitude((1 - share) * nucleus + share * host)
    g = 20.65 + np.log10(1 - rng.random(n) * (1 - 1e-3)) / 0.6
    magnitudes += (g - magnitudes[:, 0])[:, None]
    nan = np.full(n, np.nan)
    return Stars(nan, nan, magnitudes, rng.exponential(0.15, n))
