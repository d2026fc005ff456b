"""Python's DB-API (PEP 249): the public compliance suite, and what it leaves out."""

import datetime
import threading

import dbapi20
import numpy as np
import pytest

import sedsql
from sedsql.dbapi.module import own_errors


class TestCompliance(dbapi20.DatabaseAPI20Test):
    driver = sedsql
    connect_kw_args = {"lang": "sql"}  # noqa: RUF012  # the suite makes tables, which ADQL does not

    def test_non_idempotent_close(self):
        """To close twice does no harm, as with files and DuckDB."""
        con = self._connect()
        con.close()
        con.close()

    def test_nextset(self):
        """A query has one answer, so the optional method is not there."""
        assert not hasattr(self._connect().cursor(), "nextset")

    def test_setoutputsize(self):
        """Whatever the sizes, values are whole."""
        cursor = self._connect().cursor()
        cursor.setoutputsize(3)
        assert cursor.execute("SELECT 'a long text'").fetchone() == ("a long text",)


@pytest.fixture
def con(sky):
    with sedsql.connect(sky) as con:
        yield con


SOURCES = "SELECT source_id, ra, dec, phot_g_mean_mag FROM gaiadr3.gaia_source"


@pytest.mark.parametrize(
    ("condition", "values", "literal"),
    [
        ("parallax > ? AND phot_g_mean_mag < ?", (3, 15.5), "parallax > 3 AND phot_g_mean_mag < 15.5"),
        ("parallax > :least", {"least": 3.5, "unused": 1}, "parallax > 3.5"),
        ("parallax BETWEEN :a AND :a + :b", {"a": 1, "b": 2}, "parallax BETWEEN 1 AND 3"),
        (
            "1 = CONTAINS(POINT(ra, dec), CIRCLE(?, ?, ?)) AND parallax > ?",
            (83.8, np.float64(-5.4), np.int64(9), 1),
            "1 = CONTAINS(POINT(ra, dec), CIRCLE(83.8, -5.4, 9)) AND parallax > 1",
        ),
        ("DISTANCE(POINT(ra, dec), POINT(?, ?)) < ?", (83.8, -5, 9), "DISTANCE(POINT(ra, dec), POINT(83.8, -5)) < 9"),
        ("source_id / ? = ?", (2**40, 2**20), f"source_id / {2**40} = {2**20}"),
        ("LOWER(designation) LIKE ?", ("%simulated%2",), "LOWER(designation) LIKE 'simulated %2'"),
    ],
)
def test_parameters_give_what_literals_give(con, condition, values, literal):
    found = con.execute(f"{SOURCES} WHERE {condition} ORDER BY source_id", values).fetchall()
    assert found == con.execute(f"{SOURCES} WHERE {literal} ORDER BY source_id").fetchall()
    assert found or "/" in condition


def test_a_region_of_parameters_is_read_by_ranges_and_the_class_by_the_bound(con):
    query = f"{SOURCES} WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(?, ?, ?))"
    explain = []
    con.translation(query, (83.8, -5.4, 1), explain)
    assert any("ranges of gaia_source.source_id" in line for line in explain)


@pytest.mark.parametrize("text", ["x' OR 1 = 1 --", "'; DROP TABLE t", "$1", "?", "\\", "ü\x00"])
def test_values_are_bound_and_never_a_part_of_the_query(con, text):
    assert con.execute("SELECT TOP 1 ? AS t, ? AS n FROM gaiadr3.gaia_source", (text, None)).fetchone() == (text, None)
    assert con.execute(f"{SOURCES} WHERE designation = :t", {"t": text}).fetchall() == []


@pytest.mark.parametrize(
    ("condition", "values", "sentence"),
    [
        ("parallax > ?", (), r"no value for this '\?', the 1st \(line 1, column \d+\): 0 were handed in"),
        ("parallax > ? AND ra < ?", (1,), r"no value for this '\?', the 2nd"),
        ("parallax > ?", (1, 2), r"2 values were handed in, and the query has 1 '\?'"),
        ("parallax > :a", {"b": 1}, "no value for ':a'.*those given are b"),
        ("parallax > :a", (1,), r"takes a value by its name.*hand in \{'a': \.\.\.\}"),
        ("parallax > ?", {"a": 1}, "takes a value by its place.*hand in a list"),
    ],
)
def test_wrong_parameters_are_told(con, condition, values, sentence):
    with pytest.raises(sedsql.ProgrammingError, match=f"(?s){sentence}"):
        con.execute(f"{SOURCES} WHERE {condition}", values)


def test_a_question_mark_in_a_text_or_a_comment_is_no_parameter(con):
    assert con.execute(f"{SOURCES} WHERE designation = 'what? :no' -- ? :x\n").fetchall() == []


def test_sql_has_parameters_too(con):
    assert con.sql("SELECT ? + 1, ?", (1, "a")).fetchone() == (2, "a")
    assert con.sql("SELECT $a || $b || $a", {"a": "x", "b": "y"}).fetchone() == ("xyx",)


@pytest.mark.parametrize(
    ("sql", "kind", "sentence"),
    [
        ("SELECT nonesuch FROM gaiadr3.gaia_source", sedsql.ProgrammingError, "nonesuch"),
        ("SELECT * FROM nonesuch", sedsql.ProgrammingError, "nonesuch"),
        ("SELECT FROM WHERE", sedsql.ProgrammingError, "syntax error"),
        ("SELECT CAST('a' || ra AS INTEGER) FROM gaiadr3.gaia_source", sedsql.DataError, "Could not convert"),
        ("CREATE TABLE mirror.main.mine AS SELECT 1 AS one", sedsql.ProgrammingError, "read-only"),
        ("SELECT sed_class(s, 'nonesuch') FROM sed.photometry s", sedsql.ProgrammingError, "^No model 'nonesuch'"),
        ("SELECT ? + ?", sedsql.ProgrammingError, "(?i)parameter"),
    ],
)
def test_errors_of_duckdb_are_of_the_classes_of_pep_249_in_a_sentence(con, sql, kind, sentence):
    with pytest.raises(kind, match=sentence) as caught:
        con.sql(sql).fetchall()
    assert " Error: " not in str(caught.value)
    assert isinstance(caught.value, sedsql.DatabaseError)
    assert con.execute(SOURCES).fetchone()


