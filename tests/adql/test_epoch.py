"""Propagation to another epoch, against astropy and against motion in Cartesian coordinates."""

import warnings

import astropy.units as u
import duckdb
import numpy as np
import pytest
from astropy.coordinates import Distance, SkyCoord
from astropy.time import Time

from sedsql.adql import translate

MAS = np.pi / 180 / 3600000
A = 4.740470463533349
SIX = "ra, dec, parallax, pmra, pmdec, rv"
ERRORS = "e0, e1, e2, e3, e4"
CORRELATIONS = ", ".join(f"c{i}{j}" for i in range(5) for j in range(i + 1, 5))
PAIRS = [(i, j) for i in range(6) for j in range(i + 1, 6)]


@pytest.fixture(scope="module")
def stars():
    """Six parameters and a covariance of the first five, for stars all over the sky and near its poles."""
    rng = np.random.default_rng(3)
    n = 300
    ra = rng.uniform(0, 360, n)
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    ra[:3], dec[:6] = 0, [0, 89.99, -89.99, 89.9999, -60, 60]
    parallax = 10 ** rng.uniform(0, 2.8, n)
    pmra, pmdec = rng.normal(0, 1000, (2, n))
    six = np.stack([ra, dec, parallax, pmra, pmdec, rng.normal(0, 100, n)], 1)
    mixed = rng.normal(0, 1, (n, 5, 5)) * rng.uniform(0.01, 0.5, (n, 5, 1))
    return six, mixed @ np.swapaxes(mixed, 1, 2), rng.uniform(0.1, 3, n)


@pytest.fixture(scope="module")
def con(stars):
    six, covariance, rv_error = stars
    connection = duckdb.connect()
    names = f"{SIX}, {ERRORS}, e5, {CORRELATIONS}".split(", ")
    connection.execute(f"CREATE TABLE stars (i INTEGER, {', '.join(f'{name} DOUBLE' for name in names)})")
    sizes = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    rows = []
    for i, row in enumerate(six):
        corr = [covariance[i, a, b] / sizes[i, a] / sizes[i, b] for a in range(5) for b in range(a + 1, 5)]
        rows.append([i, *row.tolist(), *sizes[i].tolist(), float(rv_error[i]), *map(float, corr)])
    connection.executemany(f"INSERT INTO stars VALUES ({', '.join('?' * len(rows[0]))})", rows)
    return connection


def ask(con, what):
    return np.array([row[0] for row in con.execute(translate(f"SELECT {what} AS v FROM stars ORDER BY i")).fetchall()])


def state(six):
    """The place on the unit sphere, two axes on it, and the motion (1 / yr), from radians and radians a year."""
    a, d, _, east, north, radial = six
    r = np.array([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])
    p = np.array([-np.sin(a), np.cos(a), 0])
    q = np.cross(r, p)
    return r, p, q, p * east + q * north, radial


def along(r, parallax, motion, radial, years):
    """A straight line in space: its direction, parallax, proper motion and radial motion after some years."""
    x, v = r / parallax, (motion + r * radial) / parallax
    x = x + v * years
    size = np.sqrt(np.sum(x * x))
    r = x / size
    return r, 1 / size, (v - r * np.sum(r * v)) / size, np.sum(r * v) / size


def moved(six, years):
    six = six * np.array([1, 1, MAS, MAS, MAS, MAS])
    r, _, _, motion, radial = state(six)
    r, parallax, motion, radial = along(r, six[2], motion, radial, years)
    a, d = np.arctan2(r[1], r[0]), np.arctan2(r[2], np.hypot(r[0], r[1]))
    _, p, q, _, _ = state(np.array([a, d, 0, 0, 0, 0]))
    return np.array([a, d, parallax / MAS, p @ motion / MAS, q @ motion / MAS, radial / MAS]), p, q


