"""Keep tables that users upload in memory, for ADQL to name as TAP_UPLOAD.name (TAP 1.1, Section 2.5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import duckdb

from sedsql.catalogue import Catalogue, Column, Table, table_of, tap_type
from sedsql.dbapi.module import own_errors
from sedsql.errors import ProgrammingError

if TYPE_CHECKING:
    from sedsql.files import Rows

UPLOADS = "tap_upload"
"""The schema of uploaded tables, in the memory of this process."""

_REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def store_upload(con: duckdb.DuckDBPyConnection, name: str, rows: Rows) -> Table:
    """Store rows as a table of the schema UPLOADS, and describe it for the catalogue; replace a table of that name."""
    from sedsql.files import arrow_of  # astropy takes half a second, and most connections get no upload

    table = arrow_of(rows)
    if not _REGULAR.fullmatch(name):
        raise ProgrammingError(f"{name!r} cannot be a table's name; use a letter first, then letters, digits and _.")
    if not table.num_columns:
        raise ProgrammingError(f"The table {name!r} has no columns.")
    seen: dict[str, str] = {}
    for column in table.column_names:
        if (other := seen.get(column.lower())) is not None:
            which = f"are both called {column}" if other == column else f"{other} and {column} differ in case alone"
            raise ProgrammingError(f"Columns of {name!r} {which}, and a query could not tell them apart; rename one.")
        seen[column.lower()] = column
    con.register("_upload", table)
    try:
        with own_errors():
            con.execute(f"CREATE OR REPLACE TABLE {_in_memory(name)} AS FROM _upload")
    finally:
        con.unregister("_upload")
    stored = con.execute(f"FROM {_in_memory(name)} LIMIT 0").description or []
    columns = []
    for field, (_, kind, *_) in zip(table.schema, stored, strict=True):
        about = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        known = {key: about.get(key) for key in ("unit", "ucd", "description")}
        columns.append(Column(field.name, tap_type(str(kind)), **known))
    return table_of(f"{UPLOADS}.{name}", None, columns)


def drop_upload(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Drop the table of an upload; nothing where there is none."""
    con.execute(f"DROP TABLE IF EXISTS {_in_memory(name)}")


def uploads_of(catalogue: Catalogue) -> dict[str, Table]:
    """Choose the uploaded tables of a catalogue, by their names there."""
    return {name: table for name, table in catalogue.tables.items() if name.startswith(f"{UPLOADS}.")}


def _in_memory(name: str) -> str:
    return f'memory.{UPLOADS}."{name}"'
