"""Queries as tables of others: every query of the examples, and those that begin with WITH or end oddly."""

import pytest

import sedsql
from sedsql.service.explore.explorer.nested import nested

PHOTOMETRY = "SELECT source_id, ra, dec FROM sed.photometry"
QUERIES = {
    "plain": PHOTOMETRY,
    "semicolon and comment": f"{PHOTOMETRY} ; -- of all",
    "comment inside": "SELECT ra -- right ascension\nFROM sed.photometry -- all",
    "TOP and ORDER BY": f"{PHOTOMETRY.replace('SELECT', 'SELECT TOP 7')} ORDER BY ra",
    "OFFSET": f"{PHOTOMETRY} ORDER BY source_id OFFSET 1990",
    "aliases": 'SELECT ra + 1 AS x, dec AS "y z" FROM sed.photometry AS q WHERE q.dec > 0',
    "GROUP BY": "SELECT sed_class(s) AS class, COUNT(*) AS n FROM sed.photometry AS s GROUP BY class",
    "join": "SELECT p.source_id, g.ra FROM sed.photometry AS p JOIN gaiadr3.gaia_source AS g USING (source_id)",
    "the same name twice": "SELECT p.ra, g.ra FROM sed.photometry AS p JOIN gaiadr3.gaia_source AS g USING (source_id)",
    "UNION": f"{PHOTOMETRY} WHERE dec > 0 UNION ALL ({PHOTOMETRY} WHERE dec < 0)",
    "brackets": f"(({PHOTOMETRY}))",
    "WITH": f"WITH a AS ({PHOTOMETRY}), b (x) AS (SELECT MIN(ra) FROM a) SELECT * FROM a, b WHERE ra > x + 100",
    "WITH, brackets": "WITH q AS (SELECT ra, dec FROM gaiadr3.gaia_source WHERE designation <> ')' AND dec > 0) "
    "(SELECT * FROM q) UNION (SELECT * FROM q)",
    "WITH, lower case": f'with "SELECT" as ({PHOTOMETRY}) select * from "SELECT" as q where q.ra > 10;',
}


@pytest.fixture(scope="module")
def con(sky):
    with sedsql.connect(sky) as con:
        yield con


@pytest.mark.parametrize("name", QUERIES)
def test_a_nested_query_has_the_same_rows(con, name):
    query = QUERIES[name]
    expected = con.execute(query)
    table = nested(query)
    if name == "the same name twice":
        table = nested(query, ["ra", "ra_1"])
    found = con.execute(f"{table.head}SELECT {table.name}.* FROM {table.table}")
    assert len(found.description) == len(expected.description)
    assert sorted(map(repr, found.fetchall())) == sorted(map(repr, expected.fetchall()))
    counted = con.execute(f"{table.head}SELECT COUNT(*) AS n FROM {table.table} WHERE 1 = 0")
    assert counted.fetchall() == [(0,)]


def test_names_are_kept_apart():
    assert nested("SELECT x FROM q AS q2").name == "q3"
    assert nested('SELECT "q" FROM t').name == "q2"
    assert nested("SELECT x FROM t").name == "q"
    named = nested("SELECT x, y AS x FROM t", ["x", "a b"])
    assert named.head == 'WITH q (x, "a b") AS (\nSELECT x, y AS x FROM t\n)\n'
