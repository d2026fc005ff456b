"""Write TAP_SCHEMA of a mirror (TAP 1.1, Section 4): what a TAP service would tell of its tables."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from sedsql.catalogue import Catalogue, Column, Key, Table
from sedsql.catalogue.datatypes import DATATYPES
from sedsql.mirror import archive
from sedsql.mirror.manifest import OWN_SCHEMAS
from sedsql.mirror.table_state import Tables

_COLUMNS = {
    "schemas": "schema_name utype description schema_index:i",
    "tables": "schema_name table_name table_type utype description table_index:i",
    "columns": "table_name column_name datatype arraysize xtype size:i description utype unit ucd "
    "indexed:i principal:i std:i column_index:i",
    "keys": "key_id from_table target_table description utype",
    "key_columns": "key_id from_column target_column",
}


def write(con: duckdb.DuckDBPyConnection, tables: Tables, note: str, keys: Sequence[Key]) -> None:
    """Replace the schema `tap_schema` of the connection's current database.

    tables : of the mirror
    note : what the descriptions of other views begin with
    keys : to add to those that are there
    """
    described = {name: state.table for name, state in tables.items()}
    rows: dict[str, list[tuple]] = {name: [] for name in _COLUMNS}
    _add_tables(rows, Catalogue.of(con), described, note)
    for number, key in enumerate(dict.fromkeys([*_read_keys(con), *keys])):
        rows["keys"].append((str(number), key.from_table, key.target_table, None, None))
        rows["key_columns"] += [(str(number), *pair) for pair in key.columns]
    con.execute("CREATE SCHEMA IF NOT EXISTS tap_schema")
    for name, columns in _COLUMNS.items():
        _write_table(con, name, columns.split(), rows[name])


def _add_tables(rows: dict[str, list[tuple]], catalogue: Catalogue, described: dict[str, Table], note: str) -> None:
    """Add the rows that tell of schemas, tables and columns."""
    # A column of another view is described like the first that has its name.
    by_name = {column.name: column for table in reversed(described.values()) for column in table.columns.values()}
    by_name |= {column.name: column for column in archive.COMPUTED}
    found = [(name, table) for name, table in catalogue.tables.items() if name.split(".")[0] not in OWN_SCHEMAS]
    for index, (name, table) in enumerate(found):
        known = described.get(name, table)
        text = known.description or ""
        if name not in described and not text.startswith(note):
            text = note + text
        schema, _ = table.parts
        rows["tables"].append((schema, table.name, "view", None, text or None, index))
        for place, column in enumerate(table.columns.values()):
            others = {} if name in described or column.name in table.asked else by_name
            about = _about(column, known, others)
            rows["columns"].append((table.name, *about, place))
    schemas = list(dict.fromkeys(row[0] for row in rows["tables"]))
    rows["schemas"] = [(schema, None, None, index) for index, schema in enumerate(schemas)]


def _about(column: Column, table: Table, by_name: dict[str, Column]) -> tuple:
    """A row of TAP_SCHEMA.columns, without the name of the table and the column's place in it."""
    known = table.columns.get(column.name.lower(), column)
    known = by_name.get(column.name, known)
    base = column.datatype.removesuffix("[]")
    text = base in ("VARCHAR", "TIMESTAMP")
    size = "*" if text or column.datatype.endswith("[]") else None
    xtype = "timestamp" if base == "TIMESTAMP" else None
    indexed = int(column.name == table.sort_column)
    datatype = DATATYPES[base].votable if base in DATATYPES else base.lower()
    return (column.name, datatype, size, xtype, None, known.description, None, known.unit, known.ucd, indexed, 1, 0)


def _write_table(con: duckdb.DuckDBPyConnection, name: str, columns: list[str], rows: list[tuple]) -> None:
    schema = pa.schema(
        [(column.removesuffix(":i"), pa.int32() if column.endswith(":i") else pa.string()) for column in columns]
    )
    arrays = [pa.array([row[k] for row in rows], field.type) for k, field in enumerate(schema)]
    con.register("_new", pa.Table.from_arrays(arrays, schema=schema))
    con.execute(f"CREATE OR REPLACE TABLE tap_schema.{name} AS SELECT * FROM _new")
    con.unregister("_new")


def _read_keys(con: duckdb.DuckDBPyConnection) -> list[Key]:
    """The foreign keys that `tap_schema` has."""
    there = con.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() "
        "AND schema_name = 'tap_schema' AND table_name = 'key_columns'"
    ).fetchone()
    if not there or not there[0]:
        return []
    rows = con.execute(
        "SELECT from_table, target_table, list((from_column, target_column)) FROM tap_schema.keys "
        "JOIN tap_schema.key_columns USING (key_id) GROUP BY key_id, from_table, target_table ORDER BY key_id::INT"
    ).fetchall()
    return [Key(one, other, tuple(map(tuple, columns))) for one, other, columns in rows]
