"""Run a query and keep its rows in a table in memory, in their order: the number of a row is its `rowid`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import duckdb

from sedsql.adql import Translation
from sedsql.dbapi.connection import Connection
from sedsql.dbapi.module import own_errors
from sedsql.service.errors import ServiceError
from sedsql.service.explore.explorer.classes import Classes
from sedsql.service.explore.explorer.columns import Columns
from sedsql.service.explore.explorer.suggested import suggested
from sedsql.service.explore.explorer.with_classes import Asked, with_classes

SCHEMA = "memory.explore"
ROW = "rowid"
RESULT, DRAWN = f"{SCHEMA}.result", f"{SCHEMA}.drawn"
_INCOMING = f"{SCHEMA}.incoming"
_UNSURE = 8
"""So many times as many rows as DuckDB expects a query may have."""


@dataclass(frozen=True)
class Result:
    """The rows of a query.

    asked : the query, and the one with classes that gave the rows
    rows : that are kept
    total : that the query has, which may be more
    classes : the classes of its rows
    """

    asked: Asked
    columns: Columns
    rows: int
    total: int
    seconds: float
    classes: Classes = field(default_factory=Classes)

    @property
    def bytes(self) -> int:
        """The memory that it takes, about."""
        return self.rows * sum(column.bytes for column in self.columns)

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


class Incoming(NamedTuple):
    """Rows of a query that are not yet the result: their number, and how many the query has."""

    asked: Asked
    rows: int
    total: int


def fetch(
    connection: Connection,
    con: duckdb.DuckDBPyConnection,
    query: str,
    most: int,
    check: Callable[[], object],
    make_room: Callable[[], object],
) -> Incoming:
    """Run a query of ADQL, and keep at most so many rows beside the result that there is.

    con : a DuckDB cursor of the connection
    check : called between two steps; may raise
    make_room : called once the query is known to be good
    """
    with own_errors(query):
        asked = with_classes(connection, query)
        if ROW in asked.columns:
            raise ServiceError(f"A column is called {ROW}, the number of a row here; give it another name with AS.")
        sql = asked.translation.sql
        check()
        make_room()
        total = _count(con, f"({sql})") if _expected(con, sql) * _UNSURE > most else 0
        check()
        # A limit has DuckDB use one thread: it keeps the rows' order.
        limit = f" LIMIT {most}" if total > most else ""
        con.execute(f"CREATE OR REPLACE TABLE {_INCOMING} AS FROM ({sql}){limit}")
        check()
        rows = _count(con, _INCOMING)
        if rows > most:
            con.execute(f"DELETE FROM {_INCOMING} WHERE rowid >= {most}")
    return Incoming(asked, min(rows, most), max(rows, total))


def take(con: duckdb.DuckDBPyConnection, incoming: Incoming, seconds: float) -> Result:
    """Make the rows that came the result, in the place of an earlier one."""
    drop(con)
    con.execute(f"ALTER TABLE {_INCOMING} RENAME TO result")
    asked, rows, total = incoming
    columns = _described(con, f"FROM {RESULT}", asked.translation)
    classes = Classes.of(con, RESULT, columns, asked.note)
    return Result(asked, columns, rows, total, seconds, classes)


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Free the memory of a result."""
    con.execute(f"DROP TABLE IF EXISTS {DRAWN}; DROP TABLE IF EXISTS {RESULT}")


def columns_of(connection: Connection, query: str) -> Columns:
    """The columns that a query has; nothing is computed for it."""
    connection.follow()
    with own_errors(query):
        translation = connection.translation(query, ())
        return _described(connection.duckdb, translation.sql, translation)


def _described(con: duckdb.DuckDBPyConnection, select: str, translation: Translation) -> Columns:
    found = con.execute(f"DESCRIBE {select}").fetchall()
    return Columns.of([(str(name), str(kind)) for name, kind, *_ in found], translation.columns)


def _count(con: duckdb.DuckDBPyConnection, rows: str) -> int:
    (count,) = con.execute(f"SELECT count(*) FROM {rows}").fetchall()[0]
    return int(count)


def _expected(con: duckdb.DuckDBPyConnection, select: str) -> int:
    """The rows that DuckDB expects a query to have."""
    ((_, plan),) = con.execute(f"EXPLAIN (FORMAT json) {select}").fetchall()
    (node,) = json.loads(plan)
    while "Estimated Cardinality" not in node["extra_info"]:
        if not node["children"]:
            return 0
        node = node["children"][0]
    return int(node["extra_info"]["Estimated Cardinality"])
