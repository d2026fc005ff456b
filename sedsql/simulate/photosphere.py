"""Compute magnitudes of photospheres: Planck functions, corrected to the colours of real stars.

All magnitudes are absolute, as seen from 10 pc.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sedsql.photometry.bands import BANDS
from sedsql.photometry.sed import SPEED_OF_LIGHT_UM_S, WAVELENGTH_UM, ZERO_POINT_JY

Array = NDArray[np.float64]
Kind = Literal["dwarf", "giant", "carbon", "hydrogen", "helium", "planck"]

SUN_TEFF = 5772.0
SUN_M_BOL = 4.74
_HC_OVER_K = 14387.768775
"""Second radiation constant in micrometre kelvin (CODATA 2018)."""
_TWO_H_OVER_C2_JY = 2 * 6.62607015e-34 / 299792458.0**2 * 1e26
_SUN_RADIUS_OVER_10_PC = 6.957e8 / 3.0856775814913673e17

# Teff, BC_Ks, then colours G-Ks, BP-RP, G-RP, J-Ks, H-Ks, Ks-W1, W1-W2, W1-W3, W1-W4, rounded.
_HOT = """
 50000 -5.34 -1.03 -0.49 -0.32 -0.24 -0.08  0.01 -0.05 -0.13 -0.10
 40000 -4.61 -1.02 -0.48 -0.32 -0.24 -0.08  0.01 -0.05 -0.13 -0.10
 31400 -3.95 -0.96 -0.46 -0.30 -0.23 -0.07  0.02 -0.05 -0.13 -0.09
 26000 -3.45 -0.87 -0.41 -0.27 -0.21 -0.06  0.02 -0.05 -0.12 -0.08
 20600 -2.63 -0.60 -0.31 -0.20 -0.14 -0.03  0.02 -0.05 -0.12 -0.07
 15700 -1.75 -0.41 -0.22 -0.14 -0.10 -0.01  0.03 -0.05 -0.12 -0.07
 12300 -0.98 -0.24 -0.15 -0.09 -0.06  0.00  0.03 -0.05 -0.11 -0.07
 10700 -0.54 -0.10 -0.11 -0.05 -0.03  0.02  0.04 -0.05 -0.10 -0.05
"""
_DWARFS = """
  9700 -0.17  0.05 -0.03 -0.02  0.00  0.03  0.04 -0.04 -0.07 -0.02
  8840  0.11  0.18  0.07  0.05  0.02  0.03  0.04 -0.03 -0.07 -0.03
  8100  0.40  0.39  0.20  0.13  0.07  0.04  0.05 -0.03 -0.06 -0.02
  7220  0.74  0.68  0.38  0.23  0.14  0.05  0.05 -0.03 -0.05  0.00
  6550  1.06  0.97  0.59  0.34  0.23  0.05  0.05 -0.03 -0.05  0.00
  5930  1.37  1.28  0.78  0.44  0.33  0.07  0.06 -0.04 -0.04 -0.01
  5290  1.76  1.74  0.98  0.56  0.48  0.09  0.07 -0.06 -0.04 -0.02
  4870  1.99  2.08  1.20  0.65  0.60  0.11  0.08 -0.07 -0.03  0.00
  4440  2.25  2.44  1.43  0.75  0.70  0.13  0.09 -0.07 -0.03  0.02
  4090  2.42  2.76  1.70  0.86  0.78  0.16  0.11 -0.01  0.05  0.12
  3850  2.50  2.96  1.86  0.94  0.82  0.19  0.12  0.03  0.13  0.22
  3560  2.61  3.30  2.24  1.06  0.83  0.23  0.14  0.09  0.22  0.35
  3210  2.74  3.85  2.92  1.24  0.84  0.28  0.18  0.15  0.35  0.52
  3060  2.84  4.25  3.34  1.33  0.89  0.31  0.21  0.17  0.40  0.60
  2810  2.97  4.90  4.00  1.43  0.96  0.35  0.23  0.20  0.50  0.70
  2570  3.05  5.55  4.80  1.56  1.13  0.45  0.29  0.25  0.65  0.90
  2270  3.20  6.00  4.80  1.58  1.27  0.51  0.36  0.27  0.85  1.05
  1900  3.26  6.70  4.80  1.59  1.59  0.61  0.52  0.29  1.10  1.30
  1530  3.22  6.85  4.90  1.60  1.77  0.65  0.80  0.41  1.50  1.70
  1370  3.34  6.80  4.95  1.60  1.77  0.59  0.82  0.57  1.70  1.90
  1250  3.27  6.50  5.00  1.60  1.55  0.54  0.68  0.70  2.00  2.20
  1200  3.10  5.80  5.00  1.60  0.75  0.08  0.50  1.20  2.40  2.60
  1160  2.30  5.10  5.10  1.60  0.12 -0.08  0.40  1.70  2.80  3.10
   950  2.24  5.10  5.20  1.60  0.07 -0.03  0.30  2.00  3.30  3.70
   700  2.15  5.20  5.50  1.60  0.15 -0.05  0.25  2.75  4.00  4.50
