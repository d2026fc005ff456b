"""Read what tables and columns a database has."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import duckdb

from sedsql.catalogue.classified import classified
from sedsql.catalogue.datatypes import tap_type
from sedsql.catalogue.known_cells import STORED, of_manifest, of_views
from sedsql.catalogue.table import CELL_COLUMN, CLASSIFIED, JOINED, PHOTOMETRY, Column, Table, table_of
from sedsql.sql_text import without_quotes


@dataclass(frozen=True)
class Catalogue:
    """All tables, by lower-case qualified name."""

    tables: dict[str, Table] = field(default_factory=dict)

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection) -> "Catalogue":
        """Read the tables and views of the connection's current database.

        Names and types are DuckDB's. Units, UCDs and descriptions come from `tap_schema`, or else from DuckDB's
        comments. Columns of HEALPix cells come from the `manifest`. A database with the view `sed.photometry` has
        `sed.classified` as well, of which DuckDB knows nothing unless a mirror has it stored.
        """
        about, views = _tap_schema(con), _views(con)
        comments = _comments(con) | about.tables
        columns = _columns(con, about)
        tables = {name.lower(): table_of(name, comments.get(name.lower()), columns[name]) for name in columns}
        tables = of_views(con, of_manifest(con, tables, views), views)
        for name in {PHOTOMETRY, JOINED} & set(views):
            if STORED not in views[name]:
                # The view joins best neighbours, of which a source has one or none.
                tables[name] = replace(tables[name], one_to_one=views[name])
        if PHOTOMETRY in views and (CLASSIFIED not in tables or STORED in views.get(CLASSIFIED, "")):
            tables[CLASSIFIED] = classified(tables[PHOTOMETRY], about.tables.get(CLASSIFIED))
        return cls(tables)


class _About(NamedTuple):
    """Descriptions of tables, and unit, UCD and description of columns, by lower-case names."""

    tables: dict[str, str | None]
    columns: dict[tuple[str, str], tuple[str | None, str | None, str | None]]


_CELL = (CELL_COLUMN.unit, CELL_COLUMN.ucd, CELL_COLUMN.description)


def _qualified(schema: str, table: str) -> str:
    return table if schema == "main" else f"{schema}.{table}"


def _columns(con: duckdb.DuckDBPyConnection, about: _About) -> dict[str, list[Column]]:
    """The columns of each table and view, by qualified name."""
    rows = con.execute(
        "SELECT schema_name, table_name, column_name, data_type, comment FROM duckdb_columns() "
        "WHERE database_name = current_database() AND NOT internal "
        "ORDER BY schema_name, table_name, column_index"
    ).fetchall()
    found: dict[str, list[Column]] = {}
    for schema, table, name, datatype, comment in rows:
        qualified = _qualified(schema, table)
        default = _CELL if name == CELL_COLUMN.name else (None, None, comment)
        known = about.columns.get((qualified.lower(), name.lower()), default)
        found.setdefault(qualified, []).append(Column(name, tap_type(datatype), *known))
    return found


def _views(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The CREATE VIEW of each view, by lower-case qualified name."""
    rows = con.execute(
        "SELECT schema_name, view_name, sql FROM duckdb_views() "
        "WHERE database_name = current_database() AND NOT internal"
    ).fetchall()
    return {_qualified(schema, name).lower(): sql for schema, name, sql in rows}


def _comments(con: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    """The comments on tables and views, by lower-case qualified name."""
    rows = con.execute(
        "SELECT schema_name, view_name, comment FROM duckdb_views() "
        "WHERE database_name = current_database() AND NOT internal UNION ALL "
        "SELECT schema_name, table_name, comment FROM duckdb_tables() "
        "WHERE database_name = current_database() AND NOT internal"
    ).fetchall()
    return {_qualified(schema, name).lower(): comment for schema, name, comment in rows}


def _tap_schema(con: duckdb.DuckDBPyConnection) -> _About:
    """Read the database's `tap_schema`, if it has one."""
    there = con.execute(
        "SELECT count(*) FROM duckdb_tables() "
        "WHERE database_name = current_database() AND schema_name = 'tap_schema' AND table_name = 'columns'"
    ).fetchone()
    if not there or not there[0]:
        return _About({}, {})
    tables = con.execute("SELECT lower(table_name), description FROM tap_schema.tables").fetchall()
    columns = con.execute(
        "SELECT lower(table_name), lower(column_name), unit, ucd, description FROM tap_schema.columns"
    ).fetchall()
    return _About(
        {without_quotes(table): text for table, text in tables},
        {(without_quotes(table), without_quotes(name)): tuple(about) for table, name, *about in columns},
    )
