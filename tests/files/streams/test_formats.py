"""RESPONSEFORMAT's words, and what every format does: rows are counted, cut at MAXREC, and written as they come."""

import duckdb
import pyarrow as pa
import pytest

from sedsql.files import TableError
from sedsql.files.streams import FORMATS, stream_format, write_stream

from .answers import BrokenError, Pipe, broken_off, everything, written

NAMES = list(FORMATS)
STREAMED = [name for name in NAMES if name != "fits"]


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("votable", "votable"),
        ("application/x-votable+xml", "votable"),
        ("application/x-votable+xml; serialization=TABLEDATA", "votable-td"),
        ('Application/x-votable+xml;serialization="Binary"', "votable-binary"),
        ("text/xml", "votable"),
        ("votable/td", "votable-td"),
        ("votable/b2", "votable"),
        ("CSV", "csv"),
        ("text/csv; header=present; charset=UTF-8", "csv"),
        ("text/tab-separated-values", "tsv"),
        ("application/fits", "fits"),
        ("application/json", "json"),
        ("application/vnd.apache.parquet", "parquet"),
        ("application/vnd.apache.arrow.stream", "arrow"),
    ],
)
def test_what_responseformat_calls_a_format(word, name):
    assert stream_format(word) is FORMATS[name]


def test_every_name_and_mime_type_is_known_and_no_alias_is_of_two_formats():
    words = [word for one in FORMATS.values() for word in {one.name, one.mime.lower(), *one.aliases}]
    assert len(set(words)) == len(words)
    for one in FORMATS.values():
        assert all(stream_format(word) is one for word in (one.name, one.mime, one.name.upper(), *one.aliases))
        assert all(word == "".join(word.lower().split()) for word in one.aliases)


@pytest.mark.parametrize("word", ["", "cvs", "text/csv;header=absent", "votable;serialization=xml", "text/html"])
def test_formats_that_are_none(word):
    with pytest.raises(TableError, match=r"No format is called '.*'; (did you mean|there is) "):
        stream_format(word)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("maxrec", "rows", "overflow"), [(0, 0, True), (3, 3, True), (4, 4, True), (7, 7, False), (8, 7, False)]
)
def test_rows_up_to_maxrec(name, maxrec, rows, overflow):
    _, said = written(name, everything().select(["ra", "kind"]), maxrec=maxrec)
    assert (said.rows, said.overflow) == (rows, overflow)


@pytest.mark.parametrize("name", NAMES)
def test_no_batch_is_asked_for_with_maxrec_0(name):
    def batches():
        raise BrokenError
        yield

    schema = everything().schema
    assert write_stream(Pipe(), FORMATS[name], schema, batches(), maxrec=0).rows == 0


@pytest.mark.parametrize("name", STREAMED)
def test_rows_are_written_before_the_next_batch_is_asked_for(name):
    table = pa.table({"a": pa.array(range(500_000))})
    pipe, seen = Pipe(), []

    def batches():
        for batch in table.to_batches(max_chunksize=125_000):
            seen.append(len(pipe.content))
            yield batch

    write_stream(pipe, FORMATS[name], table.schema, batches())
    assert seen[1] > 10_000
    assert sorted(set(seen)) == seen


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_that_fails_at_once_has_no_byte(name):
    assert broken_off(name, everything(), after=0) == b""


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("votable")])
def test_an_answer_that_fails_is_cut_off(name):
    table = everything().select(["ra", "kind"])
    broken, (whole, _) = broken_off(name, table), written(name, table)
    assert whole.startswith(broken)
    assert len(broken) < len(whole)


RARE = """
SELECT INTERVAL 1 DAY AS a, TIME '12:00:00' AS b, '101'::BIT AS c, MAP {'a': 1} AS d, union_value(a := 1) AS e,
    1::UHUGEINT AS f, 'a'::ENUM ('a', 'b') AS g,
    '\\xAA'::BLOB AS h, [[1, 2], [3]] AS i, [[1, 2], [3, 4]]::INT[2][2] AS j,
    '12:00:00+02'::TIMETZ AS k, TIMESTAMP_NS '2020-01-01' AS l, 'infinity'::DATE AS m, '-infinity'::TIMESTAMP AS n,
    '{"a": 1}'::JSON AS o, [DATE '2020-01-01'] AS p, ['a'::ENUM ('a', 'b')] AS q, [1.5::DECIMAL(4, 1)] AS r,
    ['a'::BLOB] AS s, [1::UTINYINT] AS t, uuid() AS u, TIMESTAMPTZ '2020-01-01 00:00:00+00' AS v, [true, NULL] AS w
"""


@pytest.mark.parametrize("name", NAMES)
def test_every_type_of_duckdb_is_written_in_some_way(name):
    one = duckdb.sql(RARE).to_arrow_table()
    nulls = pa.table([pa.nulls(1, kind) for kind in one.schema.types], schema=one.schema)
    content, said = written(name, pa.concat_tables([one, nulls, one]))
    assert said.rows == 3
    assert len(content) > 500
