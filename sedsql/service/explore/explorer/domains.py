"""Choose what of an axis is shown: nearly all rows, without the few that lie far off."""

from __future__ import annotations

import duckdb
import numpy as np

from sedsql.service.explore.explorer.axes import Axis
from sedsql.service.explore.explorer.views import Range, View

_SAMPLE = 200_000
"""Rows that quantiles are taken of."""
_TAILS = 0.0005
"""The share of the rows that is left out at either end."""
_MARGIN = 0.04
"""Of the width, at either end."""
_GAP = 10
"""Degrees without a row, at least, where longitudes may begin."""


def choose(con: duckdb.DuckDBPyConnection, table: str, rows: int, views: dict[str, View]) -> dict[str, View]:
    """Give each view a domain that has none."""
    without = [view for view in views.values() if view.domain is None]
    ranges = _ranges(con, table, rows, {axis for view in without if not view.is_sky for axis in view.axes})
    found = dict(views)
    for view in without:
        domain = _of_sky(con, table, view) if view.is_sky else tuple(ranges[axis] for axis in view.axes)
        found[view.name] = view.shown(domain)
    return found


def _ranges(con: duckdb.DuckDBPyConnection, table: str, rows: int, axes: set[Axis]) -> dict[Axis, Range]:
    if not axes:
        return {}
    listed = list(axes)
    step = max(rows // _SAMPLE, 1)
    selected = ", ".join(f"{axis.sql()} AS a{k}" for k, axis in enumerate(listed))
    sample = con.sql(f"SELECT {selected} FROM {table} WHERE rowid % {step} = 0").to_arrow_table()
    return {axis: _quantiles(axis, column.to_numpy()) for axis, column in zip(listed, sample.columns, strict=True)}


def _quantiles(axis: Axis, values: np.ndarray) -> Range:
    values = values.astype(np.float64)
    values = values[np.isfinite(values) & (not axis.is_log or values > 0)]
    if not len(values):
        return (1.0, 10.0) if axis.is_log else (0.0, 1.0)
    low, high = np.quantile(np.log10(values) if axis.is_log else values, [_TAILS, 1 - _TAILS])
    low, high = _with_margin(float(low), float(high))
    return (10**low, 10**high) if axis.is_log else (low, high)


def _with_margin(low: float, high: float) -> Range:
    margin = _MARGIN * (high - low) or max(abs(low) * 1e-6, 0.5)
    return low - margin, high + margin


def _of_sky(con: duckdb.DuckDBPyConnection, table: str, view: View) -> tuple[Range, ...]:
    """All positions; the longitudes begin in the widest gap between them, so that a region over 0 is in one piece."""
    ra, dec = view.axes
    degrees = con.sql(
        f"SELECT DISTINCT floor({ra.sql()})::INTEGER % 360 AS d FROM {table} WHERE isfinite({ra.sql()}) ORDER BY d"
    ).to_arrow_table()
    there = degrees["d"].to_numpy()
    start = _start(there)
    lowest, highest = f"min({ra.turned(start).sql()})", f"max({ra.turned(start).sql()})"
    low, high, south, north = con.execute(
        f"SELECT {lowest}, {highest}, min({dec.sql()}), max({dec.sql()}) FROM {table} "
        f"WHERE isfinite({ra.sql()}) AND isfinite({dec.sql()})"
    ).fetchall()[0]
    if low is None:
        return (0.0, 360.0), (-90.0, 90.0)
    if not start and low >= 0 and high <= 360 and high - low > 360 - 2 * _GAP:
        return (0.0, 360.0), (-90.0, 90.0)
    x, y = _with_margin(float(low), float(high)), _with_margin(float(south), float(north))
    if not start and low >= 0 and high <= 360:
        x = max(x[0], 0.0), min(x[1], 360.0)
    return x, (max(y[0], -90.0), min(y[1], 90.0)) if south >= -90 and north <= 90 else y


def _start(there: np.ndarray) -> float:
    """Where longitudes begin: 0, or in a gap of the whole degrees that are there, where rows lie on both sides of 0."""
    if len(there) < 2 or not (there[0] == 0 and there[-1] == 359):
        return 0.0
    gaps = np.diff(there)
    widest = int(np.argmax(gaps))
    return float(there[widest + 1]) - 360 if gaps[widest] > _GAP else 0.0
