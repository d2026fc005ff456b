"""Quantities, times and positions are handed in for parameters, and mean what astropy says that they do."""

import datetime

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, Angle, SkyCoord
from astropy.table import Table
from astropy.time import Time, TimeDelta
from astropy.utils.masked import Masked

import sedsql

COUNT = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source WHERE "


@pytest.fixture(scope="module")
def con(sky_of):
    with sedsql.connect(sky_of(2_000)) as con:
        yield con


@pytest.fixture(scope="module")
def stars(con):
    return con.execute("SELECT ra, dec, parallax, phot_g_mean_mag, pmra FROM gaiadr3.gaia_source").table()


def count(con, where, values):
    return con.execute(COUNT + where, values).fetchone()[0]


@pytest.mark.parametrize(
    "where, value, column, number",
    [
        ("parallax > ?", 1 * u.mas, "parallax", 1.0),
        ("parallax > ?", 0.001 * u.arcsec, "parallax", 1.0),
        ("? < parallax", 1e-3 * u.arcsec, "parallax", 1.0),
        ("dec > ?", 10 * u.deg, "dec", 10.0),
        ("dec > ?", Angle("0.5 rad"), "dec", np.degrees(0.5)),
        ("ra > ?", Angle("6h"), "ra", 90.0),
        ("phot_g_mean_mag > ?", 15 * u.mag, "phot_g_mean_mag", 15.0),
        ("phot_g_mean_mag + 1 > ?", 16 * u.mag, "phot_g_mean_mag", 15.0),
        ("pmra > ?", 0.01 * u.arcsec / u.yr, "pmra", 10.0),
        ("2 * parallax > ?", 2 * u.mas, "parallax", 1.0),
        ("NOT (parallax <= -?)", -1 * u.mas, "parallax", 1.0),
        ("parallax > ?", np.float32(1), "parallax", 1.0),
        ("parallax > ?", np.array(1), "parallax", 1.0),
        ("parallax > ?", 1 * u.dimensionless_unscaled, "parallax", 1.0),
        ("parallax > ?", 100 * u.percent, "parallax", 1.0),
    ],
)
def test_a_quantity_is_in_the_unit_of_its_column(con, stars, where, value, column, number):
    expected = int((np.ma.filled(stars[column], -np.inf) > number).sum())
    assert count(con, where, [value]) == expected
    assert 0 < expected < 2000


def test_between_and_in_and_names(con):
    low, high = 0.5 * u.mas, 2e-3 * u.arcsec
    expected = count(con, "parallax BETWEEN 0.5 AND 2", [])
    assert count(con, "parallax BETWEEN :low AND :high", {"low": low, "high": high}) == expected > 0
    one = con.execute("SELECT TOP 1 ra FROM gaiadr3.gaia_source").fetchone()[0]
    assert count(con, "ra IN (:one)", {"one": one * u.deg}) == 1
    named = con.execute(
        "SELECT COUNT(*) AS n FROM (SELECT parallax AS p FROM gaiadr3.gaia_source) AS t WHERE p > :x", {"x": 1 * u.mas}
    )
    assert named.fetchone()[0] == count(con, "parallax > 1", [])


def test_regions_take_angles_and_positions(con, stars):
    centre = SkyCoord(266.4 * u.deg, -29 * u.deg).galactic
    near = SkyCoord(stars["ra"], stars["dec"]).separation(centre) < 20 * u.deg
    inside = "1 = CONTAINS(POINT(ra, dec), CIRCLE(:centre, :radius))"
    distance = "DISTANCE(POINT(ra, dec), :centre) < :radius"
    for where in (inside, distance):
        assert count(con, where, {"centre": centre, "radius": 1200 * u.arcmin}) == near.sum() > 5
        assert count(con, where, {"centre": centre.icrs.frame, "radius": 20}) == near.sum()
    by_numbers = "1 = CONTAINS(POINT(ra, dec), CIRCLE(?, ?, ?))"
    assert count(con, by_numbers, [centre.icrs.ra, centre.icrs.dec, Angle("20d")]) == near.sum()
    assert count(con, "DISTANCE(POINT(ra, dec), ?) < 20", [centre]) == near.sum()
    # The region becomes ranges of cells, as one of numbers.
    notes: list[str] = []
    con.translation(COUNT + inside, {"centre": centre, "radius": 2 * u.deg}, notes)
    assert any("range" in note for note in notes)