"""
_GIANTS = """
  5500  1.60  1.55  0.90  0.53  0.45  0.09  0.05 -0.05  0.01  0.02
  4850  1.97  2.03  1.18  0.66  0.63  0.11  0.06 -0.06  0.02  0.04
  4300  2.35  2.54  1.50  0.81  0.83  0.14  0.08 -0.08  0.04  0.08
  3950  2.55  3.00  1.80  0.93  0.95  0.17  0.09 -0.08  0.06  0.12
  3800  2.65  3.23  2.00  0.99  1.02  0.19  0.10 -0.07  0.08  0.15
  3600  2.75  3.65  2.40  1.10  1.12  0.23  0.14 -0.05  0.11  0.20
  3400  2.90  4.50  3.30  1.27  1.23  0.29  0.20  0.00  0.20  0.35
  3200  3.00  5.30  4.30  1.45  1.30  0.36  0.26  0.07  0.30  0.48
  2900  3.10  6.40  5.40  1.60  1.37  0.46  0.35  0.15  0.40  0.60
  2500  3.20  7.20  6.20  1.72  1.55  0.57  0.50  0.20  0.50  0.70
"""
_CARBON_STARS = """
  5200  1.75  1.75  1.02  0.58  0.52  0.10  0.06 -0.05  0.02  0.03
  4800  1.95  2.02  1.18  0.66  0.63  0.13  0.07 -0.06  0.02  0.04
  4200  2.40  2.60  1.55  0.82  0.92  0.22  0.14 -0.10  0.05  0.10
  3800  2.65  3.10  1.88  0.93  1.12  0.30  0.22 -0.13  0.08  0.15
  3300  2.95  3.85  2.30  1.04  1.37  0.42  0.33 -0.14  0.15  0.25
  3000  3.05  4.40  2.65  1.14  1.57  0.52  0.42 -0.12  0.25  0.38
  2700  3.15  4.95  3.00  1.22  1.78  0.63  0.48 -0.08  0.40  0.55
  2400  3.20  5.50  3.40  1.30  2.00  0.75  0.56  0.00  0.55  0.75
"""
_HYDROGEN_WHITE_DWARFS = """
100000 -7.91 -1.08 -0.56 -0.37 -0.23 -0.10 -0.05 -0.03 -0.02  0.03
 50000 -5.49 -1.04 -0.52 -0.34 -0.22 -0.10 -0.05 -0.03 -0.05  0.00
 30000 -3.91 -0.93 -0.44 -0.29 -0.22 -0.11 -0.06 -0.05 -0.12 -0.15
 20000 -2.66 -0.65 -0.28 -0.19 -0.15 -0.08 -0.03 -0.03 -0.09 -0.12
 15000 -1.71 -0.43 -0.15 -0.10 -0.11 -0.06  0.00 -0.02 -0.06 -0.08
 12000 -0.91 -0.23 -0.03 -0.02 -0.07 -0.05  0.01 -0.02 -0.05 -0.06
 10000 -0.30  0.06  0.13  0.09 -0.01 -0.04  0.01 -0.02 -0.04 -0.04
  8000  0.40  0.54  0.36  0.24  0.13 -0.01  0.02 -0.01 -0.02 -0.01
  6500  1.04  1.02  0.62  0.39  0.27  0.03  0.06  0.01  0.01  0.01
  5500  1.50  1.44  0.90  0.54  0.38  0.08  0.12  0.04  0.08  0.08
  5000  1.69  1.67  1.09  0.63  0.41  0.09  0.17  0.07  0.15  0.16
  4500  1.68  1.70  1.30  0.72  0.23  0.02  0.31  0.14  0.33  0.38
  4000  1.28  1.24  1.48  0.79 -0.25 -0.10  0.60  0.18  0.60  0.81
"""
_HELIUM_WHITE_DWARFS = """
 50000 -5.36 -1.07 -0.53 -0.35 -0.24 -0.11 -0.07 -0.05 -0.11 -0.13
 30000 -3.97 -0.81 -0.37 -0.24 -0.20 -0.09 -0.05 -0.04 -0.08 -0.10
 20000 -2.51 -0.68 -0.27 -0.17 -0.18 -0.08 -0.05 -0.04 -0.08 -0.08
 15000 -1.68 -0.50 -0.16 -0.09 -0.13 -0.07 -0.03 -0.02 -0.03 -0.02
 12000 -0.98 -0.25 -0.03  0.00 -0.07 -0.04 -0.01 -0.02 -0.03 -0.02
 10000 -0.40  0.00  0.12  0.09 -0.01 -0.02  0.02 -0.01 -0.03 -0.01
  8000  0.26  0.38  0.34  0.23  0.09  0.02  0.07  0.02  0.02 -0.02
  6500  0.82  0.79  0.58  0.37  0.19  0.06  0.08  0.03  0.12  0.16
  5500  1.19  1.12  0.82  0.50  0.22  0.04 -0.06 -0.05  0.12  0.39
  4500  1.52  1.51  1.16  0.66  0.19 -0.05 -0.21 -0.11  0.04  0.45
