"""Answers as Arrow, DataFrames and astropy tables."""

import duckdb
import pyarrow as pa
import pytest
from astropy import units as u

import sedsql
from sedsql.dbapi.module import of_stream

QUERY = (
    "SELECT s.source_id, s.ra AS alpha, s.dec, g.phot_g_mean_mag, g.pm, s.parallax * 2 AS double, "
    "COALESCE(sed_class(s), 'none') AS class, CASE WHEN s.ra > 180 THEN 1 END AS half "
    "FROM sed.photometry AS s JOIN gaiadr3.gaia_source AS g ON g.source_id = s.source_id ORDER BY s.source_id"
)


@pytest.fixture(scope="module")
def con(sky_of):
    with sedsql.connect(sky_of(2_000)) as con:
        yield con


def test_an_astropy_table_has_units_ucds_and_descriptions_of_plain_columns(con):
    table = con.execute(QUERY).table()
    assert len(table) == 2000
    assert [table[name].unit for name in ("alpha", "dec", "phot_g_mean_mag", "pm")] == [
        u.deg, u.deg, u.mag, u.mas / u.yr,
    ]  # fmt: skip
    assert table["alpha"].meta["ucd"] == "pos.eq.ra;meta.main"
    assert table["phot_g_mean_mag"].description
    for computed in ("double", "class", "half"):
        assert table[computed].unit is None
        assert "ucd" not in table[computed].meta
    assert 0 < table["half"].mask.sum() < 2000


@pytest.mark.parametrize(
    "query",
    [
        "SELECT t.alpha FROM (SELECT ra AS alpha FROM gaiadr3.gaia_source) AS t",
        "WITH t AS (SELECT ra, dec FROM gaiadr3.gaia_source) SELECT ra AS alpha FROM t",
        "WITH t (alpha, delta) AS (SELECT ra, dec FROM gaiadr3.gaia_source) SELECT alpha FROM t",
        "SELECT alpha FROM (SELECT * FROM (SELECT ra AS alpha, dec FROM gaiadr3.gaia_source) AS a) AS b",
        "SELECT ra AS alpha FROM gaiadr3.gaia_source UNION SELECT ra FROM gaiadr3.gaia_source",
    ],
)
def test_a_column_keeps_what_it_is_through_subqueries(con, query):
    column = con.execute(query).table()["alpha"]
    assert (column.unit, column.meta["ucd"]) == (u.deg, "pos.eq.ra;meta.main")


def test_all_forms_hold_the_same(con):
    rows = con.execute(QUERY).fetchall()
    arrow, frame, table = (getattr(con.execute(QUERY), form)() for form in ("arrow", "df", "table"))
    assert list(zip(*(column.to_pylist() for column in arrow.columns), strict=True)) == rows
    assert frame["source_id"].tolist() == arrow["source_id"].to_pylist() == table["source_id"].tolist()
    assert frame["class"].tolist() == arrow["class"].to_pylist()
    assert list(frame.columns) == table.colnames == arrow.column_names
    assert frame["half"].isna().tolist() == [row[-1] is None for row in rows]


def test_a_polars_frame(con):
    pytest.importorskip("polars")
    frame = con.execute(QUERY).pl()
    assert frame.rows() == con.execute(QUERY).fetchall()


def test_batches_are_computed_as_they_are_read(con):
    reader = con.execute(QUERY).batches(300)
    assert reader.schema.field("alpha").metadata[b"unit"] == b"deg"
    sizes = [batch.num_rows for batch in reader]
    assert sum(sizes) == 2000
    assert max(sizes) <= 300


def test_a_votable_is_read_again(con, tmp_path):
    from astropy.table import Table

    con.execute(QUERY).votable().to_xml(str(tmp_path / "sources.vot"))
    again = Table.read(tmp_path / "sources.vot", format="votable")
    assert again["alpha"].unit == u.deg
    assert again["class"].tolist() == con.execute(QUERY).table()["class"].tolist()


