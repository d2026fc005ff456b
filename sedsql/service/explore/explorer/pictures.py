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
from sedsql.service.explore.explorer.filters import ALL
from sedsql.service.explore.explorer.result import DRAWN
from sedsql.service.explore.explorer.views import View

Told = dict[str, Any]


class Pictures:
    """What is drawn of a result, and how many of all its rows there are in each cell.

    Attributes
    ----------
    drawn : the table
    points : whether points are drawn in the planes
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, drawn: Drawn, points: bool):
        self.drawn, self.points = drawn, points
        self._con, self._classes = con, drawn.result.classes.count
        self._all = self._counted(ALL, list(drawn.views.values()))
        self._most = False

    def whole(self) -> list[bytes]:
        """All rows: of planes the points, x and y and the class of each row, where points are drawn, else the cells."""
        arrays, views = Arrays(), {}
        for view in self.drawn.views.values():
            assert view.domain
            told: Told = {
                "kind": "plane" if view.is_plane else "line",
                "domain": [x for pair in view.domain for x in pair],
            }
            told |= {"size": view.sizes} if view.is_plane else {"bins": view.cells}
            told["outside"] = int(self._all[view.name][-1])
            if self.points and view.is_plane:
                x, y = (self._column(f"{self.drawn.column(axis)}::FLOAT").astype(np.float32) for axis in view.axes)
                told |= {"x": arrays.add(x), "y": arrays.add(y)}  # NaN where there is no value
            else:
                told |= self._picture(self._all[view.name], view, arrays)
            views[view.name] = told
        head = {"count": self.drawn.result.rows, "points": self.points, "counts": self._all[CODE].tolist()}
        if self.points:
            head["class"] = arrays.add(self._codes(self._column(CODE)))
        return arrays.body({**head, "views": views})

    def selection(self, condition: str) -> list[bytes]:
        """The rows for which a condition holds: a bit for each row in the place of planes where points are drawn."""
        arrays = Arrays()
        shown = [view for view in self.drawn.views.values() if not (self.points and view.is_plane)]
        counts = self._chosen(condition, shown)
        views = {view.name: self._picture(counts[view.name], view, arrays) for view in shown}
        head = {"count": int(counts[CODE].sum()), "counts": counts[CODE].tolist(), "views": views}
        if self.points:
            chosen = self._column(f"coalesce({condition}, false)")
            head["rows"] = arrays.add(np.packbits(chosen, bitorder="little"))
        return arrays.body(head)

    def _chosen(self, condition: str, views: list[View]) -> dict[str, Counts]:
        """Count the rows for which a condition holds, or the others where these are likely to be fewer.

        A brush moves by small steps: most rows are selected if most were before.
        """
        if self._most:
            others = self._counted(f"({condition}) IS NOT TRUE", views)
            found = {name: self._all[name] - count for name, count in others.items()}
        else:
            found = self._counted(condition, views)
        self._most = found[CODE].sum() > self.drawn.result.rows / 2
        return found

    def _counted(self, condition: str, views: list[View]) -> dict[str, Counts]:
        """Count rows by class, under CODE, and by cell and class of each view, under its name."""
        sizes = {CODE: self._classes, **{self.drawn.cell(view): self.drawn.outside(view) + 1 for view in views}}
        found = counted(self._con, DRAWN, self.drawn.result.rows, condition, sizes)
        return {CODE: found[CODE], **{view.name: found[self.drawn.cell(view)] for view in views}}

    def _picture(self, counts: Counts, view: View, arrays: Arrays) -> Told:
        inside = counts[:-1]
        if not view.is_plane:
            return {"all": arrays.add(inside.astype(np.uint32))}
        by_class = inside.reshape(view.cells, self._classes)
        total = by_class.sum(axis=1)
        cells = np.flatnonzero(total)
        return {
            "cell": arrays.add(cells.astype(np.uint32)),
            "n": arrays.add(total[cells].astype(np.uint32)),
            "class": arrays.add(self._codes(by_class[cells].argmax(axis=1))),  # the first of those that are as frequent
        }

    def _column(self, value: str) -> NDArray[Any]:
        """A value of each row, in the order of rows."""
        return self._con.sql(f"SELECT {value} AS v FROM {DRAWN}").to_arrow_table().column(0).to_numpy()

    def _codes(self, codes: NDArray[Any]) -> NDArray[np.uint8]:
        found = codes.astype(np.uint8)
        found[found == self._classes - 1] = NONE
        return found
