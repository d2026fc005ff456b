"""A positional join has the pairs that all distances have, and reads no pair of rows that lie far apart."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky

from sedsql.adql import translate

from .conftest import Catalogue, table

CATALOGUE = Catalogue(
    {
        "stars": table("source_id:BIGINT ra:DOUBLE dec:DOUBLE", position=("ra", "dec"), cell_column="source_id"),
        "mine": table("id:BIGINT ra:DOUBLE dec:DOUBLE r:DOUBLE", position=("ra", "dec")),
    }
)
NESTED = ("BLOCKWISE", "Blockwise", "NESTED", "Nested", "CROSS", "Cross")


def sky(rng, n):
    """Positions everywhere, crowded at the poles, at RA 0, at the equator and on the borders of zones."""
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    part = n // 8
    dec[:part] = 90 - rng.exponential(0.01, part)
    dec[part : 2 * part] = -90 + rng.exponential(1e-4, part)
    dec[:3], dec[part : part + 3] = 90, -90
    ra[2 * part : 3 * part] = rng.normal(0, 0.01, part) % 360
    dec[2 * part : 3 * part] = rng.normal(60, 0.01, part)
    ra[3 * part : 4 * part] = rng.uniform(0, 0.1, part)
    dec[3 * part : 4 * part] = rng.normal(0, 0.01, part)
    dec[4 * part : 5 * part] = np.round(rng.uniform(-90, 90, part) * 180) / 180
    ra[5 * part : 5 * part + 4] = 0, 360, -1e-20, 360 - 1e-13
    dec[5 * part : 5 * part + 4] = 0.001
    return ra, dec


def database(rng, radius, n=1600):
    """Two tables of which each row of the second lies near a row of the first, often at almost the radius."""
    ra, dec = sky(rng, n)
    chosen = rng.permutation(n)[: n // 2]
    apart = radius * np.where(rng.random(n // 2) < 0.5, rng.uniform(0, 2, n // 2), 1 + rng.normal(0, 1e-8, n // 2))
    near = SkyCoord(ra[chosen] * u.deg, dec[chosen] * u.deg).directional_offset_by(
        rng.uniform(0, 360, n // 2) * u.deg, apart * u.deg
    )
    con = duckdb.connect()
    con.register("a", pa.table({"source_id": np.arange(n), "ra": ra, "dec": dec}))
    con.register("b", pa.table({"id": np.arange(n // 2), "ra": near.ra.deg, "dec": near.dec.deg}))
    con.execute("CREATE TABLE stars AS SELECT * FROM a")
    con.execute(f"CREATE TABLE mine AS SELECT *, {radius} * (1 + id % 3) / 3 AS r FROM b")
    return con, SkyCoord(ra * u.deg, dec * u.deg), near


CONDITIONS = (
    "1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(m.ra, m.dec, {r}))",
    "DISTANCE(POINT(m.ra, m.dec), POINT(s.ra, s.dec)) <= {r}",
)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("radius", [1e-5, 1 / 3600, 1 / 180, 0.1, 9.99])
def test_pairs_are_those_of_astropy(condition, radius):
    con, stars, mine = database(np.random.default_rng(int(1e6 * radius)), radius)
    explain = []
    query = f"SELECT m.id, s.source_id FROM stars AS s JOIN mine AS m ON {condition.format(r=repr(radius))}"
    sql = translate(query, CATALOGUE, explain=explain)
    assert "equal cells" in explain[0]
    got = con.execute(sql).fetchall()
    pairs = set(got)
    assert len(pairs) == len(got)
    found, other, apart, _ = search_around_sky(mine, stars, radius * (1 + 1e-6) * u.deg)
    apart = mine[found].separation(stars[other]).deg
    clear = np.abs(apart - radius) > 1e-9
    expected = {(int(i), int(j)) for i, j, d in zip(found, other, apart, strict=True) if d < radius}
    unclear = {(int(i), int(j)) for i, j, good in zip(found, other, clear, strict=True) if not good}
    assert len(expected) > 200
    assert pairs - unclear == expected - unclear
    # On the border the exact expression decides, as it does without cells.
    plain = con.execute(
        f"SELECT m.id, s.source_id FROM stars AS s, mine AS m WHERE {sql.split('__cell AND ')[-1]}"
    ).fetchall()
    assert pairs == set(plain)


def test_join_reads_no_distant_pairs():
    con, _, _ = database(np.random.default_rng(1), 1 / 3600)
    kinds = ["JOIN", "LEFT JOIN"] if int(duckdb.__version__.split(".")[0]) >= 2 else ["JOIN"]
    for kind in kinds:
        sql = translate(
            f"SELECT m.id, s.source_id FROM stars AS s {kind} mine AS m ON {CONDITIONS[0].format(r='0.001')}", CATALOGUE
        )
        plan = con.execute("EXPLAIN " + sql).fetchall()[0][1]
        assert "HASH_JOIN" in plan or "Hash Join" in plan
        assert not [word for word in NESTED if word in plan]


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("radius", [1 / 3600, 0.3, 30.0])
def test_radii_of_rows(condition, radius):
    con, stars, mine = database(np.random.default_rng(5), radius, 1200)
    con.execute("INSERT INTO mine VALUES (5000, NULL, 1, 1), (5001, 1, NULL, 1), (5002, 1, 1, NULL)")
    con.execute("INSERT INTO stars VALUES (5000, NULL, 1), (5001, 1, NULL)")
    explain = []
    query = f"SELECT m.id, s.source_id FROM mine AS m, stars AS s WHERE {condition.format(r='m.r * 1.0')} AND m.id >= 0"
    got = con.execute(translate(query, CATALOGUE, explain=explain)).fetchall()
    assert "equal cells" in explain[0]
    radii = radius * (1 + np.arange(len(mine)) % 3) / 3
    apart = mine[:, None].separation(stars[None, :]).deg - radii[:, None]
    expected = {(int(i), int(j)) for i, j in zip(*np.nonzero(apart <= 0), strict=True)}
    unclear = {(int(i), int(j)) for i, j in zip(*np.nonzero(np.abs(apart) < 1e-9), strict=True)}
    assert len(got) == len(set(got)) > 300
    assert set(got) - unclear == expected - unclear


def test_a_radius_that_holds_the_sky():
    con, stars, _ = database(np.random.default_rng(6), 0.1, 200)
    con.execute("UPDATE mine SET r = CASE id WHEN 1 THEN 'NaN'::DOUBLE WHEN 2 THEN 400 ELSE 0.1 END")
    query = f"SELECT m.id FROM mine AS m, stars AS s WHERE {CONDITIONS[1].format(r='m.r')}"
    got = con.execute(translate(query, CATALOGUE)).fetchnumpy()["id"]
    # DuckDB holds NaN to be above all numbers.
    assert np.count_nonzero(got == 1) == np.count_nonzero(got == 2) == len(stars)


def test_outer_joins_keep_rows_without_a_match():
    con, _, _ = database(np.random.default_rng(8), 0.01, 800)
    con.execute("INSERT INTO mine VALUES (5000, NULL, NULL, 1)")
    con.execute("INSERT INTO stars VALUES (5000, NULL, NULL)")
    for join in ("mine AS m LEFT JOIN stars AS s", "stars AS s LEFT JOIN mine AS m", "stars AS s RIGHT JOIN mine AS m"):
        query = f"SELECT m.id, s.source_id FROM {join} ON {CONDITIONS[0].format(r='0.01')}"
        explain = []
        sql = translate(query, CATALOGUE, explain=explain)
        assert "equal cells" in explain[0]
        plain = f"SELECT m.id, s.source_id FROM {join} ON {sql.split('__cell AND ')[-1]}"
        got, expected = con.execute(sql).fetchall(), con.execute(plain).fetchall()
        assert any(None in row for row in got)
        assert sorted(map(str, got)) == sorted(map(str, expected))


THREE = [
    ("stars AS s JOIN mine AS m ON s.source_id = m.id", "LEFT JOIN stars AS t ON t.source_id = m.id AND {}", False),
    (
        "stars AS s FULL JOIN mine AS m ON s.source_id = 2 * m.id",
        "LEFT JOIN stars AS t ON t.source_id = m.id AND {}",
        False,
    ),
    ("stars AS t LEFT JOIN mine AS m ON t.source_id = m.id", "RIGHT JOIN stars AS s ON t.ra > 90 AND {}", True),
    ("stars AS t", "LEFT JOIN (stars AS s JOIN mine AS m ON s.dec > 0) ON t.source_id = m.id AND {}", True),
    ("stars AS t", "RIGHT JOIN (stars AS s JOIN mine AS m ON s.ra > 359) ON t.source_id = m.id AND {}", False),
    ("stars AS t JOIN mine AS m ON t.source_id = m.id", "JOIN stars AS s ON {}", True),
    ("stars AS t FULL JOIN mine AS m ON t.source_id = m.id JOIN stars AS s ON t.ra < 90", "WHERE {}", True),
]


@pytest.mark.parametrize(("first", "second", "has_cells"), THREE)
@pytest.mark.parametrize("condition", [*CONDITIONS, "DISTANCE(s.ra, s.dec, m.ra, m.dec) < m.r"])
def test_a_condition_on_two_tables_of_a_join_with_a_third(condition, first, second, has_cells):
    """An outer join keeps the rows of its one side, so that none of these may stand there twice."""
    con, _, _ = database(np.random.default_rng(3), 5.0, 160)
    query = f"SELECT s.source_id, m.id, t.source_id AS other FROM {first} {second.format(condition.format(r='5.0'))}"
    explain = []
    answers = [
        con.execute(translate(query, CATALOGUE, explain=explain, rewrites=names)).fetchall()
        for names in (("joins",), ())
    ]
    assert sorted(map(str, answers[0])) == sorted(map(str, answers[1]))
    assert answers[0]
    assert any("equal cells" in line for line in explain) == has_cells


def test_positions_may_be_computed():
    con, _, _ = database(np.random.default_rng(9), 0.01, 800)
    query = (
        "SELECT m.id, s.source_id FROM stars AS s JOIN mine AS m"
        " ON DISTANCE(POINT(s.ra + 0.001, s.dec), POINT(m.ra, m.dec - 0.0005)) < 0.01"
    )
    explain = []
    sql = translate(query, CATALOGUE, explain=explain)
    assert "equal cells" in explain[0]
    plain = f"SELECT m.id, s.source_id FROM stars AS s, mine AS m WHERE {sql.split('__cell AND ')[-1]}"
    got = con.execute(sql).fetchall()
    assert len(got) > 100
    assert sorted(got) == sorted(con.execute(plain).fetchall())


@pytest.mark.parametrize(
    "condition",
    [
        "DISTANCE(POINT(s.ra, s.dec), POINT(m.ra, m.dec)) > 0.1",
        "DISTANCE(POINT(s.ra, s.dec), POINT(m.ra, m.dec)) < 11",
        "0 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(m.ra, m.dec, 1))",
        "DISTANCE(POINT(s.ra, s.dec), POINT(m.ra, m.dec)) < m.r + s.ra",
        "DISTANCE(POINT(s.ra, m.dec), POINT(m.ra, s.dec)) < 1",
        "(1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(m.ra, m.dec, 1)) OR s.ra > 1)",
    ],
)
def test_no_cells_where_distance_is_not_bounded(condition):
    query = f"SELECT m.id FROM stars AS s, mine AS m WHERE {condition}"
    assert "__cell" not in translate(query, CATALOGUE)