"""


def planck_jy(temperature: ArrayLike, wavelength_um: Array = WAVELENGTH_UM) -> Array:
    """Return the Planck function B_nu in Jy / sr at wavelengths in micrometres, shape (..., wavelengths)."""
    frequency = SPEED_OF_LIGHT_UM_S / wavelength_um
    x = _HC_OVER_K / (wavelength_um * np.asarray(temperature, dtype=np.float64)[..., None])
    return _TWO_H_OVER_C2_JY * frequency**3 / np.expm1(np.minimum(x, 600.0))


def magnitude(flux_jy: ArrayLike) -> Array:
    """Return Vega magnitudes of flux densities in Jy, shape (..., 10)."""
    with np.errstate(divide="ignore"):
        return -2.5 * np.log10(np.asarray(flux_jy) / ZERO_POINT_JY)


def disc_solid_angle(radius: ArrayLike) -> Array:
    """Return the solid angle in sr of a disc of `radius` solar radii seen face-on from 10 pc."""
    return np.pi * (np.asarray(radius, dtype=np.float64) * _SUN_RADIUS_OVER_10_PC) ** 2


def planck(teff: ArrayLike, radius: ArrayLike) -> Array:
    """Return absolute magnitudes, shape (n, 10), of black spheres: teff in K, radius in solar radii."""
    return magnitude(planck_jy(teff) * disc_solid_angle(radius)[..., None])


def _corrections(table: str) -> tuple[Array, Array]:
    """Return increasing Teff, and tabulated minus Planck magnitudes at each, for one solar radius."""
    rows = np.array(table.split(), dtype=np.float64).reshape(-1, 11)
    rows = rows[np.argsort(rows[:, 0])]
    teff, bc, g_ks, bp_rp, g_rp, j_ks, h_ks, ks_w1, w1_w2, w1_w3, w1_w4 = rows.T
    ks = SUN_M_BOL - 10 * np.log10(teff / SUN_TEFF) - bc
    g, w1 = ks + g_ks, ks - ks_w1
    rp = g - g_rp
    tabulated = np.stack([g, rp + bp_rp, rp, ks + j_ks, ks + h_ks, ks, w1, w1 - w1_w2, w1 - w1_w3, w1 - w1_w4], axis=1)
    corrections = tabulated - planck(teff, np.ones_like(teff))
    return np.log(teff), corrections


_WARM = "\n".join(_DWARFS.strip().splitlines()[:5])
_TABLES = {
    "dwarf": _corrections(_HOT + _DWARFS),
    "giant": _corrections(_HOT + _WARM + _GIANTS),
    "carbon": _corrections(_CARBON_STARS),
    "hydrogen": _corrections(_HYDROGEN_WHITE_DWARFS),
    "helium": _corrections(_HELIUM_WHITE_DWARFS),
}


def photosphere(teff: ArrayLike, radius: ArrayLike, kind: Kind = "dwarf") -> Array:
    """Return absolute magnitudes, shape (n, 10), of stars: teff in K, radius in solar radii.

    They come from a Planck function at the effective wavelengths, normalised by radius and temperature
    (Stefan-Boltzmann), plus a correction that depends only on temperature: molecular bands of cool
    stars, the Balmer jump of A stars, the methane of T dwarfs. Its nodes are mean colours and
    bolometric corrections, rounded: dwarfs after Pecaut & Mamajek 2013, ApJS 208, 9, and its later versions,
    ultracool ones after Best et al. 2021, AJ 161, 42 and Kirkpatrick et al. 2021, ApJS 253, 7; giants
    after Bessell & Brett 1988, PASP 100, 1134, transformed to Gaia's bands with Riello et al. 2021,
    A&A 649, A3, Appendix C, the coolest with the water of Miras in H (Feast et al. 1989, MNRAS 241, 375).
    Gaia's colours above 11,000 K, and all from 35,000 K, come from model atmospheres: Castelli & Kurucz 2003,
    IAU Symp. 210, A20; Lanz & Hubeny 2003, ApJS 146, 417 and 2007, ApJS 169, 83. Kind 'carbon' has mean colours
    after Bergeat, Knapik & Rutily 2001, A&A 369, 178 and Aringer et al. 2009, A&A 503, 913, with the bands of
    C2H2 and HCN in W1 and of CO and C3 in W2. Kinds 'hydrogen' and 'helium' are white dwarfs of log g = 8 after
    Bedard et al. 2020, ApJ 901, 93. Kind 'planck' has no correction.
    """
    magnitudes = planck(teff, radius)
    if kind != "planck":
        log_teff = np.log(np.asarray(teff, dtype=np.float64))
        nodes, corrections = _TABLES[kind]
        for band in range(len(BANDS)):
            magnitudes[..., band] += np.interp(log_teff, nodes, corrections[:, band])
    return magnitudes
