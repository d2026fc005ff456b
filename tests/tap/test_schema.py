"""A service describes its tables, and its answers keep to that."""

import pyarrow as pa
import pytest
from servers.faults import Fault, always, describe, drop, retype

from sedsql.adql.parser.identifiers import quoted
from sedsql.catalogue import Column, table_of
from sedsql.mirror.archive import TABLES
from sedsql.tap.columns import columns_of, datatype, same_columns
from sedsql.tap.errors import Changed, Refused
from sedsql.tap.names import in_adql

NAME = "gaiadr3.gaia_source"


def told(table):
    # Whether astropy writes a unit such as electron between quotes depends on what was imported before.
    return {
        c.name: (c.datatype, c.unit and c.unit.replace("'", ""), c.ucd, c.description) for c in table.columns.values()
    }


@pytest.mark.parametrize("name", [NAME, "GaiaDR3.Gaia_Source", '"gaiadr3"."gaia_source"'])
def test_a_table_is_as_the_archive_has_it(service, name):
    table = service.table(name)
    assert table.name == NAME
    assert table.position == ("ra", "dec")
    assert told(table) == told(TABLES[NAME])


def test_the_vosi_tables_stand_in_for_tap_schema(service, faulty):
    faulty.faults.append(always(Fault("status", 400, on="TAP_SCHEMA", body="no such schema")))
    assert told(service.table(NAME)) == told(TABLES[NAME])
    with pytest.raises(Refused, match=NAME):
        service.table("gaiadr3.gaia_sauce")


@pytest.mark.parametrize("name", ["gaiadr3.gaia_sorce", "gaia_source", "gaiadr3_gaia_source"])
def test_an_unknown_table_names_the_nearest(service, name):
    with pytest.raises(Refused, match=f"has no table {name}; there is .*{NAME}"):
        service.table(name)


def test_types_are_those_that_are_sent(service, faulty):
    faulty.faults.append(always(Fault("change", retype("parallax", pa.float32()), on="TOP 1 ")))
    assert service.table(NAME).columns["parallax"].datatype == "REAL"


@pytest.mark.parametrize(
    "change, words",
    [
        (drop("ruwe"), "without ruwe"),
        (describe("ruwe", name="rawe"), "without ruwe; with rawe"),
        (retype("ruwe", pa.string()), "with ruwe as VARCHAR where REAL was"),
        (describe("parallax", unit="arcsec"), "with parallax in arcsec where mas was"),
    ],
)
def test_a_changed_answer_is_found(service, faulty, change, words):
    table = service.table(NAME)
    query = f"SELECT {', '.join(table.columns)} FROM {NAME}"
    same_columns(table, service.fetch(query, maxrec=5).table.schema)
    faulty.faults.append(Fault("change", change))
    with pytest.raises(Changed, match=words):
        same_columns(table, service.fetch(query, maxrec=5).table.schema)


def test_lists_and_times_are_told():
    schema = pa.schema([("l", pa.list_(pa.float64())), ("t", pa.timestamp("us")), ("s", pa.string())])
    assert [column.datatype for column in columns_of(schema)] == ["DOUBLE[]", "TIMESTAMP", "VARCHAR"]
    unparsed = table_of("x", None, [Column("s", "TIMESTAMP")])
    same_columns(unparsed, pa.schema([("s", pa.string())]))


@pytest.mark.parametrize(
    "row, expected",
    [
        ({"datatype": "adql:DOUBLE"}, "DOUBLE"),
        ({"datatype": "double", "arraysize": "*"}, "DOUBLE[]"),
        ({"datatype": "float", "arraysize": "1"}, "REAL"),
        ({"datatype": "VARCHAR(30)"}, "VARCHAR"),
        ({"datatype": "char", "arraysize": "*", "xtype": "timestamp"}, "TIMESTAMP"),
        ({"datatype": "unsignedByte"}, "SMALLINT"),
        ({"datatype": "long"}, "BIGINT"),
        ({"datatype": "adql:POINT"}, "VARCHAR"),
    ],
)
def test_the_words_of_both_versions_of_tap(row, expected):
    assert datatype(row) == expected


def test_names_that_adql_needs_quoted():
    assert [quoted(name) for name in ("ra", "RAJ2000", "e_B-V", "size", "2mass", 'a"b')] == [
        "ra",
        "RAJ2000",
        '"e_B-V"',
        '"size"',
        '"2mass"',
        '"a""b"',
    ]


def test_table_names_as_a_query_has_them():
    names = ["gaiadr3.gaia_source", '"II/246/out"', "II/246/out", "vizier.II/246/out", "J/A+A/1.2/x"]
    assert [in_adql(name) for name in names] == [
        "gaiadr3.gaia_source",
        '"II/246/out"',
        '"II/246/out"',
        'vizier."II/246/out"',
        '"J/A+A/1.2/x"',
    ]


def test_a_service_without_keys_has_none(service, faulty):
    faulty.faults.append(always(Fault("status", 400, on="TAP_SCHEMA.keys", body="no such table")))
    assert service.keys(NAME) == []
