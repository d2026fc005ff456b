"""Run a query and keep its rows in a table in memory, in their order: the number of a row is its `rowid`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import duckdb

from sedsql.dbapi.connection import Connection
from sedsql.dbapi.module import own_errors
from sedsql.service.explore.explorer.classes import Classes, with_classes
from sedsql.service.explore.explorer.columns import Columns
from sedsql.service.explore.explorer.suggested import suggested

SCHEMA = "memory.explore"
RESULT = f"{SCHEMA}.result"
_INCOMING = f"{SCHEMA}.incoming"


@dataclass(frozen=True)
class Result:
    """The rows of a query.

    query : the ADQL
    rows : that are kept
    total : that the query has, which may be more
    classes : the classes of its rows
    """

    query: str
    columns: Columns
    rows: int
    total: int
    seconds: float
    classes: Classes = field(default_factory=Classes)

    def as_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "total": self.total,
            "truncated": self.total > self.rows,
            "seconds": round(self.seconds, 3),
            "columns": self.columns.as_json(),
            "classes": self.classes.as_json(),
            "note": self.classes.note,
            "suggested": suggested(self.columns),
        }


def run(
    connection: Connection, con: duckdb.DuckDBPyConnection, query: str, most: int, check: Callable[[], object]
) -> Result:
    """Run a query of ADQL, and keep at most so many rows in the place of an earlier result.

    con : a DuckDB cursor of the connection
    check : called between two steps; may raise
    """
    began = monotonic()
    with own_errors(query):
        translation, note = with_classes(connection, query)
        check()
        con.execute(f"CREATE OR REPLACE TABLE {_INCOMING} AS FROM ({translation.sql}) LIMIT {most + 1}")
        rows = _count(con, _INCOMING)
        total = rows
        if rows > most:
            con.execute(f"DELETE FROM {_INCOMING} WHERE rowid >= {most}")
            check()
            total, rows = _count(con, f"({translation.sql})"), most
    check()
    con.execute(f"DROP TABLE IF EXISTS {RESULT}; ALTER TABLE {_INCOMING} RENAME TO result")
    described = [(str(name), str(kind)) for name, kind, *_ in con.execute(f"DESCRIBE {RESULT}").fetchall()]
    columns = Columns.of(described, translation.columns)
    classes = Classes.of(con, RESULT, columns, note)
    return Result(query, columns, rows, total, monotonic() - began, classes)


def columns_of(connection: Connection, query: str) -> Columns:
    """The columns that a query has; nothing is computed for it."""
    with own_errors(query):
        translation = connection.translation(query, ())
        described = connection.duckdb.execute(f"DESCRIBE {translation.sql}").fetchall()
    return Columns.of([(str(name), str(kind)) for name, kind, *_ in described], translation.columns)


def _count(con: duckdb.DuckDBPyConnection, rows: str) -> int:
    (count,) = con.execute(f"SELECT count(*) FROM {rows}").fetchall()[0]
    return int(count)
