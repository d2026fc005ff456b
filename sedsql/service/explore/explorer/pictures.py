"""Pictures of the rows of a selection: of each view the rows in its cells by class, or the points themselves."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from sedsql.service.explore.explorer.binary import Arrays
from sedsql.service.explore.explorer.classes import NONE
from sedsql.service.explore.explorer.counting import Counts, counted
from sedsql.service.explore.explorer.drawn import CODE, Drawn
from sedsql.service.explore.explorer.result import DRAWN
from sedsql.service.explore.explorer.views import View

ALL = "true"
Told = dict[str, Any]


def whole(con: duckdb.DuckDBPyConnection, drawn: Drawn, points: bool) -> list[bytes]:
    """All rows: of planes the points, x and y and the class of each row, where points are drawn, else the cells."""
    arrays = Arrays()
    counts = _count(con, drawn, ALL, list(drawn.views.values()))
    views: dict[str, Told] = {}
    for view in drawn.views.values():
        assert view.domain
        told: Told = {"kind": "plane" if view.is_plane else "line", "domain": [x for pair in view.domain for x in pair]}
        told |= {"size": view.sizes} if view.is_plane else {"bins": view.cells}
        found, outside = _inside(counts[view.name], drawn, view)
        given = _points(con, drawn, view, arrays) if points and view.is_plane else _picture(found, drawn, view, arrays)
        views[view.name] = {**told, "outside": outside, **given}
    head = {"count": drawn.result.rows, "points": points, "counts": _by_class(counts[CODE], drawn), "views": views}
    if points:
        head["class"] = arrays.add(_codes(_column(con, CODE), drawn))
    return arrays.body(head)


def selection(con: duckdb.DuckDBPyConnection, drawn: Drawn, condition: str, points: bool) -> list[bytes]:
    """The rows for which a condition holds: a bit for each row in the place of cells where points are drawn."""
    arrays = Arrays()
    shown = [view for view in drawn.views.values() if not (points and view.is_plane)]
    counts = _count(con, drawn, condition, shown)
    by_class = _by_class(counts[CODE], drawn)
    views = {view.name: _picture(_inside(counts[view.name], drawn, view)[0], drawn, view, arrays) for view in shown}
    head = {"count": sum(by_class), "counts": by_class, "views": views}
    if points:
        chosen = _column(con, f"coalesce({condition}, false)")
        head["rows"] = arrays.add(np.packbits(chosen, bitorder="little"))
    return arrays.body(head)


def _count(con: duckdb.DuckDBPyConnection, drawn: Drawn, condition: str, views: list[View]) -> dict[str, Counts]:
    """Count rows by class, under CODE, and by cell and class of each view, under its name."""
    sizes = {CODE: drawn.result.classes.count, **{drawn.cell(view): drawn.outside(view) + 1 for view in views}}
    found = counted(con, DRAWN, drawn.result.rows, condition, sizes)
    return {CODE: found[CODE], **{view.name: found[drawn.cell(view)] for view in views}}


def _by_class(counts: Counts, drawn: Drawn) -> list[int]:
    """The rows of each class, and at last of none."""
    found = np.zeros(drawn.result.classes.count, np.int64)
    found[counts.numbers] = counts.rows
    return found.tolist()


def _inside(counts: Counts, drawn: Drawn, view: View) -> tuple[Counts, int]:
    """Counts without the rows that lie in no cell; and how many these are."""
    if len(counts.numbers) and counts.numbers[-1] == drawn.outside(view):
        return Counts(counts.numbers[:-1], counts.rows[:-1]), int(counts.rows[-1])
    return counts, 0


def _picture(counts: Counts, drawn: Drawn, view: View, arrays: Arrays) -> Told:
    if not view.is_plane:
        bins = np.zeros(drawn.outside(view), np.uint32)
        bins[counts.numbers] = counts.rows
        return {"all": arrays.add(bins)}
    cells, codes = np.divmod(counts.numbers, drawn.result.classes.count)
    first = np.flatnonzero(np.diff(cells, prepend=-1))
    if not len(first):
        total, most = counts.rows, codes
    else:
        total = np.add.reduceat(counts.rows, first)
        largest = np.repeat(np.maximum.reduceat(counts.rows, first), np.diff(first, append=len(cells)))
        ranked = np.flatnonzero(counts.rows == largest)  # of classes that are as frequent the first is taken
        most = codes[ranked[np.searchsorted(ranked, first)]]
    return {
        "cell": arrays.add(cells[first].astype(np.uint32)),
        "n": arrays.add(total.astype(np.uint32)),
        "class": arrays.add(_codes(most, drawn)),
    }


def _points(con: duckdb.DuckDBPyConnection, drawn: Drawn, view: View, arrays: Arrays) -> Told:
    """The values of each row; NaN where there is none."""
    x, y = (_column(con, f"{drawn.column(axis)}::FLOAT").astype(np.float32) for axis in view.axes)
    return {"x": arrays.add(x), "y": arrays.add(y)}


def _column(con: duckdb.DuckDBPyConnection, value: str) -> NDArray[Any]:
    """A value of each row, in the order of rows."""
    return con.sql(f"SELECT {value} AS v FROM {DRAWN}").to_arrow_table().column(0).to_numpy()


def _codes(codes: NDArray[Any], drawn: Drawn) -> NDArray[np.uint8]:
    found = codes.astype(np.uint8)
    found[found == drawn.result.classes.count - 1] = NONE
    return found
