"""Make the views of DIR/mirror.duckdb: one for each table, over its Parquet files, and those of sql/.

Views carry the archive's names. They name every file, so that a reader sees exactly the files in the manifest, and an
error tells when one is gone. A file's path begins with DuckDB's setting `file_search_path`, which every connection of
sedsql sets to DIR: a mirror can be moved, and the current directory does not matter. Where the setting is empty, as in
a DuckDB shell that opens mirror.duckdb, paths begin at the current directory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from sedsql.catalogue import CLASSIFIED, JOINED, PHOTOMETRY, table_of
from sedsql.catalogue.classified import GIVEN_BY_MODEL, LABEL, name_of_stored
from sedsql.catalogue.known_cells import UNCHANGED
from sedsql.mirror import manifest
from sedsql.mirror.columns import as_stored
from sedsql.mirror.layout import PARTIAL, escaped
from sedsql.mirror.manifest import DATABASE
from sedsql.mirror.stored import is_made, joined, photometry
from sedsql.mirror.stored.classes import are_right, classes, drop_classes_views, view_of
from sedsql.mirror.stored.parts import parts
from sedsql.mirror.table_state import Tables, TableState
from sedsql.sql_text import identifier, literal


def make_view(con: duckdb.DuckDBPyConnection, state: TableState, names: Mapping[str, str] | None = None) -> None:
    """Make the view of a table in the connection's current database, which has the macro of `macro`.

    names : of columns that have another one in the view
    """
    schema, name = map(identifier, state.table.parts)
    columns = "*"
    if not state.files:
        types = {column.name: column.datatype for column in as_stored(state.table).columns.values()}
        shown = names or {}
        columns = ", ".join(
            f"CAST(NULL AS {kind}) AS {identifier(shown.get(column, column))}" for column, kind in types.items()
        )
        rows = "range(0)"
    elif state.place is None:
        rows = f"manifest.in_mirror([{', '.join(map(literal, sorted(state.files)))}])"
        if is_made(state):
            joined.make_check(con)
            rows = f"{UNCHANGED}({rows})"
    else:
        rows = f"[{', '.join(literal(escaped(path)) for path in sorted(state.files))}]"
    if state.files and (state.place is not None or is_made(state)):
        # A catalogue of others, or stored classes, may have columns that do not belong to the table.
        shown = {column.name: column.name for column in state.table.columns.values()} | dict(names or {})
        columns = ", ".join(
            identifier(name) if name == known else f"{identifier(name)} AS {identifier(known)}"
            for name, known in shown.items()
        )
    read = f"read_parquet({rows}, hive_partitioning = false)" if state.files else rows
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    con.execute(f"CREATE OR REPLACE VIEW {schema}.{name} AS SELECT {columns} FROM {read}")


def macro(appear: Iterable[str] = ()) -> str:
    """Write the statements that make the macro which puts the mirror's folder before the paths of a view's files.

    appear : files that are still hidden: DuckDB looks at the files of a view when it is made
    """
    path, listed = "path", ", ".join(map(literal, appear))
    if listed:
        path = f"CASE WHEN path IN ({listed}) THEN regexp_replace(path, '[^/]+$', '{PARTIAL}\\0') ELSE path END"
    beginning = "current_setting('file_search_path')"
    return f"""
        CREATE SCHEMA IF NOT EXISTS manifest;
        CREATE OR REPLACE MACRO manifest.in_mirror(paths) AS CASE {beginning} WHEN '' THEN paths
        ELSE list_transform(paths, lambda path: concat({beginning}, '/', {path})) END
    """


def make_sed_views(con: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    """Make the views of sql/, once all their tables are there with the columns of the archive."""
    if not joined.is_complete(tables):
        return
    if photometry(tables):
        make_photometry_view(con, tables)
        return
    there = con.execute(
        "SELECT count(*) FROM duckdb_views() "
        "WHERE database_name = 'mirror' AND schema_name = 'sed' AND view_name = 'photometry'"
    ).fetchone()
    if not there or not there[0]:
        joined.make_rules(con)
        con.execute(joined.views())


def make_photometry_view(con: duckdb.DuckDBPyConnection, tables: Tables | None = None) -> None:
    """Have `sed.photometry` read what is stored, if that is right, and else join the tables of the mirror.

    Nothing is done in a mirror that has not stored it.

    tables : as the manifest of the connection's current database has them, if they are not given
    """
    if tables is None:
        if PHOTOMETRY not in manifest.names(con):
            return
        tables = manifest.read(con, Path(DATABASE))
    state = photometry(tables)
    if state is None or not joined.is_complete(tables):
        return
    joined.make_view(con, JOINED)
    if {part.name for part in parts(tables, joined.definition(con))} == set(state.pieces):
        make_view(con, state)
    else:
        joined.make_view(con)
    _make_classes_views(con, tables)


def _make_classes_views(con: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    """Have `sed.classified` read what is stored, if that is right; otherwise a mirror has no such view.

    A second view has all columns, under names that no query has, and a name that tells which model said so.
    """
    drop_classes_views(con)
    state = classes(tables)
    if state and are_right(tables) and joined.is_stored(con):
        shown = [column for column in state.table.columns.values() if column.name != LABEL]
        apart = {name: name_of_stored(name) for name in GIVEN_BY_MODEL}
        make_view(con, replace(state, table=replace(state.table, name=view_of(state.partitioning or {}))), apart)
        make_view(con, replace(state, table=table_of(CLASSIFIED, None, shown)))