def derivatives(six, years):
    """The new parameters by the old ones, by complex steps along fixed axes."""
    _, p1, q1 = moved(six, years)
    six = six * np.array([1, 1, MAS, MAS, MAS, MAS])
    r, p, q, motion, radial = state(six)
    columns = []
    for k in range(6):
        step = np.zeros(6, complex)
        step[k] = 1e-30j
        there = r + p * step[0] + q * step[1]
        there = there / np.sqrt(np.sum(there * there))
        moving = motion + p * step[3] + q * step[4]
        moving = moving - there * np.sum(there * moving)
        place, parallax, after, away = along(there, six[2] + step[2], moving, radial + step[5], years)
        new = np.array([np.sum(p1 * place), np.sum(q1 * place), parallax, np.sum(p1 * after), np.sum(q1 * after), away])
        columns.append(new.imag / 1e-30)
    return np.stack(columns, 1)


def with_motion(six):
    return np.append(six[:5], six[5] * six[2] / A)


def radians(six):
    return six * np.array([np.pi / 180, np.pi / 180, 1, 1, 1, 1])


def test_astrometric_parameters(con, stars):
    np.testing.assert_allclose(ask(con, f"ASTROMETRIC_PARAMETERS({SIX})"), [with_motion(row) for row in stars[0]])


