"""Times that DALI cannot write, such as DuckDB's infinity, are NULL as text; Parquet and Arrow keep them."""

import csv
import io
import json

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from sedsql.tap.votable import read

from .answers import written

BEYOND = ["infinity", "-infinity", "12000-01-02", "50000-01-02", "0044-03-15 (BC)"]
WITHIN = ["2016-01-02", "9999-12-31", "0001-01-01", None]
TYPES = ["DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS"]


@pytest.fixture(scope="module")
def table():
    """Each of these as each type, and in lists and records."""
    columns = ", ".join(f"CAST(word AS {kind}) AS {kind.lower()}_" for kind in TYPES)
    inner = "[CAST(word AS DATE)] AS days, {'at': CAST(word AS TIMESTAMP)} AS record"
    with duckdb.connect() as con:
        words = "(SELECT unnest($words) AS word)"
        return con.sql(f"SELECT {columns}, {inner} FROM {words}", params={"words": BEYOND + WITHIN}).to_arrow_table()


def expected(kind):
    moment = "" if kind == "DATE" else "T00:00:00"
    return [None] * len(BEYOND) + [day and day + moment for day in WITHIN]


DAYS = [json.dumps([day]) for day in expected("DATE")]


@pytest.mark.parametrize(("name", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_in_csv(table, name, delimiter):
    content = written(name, table)[0].decode()
    rows = list(csv.DictReader(io.StringIO(content), delimiter=delimiter))
    for kind in TYPES:
        assert [row[f"{kind.lower()}_"] or None for row in rows] == expected(kind), kind
    assert [row["days"] for row in rows] == DAYS
    assert [json.loads(row["record"])["at"] for row in rows] == expected("TIMESTAMP")


def test_in_json(table):
    rows = json.loads(written("json", table)[0])["data"]
    for k, kind in enumerate(TYPES):
        assert [row[k] for row in rows] == expected(kind), kind
    assert [json.dumps(row[-2]) for row in rows] == DAYS
    assert [row[-1]["at"] for row in rows] == expected("TIMESTAMP")


@pytest.mark.parametrize("name", ["votable", "votable-binary", "votable-td"])
def test_in_a_votable(table, name):
    found = read([written(name, table)[0]]).table
    for kind in TYPES:
        texts = found[f"{kind.lower()}_"].cast(pa.string()).to_pylist()
        days = [None if text is None else text[:10] for text in texts]
        assert [day or None for day in days] == expected("DATE"), kind
    assert found["days"].to_pylist() == DAYS


def test_in_fits(table):
    found = fits.open(io.BytesIO(written("fits", table)[0]))[1].data
    for kind in TYPES:
        assert [text or None for text in found[f"{kind.lower()}_"]] == expected(kind), kind


def test_nanoseconds_have_an_infinity_too():
    words = "('infinity'), ('-infinity'), ('2016-01-02')"
    table = duckdb.sql(f"SELECT CAST(t.w AS TIMESTAMP_NS) AS n FROM (VALUES {words}) AS t(w)").to_arrow_table()
    assert written("csv", table)[0] == b"n\n\n\n2016-01-02T00:00:00\n"


@pytest.mark.parametrize("name", ["arrow", "parquet"])
def test_arrow_and_parquet_keep_them(table, name):
    table = table.drop_columns(["timestamp_s_"])  # Parquet has no seconds
    content = written(name, table)[0]
    found = pa.ipc.open_stream(content).read_all() if name == "arrow" else pq.read_table(io.BytesIO(content))
    with duckdb.connect() as con:
        con.register("before", table)
        con.register("after", found)
        assert con.sql("SELECT * FROM before EXCEPT ALL SELECT * FROM after").fetchall() == []
        assert con.sql("SELECT count(*) FROM after WHERE isinf(timestamp_) AND isinf(date_)").fetchall() == [(2,)]
