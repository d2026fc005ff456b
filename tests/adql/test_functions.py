"""User-defined functions, against the IVOA's examples and cdshealpix."""

import contextlib
import re
import string

import astropy.units as u
import duckdb
import numpy as np
import pytest
from astropy.coordinates import Latitude, Longitude
from cdshealpix import nested

from sedsql.adql import AdqlError, translate
from sedsql.adql.functions.ivoa import USER_DEFINED

from .conftest import SHARED, shared_queries

VALUES = [row for row in shared_queries("udf_values.jsonl") if " FROM t" in row["query"]]
# Not values: a random number, a name server, and what the catalogue leaves undefined.
APART = ("ivo_normal_random", "ivo_simbadpoint", "23.2")


@pytest.fixture(scope="module")
def con():
    """A table whose columns are all letters, so that no name within the SQL of a function meets one of them."""
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE t AS SELECT " + ", ".join(f"{i}.5 AS {c}" for i, c in enumerate(string.ascii_lowercase))
    )
    return connection


def value(con, what):
    return con.execute(translate(f"SELECT {what} AS v FROM t")).fetchone()[0]


@pytest.mark.skipif(not SHARED.exists(), reason=f"needs {SHARED}")
@pytest.mark.parametrize("row", VALUES, ids=[row["expr"][:60] for row in VALUES])
def test_values_of_the_ivoa(con, row):
    expression, expected = row["expr"], row["expected_value"]
    if any(name in expression for name in APART):
        return
    if "error" in expected:
        with pytest.raises(duckdb.Error):
            value(con, expression)
        return
    got = value(con, expression)
    if expected == "NULL":
        assert got is None
        return
    numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*", expected)]
    assert np.ravel(got).tolist() == pytest.approx(
        numbers, rel=3e-8, abs=6e-6 if "polygon" in expression.lower() else 1e-8
    )


@pytest.mark.parametrize("order", [0, 1, 5, 12, 29])
def test_healpix_is_cdshealpixs(con, order):
    rng = np.random.default_rng(order)
    lon = np.append(rng.uniform(0, 360, 500), [0, 0, 45, 359.999999, 180.1])
    lat = np.append(np.degrees(np.arcsin(rng.uniform(-1, 1, 500))), [89.9999, -89.9999, 41.8, 0, 0])
    con.execute("CREATE OR REPLACE TABLE p (lon DOUBLE, lat DOUBLE)")
    con.executemany("INSERT INTO p VALUES (?, ?)", np.stack([lon, lat], 1).tolist())
    sql = translate(
        f"SELECT ivo_healpix_index({order}, lon, lat) AS i, "
        f"ivo_healpix_center({order}, ivo_healpix_index({order}, lon, lat)) AS c FROM p"
    )
    rows = con.execute(sql).fetchall()
    cells = nested.lonlat_to_healpix(Longitude(lon, u.deg), Latitude(lat, u.deg), order)
    assert [row[0] for row in rows] == cells.tolist()
    a, d = nested.healpix_to_lonlat(cells, order)
    np.testing.assert_allclose([row[1] for row in rows], np.stack([a.deg, d.deg], 1), rtol=0, atol=1e-10)


def test_gaia_healpix_index_is_the_cell_of_the_position(con):
    cell = nested.lonlat_to_healpix(Longitude(83.8, u.deg), Latitude(-5.4, u.deg), 12)
    source = (int(cell[0]) << 35) + 12345
    for order in (0, 5, 12):
        expected = nested.lonlat_to_healpix(Longitude(83.8, u.deg), Latitude(-5.4, u.deg), order)[0]
        assert value(con, f"GAIA_HEALPIX_INDEX({order}, {source})") == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("5/60", 0), ("-7/2", -3), ("7/2*2", 6), ("7/2.", 3.5), ("(a+5)/2", 2.75), ("1/CAST(2 AS REAL)", 0.5),
        ("LOG(EXP(1))", 1), ("LOG10(1000)", 3), ("MOD(7+1, 3)", 2), ("POWER(2, 3)", 8), ("TRUNCATE(-2.55, 1)", -2.5),
        ("ROUND(1234.5, -2)", 1200), ("COT(PI()/4)", 1), ("ATAN2(1, -1)/PI()", 0.75), ("0xFF", 255),
        ("CAST('abcdef' AS CHAR(3))", "abc"), ("UPPER('a') || LOWER('B')", "Ab"), ("IN_UNIT(b, 'deg')", 1.5),
        ("CASE WHEN a < 1 THEN 'x' ELSE 'y' END", "x"), ("CASE 3 WHEN 3 THEN 1 END", 1), ("COALESCE(NULL, 2)", 2),
        ("DIV(7, 2)", 3), ("SIGN(-2)", -1), ("CBRT(27)", 3), ("BIT_AND(6, 3)", 2), ("GREATEST(1, 4, 2)", 4),
        ("IF_THEN_ELSE(a > 0, 1, 2)", 1), ("WIDTH_BUCKET(3.5, 0, 10, 10)", 4), ("TO_INTEGER('7')", 7),
        ("MAX(b)", 1.5), ("COUNT(DISTINCT b)", 1), ("ivo_histogram(b, 0, 2, 2)", [0, 0, 1, 0]),
    ],
)  # fmt: skip
def test_values(con, expression, expected):
    got = value(con, expression)
    assert got == (expected if isinstance(expected, str | list) else pytest.approx(expected))


def test_what_is_lacking_is_named():
    for name in ("TO_DATE('2', 'Y')", "gavo_ipix(1, 2)", "ivo_simbadpoint('M 31')"):
        with pytest.raises(AdqlError, match="sedsql does not support"):
            translate(f"SELECT {name} FROM t")


@pytest.mark.parametrize("arguments", ["", "NULL", ", ".join(["NULL"] * 31)])
def test_wrong_arguments_end_in_nothing_but_an_adql_error(arguments):
    for name in USER_DEFINED:
        with contextlib.suppress(AdqlError):
            translate(f"SELECT {name}({arguments}) AS x FROM t")
    with pytest.raises(AdqlError, match=r"IF_THEN_ELSE\(condition, value, value\)"):
        translate("SELECT IF_THEN_ELSE(NULL, 1, 2) AS x FROM t")
