"""Write sedsql/simulate/extinction.csv, with speclite: `python tests/simulate/extinction_table.py`."""

from pathlib import Path

import astropy.units as u
import numpy as np
from dust_extinction.parameter_averages import G23
from speclite.filters import load_filter

from sedsql.photometry.bands import BANDS
from sedsql.simulate.extinction import TABLE

PASSBANDS = (
    "gaiadr3-G", "gaiadr3-BP", "gaiadr3-RP", "twomass-J", "twomass-H", "twomass-Ks",
    "wise2010-W1", "wise2010-W2", "wise2010-W3", "wise2010-W4",
)  # fmt: skip
TEMPERATURES = (1800.0, 2500.0, 3300.0, 4500.0, 6500.0, 10000.0, 20000.0, 100000.0)
R_V = (2.3, 3.1, 4.0, 5.6)
A_V = (0.0, 1.0, 3.0, 7.0, 15.0, 30.0, 60.0)


def transmitted(temperature: float, a_v: float, r_v: float) -> np.ndarray:
    """Average F_nu of a Planck function behind dust over the ten passbands, weighted by photons; shape (10,)."""
    means = []
    for name in PASSBANDS:
        passband = load_filter(name)
        wavelength = np.asarray(passband.wavelength) / 1e4
        response = np.asarray(passband.response)
        f_nu = wavelength**-3 / np.expm1(14387.768775 / (wavelength * temperature))
        dust = 10 ** (-0.4 * a_v * G23(Rv=r_v)(wavelength * u.um))
        # Photons: F_lambda lambda d lambda = F_nu d lambda / lambda.
        weight = response / wavelength
        means.append(np.trapezoid(f_nu * dust * weight, wavelength) / np.trapezoid(weight, wavelength))
    return np.array(means)


def coefficients(temperature: float, a_v: float, r_v: float) -> np.ndarray:
    """Return A_band / A_V of the ten bands; for a_v = 0 the limit of thin dust."""
    a_v = max(a_v, 1e-3)
    return -2.5 * np.log10(transmitted(temperature, a_v, r_v) / transmitted(temperature, 0.0, r_v)) / a_v


def bp_rp(temperature: float) -> float:
    """Return the Vega colour of a Planck function."""
    _, bp, rp = -2.5 * np.log10(transmitted(temperature, 0.0, 3.1)[:3] / [b.zero_point_jy for b in BANDS[:3]])
    return bp - rp


def main() -> None:
    lines = ["bp_rp,r_v,a_v," + ",".join(band.column for band in BANDS)]
    for temperature in sorted(TEMPERATURES, reverse=True):
        for r_v in R_V:
            for a_v in A_V:
                k = coefficients(temperature, a_v, r_v)
                lines.append(f"{bp_rp(temperature):.3f},{r_v},{a_v}," + ",".join(f"{value:.4f}" for value in k))
    Path(TABLE).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
