"""What a page selects: conditions on views, classes, probabilities and rows, all of which hold, as SQL on `drawn`."""

from __future__ import annotations

from typing import Any

import numpy as np

from sedsql.service.errors import ServiceError
from sedsql.service.explore.explorer.drawn import CODE, PROBABILITY, Drawn
from sedsql.service.explore.explorer.fields import list_of, number_of, object_of, only, ranges_of, sql_number, whole_of
from sedsql.service.explore.explorer.views import Range, View

_CONDITIONS, _CLASSES, _ROWS = 32, 256, 200_000
ALL = "true"
"""The condition of all rows."""
_KINDS = ("view", "classes", "probability", "rows")


def condition(filter: Any, drawn: Drawn) -> str:
    """Write the condition that a row of `drawn` is selected. ServiceError where the filter is not good."""
    return " AND ".join(_one(one, drawn) for one in list_of(filter, "filter", _CONDITIONS)) or ALL


def _one(value: Any, drawn: Drawn) -> str:
    values = object_of(value, "A condition")
    kinds = [key for key in _KINDS if key in values]
    if len(kinds) != 1:
        raise ServiceError(f"A condition has one of {', '.join(_KINDS)}, not {len(kinds)} of them.")
    (kind,) = kinds
    only(values, ("view", "range") if kind == "view" else (kind,), "A condition")
    if kind == "view":
        view = view_of(values[kind], drawn)
        return within(view, ranges_of(values.get("range"), f"range of {view.name[:40]!r}", len(view.axes)), drawn)
    if kind == "classes":
        codes = [drawn.result.classes.code(name) for name in _names(values[kind])]
        return f"{CODE} IN ({', '.join(map(str, codes))})" if codes else "false"
    if kind == "probability":
        return f"{PROBABILITY} >= {sql_number(number_of(values[kind], 'probability'))}"
    rows = [whole_of(row, "A row", 0, 1 << 40) for row in list_of(values[kind], "rows", _ROWS)]
    return f"rowid IN ({', '.join(map(str, rows))})" if rows else "false"


def view_of(value: Any, drawn: Drawn) -> View:
    """The view of that name."""
    if not isinstance(value, str) or value not in drawn.views:
        raise ServiceError(f"There is no view {str(value)[:40]!r}; there are {', '.join(drawn.views) or 'none'}.")
    return drawn.views[value]


def within(view: View, ranges: list[Range], drawn: Drawn) -> str:
    """Write that a row lies in a range of a view, ends included."""
    parts = []
    for axis, (low, high) in zip(view.axes, ranges, strict=True):
        column = drawn.column(axis)
        if axis.is_real:  # compared as they are stored: the least FLOAT in the range, and the largest
            parts.append(f"{column} BETWEEN {_real(low, up=True)} AND {_real(high, up=False)}")
        else:
            parts.append(f"{column} BETWEEN {sql_number(low)} AND {sql_number(high)}")
    return f"({' AND '.join(parts)})"


def _real(value: float, up: bool) -> str:
    """The FLOAT next to a number, above or below it unless it is one."""
    with np.errstate(over="ignore"):
        near = np.float32(value)
    if float(near) != value and (float(near) < value) == up:
        near = np.nextafter(near, np.float32(np.inf if up else -np.inf))
    return f"'{float(near)!r}'::FLOAT"


def _names(value: Any) -> list[str | None]:
    names = list_of(value, "classes", _CLASSES)
    if not all(name is None or isinstance(name, str) for name in names):
        raise ServiceError("classes is a list of names of classes, and null for rows without one.")
    return names
