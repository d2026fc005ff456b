"""Rows of the result that are selected, in an order; and the one nearest to a place of a view."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sedsql.files.json_cells import json_cells
from sedsql.files.text import all_joined, text_scalar
from sedsql.service.errors import ServiceError
from sedsql.service.explore.explorer.columns import Columns
from sedsql.service.explore.explorer.drawn import Drawn
from sedsql.service.explore.explorer.fields import boolean_of, list_of, numbers_of, object_of, only, text_of, whole_of
from sedsql.service.explore.explorer.filters import ALL, condition, view_of, within
from sedsql.service.explore.explorer.result import DRAWN, RESULT
from sedsql.sql_text import identifier

MOST = 500
_ORDERS = 8


def rows(con: duckdb.DuckDBPyConnection, drawn: Drawn, values: dict[str, Any]) -> bytes:
    """Rows as JSON: the number of each, and its values in the order of the columns."""
    only(values, ("filter", "order", "offset", "count"), "The request")
    chosen = condition(values.get("filter", []), drawn)
    offset = whole_of(values.get("offset", 0), "offset", 0, 1 << 40)
    count = whole_of(values.get("count", 100), "count", 0, MOST)
    order = _order(values.get("order", []), drawn.result.columns)
    (total,) = con.execute(f"SELECT count(*) FROM {DRAWN} WHERE {chosen}").fetchall()[0]
    if order:
        among = f" WHERE rowid IN (SELECT rowid FROM {DRAWN} WHERE {chosen})" if chosen != ALL else ""
        numbers = f"SELECT rowid FROM {RESULT}{among} ORDER BY {order}, rowid LIMIT {count} OFFSET {offset}"
    else:  # in the order of the table, which DuckDB keeps, and ends as soon as it has so many
        numbers = f"SELECT rowid FROM {DRAWN} WHERE {chosen} LIMIT {count} OFFSET {offset}"
    places = [row for (row,) in con.execute(numbers).fetchall()]
    found = _written(con, drawn.result.columns, places)
    return f'{{"total": {total}, "rows": ['.encode() + found + b"]}"


def _order(value: Any, columns: Columns) -> str:
    parts = []
    for one in list_of(value, "order", _ORDERS):
        values = object_of(one, "An item of order")
        only(values, ("column", "descending"), "An item of order")
        column = columns.of_name(text_of(values.get("column"), "column of order"), "order")
        descending = boolean_of(values.get("descending", False), "descending")
        parts.append(f"{identifier(column.name)} {'DESC' if descending else 'ASC'} NULLS LAST")
    return ", ".join(parts)


def _written(con: duckdb.DuckDBPyConnection, columns: Columns, places: list[int]) -> bytes:
    """Write rows, in this order, as lists of JSON."""
    if not places:
        return b""
    selected = ", ".join(
        f"{identifier(column.name)}::VARCHAR" if column.is_exact else identifier(column.name) for column in columns
    )
    found = con.sql(
        f"SELECT rowid::INTEGER, {selected} FROM {RESULT} WHERE rowid IN ({', '.join(map(str, places))})"
    ).to_arrow_table()
    at = {row: k for k, row in enumerate(found.column(0).to_pylist())}
    ordered = found.take(pa.array([at[row] for row in places]))
    cells = (json_cells(column.combine_chunks()) for column in ordered.columns)
    lines = pc.binary_join_element_wise(*cells, text_scalar(","))
    return b"[" + bytes(memoryview(all_joined(lines, "],\n["))) + b"]"


def values(con: duckdb.DuckDBPyConnection, columns: Columns, row: int) -> dict[str, Any]:
    """The values of a row, by the names of the columns."""
    (found,) = con.execute(f"SELECT * FROM {RESULT} WHERE rowid = {row}").fetchall()
    return dict(zip((column.name for column in columns), found, strict=True))


def pick(con: duckdb.DuckDBPyConnection, drawn: Drawn, values: dict[str, Any]) -> dict[str, Any]:
    """The row nearest to a place of a plane, in units of `within`; null where none is so near."""
    only(values, ("view", "at", "within", "filter"), "The request")
    view = view_of(values.get("view"), drawn)
    if not view.is_plane:
        raise ServiceError(f"The view {view.name[:40]!r} is a line; a source is picked in a plane.")
    at, sizes = (numbers_of(values.get(key), key, 2) for key in ("at", "within"))
    if min(sizes) <= 0:
        raise ServiceError("within is two numbers above 0.")
    box = [(place - size, place + size) for place, size in zip(at, sizes, strict=True)]
    distances = " + ".join(
        f"pow(({drawn.column(axis)}::DOUBLE - {place!r}::DOUBLE) / {size!r}::DOUBLE, 2)"
        for axis, place, size in zip(view.axes, at, sizes, strict=True)
    )
    chosen = condition(values.get("filter", []), drawn)
    found = con.execute(
        f"SELECT rowid, {distances} AS d FROM {DRAWN} WHERE {within(view, box, drawn)} AND {chosen} "
        "ORDER BY d, rowid LIMIT 1"
    ).fetchall()
    return {"row": found[0][0] if found and found[0][1] <= 1 else None}
