"""A view without the joins that a query does not need gives what the whole view gives."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sedsql
from sedsql.adql.optimizer.rules import REWRITES
from sedsql.catalogue import Catalogue

GAIA = {"source_id", "ra", "dec", "parallax", "parallax_error", "pmra", "pmdec", "ruwe", "l", "b"} | {
    f"phot_{band}_mean_mag{error}" for band in ("g", "bp", "rp") for error in ("", "_error")
}
TMASS = {"j_m", "h_m", "ks_m", "j_msigcom", "h_msigcom", "ks_msigcom"}
OF_TMASS, OF_ALLWISE = ("tmass_match", "tmass_join", "tmass"), ("allwise_match", "allwise")


@pytest.fixture(scope="module")
def both(sky_of):
    path = sky_of(2_000)
    others = tuple(name for name in REWRITES if name != "views")
    with sedsql.connect(path) as con, sedsql.connect(path, rewrites=others) as plain:
        yield con, plain


def dropped(con, query):
    explain = []
    con.translate(query, explain)
    told = [line for line in explain if " is read without " in line]
    return tuple(told[0].split(" without ")[1].split(", of which")[0].split(", ")) if told else ()


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_columns_are_those_of_the_whole_view(both, data):
    con, plain = both
    names = list(con.catalogue.tables["sed.photometry"].columns)
    columns = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True))
    test = data.draw(st.sampled_from(names))
    query = f"SELECT {', '.join(columns)} FROM sed.photometry AS s WHERE s.{test} > 1 ORDER BY source_id"
    assert con.execute(query).fetchall() == plain.execute(query).fetchall()
    used = {*columns, test}
    without = (*OF_TMASS * (not used & TMASS), *OF_ALLWISE * (not used - GAIA - TMASS))
    assert dropped(con, query) == without


@pytest.mark.parametrize(
    ("query", "without"),
    [
        ("SELECT COUNT(*) FROM sed.photometry", (*OF_TMASS, *OF_ALLWISE)),
        ("SELECT * FROM sed.photometry AS s WHERE s.parallax > 3", ()),
        ("SELECT s.* FROM sed.photometry AS s WHERE s.parallax > 3", ()),
        ("SELECT sed.photometry.ra FROM sed.photometry", ()),
        ("SELECT s.source_id, sed_class(s) FROM sed.photometry AS s", ()),
        ("SELECT s.source_id FROM sed.photometry AS s WHERE sed_class(s) = 'yso'", ()),
        ("SELECT photometry.ra FROM sed.photometry ORDER BY photometry.h_m", OF_ALLWISE),
        ("SELECT source_id FROM sed.photometry JOIN gaiadr3.gaia_source USING (source_id)", ()),
        (
            "SELECT s.source_id, g.pm FROM gaiadr3.gaia_source AS g LEFT JOIN sed.photometry AS s "
            "ON s.source_id = g.source_id AND s.w1mpro < 12",
            OF_TMASS,
        ),
        (
            "SELECT g.source_id FROM gaiadr3.gaia_source AS g WHERE EXISTS (SELECT 1 FROM sed.photometry AS s "
            "WHERE s.source_id = g.source_id AND s.j_m < 12)",
            OF_ALLWISE,
        ),
        (
            "SELECT s.source_id FROM sed.photometry AS s WHERE s.source_id IN (SELECT t.source_id FROM "
            "gaiadr3.gaia_source AS t WHERE t.phot_g_mean_mag < s.j_m + 4)",
            OF_ALLWISE,
        ),
        (
            "SELECT s.source_id FROM sed.photometry AS s WHERE 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(84, -5, 9))",
            (*OF_TMASS, *OF_ALLWISE),
        ),
        ("SELECT g.n FROM (SELECT COUNT(*) AS n, ROUND(w2mpro) AS m FROM sed.photometry GROUP BY m) AS g", OF_TMASS),
        ("WITH s AS (SELECT source_id, h_m FROM sed.photometry) SELECT s.h_m FROM s", OF_ALLWISE),
    ],
)
def test_what_a_query_uses_is_joined(both, query, without):
    con, plain = both
    assert dropped(con, query) == without
    found = con.execute(query).fetchall()
    assert found
    assert sorted(map(str, found)) == sorted(map(str, plain.execute(query).fetchall()))


def test_it_is_faster(both):
    """Not by the clock: DuckDB reads one table and not six."""
    query = "SELECT s.ra FROM sed.photometry AS s WHERE s.parallax > 10"
    scans = [one.duckdb.execute("EXPLAIN " + one.translate(query)).fetchall()[0][1] for one in both]
    lean, whole = (plan.count("READ_PARQUET") for plan in scans)
    assert whole == 6 * lean > 0  # DuckDB 1.5 names each twice


def test_a_table_of_that_name_is_left_alone():
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA sed; CREATE TABLE sed.photometry (source_id BIGINT, ra DOUBLE, dec DOUBLE)")
        assert Catalogue.of(con).tables["sed.photometry"].one_to_one is None
