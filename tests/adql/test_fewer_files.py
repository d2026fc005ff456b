"""A table is read from the files that can have rows of the query: all that have one, and few others."""

import re

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sedsql
from sedsql.adql import translate
from sedsql.catalogue.table import CellFile

from .conftest import Catalogue, table

SHIFT = 35
FILES = tuple(CellFile(f"f{k}", 100 * k, 100 * k + 60 + k) for k in range(12))
KNOWN = {"sort_column": "source_id", "cell_shift": SHIFT, "files": FILES}
CATALOGUE = Catalogue(
    {
        "g.t": table("source_id:BIGINT ra:DOUBLE dec:DOUBLE", position=("ra", "dec"), cell_column="source_id", **KNOWN),
        "g.m": table("source_id:BIGINT other:BIGINT", **KNOWN),
        "g.plain": table("source_id:BIGINT"),
    }
)
CON = duckdb.connect()
CON.execute("CREATE TABLE ids (file VARCHAR, source_id BIGINT)")
for file in FILES:
    # The first and last number of each file, and some between.
    cells = f"SELECT * FROM range({file.low}, {file.high + 1}, 5) UNION ALL SELECT {file.high}"
    CON.execute(
        f"INSERT INTO ids SELECT '{file.path}', cell * {1 << SHIFT} + x FROM ({cells}) AS c(cell), "
        f"(VALUES (0), (12345), ({(1 << SHIFT) - 1})) AS v(x)"
    )


def kept(query, **rest):
    return set(re.findall(r"'(f\d+)'", translate(query, CATALOGUE, rewrites=("files",), **rest)))


ids = st.builds(
    lambda cell, x: (cell << SHIFT) + x, st.integers(0, 1300), st.sampled_from([0, 1, 12345, (1 << 35) - 1])
)
simple = st.builds("t.source_id {} {}".format, st.sampled_from(["=", "<", "<=", ">", ">=", "<>"]), ids)
simple |= st.builds("{} {} source_id".format, ids, st.sampled_from(["=", "<", "<=", ">", ">="]))
simple |= st.builds("source_id BETWEEN {} AND {}".format, ids, ids)
simple |= st.builds("(t.source_id) {}IN ({}, {})".format, st.sampled_from(["", "NOT "]), ids, ids)
simple |= st.sampled_from(["t.ra > 1", "source_id = 5 * 2", "source_id + 1 > 9", "t.source_id = t.source_id", "1 = 1"])
conditions = st.recursive(
    simple,
    lambda inner: (
        st.builds("({} AND {})".format, inner, inner)
        | st.builds("({} OR {})".format, inner, inner)
        | inner.map("NOT ({})".format)
    ),
    max_leaves=5,
)


@settings(max_examples=300)
@given(conditions)
def test_every_file_with_a_row_is_read(condition):
    there = {
        name
        for (name,) in CON.execute(
            f"SELECT DISTINCT file FROM (SELECT *, 2 AS ra FROM ids) AS t WHERE {condition}"
        ).fetchall()
    }
    read = kept(f"SELECT t.source_id FROM g.t AS t WHERE {condition}")
    assert not read or there <= read


ONE = (300 << SHIFT) + 7


@pytest.mark.parametrize(
    ("condition", "files"),
    [
        (f"source_id = {ONE}", {"f3"}),
        (f"{ONE} = t.source_id AND ra > 3", {"f3"}),
        (f"source_id IN ({ONE}, {700 << SHIFT})", {"f3", "f7"}),
        (f"source_id = {ONE} OR source_id BETWEEN {5 << SHIFT} AND {110 << SHIFT}", {"f0", "f1", "f3"}),
        (f"source_id > {1050 << SHIFT} AND source_id < {1110 << SHIFT}", {"f10", "f11"}),
        (f"source_id = {90 << SHIFT}", {"f0"}),  # in no file: one is read, which has no such row
        ("ra > 3", set()),
        (f"source_id = {ONE} OR ra > 3", set()),
        (f"source_id <> {ONE}", set()),
    ],
)
def test_the_files_that_are_read(condition, files):
    assert kept(f"SELECT ra FROM g.t AS t WHERE {condition}") == files
    named = kept(f"SELECT ra FROM t WHERE {condition.replace('t.source_id', 'source_id')}")
    assert named == files


def test_parameters_are_read_exactly():
    query = "SELECT ra FROM g.t WHERE source_id = ?"
    assert kept(query, values=[ONE]) == {"f3"}
    assert kept(query, values=[(1 << SHIFT) * 301 - 1]) == {"f3"}
    assert kept(query) == kept(query, values=["3"]) == kept(query, values=[None]) == set()


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT g.t.ra FROM g.t WHERE source_id = {ONE}",
        f"SELECT g.t.* FROM g.t WHERE source_id = {ONE}",
        f"SELECT p.source_id FROM g.plain AS p WHERE source_id = {ONE}",
        f"SELECT m.source_id FROM g.m AS m WHERE other = {ONE}",
        f"SELECT t.ra FROM g.t AS t, g.m AS m WHERE t.source_id = m.other AND m.other = {ONE}",
        f"SELECT t.ra FROM g.t AS t WHERE EXISTS (SELECT 1 FROM g.plain AS p WHERE t.source_id = {ONE})",
    ],
)
def test_what_stays_as_it_is(query):
    assert kept(query) == set()


def test_each_table_of_a_join_has_its_own():
    query = (
        f"SELECT * FROM g.t AS t LEFT JOIN g.m AS m USING (source_id) WHERE t.source_id = {ONE} AND m.source_id < {ONE}"
    )
    written = translate(query, CATALOGUE, rewrites=("files",))
    assert written.count("'f3'") == 2
    assert written.count("'f0'") == written.count("'f1'") == 1


def test_files_are_read_where_they_stand_and_without_a_subquery():
    """DuckDB takes twice as long to bind a subquery, of which no name of the query needs anything."""
    query = f"SELECT ra FROM g.t WHERE source_id = {ONE}"
    assert translate(query, CATALOGUE, rewrites=("files",)) == (
        f"SELECT ra FROM read_parquet(['f3'], hive_partitioning = false) AS t WHERE source_id = {ONE}"
    )


def test_a_column_of_another_table_is_not_taken_for_the_name_of_a_file(small_mirror):
    """DuckDB knows `filename` in each file that it reads, and finds it first."""
    with sedsql.connect(small_mirror) as con:
        ids = con.sql("SELECT source_id FROM gaiadr3.gaia_source ORDER BY 1 LIMIT 2").fetchall()
        con.upload("list", pa.table({"filename": ["mine", "yours"], "rowid": [5, 6], "n": [one for (one,) in ids]}))
        query = (
            "SELECT filename, rowid FROM gaiadr3.gaia_source AS g, TAP_UPLOAD.list "
            f"WHERE source_id = n AND source_id <= {ids[1][0]} ORDER BY rowid"
        )
        explained: list[str] = []
        con.translate(query, explained)
        assert "of its" in explained[0]
        assert con.execute(query).fetchall() == [("mine", 5), ("yours", 6)]
