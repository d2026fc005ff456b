"""Read and write the manifest of a mirror in DIR/mirror.duckdb: its tables, their files, pieces and wanted ranges."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from sedsql.catalogue import Catalogue, Table
from sedsql.catalogue.classified import stored
from sedsql.errors import Error
from sedsql.mirror.ranges import pairs
from sedsql.mirror.stored import CLASSES
from sedsql.mirror.table_state import File, Piece, Tables, TableState

VERSION = 2
RELATIVE = 1
"""The version of mirrors whose views read files in the current directory, if those are there."""
DATABASE = "mirror.duckdb"


class MirrorError(Error):
    """A folder is no mirror, or cannot be used as one."""


class LaterVersion(MirrorError):  # noqa: N818
    """A later sedsql made the mirror."""


OWN_SCHEMAS = ("manifest", "tap_schema", "information_schema", "pg_catalog")
"""Schemas of a mirror that hold no table of an archive."""


def check_name(table: Table) -> None:
    """Raise MirrorError for a name that no table of a mirror can have, as a service may give it."""
    if table.parts[0].lower() in OWN_SCHEMAS:
        raise MirrorError(f"{table.name} cannot be in a mirror, which has a schema {table.parts[0]} of its own")
    if len(table.name) > 200 or not table.name.isprintable() or not table.name.strip():
        raise MirrorError(
            f"{table.name[:50]!r} is no name for a table: it is empty, too long, or has characters that cannot be seen"
        )


_RANGES = pa.list_(pa.list_(pa.int64()))
_SCHEMAS = {
    "tables": pa.schema(
        {
            "table_name": pa.string(),
            "partition_order": pa.int32(),
            "service": pa.string(),
            "condition": pa.string(),
            "slicing": pa.string(),
            "place": pa.string(),
            "wanted": _RANGES,
        }
    ),
    "pieces": pa.schema(
        {
            "table_name": pa.string(),
            "name": pa.string(),
            "ranges": _RANGES,
            "rows": pa.int64(),
            "remote_rows": pa.int64(),
            "count_query": pa.string(),
            "fetched": pa.string(),
        }
    ),
    "files": pa.schema(
        {
            "table_name": pa.string(),
            "path": pa.string(),
            "rows": pa.int64(),
            "bytes": pa.int64(),
            "sha256": pa.string(),
            "low": pa.int64(),
            "high": pa.int64(),
            "pieces": pa.list_(pa.string()),
            "reach": pa.float64(),
        }
    ),
}


def write(con: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    """Replace the schema `manifest` of the connection's current database."""
    rows: dict[str, list[dict]] = {name: [] for name in _SCHEMAS}
    for state in tables.values():
        table = {"table_name": state.table.name}
        settings = json.dumps(state.partitioning) if state.partitioning else None
        rows["tables"].append(
            table
            | {"partition_order": state.order, "service": state.service, "condition": state.condition}
            | {"slicing": settings, "place": state.place, "wanted": state.wanted}
        )
        rows["pieces"] += [table | asdict(piece) for piece in state.pieces.values()]
        rows["files"] += [table | asdict(file) for file in state.files.values()]
    con.execute("CREATE SCHEMA IF NOT EXISTS manifest")
    con.execute(f"CREATE OR REPLACE TABLE manifest.mirror AS SELECT {VERSION} AS version")
    for name, schema in _SCHEMAS.items():
        con.register("_new", pa.Table.from_pylist(rows[name], schema))
        con.execute(f"CREATE OR REPLACE TABLE manifest.{name} AS SELECT * FROM _new")
        con.unregister("_new")


def version(con: duckdb.DuckDBPyConnection) -> int | None:
    """The version of the manifest in the connection's current database; None where there is none."""
    try:
        found = con.execute("SELECT version FROM manifest.mirror").fetchall()
    except duckdb.Error:
        return None
    return found[0][0] if found else None


def names(con: duckdb.DuckDBPyConnection) -> Tables:
    """Read only the names of tables and files in the connection's current database; none where it has no manifest."""
    there = con.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'manifest' "
        "AND table_name IN ('tables', 'files')"
    ).fetchall()
    if there != [(2,)]:
        return {}
    tables = con.execute("SELECT table_name, place FROM manifest.tables").fetchall()
    found = {name.lower(): TableState(Table(name), place=place) for name, place in tables}
    for name, path in con.execute("SELECT table_name, path FROM manifest.files").fetchall():
        found[name.lower()].files[path] = File(path, 0, 0, None, None, None)
    return found


def read(con: duckdb.DuckDBPyConnection, mirror: str | Path) -> Tables:
    """Read the manifest in the connection's current database.

    mirror : its folder, for messages

    Raises MirrorError where the manifest is damaged, LaterVersion where a later sedsql wrote it.
    """
    written = version(con)
    if written is None:
        raise MirrorError(f"{mirror} has no manifest; `sedsql mirror repair {mirror}` makes one from its files")
    if written > VERSION:
        raise LaterVersion(
            f"{mirror} was made by a later sedsql (manifest {written}, this one reads up to {VERSION}); "
            "upgrade with `pip install --upgrade sedsql`"
        )
    found: Tables = {}
    try:
        catalogue = Catalogue.of(con)
        for row in _rows(con, "tables"):
            settings = json.loads(row["slicing"]) if row["slicing"] else None
            table = catalogue.tables[row["table_name"].lower()]
            found[row["table_name"].lower()] = TableState(
                stored(table) if (settings or {}).get("kind") == CLASSES else table,
                row["partition_order"],
                row["service"],
                row["condition"],
                settings,
                row["place"],
                pairs(row["wanted"]),
            )
        for row in _rows(con, "pieces"):
            name = row.pop("table_name").lower()
            found[name].pieces[row["name"]] = Piece(**row | {"ranges": pairs(row["ranges"])})
        for row in _rows(con, "files"):
            name = row.pop("table_name").lower()
            if found[name].place is None and (row["path"].startswith("/") or ".." in row["path"].split("/")):
                raise ValueError(f"{row['path']} is outside of the mirror")
            found[name].files[row["path"]] = File(**row | {"pieces": tuple(row["pieces"])})
    except (duckdb.Error, KeyError, TypeError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise MirrorError(
            f"The manifest of {mirror} is damaged ({reason}); `sedsql mirror repair {mirror}` makes it anew"
        ) from error
    return found


def _rows(con: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    return con.sql(f"SELECT * FROM manifest.{name}").to_arrow_table().to_pylist()
