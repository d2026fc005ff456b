"""A mirror on disk: DIR/<schema>/<table>/*.parquet, and DIR/mirror.duckdb, which views them.

The views carry the archive's names. Paths in them are relative to DIR, so that a mirror can be moved, and
can be opened by the DuckDB shell from inside DIR.
"""

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import Error
from ..output import new_folder
from ..resources import folder
from . import archive
from .catalogue import Catalogue, Column, Table

DATABASE = "mirror.duckdb"
STORAGE_VERSION = "v1.2.0"
"""A database file of this version opens in DuckDB 1.2 and later."""
ROW_GROUP = 100_000

_ARROW_TYPES = {
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "SMALLINT": pa.int16(),
    "DOUBLE": pa.float64(),
    "REAL": pa.float32(),
    "VARCHAR": pa.string(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us"),
}


class MirrorError(Error):
    """A folder that is no mirror, or cannot be used as one."""


def new_mirror(path: str | os.PathLike, *, force: bool = False) -> AbstractContextManager[Path]:
    """A folder to write a mirror into; it takes its name `path` only when the block ends well."""
    return new_folder(path, what="mirror", mark=DATABASE, force=force)


def arrow_schema(table: Table, metadata: dict[str, str] | None = None) -> pa.Schema:
    """The Arrow schema of a table; each field's metadata has its unit, UCD and description."""
    return pa.schema(
        [
            pa.field(column.name, _ARROW_TYPES[column.datatype], metadata=_about(column))
            for column in table.columns.values()
        ],
        metadata={"table": table.name, "description": table.description or "", **(metadata or {})},
    )


def _about(column: Column) -> dict[str, str]:
    about = {"unit": column.unit, "ucd": column.ucd, "description": column.description}
    return {key: value for key, value in about.items() if value}


class TableWriter:
    """Writes one table's Parquet file in row groups of `ROW_GROUP`, however large the pieces that come."""

    def __init__(self, mirror: Path, table: Table, metadata: dict[str, str] | None = None):
        schema, name = table.name.split(".")
        parts = mirror / schema / name
        parts.mkdir(parents=True)
        self.schema = arrow_schema(table, metadata)
        self._writer = pq.ParquetWriter(
            parts / "part-0.parquet",
            self.schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=[c.name for c in table.columns.values() if c.datatype in ("VARCHAR", "SMALLINT")],
        )
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def write(self, rows: pa.Table) -> None:
        """Append rows, which have the columns of `self.schema`."""
        self._waiting.append(rows.cast(self.schema))
        self._rows += rows.num_rows
        if self._rows >= ROW_GROUP:
            rows = pa.concat_tables(self._waiting)
            whole = self._rows - self._rows % ROW_GROUP
            self._writer.write_table(rows.slice(0, whole), row_group_size=ROW_GROUP)
            # Copied, so that the large tables are let go.
            self._waiting = [pa.Table.from_batches(rows.slice(whole).combine_chunks().to_batches(), self.schema)]
            self._rows -= whole

    def close(self) -> None:
        if self._rows:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=ROW_GROUP)
        self._writer.close()

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self._writer.close()


def write_database(mirror: Path, tables: Iterable[Table], *, note: str = "") -> None:
    """Write DIR/mirror.duckdb: a view for each table, the views of sql/views.sql, and TAP_SCHEMA.

    note : what the descriptions of the views of sql/views.sql begin with
    """
    tables = list(tables)
    with duckdb.connect() as con:
        _look_in(con, mirror)
        con.execute(f"ATTACH {_literal(mirror / DATABASE)} AS mirror (STORAGE_VERSION '{STORAGE_VERSION}')")
        con.execute("USE mirror")
        for table in tables:
            schema, name = table.name.split(".")
            con.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            files = _literal(f"{schema}/{name}/*.parquet")
            con.execute(f'CREATE VIEW "{schema}"."{name}" AS SELECT * FROM read_parquet({files})')
        con.execute((folder("sql") / "rules.sql").read_text(encoding="utf-8"))
        con.execute((folder("sql") / "views.sql").read_text(encoding="utf-8"))
        _write_tap_schema(con, tables, note)
        con.execute("USE memory")
        con.execute("DETACH mirror")


def open_mirror(path: str | os.PathLike, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection whose current database is the mirror in folder `path`, attached as `mirror`.

    Raises MirrorError where there is no mirror.
    """
    mirror = Path(path).absolute()
    if not (mirror / DATABASE).is_file():
        what = "does not exist" if not mirror.exists() else f"is no mirror (it has no {DATABASE})"
        raise MirrorError(f"{path} {what}; `sedsql mirror sample {path}` makes a simulated one in a new folder")
    con = duckdb.connect()
    try:
        _look_in(con, mirror)
        con.execute(f"ATTACH {_literal(mirror / DATABASE)} AS mirror {'(READ_ONLY)' if read_only else ''}")
        con.execute("USE mirror")
    except duckdb.Error as error:
        con.close()
        raise MirrorError(f"{path} cannot be opened as a mirror: {error}") from error
    except BaseException:
        con.close()
        raise
    return con


def _look_in(con: duckdb.DuckDBPyConnection, mirror: Path) -> None:
    """Resolve the views' relative paths in the mirror."""
    if "," in str(mirror):
        # DuckDB takes a comma for the end of one search path and the start of the next.
        raise MirrorError(f"{mirror} has a comma in its path, which DuckDB cannot search; move or rename it")
    con.execute(f"SET GLOBAL file_search_path = {_literal(mirror)}")
    # Reading it again for each query is half the time of a cone search in 50 million rows.
    con.execute("SET GLOBAL parquet_metadata_cache = true")


def _literal(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _write_tap_schema(con: duckdb.DuckDBPyConnection, tables: list[Table], note: str) -> None:
    """TAP_SCHEMA (TAP 1.1, Section 4), as far as it tells of schemas, tables and columns."""
    catalogue = Catalogue.of(con)
    described = {table.name: table for table in tables}
    # A column of another view is described like the first that has its name.
    by_name = {column.name: column for table in reversed(tables) for column in table.columns.values()}
    by_name |= {column.name: column for column in archive.COMPUTED}
    table_rows, column_rows = [], []
    for name, found in catalogue.tables.items():
        known = described.get(name, found)
        description = known.description if name in described else note + (known.description or "")
        table_rows.append((name.split(".")[0], name, "view", description))
        for index, column in enumerate(found.columns.values()):
            about = known.columns[column.name] if name in described else by_name.get(column.name, column)
            column_rows.append((name, column.name, column.datatype, about.unit, about.ucd, about.description, index))
    con.execute("""
        CREATE SCHEMA tap_schema;
        CREATE TABLE tap_schema.schemas (schema_name VARCHAR, description VARCHAR);
        CREATE TABLE tap_schema.tables (
            schema_name VARCHAR, table_name VARCHAR, table_type VARCHAR, description VARCHAR
        );
        CREATE TABLE tap_schema.columns (
            table_name VARCHAR, column_name VARCHAR, datatype VARCHAR,
            unit VARCHAR, ucd VARCHAR, description VARCHAR, column_index INTEGER
        );
    """)
    schemas = dict.fromkeys(row[0] for row in table_rows)
    con.executemany("INSERT INTO tap_schema.schemas VALUES (?, NULL)", [[schema] for schema in schemas])
    con.executemany("INSERT INTO tap_schema.tables VALUES (?, ?, ?, ?)", table_rows)
    con.executemany("INSERT INTO tap_schema.columns VALUES (?, ?, ?, ?, ?, ?, ?)", column_rows)
