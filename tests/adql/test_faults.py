"""Of a broken query users are told one sentence in ADQL's words, with the place where there is one."""

import datetime

import pyarrow as pa
import pytest

import sedsql
from sedsql.adql import AdqlError, AdqlValueError
from sedsql.adql.faults import told
from sedsql.errors import DataError, ProgrammingError

from .generated import mistakes
from .generated.run import worlds


@pytest.fixture(scope="module")
def con():
    with sedsql.connect() as con:
        con.duckdb.execute("CREATE SCHEMA s")
        rows = pa.table({
            "i": pa.array([1, 0, -1, 2**62], pa.int64()), "x": [1.5, 0.0, -2.5, 1e300], "t": ["5", "a", "", "["],
            "b": [True, False, None, True], "v": [[1.0, 2.0], [], None, [3.0]],
        })  # fmt: skip
        con.upload("t", rows)
        yield con


VALUES = [
    ("SELECT CAST(t AS INTEGER) AS y FROM TAP_UPLOAD.t", "^The text 'a' is no whole number\\.$"),
    ("SELECT CAST(t AS REAL) AS y FROM TAP_UPLOAD.t", "^The text 'a' is no number\\.$"),
    ("SELECT CAST(t AS TIMESTAMP) AS y FROM TAP_UPLOAD.t", "^The text '5' is no time, such as 2016-"),
    ("SELECT CAST(x AS INTEGER) AS y FROM TAP_UPLOAD.t", "^The value 1e\\+300 is beyond the range of INTEGER\\.$"),
    ("SELECT i * i AS y FROM TAP_UPLOAD.t", "^The product 4611686018427387904 \\* 4611686018427387904 is beyond"),
    ("SELECT i + i AS y FROM TAP_UPLOAD.t", "^The sum 46.* CAST a part of it to DOUBLE PRECISION\\.$"),
    ("SELECT 7 / i AS y FROM TAP_UPLOAD.t", "^A number is divided by zero\\.$"),
    ("SELECT MOD(7, i) AS y FROM TAP_UPLOAD.t", "^A number is divided by zero\\.$"),
    ("SELECT i FROM TAP_UPLOAD.t WHERE REGEXP('a', t) = 1", "^A text is no regular expression: missing \\]: \\[\\.$"),
    ("SELECT IVO_HEALPIX_INDEX(i, x, x) AS y FROM TAP_UPLOAD.t WHERE i < 0", "^An order of HEALPix is 0 to 29"),
    ("SELECT EPOCH_PROP_POS(x, NULL, 0, 0, 0, 0, 2016.0, 2000.0) AS y FROM TAP_UPLOAD.t", "declination must not be"),
]


@pytest.mark.parametrize(("query", "sentence"), VALUES, ids=[query for query, _ in VALUES])
def test_a_value_that_cannot_be_computed_with_is_told_in_a_sentence(con, query, sentence):
    with pytest.raises(AdqlValueError, match=sentence) as caught:
        con.execute(query).fetchall()
    assert isinstance(caught.value, DataError)
    assert "\n" not in str(caught.value)


TYPES = [
    ("SELECT FROM TAP_UPLOAD.t", "FROM", "A column is expected before FROM.*write \\* for all columns"),
    ("SELECT TOP 5 FROM TAP_UPLOAD.t", "FROM", "A column is expected before FROM.*write \\* for all columns"),
    ("SELECT x, FROM TAP_UPLOAD.t", "FROM", "A column is expected before FROM.*leave out the comma"),
    ("SELECT x FROM TAP_UPLOAD.t WHERE t LIKE 'a\\'", "'a", "A pattern ends with a backslash"),
    ("SELECT x FROM TAP_UPLOAD.t WHERE x > TRUE", "TRUE", "A number is compared with a condition"),
    ("SELECT x FROM TAP_UPLOAD.t WHERE t = b", "t = b", "A string is compared with a condition"),
    ("SELECT x FROM TAP_UPLOAD.t WHERE x BETWEEN 1 AND TRUE", "TRUE", "A number is compared with a condition"),
    ("SELECT x FROM TAP_UPLOAD.t ORDER BY TRUE", "TRUE", "ORDER BY takes a column"),
    ("SELECT x FROM TAP_UPLOAD.t ORDER BY -1", "-1", "ORDER BY takes a column"),
    ("SELECT * FROM TAP_UPLOAD.t ORDER BY 6", "6", "ORDER BY asks for column 6 of an answer that has 5"),
    ("SELECT x FROM TAP_UPLOAD.t UNION SELECT i FROM TAP_UPLOAD.t ORDER BY ''", "''", "ORDER BY takes a column"),
    ("SELECT x FROM TAP_UPLOAD.t UNION SELECT i FROM TAP_UPLOAD.t ORDER BY COUNT(*)", "COUNT", "COUNT looks at groups"),
    ("SELECT x, COUNT(*) AS n FROM TAP_UPLOAD.t GROUP BY 'a'", "x", "'x' is neither in GROUP BY nor"),
    ("SELECT a.x, COUNT(*) AS n FROM TAP_UPLOAD.t AS a JOIN TAP_UPLOAD.t AS b USING (x)", "a.x", "'x' is neither in"),
    ("SELECT ARRAY_NDIMS(x) AS y FROM TAP_UPLOAD.t", "ARRAY_NDIMS", "does not take.*ARRAY_NDIMS\\(array\\)"),
    ("SELECT BIT_OR(x, 1) AS y FROM TAP_UPLOAD.t", "BIT_OR", "does not take.*BIT_OR\\(whole number, whole number\\)"),
    ("SELECT TO_CHAR(x, '') AS y FROM TAP_UPLOAD.t", "TO_CHAR", "'' is no format of a number"),
    ("SELECT TO_CHAR(x, 'YYYY') AS y FROM TAP_UPLOAD.t", "TO_CHAR", "'YYYY' is no format of a number"),
    ("SELECT TO_CHAR(t, '99') AS y FROM TAP_UPLOAD.t", "TO_CHAR", "'99' is a format of numbers"),
    ("SELECT IVO_HEALPIX_INDEX(30, x, x) AS y FROM TAP_UPLOAD.t", "IVO_HEALPIX", "whole number from 0 to 29, not 30"),
    ("SELECT GAIA_HEALPIX_INDEX(13, i) AS y FROM TAP_UPLOAD.t", "GAIA_HEALPIX", "whole number from 0 to 12, not 13"),
    ("SELECT CAST(x AS CHAR(4294967296)) AS y FROM TAP_UPLOAD.t", "4294967296", "at most 4294967295 characters"),
]


