"""Count the rows of a selection in the cells of all views, by class; or give the points themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from sedsql.service.explore.explorer.binary import Arrays
from sedsql.service.explore.explorer.classes import NONE
from sedsql.service.explore.explorer.drawn import CODE, DRAWN, Drawn
from sedsql.service.explore.explorer.views import View


def whole(con: duckdb.DuckDBPyConnection, drawn: Drawn, points: bool) -> list[bytes]:
    """All rows: of planes the points, x and y and the class of each row, where they are few, else the cells."""
    arrays, views = Arrays(), {}
    head: dict[str, Any] = {"count": drawn.result.rows, "points": points, "counts": _counts(con, drawn, "true")}
    for view in drawn.views.values():
        assert view.domain
        told = (
            _points(con, drawn, view, arrays)
            if points and view.is_plane
            else _picture(con, drawn, view, "true", arrays)
        )
        about: dict[str, Any] = {"outside": drawn.result.rows - _inside(con, drawn, view)}
        about |= {"size": view.sizes} if view.is_plane else {"bins": view.cells}
        domain = [end for pair in view.domain for end in pair]
        views[view.name] = {"kind": "plane" if view.is_plane else "line", "domain": domain, **about, **told}
    if points:
        head["class"] = arrays.add(_classes(_column(con, f"SELECT {CODE} FROM {DRAWN}"), drawn))
    return arrays.body({**head, "views": views})


def selection(con: duckdb.DuckDBPyConnection, drawn: Drawn, condition: str, points: bool) -> list[bytes]:
    """The rows for which a condition holds: a bit for each row in the place of cells where points are drawn."""
    arrays, views = Arrays(), {}
    counts = _counts(con, drawn, condition)
    for view in drawn.views.values():
        if not (points and view.is_plane):
            views[view.name] = _picture(con, drawn, view, condition, arrays)
    head = {"count": sum(counts), "counts": counts, "views": views}
    if points:
        chosen = _column(con, f"SELECT coalesce({condition}, false) FROM {DRAWN}")
        head["rows"] = arrays.add(np.packbits(chosen.astype(bool), bitorder="little"))
    return arrays.body(head)


def _counts(con: duckdb.DuckDBPyConnection, drawn: Drawn, condition: str) -> list[int]:
    """The rows of each class, and at last of none."""
    found = [0] * drawn.result.classes.count
    for code, count in con.execute(
        f"SELECT {CODE}, count(*) FROM {DRAWN} WHERE {condition} GROUP BY {CODE}"
    ).fetchall():
        found[code] = count
    return found


def _picture(
    con: duckdb.DuckDBPyConnection, drawn: Drawn, view: View, condition: str, arrays: Arrays
) -> dict[str, Any]:
    column, classes = drawn.cell(view), drawn.result.classes.count
    found = con.sql(
        f"SELECT {column}, count(*)::UINTEGER FROM {DRAWN} WHERE {condition} AND {column} IS NOT NULL GROUP BY {column}"
    ).to_arrow_table()
    places, counts = (one.to_numpy() for one in found.columns)
    if not view.is_plane:
        bins = np.zeros(view.cells * classes, np.uint32)
        bins[places] = counts
        return {"all": arrays.add(bins)}
    return {
        name: arrays.add(one) for name, one in zip(("cell", "n", "class"), _by_cell(places, counts, drawn), strict=True)
    }


def _by_cell(places: NDArray[Any], counts: NDArray[Any], drawn: Drawn) -> Iterator[NDArray[Any]]:
    """Cells that have rows, the rows of each, and the class that most of them have."""
    order = np.argsort(places)
    cells, codes = np.divmod(places[order].astype(np.uint32), np.uint32(drawn.result.classes.count))
    counts = counts[order]
    first = np.flatnonzero(np.diff(cells, prepend=np.uint32(0xFFFFFFFF)))
    if not len(first):
        yield from (np.zeros(0, np.uint32), np.zeros(0, np.uint32), np.zeros(0, np.uint8))
        return
    most = np.repeat(np.maximum.reduceat(counts, first), np.diff(first, append=len(cells)))
    ranked = np.flatnonzero(counts == most)  # of classes that are as frequent the first is taken
    yield cells[first]
    yield np.add.reduceat(counts, first).astype(np.uint32)
    yield _classes(codes[ranked[np.searchsorted(ranked, first)]], drawn)


def _inside(con: duckdb.DuckDBPyConnection, drawn: Drawn, view: View) -> int:
    """The rows that lie in the domain."""
    (count,) = con.execute(f"SELECT count({drawn.cell(view)}) FROM {DRAWN}").fetchall()[0]
    return int(count)


def _points(con: duckdb.DuckDBPyConnection, drawn: Drawn, view: View, arrays: Arrays) -> dict[str, Any]:
    x, y = (_column(con, f"SELECT {drawn.column(axis)}::FLOAT FROM {DRAWN}") for axis in view.axes)
    return {"x": arrays.add(x.astype(np.float32)), "y": arrays.add(y.astype(np.float32))}


def _column(con: duckdb.DuckDBPyConnection, query: str) -> NDArray[Any]:
    """A column of a query in the order of rows; NaN where a number is missing."""
    return con.sql(query).to_arrow_table().column(0).to_numpy()


def _classes(codes: NDArray[Any], drawn: Drawn) -> NDArray[np.uint8]:
    found = codes.astype(np.uint8)
    found[found == drawn.result.classes.count - 1] = NONE
    return found
