"""Write TAP_SCHEMA of a mirror (TAP 1.1, Section 4): what a TAP service would tell of its tables."""

from collections.abc import Sequence
from dataclasses import replace

import duckdb
import pyarrow as pa

from sedsql.adql.parser.identifiers import quoted
from sedsql.catalogue import Catalogue, Column, Key, Table, table_of
from sedsql.catalogue.datatypes import arrow_type
from sedsql.mirror import archive
from sedsql.mirror.declared import (
    OWN,
    SCHEMA_DESCRIPTIONS,
    TAP_SCHEMA,
    TAP_SCHEMA_KEYS,
    by_schema,
    declared,
    name_of,
    shown_columns,
    tables_of,
)
from sedsql.mirror.table_state import Tables
from sedsql.sql_text import without_quotes


def write(con: duckdb.DuckDBPyConnection, tables: Tables, note: str, keys: Sequence[Key]) -> None:
    """Replace the schema `tap_schema` of the connection's current database.

    tables : of the mirror
    note : what the descriptions of other views begin with
    keys : to add to those that are there
    """
    described = {name: state.table for name, state in tables.items()}
    rows: dict[str, list[tuple]] = {name: [] for name in TAP_SCHEMA}
    _add_tables(rows, _known(Catalogue.of(con), described, note))
    for number, key in enumerate(dict.fromkeys([*read_keys(con), *keys, *TAP_SCHEMA_KEYS])):
        rows["keys"].append((str(number), name_of(Table(key.from_table)), name_of(Table(key.target_table)), None, None))
        rows["key_columns"] += [(str(number), *map(quoted, pair)) for pair in key.columns]
    con.execute("CREATE SCHEMA IF NOT EXISTS tap_schema")
    for name, table in TAP_SCHEMA.items():
        _write_table(con, name, table, rows[name])


def _known(catalogue: Catalogue, described: dict[str, Table], note: str) -> list[Table]:
    """Describe the tables of a catalogue by those of the mirror."""
    # A column of another view is described like the first that has its name.
    by_name = {column.name: column for table in reversed(described.values()) for column in table.columns.values()}
    by_name |= {column.name: column for column in archive.COMPUTED}
    found = []
    for table in tables_of(catalogue):
        name = table.name.lower()
        known = described.get(name, table)
        text = known.description or ""
        if table.parts[0] != OWN and name not in described and not text.startswith(note):
            text = note + text
        others = {} if name in described or table.parts[0] == OWN else by_name
        columns = [
            _about(column, known, {} if column.name in table.asked else others) for column in table.columns.values()
        ]
        found.append(table_of(table.name, text or None, columns))
    return found


def _about(column: Column, table: Table, by_name: dict[str, Column]) -> Column:
    """Describe a column by that of the table as the mirror knows it, or another's of its name."""
    known = table.columns.get(column.name.lower(), column)
    known = by_name.get(column.name, known)
    return replace(column, unit=known.unit, ucd=known.ucd, description=known.description)


def _add_tables(rows: dict[str, list[tuple]], tables: list[Table]) -> None:
    """Add the rows that tell of schemas, tables and columns."""
    for index, table in enumerate(tables):
        schema, name = quoted(table.parts[0]), name_of(table)
        kind = "table" if table.parts[0] == OWN else "view"
        rows["tables"].append((schema, name, kind, None, table.description, index))
        for place, column in enumerate(shown_columns(table)):
            one = declared(column, table)
            types = (one.datatype, one.arraysize, one.xtype, None)
            meaning = (one.description, None, one.unit, one.ucd)
            rows["columns"].append((name, one.name, *types, *meaning, int(one.indexed), 1, int(one.std), place))
    rows["schemas"] = [
        (schema, None, SCHEMA_DESCRIPTIONS.get(schema), index) for index, schema in enumerate(by_schema(tables))
    ]


def _write_table(con: duckdb.DuckDBPyConnection, name: str, table: Table, rows: list[tuple]) -> None:
    schema = pa.schema([(column.name, arrow_type(column.datatype)) for column in table.columns.values()])
    arrays = [pa.array([row[k] for row in rows], field.type) for k, field in enumerate(schema)]
    con.register("_new", pa.Table.from_arrays(arrays, schema=schema))
    con.execute(f"CREATE OR REPLACE TABLE tap_schema.{name} AS SELECT * FROM _new")
    con.unregister("_new")


def read_keys(con: duckdb.DuckDBPyConnection) -> list[Key]:
    """Read the foreign keys that `tap_schema` has."""
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
    return [Key(without_quotes(one), without_quotes(other), _pairs(columns)) for one, other, columns in rows]


def _pairs(columns: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((without_quotes(own), without_quotes(target)) for own, target in columns)