@pytest.mark.parametrize("years", [0, -24.75, 100, 10_000])
def test_six_parameters_move_straight(con, stars, years):
    got = ask(con, f"EPOCH_PROP({SIX}, 2016.0, 2016.0 + {years})")
    expected = np.array([moved(radians(with_motion(row)), years)[0] for row in stars[0]])
    expected[:, :2] = np.degrees(expected[:, :2])
    turn = (got[:, 0] - expected[:, 0] + 180) % 360 - 180
    assert np.all(np.abs(turn) * np.cos(np.radians(expected[:, 1])) < 1e-12)
    assert np.all((got[:, 0] >= 0) & (got[:, 0] < 360))
    np.testing.assert_allclose(got[:, 1], expected[:, 1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(got[:, 2:], expected[:, 2:], rtol=1e-9, atol=1e-9)
    # From an array, and the position alone.
    array = f"ASTROMETRIC_PARAMETERS({SIX}), 2016.0, 2016.0 + {years}"
    assert ask(con, f"ESDC_EPOCH_PROP({array})").tolist() == got.tolist()
    alone = ask(con, f"EPOCH_PROP_POS({SIX}, 2016, 2016 + {years})")
    np.testing.assert_allclose(alone[:, 1], got[:, 1], rtol=0, atol=1e-12)
    turn = (alone[:, 0] - got[:, 0] + 180) % 360 - 180
    assert np.all(np.abs(turn) * np.cos(np.radians(got[:, 1])) < 1e-12)


def test_six_parameters_are_astropys(con, stars):
    """astropy takes light-time into account, which scales the motions by a part of the order of v / c."""
    six = stars[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stars_ = SkyCoord(
            six[:, 0] * u.deg, six[:, 1] * u.deg, distance=Distance(parallax=six[:, 2] * u.mas),
            pm_ra_cosdec=six[:, 3] * u.mas / u.yr, pm_dec=six[:, 4] * u.mas / u.yr,
            radial_velocity=six[:, 5] * u.km / u.s, obstime=Time("J2016", scale="tdb"),
        ).apply_space_motion(Time("J2116", scale="tdb"))  # fmt: skip
    got = ask(con, f"EPOCH_PROP({SIX}, 2016.0, 2116.0)")
    motion = np.hypot(six[:, 3], six[:, 4])
    share = 2 * np.hypot(six[:, 5], motion / six[:, 2] * A) / 299792.458
    apart = SkyCoord(got[:, 0], got[:, 1], unit="deg").separation(stars_).to_value("mas")
    assert np.all(apart < 1e-6 + share * motion * 100)
    ratios = np.abs(got[:, 2] / stars_.distance.to_value(u.mas, u.parallax()) - 1)
    fine = share < 0.01  # faster ones are slowed down by astropy
    assert fine.sum() > 200
    assert ratios[fine].max() < 2e-5
    assert np.all(np.abs(got[:, 3] - stars_.pm_ra_cosdec.to_value("mas/yr")) < 1e-6 + share * motion)
    assert np.all(np.abs(got[:, 4] - stars_.pm_dec.to_value("mas/yr")) < 1e-6 + share * motion)


def test_the_ivoas_example_of_six_parameters():
    """From the text of ivo_epoch_prop (IVOA, UDF catalogue), whose last number is a velocity."""
    given = "7.606083572, 11.79044105, 125, 300, -428.8, 52.51, 2016.0, 1992.25"
    con = duckdb.connect()
    con.execute("CREATE TABLE t AS SELECT 1 AS x")
    got = con.execute(translate(f"SELECT EPOCH_PROP({given}) AS v FROM t")).fetchone()[0]
    got[5] *= A / got[2]
    expected = [7.6040614046279735, 11.793270382827929, 125.01993165584682, 300.09877325973605, -428.934593565712,
                52.50880381775256]  # fmt: skip
    assert got == pytest.approx(expected, rel=1e-10)


def before(six, covariance, rv_error):
    """The covariance of the six parameters: radial velocity and parallax are independent, their product is not."""
    whole = np.zeros((6, 6))
    whole[:5, :5] = covariance
    whole[5, :5] = whole[:5, 5] = covariance[2] * six[5] / A
    whole[5, 5] = (covariance[2, 2] * (six[5] ** 2 + rv_error**2) + (six[2] * rv_error) ** 2) / A**2
    return whole


def numbers(covariance):
    sizes = np.sqrt(np.diagonal(covariance))
    return [*sizes, *(covariance[i, j] / sizes[i] / sizes[j] for i, j in PAIRS)]


@pytest.mark.parametrize("years", [0, -24.75, 100, 10_000])
def test_covariances_move_with_the_derivatives(con, stars, years):
    rows = [(row, before(row, c, e)) for row, c, e in zip(*stars, strict=True)]
    array = f"ASTROMETRIC_PARAMETER_ERROR({ERRORS}, {CORRELATIONS}, parallax, rv, e5)"
    np.testing.assert_allclose(ask(con, array), [numbers(c) for _, c in rows], rtol=1e-11, atol=1e-12)
    expected = []
    for row, covariance in rows:
        jacobian = derivatives(radians(with_motion(row)), years)
        expected.append(numbers(jacobian @ covariance @ jacobian.T))
    got = ask(con, f"EPOCH_PROP_ERROR({SIX}, {ERRORS}, e5, {CORRELATIONS}, 2016.0, 2016.0 + {years})")
    # The steps lose digits where they divide by small parallaxes.
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=2e-7)
    by_arrays = f"ESDC_EPOCH_PROP_ERROR(ASTROMETRIC_PARAMETERS({SIX}), {array}, 2016.0, 2016.0 + {years})"
    np.testing.assert_allclose(ask(con, by_arrays), got, rtol=1e-13)


def test_missing_motions_are_zero_and_places_are_not():
    con = duckdb.connect()
    con.execute("CREATE TABLE t AS SELECT 10e0 AS ra, 90e0 AS dec, NULL::DOUBLE AS n")
    got = con.execute(translate("SELECT EPOCH_PROP(ra, dec, n, n, n, n, 2000, 2100) AS v FROM t")).fetchone()[0]
    assert got[1:] == [90, 0, 0, 0, 0]
    for call in ("EPOCH_PROP(n, dec, n, n, n, n, 2000, 2100)", "EPOCH_PROP(ra, dec, n, n, n, n, n, 2100)"):
        with pytest.raises(duckdb.Error, match="must not be NULL"):
            con.execute(translate(f"SELECT {call} AS v FROM t")).fetchall()
