import astropy.constants as const
import astropy.units as u
import duckdb
import numpy as np
import pyarrow as pa
import pytest
from astropy.modeling.models import BlackBody
from dust_extinction.parameter_averages import G23
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import sedsql
from sedsql.photometry import sed
from sedsql.photometry.bands import BANDS, COLUMNS

VEGA_JY = {"G": 3228.75, "BP": 3552.01, "RP": 2554.95}
"""SVO Filter Profile Service's zero points of the Gaia bands: another Vega spectrum, so alike to 3 %."""

magnitudes_or_missing = st.one_of(st.just(np.nan), st.floats(-2, 25, width=32))


@pytest.fixture(scope="module")
def con():
    con = duckdb.connect()
    sedsql.register(con)
    yield con
    con.close()


def in_sql(con, expression, magnitudes):
    """The expression over a table with one row for each row of magnitudes; NaN becomes NULL in every other row."""
    nulls = np.isnan(magnitudes) & (np.arange(len(magnitudes)) % 2 == 0)[:, None]
    table = pa.table({name: pa.array(magnitudes[:, i], mask=nulls[:, i]) for i, name in enumerate(COLUMNS)})
    con.register("s", table)
    return [row[0] for row in con.execute(f"SELECT {expression} FROM s").fetchall()]


@pytest.mark.parametrize("name", VEGA_JY)
def test_gaia_zero_points_are_those_of_vega(name):
    band = next(band for band in BANDS if band.short == name)
    assert band.zero_point_jy == pytest.approx(VEGA_JY[name], rel=0.03)


def test_published_zero_points_of_2mass_and_wise():
    # Cohen et al. 2003, Table 2, and Jarrett et al. 2011, Table 1
    published = (1594, 1024, 666.7, 309.540, 171.787, 31.674, 8.363)
    assert tuple(band.zero_point_jy for band in BANDS[3:]) == published


def test_extinction_follows_gordon_et_al_2023():
    expected = G23(Rv=3.1)(sed.WAVELENGTH_UM * u.um)
    assert np.array([band.extinction for band in BANDS]) == pytest.approx(expected, abs=2e-4)


def test_fluxes_agree_with_astropy_units():
    magnitudes = np.linspace(-1, 20, 10)
    expected = [
        u.Magnitude(m).to_value(u.dimensionless_unscaled) * b.zero_point_jy
        for m, b in zip(magnitudes, BANDS, strict=True)
    ]
    assert sed.flux_jy(magnitudes) == pytest.approx(expected, rel=1e-12)
    wavelength = sed.WAVELENGTH_UM * u.um
    per_micron = (expected * u.Jy).to(u.W / u.m**2 / u.um, u.spectral_density(wavelength))
    assert sed.lambda_flux(magnitudes) == pytest.approx((per_micron * wavelength).to_value(u.W / u.m**2), rel=1e-12)
    assert const.c.to_value(u.um / u.s) == sed.SPEED_OF_LIGHT_UM_S


def magnitudes_of(flux_jy):
    return -2.5 * np.log10(flux_jy / sed.ZERO_POINT_JY)


def test_index_of_a_hot_photosphere_is_that_of_the_rayleigh_jeans_tail():
    flux = BlackBody(1e6 * u.K)(sed.WAVELENGTH_UM * u.um).to_value(u.Jy / u.sr)
    assert sed.alpha(magnitudes_of(flux)) == pytest.approx(-3, abs=0.01)
    assert sed.stage(sed.alpha(magnitudes_of(flux))) == "III"


@pytest.mark.parametrize(
    ("index", "stage"), [(0.31, "I"), (0.29, "flat"), (-0.29, "flat"), (-0.31, "II"), (-1.59, "II"), (-1.61, "III")]
)
def test_stages_of_power_laws(con, index, stage):
    magnitudes = magnitudes_of(sed.WAVELENGTH_UM ** (index + 1))  # F_nu = lambda F_lambda x lambda / c
    assert sed.alpha(magnitudes) == pytest.approx(index, abs=1e-9)
    assert sed.stage(sed.alpha(magnitudes)) == stage
    assert in_sql(con, "sed_stage(s)", magnitudes[None]) == [stage]


@given(arrays(np.float64, (4, 10), elements=magnitudes_or_missing))
def test_index_is_the_slope_that_polyfit_finds(magnitudes):
    found = sed.alpha(magnitudes)
    for row, index in zip(magnitudes, found, strict=True):
        x, y = np.log10(sed.WAVELENGTH_UM[5:]), np.log10(sed.lambda_flux(row)[5:])
        there = np.isfinite(y)
        if there.sum() < 2:
            assert np.isnan(index)
        else:
            assert index == pytest.approx(np.polyfit(x[there], y[there], 1)[0], abs=1e-8)


@settings(max_examples=30)
@given(magnitudes=arrays(np.float64, (16, 10), elements=magnitudes_or_missing))
def test_sql_gives_what_numpy_gives(con, magnitudes):
    index = sed.alpha(magnitudes)
    found = in_sql(con, "sed_alpha(s)", magnitudes)
    assert [value is None for value in found] == np.isnan(index).tolist()
    assert np.array([np.nan if v is None else v for v in found]) == pytest.approx(index, abs=1e-9, nan_ok=True)
    clear = ~np.isclose(np.abs(index[:, None] - [0.3, -0.3, -1.6]), 0, atol=1e-8).any(axis=1)
    stages = np.array(in_sql(con, "sed_stage(s)", magnitudes), dtype=object)
    assert (stages == sed.stage(index))[clear].all()
    for row, points in zip(magnitudes, in_sql(con, "sed_points(s)", magnitudes), strict=True):
        there = np.isfinite(row)
        assert [p["band"] for p in points] == [c for c, t in zip(COLUMNS, there, strict=True) if t]
        assert [p["wavelength_um"] for p in points] == sed.WAVELENGTH_UM[there].tolist()
        assert [p["flux_jy"] for p in points] == pytest.approx(sed.flux_jy(row)[there], rel=1e-12)
        assert [p["lambda_flux"] for p in points] == pytest.approx(sed.lambda_flux(row)[there], rel=1e-12)


def test_ten_magnitudes_give_what_a_row_gives(con):
    magnitudes = np.array([[10.7, 11.6, 9.8, 8.9, 8.1, 7.4, 6.5, np.nan, 3.9, 1.6]])
    values = ", ".join("NULL" if np.isnan(m) else str(m) for m in magnitudes[0])
    for name in ("sed_points", "sed_alpha", "sed_stage"):
        assert con.execute(f"SELECT {name}({values})").fetchall()[0][0] == in_sql(con, f"{name}(s)", magnitudes)[0]
