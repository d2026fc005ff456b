"""A table of what is drawn of each row of the result, in the same order: class, probability, values, cells.

A brush is then one scan of it: a filter of values, and small numbers to count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from sedsql.service.explore.explorer.axes import Axis
from sedsql.service.explore.explorer.domains import choose
from sedsql.service.explore.explorer.fields import sql_number
from sedsql.service.explore.explorer.result import DRAWN, RESULT, Result
from sedsql.service.explore.explorer.views import View
from sedsql.sql_text import identifier

CODE, PROBABILITY = "code", "probability"


@dataclass(frozen=True)
class Drawn:
    """What is drawn of a result.

    views : by name, with their domains
    """

    result: Result
    views: dict[str, View]

    @classmethod
    def make(cls, con: duckdb.DuckDBPyConnection, result: Result, views: dict[str, View]) -> Drawn:
        """Make the table, in the place of an earlier one."""
        made = cls(result, choose(con, RESULT, result.rows, views))
        con.execute(f"DROP TABLE IF EXISTS {DRAWN}")
        con.execute(f"CREATE TABLE {DRAWN} AS {made._select()}")
        return made

    def column(self, axis: Axis) -> str:
        """The column of an axis's values."""
        return f"a{self._axes.index(axis)}"

    def cell(self, view: View) -> str:
        """The column of a view's numbers: cell * classes + code of the class, and `outside` where there is none."""
        return f"c{list(self.views).index(view.name)}"

    @property
    def _axes(self) -> list[Axis]:
        return list(dict.fromkeys(axis for view in self.views.values() for axis in view.axes))

    def _select(self) -> str:
        classes = self.result.classes
        probability = identifier(classes.probability) if classes.probability else "NULL::DOUBLE"
        values = [f"{classes.code_sql()} AS {CODE}", f"{probability} AS {PROBABILITY}"]
        values += [f"{axis.sql()} AS {self.column(axis)}" for axis in self._axes]
        cells = [f"{self._cell_sql(view)} AS {self.cell(view)}" for view in self.views.values()]
        return f"SELECT {', '.join(['*', *cells])} FROM (SELECT {', '.join(values)} FROM {RESULT})"

    def outside(self, view: View) -> int:
        """The number of rows that lie in no cell of a view."""
        return view.cells * self.result.classes.count

    def _cell_sql(self, view: View) -> str:
        """Write the number of a row's cell and class; the last cell holds the upper end of the domain too."""
        cell, *others = self._steps(view)
        if others:
            cell = f"({cell} + {others[0]} * {sql_number(view.sizes[0])})"
        # DuckDB computes such numbers in DOUBLE, which holds them, in a fifth of the time that whole ones take.
        number = f"{cell} * {sql_number(self.result.classes.count)} + {CODE}"
        outside = self.outside(view)
        kind = "USMALLINT" if outside < 1 << 16 else "UINTEGER"
        return f"CASE WHEN {' AND '.join(self._inside(view))} THEN ({number})::{kind} ELSE {outside}::{kind} END"

    def _inside(self, view: View) -> Iterator[str]:
        assert view.domain
        for axis, (low, high) in zip(view.axes, view.domain, strict=True):
            yield f"{self.column(axis)}::DOUBLE BETWEEN {sql_number(low)} AND {sql_number(high)}"

    def _steps(self, view: View) -> Iterator[str]:
        assert view.domain
        for axis, (low, high), size in zip(view.axes, view.domain, view.sizes, strict=True):
            value = f"{self.column(axis)}::DOUBLE"
            low, high = axis.scaled(low), axis.scaled(high)
            value = f"log10({value})" if axis.is_log else value
            step = f"({value} - {sql_number(low)}) * {sql_number(size / (high - low))}"
            # The upper end is in the last cell. DuckDB's least takes as long as all else here.
            most = sql_number(size - 0.5)
            yield f"trunc(CASE WHEN {step} > {most} THEN {most} ELSE {step} END)"
