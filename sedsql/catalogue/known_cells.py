"""Find the tables that are known to hold HEALPix cells: those of which a mirror's manifest says so, and their views."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import duckdb

from sedsql.catalogue.table import CellFile, Table

Tables = dict[str, Table]
"""By lower-case qualified name."""

STORED = "read_parquet("
"""This is in the CREATE VIEW of each table that a mirror has in files."""

WIDEST = 1.0
"""Degrees: with a larger margin a region would be read with so much around it that cells are of little use."""


_OWN = "manifest.in_mirror("
"""This is in the CREATE VIEW of a table whose files the mirror has written."""
_IN_MIRROR = f"read_parquet({_OWN}"
"""This is in the CREATE VIEW of a table whose files, with all their columns, lie in the mirror."""
UNCHANGED = "manifest.unless_changed"
"""The macro that the files of what a mirror has computed from its tables pass, an error where they are not right."""
_COMPUTED = f"read_parquet({UNCHANGED}(manifest.in_mirror("
"""The same of such a table."""
_FILES = """
    SELECT files.* REPLACE (CASE WHEN place IS NULL THEN manifest.in_mirror([path])[1]
        ELSE regexp_replace(path, '[*?[]', '[\\0]', 'g') END AS path)
    FROM manifest.files JOIN manifest.tables USING (table_name)
"""
"""The files of a mirror's tables, with their paths as DuckDB finds them."""
_IN_PLACE = re.compile(r"CREATE VIEW \S+ AS SELECT (.*) FROM read_parquet\((?:main\.)?list_value\(")
"""This is the CREATE VIEW of a catalogue that is used where it lies, and how it selects its columns."""


def of_manifest(con: duckdb.DuckDBPyConnection, tables: Tables, views: Mapping[str, str]) -> Tables:
    """Add to the tables the cells, files and rows that the manifest of the connection's current database knows.

    The manifest has for each file the largest distance of a position from its cell, measured when it was written.

    views : the CREATE VIEW of each view, by lower-case qualified name
    """
    there = con.execute(
        "SELECT 1 FROM duckdb_columns() WHERE database_name = current_database() "
        "AND schema_name = 'manifest' AND table_name = 'files' AND column_name = 'reach'"
    ).fetchall()
    if not there:
        return tables
    rows = con.execute(
        "SELECT lower(table_name), max(reach), count(*) > count(reach), "
        "CASE WHEN bool_and(low IS NOT NULL AND high IS NOT NULL) THEN list((path, low, high) ORDER BY path) END, "
        "sum(rows)::BIGINT "
        f"FROM ({_FILES}) GROUP BY ALL"
    ).fetchall()
    found = dict(tables)
    for name, margin, lacks_some, files, count in rows:
        table = tables.get(name)
        if table is not None and STORED in views.get(name, "") and _OWN in views[name]:
            table = found[name] = replace(table, rows=count)
        if files and table is not None and (_IN_MIRROR in views.get(name, "") or _COMPUTED in views.get(name, "")):
            check = UNCHANGED if _COMPUTED in views[name] else ""
            table = found[name] = replace(table, files=tuple(CellFile(*file) for file in files), check=check)
        if files and table is not None and (found_in := _IN_PLACE.match(views.get(name, ""))):
            kept = tuple(CellFile(*file) for file in files)
            table = found[name] = replace(table, files=kept, selected=found_in[1])
        # A view of that name that someone made in its place is another table.
        if table is None or not table.position or not table.sort_column or STORED not in views.get(name, ""):
            continue
        if not lacks_some and margin <= WIDEST:
            found[name] = replace(found[name], cell_column=table.sort_column, cell_margin=margin)
    return found


def files_of(con: duckdb.DuckDBPyConnection, name: str) -> tuple[CellFile, ...]:
    """List the files of a table of the mirror that is the connection's current database, each of which has cells."""
    rows = con.execute(
        f"SELECT path, low, high FROM ({_FILES}) WHERE lower(table_name) = ? ORDER BY path", [name]
    ).fetchall()
    return tuple(CellFile(*row) for row in rows)


