"""Serve a mirror's tables of the archive: their TAP_SCHEMA, and answers to ADQL."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from threading import Condition

import duckdb
import pyarrow as pa

from sedsql import adql
from sedsql.catalogue import Catalogue, Column
from sedsql.mirror import archive

_TAP_SCHEMA = """
CREATE OR REPLACE TABLE tap_schema.schemas AS
SELECT DISTINCT schema_name, NULL::VARCHAR AS description, NULL::VARCHAR AS utype
FROM duckdb_tables() WHERE schema_name NOT LIKE 'tap_upload%';
CREATE OR REPLACE TABLE tap_schema.tables AS
SELECT schema_name, schema_name || '.' || table_name AS table_name, 'table' AS table_type, comment AS description,
       NULL::VARCHAR AS utype, NULL::INTEGER AS table_index
FROM duckdb_tables() WHERE schema_name NOT LIKE 'tap_upload%';
CREATE OR REPLACE TABLE tap_schema.columns AS
SELECT schema_name || '.' || c.table_name AS table_name, c.column_name,
       CASE data_type WHEN 'FLOAT' THEN 'REAL' ELSE data_type END AS datatype,
       CASE data_type WHEN 'VARCHAR' THEN '*' END AS arraysize, NULL::INTEGER AS "size",
       about.description, NULL::VARCHAR AS utype, about.unit, about.ucd,
       (c.column_name = 'source_id')::INTEGER AS indexed, 1 AS principal, 0 AS std, column_index
FROM duckdb_columns() AS c LEFT JOIN about
     ON about.table_name = schema_name || '.' || c.table_name AND about.column_name = c.column_name
WHERE schema_name NOT LIKE 'tap_upload%' AND schema_name != 'main' AND NOT internal;
CREATE OR REPLACE TABLE tap_schema.keys (
    key_id VARCHAR, from_table VARCHAR, target_table VARCHAR, description VARCHAR, utype VARCHAR
);
CREATE OR REPLACE TABLE tap_schema.key_columns (key_id VARCHAR, from_column VARCHAR, target_column VARCHAR);
"""


class QueryError(Exception):
    """A query that cannot be answered; says why, as a server would."""


@dataclass
class Answer:
    """Rows, with a described column for each of theirs.

    overflow : whether there are more rows than the limit let through
    """

    columns: list[Column]
    rows: pa.Table
    overflow: bool = False


class Archive:
    """A database with the archive's tables of the mirror in a folder."""

    def __init__(self, mirror: Path):
        self._con = duckdb.connect()
        self._lock = Condition()
        self._asked = 0
        self._is_closed = False
        self._uploads = count()
        self._con.execute("CREATE SCHEMA tap_schema")
        described = [
            {"table_name": name, "column_name": c.name, "unit": c.unit, "ucd": c.ucd, "description": c.description}
            for name, table in archive.TABLES.items()
            for c in table.columns.values()
        ]
        self._con.register("described", pa.Table.from_pylist(described))
        self._con.execute("CREATE TABLE about AS FROM described")
        self._con.unregister("described")
        for name, table in archive.TABLES.items():
            schema = name.split(".")[0]
            parquet = mirror / name.replace(".", "/") / "**/*.parquet"
            columns = ", ".join(table.columns)
            self._con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            self._con.execute(f"CREATE TABLE {name} AS SELECT {columns} FROM '{parquet}'")
            self._con.execute(f"COMMENT ON TABLE {name} IS '{table.description}'")
        # Twice, so that it tells of itself.
        self._con.execute(_TAP_SCHEMA)
        self.alter("")

    def alter(self, sql: str) -> None:
        """Change the archive, as a new release would; TAP_SCHEMA follows."""
        with self._lock:
            self._con.execute(sql + ";" + _TAP_SCHEMA)
            self.catalogue = Catalogue.of(self._con)

    def close(self) -> None:
        """Waits for the queries that run: DuckDB closes a connection with all its cursors, or refuses to."""
        with self._lock:
            self._is_closed = True
            self._lock.wait_for(lambda: self._asked == 0)
            self._con.close()

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._lock:
            if self._is_closed:
                raise QueryError("the archive is closed")
            con = self._con.cursor()
            self._asked += 1
        try:
            yield con
        finally:
            con.close()
            with self._lock:
                self._asked -= 1
                self._lock.notify_all()

    def answer(self, query: str, limit: int, uploads: dict[str, pa.Table] | None = None) -> Answer:
        """Raises QueryError, with the reason."""
        with self._cursor() as con:
            rows = self._rows(con, query, uploads)
        columns = [self._column(field, query) for field in rows.schema]
        return Answer(columns, rows.slice(0, limit), overflow=rows.num_rows > limit)

    def _rows(self, con: duckdb.DuckDBPyConnection, query: str, uploads: dict[str, pa.Table] | None) -> pa.Table:
        catalogue, schema = self.catalogue, ""
        if uploads:
            # A schema of its own, as two queries can upload tables of one name.
            schema = f"tap_upload_{next(self._uploads)}"
            con.execute(f"CREATE SCHEMA {schema}")
            for name, rows in uploads.items():
                con.register("uploaded", rows)
                con.execute(f'CREATE TABLE {schema}."{name}" AS FROM uploaded')
            catalogue = Catalogue.of(con)
            query = re.sub(r"\btap_upload\.", f"{schema}.", query, flags=re.IGNORECASE)
        try:
            return con.sql(adql.translate(query, catalogue, {})).to_arrow_table()
        except (adql.AdqlError, duckdb.Error) as error:
            raise QueryError(str(error)) from error
        finally:
            con.execute(f"DROP SCHEMA {schema} CASCADE" if schema else "")

    def _column(self, field: pa.Field, query: str) -> Column:
        tables = self.catalogue.tables.values()
        for table in sorted(tables, key=lambda table: table.name not in query.lower()):
            if field.name.lower() in table.columns:
                return replace(table.columns[field.name.lower()], name=field.name)
        return Column(field.name, "")
