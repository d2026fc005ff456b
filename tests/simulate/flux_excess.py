"""Relate G, BP and RP of real stars: Riello et al. 2021, A&A 649, A3."""

import numpy as np

from sedsql.simulate.survey import GAIA_FLUX_ZERO_POINTS


def g_magnitude(bp, rp):
    """Compute G from BP and RP, by the mean flux excess factor of stars (Section 9.4, Table 2)."""
    x = np.clip(bp - rp, -1.0, 8.0)
    excess = np.select(
        [x < 0.5, x < 4.0],
        [1.154360 + x * (0.033772 + x * 0.032277), 1.162004 + x * (0.011464 + x * (0.049255 - x * 0.005879))],
        1.057572 + x * 0.140537,
    )
    flux = sum(10 ** (0.4 * (GAIA_FLUX_ZERO_POINTS[k] - mag)) for k, mag in ((1, bp), (2, rp)))
    return GAIA_FLUX_ZERO_POINTS[0] - 2.5 * np.log10(flux / excess)