def test_times(con):
    when = Time("2026-11-28T12:34:56.789", scale="utc")
    con.upload("seen", Table({"t": np.array(["2026-11-28T12:00:00", "2026-11-28T13:00:00"], dtype="datetime64[us]")}))
    query = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.seen WHERE t > ?"
    assert con.execute(query, [when]).fetchone() == (1,)
    assert con.execute(query, [np.datetime64("2026-11-28T11:00")]).fetchone() == (2,)
    assert con.sql("SELECT $t", {"t": when}).fetchone() == (datetime.datetime(2026, 11, 28, 12, 34, 56, 789000),)
    con.upload("epochs", Table({"ref_epoch": [2015.5, 2016.5] * u.yr, "jd": [1.0, 2.0] * u.day}))
    assert con.execute(
        "SELECT COUNT(*) AS n FROM TAP_UPLOAD.epochs WHERE ref_epoch > ?", [Time(2016.0, format="jyear", scale="tcb")]
    ).fetchone() == (1,)
    with pytest.raises(sedsql.AdqlError, match="jd is a number in d"):
        con.execute("SELECT jd FROM TAP_UPLOAD.epochs WHERE jd > ?", [when])


@pytest.mark.parametrize(
    "where, value, words",
    [
        ("parallax > ?", 100 * u.pc, r"in pc.*parallax is in mas"),
        ("parallax > ?", 1 * u.s, r"in s.*parallax is in mas"),
        ("phot_g_mean_mag < ?", 15 * u.ABmag, r"mag\(AB\).*phot_g_mean_mag is in mag"),
        ("parallax / parallax_error > ?", 5 * u.mas, r"where no unit is known.*to_value"),
        ("ra > ?", TimeDelta(1 * u.s), r"in d.*ra is in deg"),
        (
            "DISTANCE(POINT(ra, dec), ?) < 1",
            SkyCoord(0 * u.deg, 90 * u.deg, frame=AltAz()),
            r"cannot be turned to ICRS",
        ),
        ("ra > ?", [1, 2] * u.deg, r"array of 2 values.*upload"),
        ("ra > ?", SkyCoord([1, 2] * u.deg, [3, 4] * u.deg), r"array of 2 values.*upload"),
        ("1 = CONTAINS(POINT(ra, dec), CIRCLE(0, 0, ?))", 1 * u.mag, r"in mag.*CIRCLE takes is in deg"),
    ],
)
def test_what_has_no_sense_is_an_error(con, where, value, words):
    with pytest.raises(sedsql.ProgrammingError, match=words) as caught:
        con.execute(COUNT + where, [value])
    assert "Traceback" not in str(caught.value)


def test_what_is_missing(con):
    assert count(con, "parallax > ?", [Masked(1 * u.mas, mask=True)]) == 0
    assert count(con, "parallax < ?", [np.nan * u.mas]) == count(con, "parallax < ?", [np.nan]) > 0


def test_one_name_beside_two_units(con):
    with pytest.raises(sedsql.AdqlError, match="':x' stands beside columns of different units"):
        con.execute(COUNT + "parallax > :x AND ra > :x", {"x": 1 * u.mas})


def test_sql_knows_no_units(con):
    query = "SELECT count(*) FROM gaiadr3.gaia_source WHERE phot_g_mean_mag > ?"
    assert con.sql(query, [15 * u.mag]).fetchone()[0] == count(con, "phot_g_mean_mag > 15", [])
    with pytest.raises(sedsql.ProgrammingError, match="no unit is known"):
        con.sql(query, [15 * u.deg])
    with pytest.raises(sedsql.ProgrammingError, match="SQL has none"):
        con.sql(query, [SkyCoord(0 * u.deg, 0 * u.deg)])