def of_views(con: duckdb.DuckDBPyConnection, tables: Tables, views: Mapping[str, str]) -> Tables:
    """Add cells to the views that take position and cell, unchanged, from one row of a table with known cells.

    views : the CREATE VIEW of each view, by lower-case qualified name
    """
    found = dict(tables)
    new = {name: table for name, table in tables.items() if table.cell_column}
    left = {name: sql for name, sql in views.items() if name in tables and name not in new}
    # A view may be of a view that is found in the next round.
    while new and left:
        new = {}
        for name, sql in left.items():
            for view in _with_cells(con, sql, found[name], found):
                new[name] = view
        found |= new
        left = {name: sql for name, sql in left.items() if name not in new}
    return found


def _with_cells(con: duckdb.DuckDBPyConnection, sql: str, view: Table, tables: Tables) -> Iterator[Table]:
    """Give the view the cells of each table that it takes its position and cell from."""
    for origin, taken in _taken(con, sql) if view.position else ():
        table = tables.get(origin)
        if table is None or not table.cell_column or not table.position:
            continue
        wanted = [name.lower() for name in (*table.position, table.cell_column)]
        shown = [name.lower() for name in (*(view.position or ()), table.cell_column)]
        column = view.columns.get(shown[-1])
        has = shown if taken is None else [taken.get(name) for name in shown]
        if column and has == wanted:
            yield replace(view, cell_column=column.name, cell_margin=table.cell_margin)


Taken = list[tuple[str, dict[str, str] | None]]
"""Tables, each with the columns that a view takes from it unchanged, by the view's names; None for all columns."""


def _taken(con: duckdb.DuckDBPyConnection, view: str) -> Taken:
    """Read which columns a view, by its CREATE VIEW, takes of tables; none where it is more than a SELECT of tables."""
    head, _, select = view.partition(" AS ")
    if head.rstrip().endswith(")"):  # columns of other names
        return []
    return _read_from(con.execute("SELECT json_serialize_sql(?)", [select.rstrip("; \n")]).fetchall()[0][0])


@lru_cache(maxsize=64)
def _read_from(serialized: str) -> Taken:
    """Read the same from DuckDB's JSON of the SELECT."""
    statements = json.loads(serialized).get("statements") or [{}]
    node = statements[0].get("node", {})
    if node.get("type") != "SELECT_NODE":
        return []
    tables = {
        (table["alias"] or table["table_name"]).lower(): f"{table['schema_name']}.{table['table_name']}".lower()
        for table in _base_tables(node["from_table"])
        if table["schema_name"] and not table["catalog_name"] and not table["column_name_alias"]
    }
    only = next(iter(tables), "") if node["from_table"]["type"] == "BASE_TABLE" else ""
    first = node["select_list"][0]
    if first["type"] == "STAR":
        changed = any(first.get(key) for key in ("exclude_list", "replace_list", "rename_list", "columns", "expr"))
        return [(tables[only], None)] if only and not changed else []
    found = _plain_columns(node["select_list"], list(tables), only)
    return [(tables[alias], columns) for alias, columns in found.items()]


def _plain_columns(items: list[dict[str, Any]], aliases: list[str], only: str) -> dict[str, dict[str, str]]:
    """The columns of each table that a list of SELECT names as they are, by their names in the result.

    only : the table of names without an alias; empty where there are several tables
    """
    found: dict[str, dict[str, str]] = {alias: {} for alias in aliases}
    seen: set[str] = set()  # DuckDB renames a second column of the same name
    for item in items:
        if item["type"] == "STAR":
            break
        names = [name.lower() for name in item.get("column_names") or ()]
        name = (item["alias"] or (names or [""])[-1]).lower()
        alias = names[0] if len(names) == 2 else only
        if item["type"] == "COLUMN_REF" and alias in found and len(names) <= 2 and name not in seen:
            found[alias][name] = names[-1]
        seen.add(name)
    return found


def _base_tables(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The tables that a FROM joins."""
    if node["type"] == "BASE_TABLE":
        yield node
    elif node["type"] == "JOIN":
        yield from _base_tables(node["left"])
        yield from _base_tables(node["right"])
