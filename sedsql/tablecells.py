"""Which tables are known to hold HEALPix cells: those of which a mirror's manifest says so, and views of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from .catalogue import Table

Tables = dict[str, "Table"]
"""By lower-case qualified name."""

WIDEST = 1.0
"""Degrees: with a larger margin a region would be read with so much around it that cells are of little use."""

ARCMINUTE = 1 / 60
"""Degrees, beyond the way of all stars but a few since Gaia gave them their source_id."""


def of_manifest(con: duckdb.DuckDBPyConnection, tables: Tables) -> Tables:
    """The tables, with the cells that the manifest of the connection's current database knows of.

    For each file it has the largest distance of a position from its cell, measured when the file was written.
    """
    there = con.execute(
        "SELECT 1 FROM duckdb_columns() WHERE database_name = current_database() "
        "AND schema_name = 'manifest' AND table_name = 'files' AND column_name = 'reach'"
    ).fetchall()
    if not there:
        return tables
    rows = con.execute(
        "SELECT lower(table_name), max(reach), count(*) > count(reach) FROM manifest.files GROUP BY ALL"
    ).fetchall()
    views = _views(con)
    found = dict(tables)
    for name, margin, lacks_some in rows:
        table = tables.get(name)
        # A view of that name that someone made in its place is another table.
        if table is None or not table.position or not table.sort_column or "read_parquet(" not in views.get(name, ""):
            continue
        if not lacks_some and margin <= WIDEST:
            found[name] = replace(table, cell_column=table.sort_column, cell_margin=margin)
    return found


def of_views(con: duckdb.DuckDBPyConnection, tables: Tables) -> Tables:
    """The tables, with the cells of views that have position and cell of one row of such a table, as they are."""
    known = {name: table for name, table in tables.items() if table.cell_column}
    found = dict(tables)
    left = {name: sql for name, sql in _views(con).items() if name in tables and name not in known} if known else {}
    while left:
        new = {}
        for name, sql in left.items():
            view = found[name]
            for origin, taken in _taken(con, sql) if view.position else ():
                table = found.get(origin)
                if table is None or not table.cell_column or not table.position:
                    continue
                ra, dec = table.position
                wanted = [column.lower() for column in (ra, dec, table.cell_column)]
                column = view.columns.get(wanted[-1])
                shown = [name.lower() for name in (*(view.position or ()), wanted[-1])]
                has = shown if taken is None else [taken.get(column) for column in shown]
                if column and has == wanted:
                    new[name] = replace(view, cell_column=column.name, cell_margin=table.cell_margin)
        found |= new
        left = {name: sql for name, sql in left.items() if name not in new} if new else {}
    return found


def _views(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The CREATE VIEW of each view, by lower-case qualified name."""
    rows = con.execute(
        "SELECT lower(CASE schema_name WHEN 'main' THEN view_name ELSE schema_name || '.' || view_name END), sql "
        "FROM duckdb_views() WHERE database_name = current_database() AND NOT internal"
    ).fetchall()
    return dict(rows)


Taken = list[tuple[str, dict[str, str] | None]]
"""Tables, each with those of its columns that a view has as they are, by the view's names; None for all of them."""


def _taken(con: duckdb.DuckDBPyConnection, view: str) -> Taken:
    """What a view, by its CREATE VIEW, takes of tables; nothing where it is more than one SELECT of tables."""
    head, _, select = view.partition(" AS ")
    if head.rstrip().endswith(")"):  # columns of other names
        return []
    return _read_from(con.execute("SELECT json_serialize_sql(?)", [select.rstrip("; \n")]).fetchall()[0][0])


@lru_cache(maxsize=64)
def _read_from(serialized: str) -> Taken:
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
    items = node["select_list"]
    if items[0]["type"] == "STAR":
        changed = any(items[0].get(key) for key in ("exclude_list", "replace_list", "rename_list", "columns", "expr"))
        return [(tables[only], None)] if only and not changed else []
    found: dict[str, dict[str, str]] = {alias: {} for alias in tables}
    seen: set[str] = set()  # a second column of the same name gets another one
    for item in items:
        names = [name.lower() for name in item.get("column_names") or ()]
        name = (item["alias"] or (names or [""])[-1]).lower()
        alias = names[0] if len(names) == 2 else only
        if item["type"] == "COLUMN_REF" and alias in found and len(names) <= 2 and name not in seen:
            found[alias][name] = names[-1]
        if item["type"] == "STAR":
            break
        seen.add(name)
    return [(tables[alias], columns) for alias, columns in found.items()]


def _base_tables(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node["type"] == "BASE_TABLE":
        yield node
    elif node["type"] == "JOIN":
        yield from _base_tables(node["left"])
        yield from _base_tables(node["right"])