def test_what_pep_249_says_of_closed_things(con):
    cursor = con.cursor()
    with pytest.raises(sedsql.ProgrammingError, match="execute a query first"):
        cursor.fetchone()
    cursor.execute(SOURCES)
    cursor.close()
    for use in (cursor.fetchone, cursor.arrow, lambda: cursor.execute(SOURCES)):
        with pytest.raises(sedsql.InterfaceError, match=r"The cursor is closed; make a new one with con\.cursor"):
            use()
    left = con.execute(SOURCES)
    con.close()
    for use in (left.fetchone, left.df, con.cursor, con.commit):
        with pytest.raises(sedsql.InterfaceError, match="The connection is closed"):
            use()


def test_languages_are_two(con, sky):
    with pytest.raises(sedsql.InterfaceError, match="lang is 'adql' or 'sql', not 'tap'"):
        con.execute(SOURCES, lang="tap")
    with pytest.raises(sedsql.InterfaceError, match="lang is 'adql' or 'sql', not 'tap'"):
        sedsql.connect(sky, lang="tap")
    with sedsql.connect(sky, lang="sql") as sql:
        assert sql.execute("SELECT count(*) FROM gaiadr3.gaia_source LIMIT 1").fetchone() == (2000,)
        assert sql.execute("SELECT TOP 2 ra FROM gaiadr3.gaia_source", lang="adql").fetchmany(9).__len__() == 2


def test_a_description_has_names_and_types(con):
    cursor = con.execute(
        "SELECT TOP 1 source_id, g.ra AS alpha, g.designation, sed_class(s) AS c "
        "FROM gaiadr3.gaia_source AS g JOIN sed.photometry AS s USING (source_id)"
    )
    assert [name for name, *_ in cursor.description] == ["source_id", "alpha", "designation", "c"]
    types = [kind for _, kind, *_ in cursor.description]
    assert [kind == sedsql.NUMBER for kind in types] == [True, True, False, False]
    assert [kind == sedsql.STRING for kind in types] == [False, False, True, True]


def test_one_of_several_rows_at_a_time(con):
    cursor = con.execute(f"{SOURCES} ORDER BY source_id")
    every = con.execute(f"{SOURCES} ORDER BY source_id").fetchall()
    assert [len(cursor.fetchmany()), len(cursor.fetchmany(3))] == [1, 3]
    cursor.arraysize = 5
    assert cursor.fetchmany() == every[4:9]
    assert [next(cursor), *cursor] == every[9:]
    assert (cursor.fetchone(), cursor.fetchmany(), cursor.fetchall()) == (None, [], [])


def test_statements_that_change_rows_tell_how_many(con):
    with sedsql.connect(lang="sql") as own:
        cursor = own.execute("CREATE TABLE t (a INTEGER)")
        assert (cursor.rowcount, cursor.description) == (-1, None)
        assert own.executemany("INSERT INTO t VALUES (?)", [(1,), (2,), (3,)]).rowcount == 3
        assert own.execute("UPDATE t SET a = a + 1 WHERE a > 1").rowcount == 2
        with pytest.raises(sedsql.ProgrammingError, match="gives no rows to fetch"):
            own.execute("DELETE FROM t").fetchall()


def test_dates_and_binary():
    with sedsql.connect(lang="sql") as con:
        values = (sedsql.Date(2016, 1, 1), sedsql.Timestamp(2016, 1, 1, 12, 30), sedsql.Binary(b"\0x"))
        assert con.execute("SELECT ?, ?, ?", values).fetchone() == values
    assert sedsql.DateFromTicks(86_400 * 365.5) == datetime.date(1971, 1, 1)


def test_threads_with_a_cursor_each(con):
    found = []

    def count():
        with con.cursor() as cursor:
            cursor.execute("SELECT sed_class(s) AS c, COUNT(*) AS n FROM sed.photometry AS s GROUP BY c")
            found.append(sorted(cursor.fetchall(), key=str))

    threads = [threading.Thread(target=count) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert all(one == found[0] for one in found)


def test_a_stopped_query_leaves_the_connection_usable(con):
    cursor = con.cursor()
    stop = threading.Timer(0.5, cursor.interrupt)
    stop.start()
    with pytest.raises(sedsql.OperationalError, match="The query was stopped"):
        cursor.execute("SELECT count(*) FROM range(10000000000) a, range(1000) b", lang="sql").fetchall()
    assert cursor.execute(SOURCES).fetchone()


def test_a_mirror_that_may_be_written_to(sky_of, tmp_path):
    import shutil

    shutil.copytree(sky_of(500, seed=2), tmp_path / "sky")
    with sedsql.connect(tmp_path / "sky", read_only=False) as con:
        con.sql("CREATE TABLE mirror.main.bright AS SELECT source_id FROM gaiadr3.gaia_source WHERE ra < 180")
    with sedsql.connect(tmp_path / "sky") as con:
        assert con.execute("SELECT COUNT(*) AS n FROM bright").fetchone()[0] > 10


def test_errors_that_are_none_of_duckdbs_pass():
    with pytest.raises(ValueError, match="mine"), own_errors():
        raise ValueError("mine")