@pytest.mark.parametrize(("query", "place", "sentence"), TYPES, ids=[query for query, _, _ in TYPES])
def test_a_mistake_in_a_query_is_told_with_its_place(con, query, place, sentence):
    with pytest.raises(AdqlError, match=f"(?s){sentence}") as caught:
        con.execute(query)
    assert caught.value.column == query.index(place) + 1


@pytest.mark.parametrize(
    ("query", "value", "sentence"),
    [
        ("SELECT x FROM TAP_UPLOAD.t WHERE x > ?", [1, 2], "A list of 2 values is handed in for one value"),
        ("SELECT x FROM TAP_UPLOAD.t WHERE x > ?", b"1", "A value of the type bytes is handed in"),
        ("SELECT x FROM TAP_UPLOAD.t WHERE t > ?", datetime.date(2020, 1, 1), "A time is compared with a string"),
        ("SELECT x FROM TAP_UPLOAD.t WHERE x > ?", True, "A number is compared with a condition"),
    ],
)
def test_a_value_of_another_type_is_told_where_it_goes(con, query, value, sentence):
    with pytest.raises(AdqlError, match=sentence) as caught:
        con.execute(query, [value])
    assert "line 1" in str(caught.value)


def test_a_position_beyond_the_sky_has_no_cell(con):
    assert con.execute("SELECT IVO_HEALPIX_INDEX(3, 10, x) AS y FROM TAP_UPLOAD.t WHERE x > 2").fetchall() == [(None,)]


def test_what_only_the_database_finds_is_told_of_the_query_without_its_words():
    """The translator finds all that are known; this is for those that it comes to miss."""
    words = "No function matches the given name and argument types 'list_sum(DOUBLE)'. You might need to add casts."
    error = told("BinderException", words, "SELECT x\nFROM t")
    assert isinstance(error, ProgrammingError)
    assert (error.line, error.column) == (1, 1)
    assert "list_sum" not in str(error)
    unknown = told("InvalidInputException", "list_zip: an argument is too long", "SELECT x FROM t")
    assert str(unknown) == "A function is asked for a value that it does not take."
    assert str(told("InvalidInputException", "No model 'a'; there is 'b'", "")) == "No model 'a'; there is 'b'"


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("cannot take logarithm of zero", "LOG or LOG10 is asked for zero."),
        ("cannot take logarithm of a negative number", "LOG or LOG10 is asked for a negative number."),
        ("cannot take square root of a negative number", "SQRT is asked for a negative number."),
        ("ACOS is undefined outside [-1,1]", "ACOS is asked for a number beyond -1 to 1."),
        ("input value inf is out of range for numeric function", "A function of angles or numbers is asked for inf."),
    ],
)
def test_what_earlier_releases_of_duckdb_refuse(message, sentence):
    """From 2.0 on these give NaN or infinity."""
    assert str(told("OutOfRangeException", message, "SELECT LOG(x) FROM t")) == sentence


def test_a_file_that_is_gone_or_damaged_is_no_fault_of_the_query():
    assert told("IOException", "No files found that match the pattern", "SELECT x FROM t") is None
    assert told("InvalidInputException", "No magic bytes found at end of file 'a.parquet'", "SELECT x FROM t") is None


@pytest.mark.parametrize("first", range(0, 600, 200))
def test_of_queries_with_one_mistake_all_is_told_in_adqls_words(tmp_path_factory, first):
    """`python -m adql.generated.mistakes` asks more."""
    report = mistakes.ask(_world(tmp_path_factory), first, 200)
    assert not report.faults, "\n".join(map(str, report.faults))
    assert min(report.rows, report.sentences) > 10


_WORLDS: list = []


def _world(tmp_path_factory):
    if not _WORLDS:
        _WORLDS.append(worlds(tmp_path_factory.mktemp("mistakes"))[0])
    return _WORLDS[0]
