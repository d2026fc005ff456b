"""Define the ten bands of an SED, in the order that every model, view and function uses.

All magnitudes are in the Vega system, as the surveys publish them.
"""

from dataclasses import dataclass

AB_ZERO_POINT_JY = 3631.0
"""Flux density of a source of AB magnitude 0 in any band (Oke & Gunn 1983, ApJ 266, 713), and that of a maggy."""

BRIGHTEST, FAINTEST = -10.0, 35.0
"""No source of the surveys has a magnitude beyond these."""

_GAIA = (
    "Riello et al. 2021, A&A 649, A3, Table 3 (AB minus VEGAMAG zero point, over 3631 Jy); "
    "pivot wavelength of the (E)DR3 passbands"
)
_2MASS = "Cohen, Wheaton & Megeath 2003, AJ 126, 1090, Table 2 (isophotal wavelength, zero-magnitude flux)"
_WISE = "Jarrett et al. 2011, ApJ 735, 112, Table 1 (isophotal wavelength, zero-magnitude flux)"


@dataclass(frozen=True)
class Band:
    """One photometric band.

    Attributes
    ----------
    column : the archive's column name
    short : the name on plots
    wavelength_um : effective wavelength in micrometres
    zero_point_jy : flux density of a source of magnitude 0, in Jy
    extinction : A_band / A_V for R_V = 3.1 (Gordon et al. 2023, ApJ 950, 86, at `wavelength_um`)
    error_column : the archive's column of the magnitude's error in mag, None where it publishes none
    synonyms : names of the same magnitude in VizieR's and others' catalogues
    source : the source of wavelength and zero point
    """

    column: str
    short: str
    wavelength_um: float
    zero_point_jy: float
    extinction: float
    error_column: str | None
    synonyms: tuple[str, ...]
    source: str


def _gaia(column, short, wavelength_um, ab_zero_point, vega_zero_point, extinction, synonyms):
    zero_point_jy = AB_ZERO_POINT_JY * 10 ** (-0.4 * (ab_zero_point - vega_zero_point))
    return Band(column, short, wavelength_um, zero_point_jy, extinction, None, synonyms, _GAIA)


BANDS: tuple[Band, ...] = (
    _gaia(
        "phot_g_mean_mag",
        "G",
        0.62176,
        25.8010446445,
        25.6873668671,
        0.8648,
        ("Gmag", "GAIAmag", "sy_gaiamag", "gaia_g", "g_mag"),
    ),
    _gaia(
        "phot_bp_mean_mag",
        "BP",
        0.51097,
        25.3539555559,
        25.3385422158,
        1.0996,
        ("BPmag", "gaiabp", "gaia_bp", "bp_mag"),
    ),
    _gaia(
        "phot_rp_mean_mag",
        "RP",
        0.77690,
        25.1039837393,
        24.7478955012,
        0.6180,
        ("RPmag", "gaiarp", "gaia_rp", "rp_mag"),
    ),
    Band("j_m", "J", 1.235, 1594.0, 0.2740, "j_msigcom", ("Jmag", "sy_jmag", "j_mag"), _2MASS),
    Band("h_m", "H", 1.662, 1024.0, 0.1661, "h_msigcom", ("Hmag", "sy_hmag", "h_mag"), _2MASS),
    Band(
        "ks_m", "Ks", 2.159, 666.7, 0.1066, "ks_msigcom", ("Ksmag", "Kmag", "sy_kmag", "k_m", "ks_mag", "k_mag"), _2MASS
    ),
    Band(
        "w1mpro", "W1", 3.3526, 309.540, 0.0488, "w1mpro_error", ("W1mag", "sy_w1mag", "w1mpro_pm", "W1mproPM"), _WISE
    ),
    Band(
        "w2mpro", "W2", 4.6028, 171.787, 0.0312, "w2mpro_error", ("W2mag", "sy_w2mag", "w2mpro_pm", "W2mproPM"), _WISE
    ),
    Band("w3mpro", "W3", 11.5608, 31.674, 0.0440, "w3mpro_error", ("W3mag", "sy_w3mag"), _WISE),
    Band("w4mpro", "W4", 22.0883, 8.363, 0.0388, "w4mpro_error", ("W4mag", "sy_w4mag"), _WISE),
)

COLUMNS: tuple[str, ...] = tuple(band.column for band in BANDS)
"""The archive's names of the ten magnitudes, in order."""

SURVEYS: dict[str, tuple[str, ...]] = {"gaia": COLUMNS[:3], "2mass": COLUMNS[3:6], "wise": COLUMNS[6:]}
"""The bands that each survey has."""