def test_a_package_that_is_not_here_is_named(con, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(sedsql.InterfaceError, match=r"needs polars.*pip install 'sedsql\[polars\]'"):
        con.execute(QUERY).pl()


@pytest.mark.parametrize("form", ["fetchall", "fetchone", "arrow", "df"])
def test_a_query_is_computed_once(con, form):
    """With values too, which DuckDB computes as soon as it is handed them."""
    with con.cursor() as cursor:
        cursor.duckdb.execute("CALL enable_logging('QueryLog')")
        for query, values in (("ra < 7", []), ("ra < ?", [8])):
            cursor.execute(f"SELECT source_id FROM gaiadr3.gaia_source WHERE {query} AND 'once' <> '{form}'", values)
            getattr(cursor, form)()
        logged = "SELECT message FROM duckdb_logs WHERE message LIKE ? AND message NOT LIKE '%duckdb_logs%'"
        found = cursor.duckdb.execute(logged, [f"%'once' <> '{form}'%"]).fetchall()
        cursor.duckdb.execute("CALL disable_logging()")
    assert sorted(one.partition("<")[2][:3] for (one,) in found) == [" $1", " 7 "]


def test_what_is_known_of_an_answer_before_it_is_computed_and_after(con):
    for values in ([], [9]):
        cursor = con.execute(f"SELECT ra, dec AS d FROM gaiadr3.gaia_source WHERE ra < {'?' if values else 9}", values)
        before = cursor.description
        assert [name for name, *_ in before] == ["ra", "d"]
        one = cursor.fetchone()
        assert cursor.description == before
        assert (one, *cursor.fetchall()) == tuple(con.execute("SELECT ra, dec FROM gaiadr3.gaia_source WHERE ra < 9"))
        assert cursor.description == before


def test_columns_are_known_before_rows(con):
    cursor = con.execute(QUERY)
    assert cursor.schema == con.execute(QUERY).arrow().schema
    endless = "SELECT SUM(a.ra) AS total FROM {0} AS a, {0} AS b, {0} AS c, {0} AS d".format("gaiadr3.gaia_source")
    assert con.execute(endless).schema.names == ["total"]
    with pytest.raises(sedsql.ProgrammingError, match="no columns to tell of"):
        assert con.cursor().schema


def test_the_whole_answer_is_there_beside_batches_that_are_read(con):
    cursor = con.execute(QUERY)
    batches = cursor.batches(100)
    first = next(batches)
    others = cursor.batches(100)
    whole = cursor.arrow()
    assert pa.Table.from_batches([first, *batches]).equals(whole)
    assert pa.Table.from_batches(list(others)).equals(whole)


def test_a_cursor_may_go_on_before_its_batches_were_read_to_the_end(con):
    cursor = con.execute(QUERY)
    batches = cursor.batches(100)
    assert next(batches).num_rows == 100
    assert cursor.execute("SELECT TOP 5 ra FROM gaiadr3.gaia_source").arrow().num_rows == 5
    assert next(cursor.execute(QUERY).batches(100)).num_rows == 100
    cursor.abandon()
    with pytest.raises(sedsql.ProgrammingError, match="no answer to fetch"):
        cursor.fetchone()
    assert len(cursor.execute(QUERY).fetchall()) == 2_000


def test_an_error_in_a_later_batch_is_told_as_in_any_other_answer(con):
    (most,) = con.execute("SELECT MAX(ra) FROM gaiadr3.gaia_source").fetchone()
    word = f"CASE WHEN a.ra + b.ra > {2 * most - 1e-9} THEN 'much' ELSE '1' END"  # of one row among four million
    query = f"SELECT CAST({word} AS INTEGER) AS n FROM {{0}} AS a, {{0}} AS b"
    batches = con.execute(query.format("gaiadr3.gaia_source")).batches(2_048)
    assert next(batches)["n"].to_pylist()[0] == 1
    with pytest.raises(sedsql.AdqlValueError, match="The text 'much' is no whole number"):
        list(batches)


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Conversion Error: Could not convert string 'x' to INT32", duckdb.ConversionException),
        ("Out of Range Error: Overflow in addition", duckdb.OutOfRangeException),
        ("Out of Memory Error: failed to allocate", duckdb.OutOfMemoryException),
        ("INTERRUPT Error: Interrupted!", duckdb.InterruptException),
        ("IO Error: No files found", duckdb.IOException),
        ("Invalid Input Error: a: b", duckdb.InvalidInputException),
        ("something else", duckdb.Error),
    ],
)
def test_errors_that_come_through_arrow_are_those_of_duckdb(sentence, kind):
    assert type(of_stream(OSError(sentence))) is kind
