"""TAP_SCHEMA describes itself (TAP 1.1, Section 4) and agrees with the VOSI tables; its names stand in queries."""

from io import BytesIO
from xml.etree import ElementTree

import duckdb
import pyarrow as pa
import pytest
from pyvo.io.vosi import parse_tables

import sedsql
from sedsql.catalogue import Key
from sedsql.mirror.database import open_mirror
from sedsql.mirror.lock import writing
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.sample import write_sample
from sedsql.mirror.tableset import one_table, tableset
from sedsql.mirror.tapschema import read_keys

ODD = (
    'CREATE TABLE vizier."J/A+A/650/A1/table.2" ("size" INT, "e_J""mag" DOUBLE, flux DOUBLE[], seen DATE, name VARCHAR)'
)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    """A sky with a table whose names need quotes, and a foreign key on it."""
    path = tmp_path_factory.mktemp("tableset") / "sky"
    write_sample(path, 300, seed=3, stores=False)
    with duckdb.connect(path / "mirror.duckdb") as con:
        con.execute("CREATE SCHEMA vizier")
        con.execute(ODD)
    with writing(path):
        held = Mirror.read(path)
        name = "vizier.J/A+A/650/A1/table.2"
        held.save(keys=[Key(name, "gaiadr3.gaia_source", (("size", "source_id"),))])
        held.save()
    return path


@pytest.fixture(scope="module")
def document(mirror):
    with open_mirror(mirror) as con, sedsql.connect(mirror) as connection:
        return tableset(connection.catalogue, read_keys(con), {"gaiadr3.gaia_source": 300})


@pytest.fixture(scope="module")
def listed(document):
    """The tables by name, as pyvo reads them."""
    return {table.name: table for table in parse_tables(BytesIO(document).read).iter_tables()}


def rows_of(mirror, query):
    with sedsql.connect(mirror) as con:
        return con.execute(query).fetchall()


def test_tap_schema_describes_itself(mirror):
    own = dict(
        rows_of(mirror, "SELECT table_name, description FROM TAP_SCHEMA.tables WHERE schema_name = 'tap_schema'")
    )
    assert set(own) == {f"tap_schema.{name}" for name in ("schemas", "tables", "columns", "keys", "key_columns")}
    assert all(own.values())
    with open_mirror(mirror) as con:
        there = con.execute(
            "SELECT 'tap_schema.' || table_name, column_name FROM duckdb_columns() "
            "WHERE database_name = 'mirror' AND schema_name = 'tap_schema'"
        ).fetchall()
    told = rows_of(mirror, "SELECT table_name, column_name, std FROM TAP_SCHEMA.columns WHERE std = 1")
    assert {(table, name.strip('"')) for table, name, _ in told} == set(there)
    assert ("tap_schema.columns", '"size"', 1) in told


def test_every_name_of_tap_schema_can_be_pasted_into_a_query(mirror):
    columns = rows_of(mirror, "SELECT table_name, column_name FROM TAP_SCHEMA.columns")
    tables = {}
    for table, column in columns:
        tables.setdefault(table, []).append(column)
    assert 'vizier."J/A+A/650/A1/table.2"' in tables
    with sedsql.connect(mirror, strict=True) as con:
        for table, names in tables.items():
            stars = con.execute(f"SELECT TOP 1 * FROM {table}").arrow()
            picked = con.execute(f"SELECT TOP 1 {', '.join(names)} FROM {table}").arrow()
            assert stars.column_names == picked.column_names, table


def test_the_vosi_tables_agree_with_tap_schema(mirror, document):
    query = (
        "SELECT table_name, column_name, datatype, arraysize, xtype, unit, ucd, description, indexed "
        "FROM TAP_SCHEMA.columns"
    )
    found = {}
    for table in ElementTree.fromstring(document).iter("table"):
        for column in table.iter("column"):
            kind = column.find("dataType")
            assert kind.get("{http://www.w3.org/2001/XMLSchema-instance}type") == "vs:VOTableType"
            types = (kind.text, kind.get("arraysize"), kind.get("extendedType"))
            meaning = [column.findtext(word) for word in ("unit", "ucd", "description")]
            indexed = int("indexed" in [flag.text for flag in column.iter("flag")])
            found[table.findtext("name"), column.findtext("name")] = (*types, *meaning, indexed)
    told = {(table, column): tuple(about) for table, column, *about in rows_of(mirror, query)}
    assert found == told
    odd = {name: about[:3] for (table, name), about in found.items() if "J/A+A" in table}
    assert odd == {
        '"size"': ("int", None, None),
        '"e_J""mag"': ("double", None, None),
        "flux": ("double", "*", None),
        "seen": ("char", "*", "timestamp"),
        "name": ("unicodeChar", "*", None),
    }


def test_rows_are_told_where_they_are_known(listed):
    assert {name: table.nrows for name, table in listed.items() if table.nrows} == {"gaiadr3.gaia_source": 300}


def test_foreign_keys_are_told_with_names_that_need_quotes(mirror, listed):
    (key,) = listed['vizier."J/A+A/650/A1/table.2"'].foreignkeys
    assert (key.targettable, [(c.fromcolumn, c.targetcolumn) for c in key.fkcolumns]) == (
        "gaiadr3.gaia_source",
        [('"size"', "source_id")],
    )
    (pair,) = rows_of(
        mirror,
        "SELECT k.from_table, c.from_column FROM TAP_SCHEMA.keys AS k JOIN TAP_SCHEMA.key_columns AS c USING (key_id) "
        "WHERE k.from_table LIKE 'vizier.%'",
    )
    assert pair == ('vizier."J/A+A/650/A1/table.2"', '"size"')


def test_one_table_and_the_short_list(mirror):
    with sedsql.connect(mirror) as con:
        short = parse_tables(BytesIO(tableset(con.catalogue, columns=False)).read)
        assert not any(table.columns for table in short.iter_tables())
        alone = one_table(con.catalogue.tables["sed.classified"])
    assert alone.startswith(b"<?xml")
    assert b"<vosi:table " in alone
    assert b"<name>class_path</name>" in alone


def test_text_that_xml_cannot_have_is_replaced(mirror):
    with sedsql.connect() as con:
        con.duckdb.execute("CREATE TABLE odd AS SELECT 1 AS a")
        con.duckdb.execute("COMMENT ON TABLE odd IS 'a\x0bb'")
        con.upload("mine", pa.table({"a": [1]}))
        document = tableset(type(con.catalogue).of(con.duckdb))
    assert "a\ufffdb".encode() in document
