"""Write the query of a result with a selection as its WHERE, in ADQL that gives the selected rows and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from sedsql.adql import AdqlError
from sedsql.adql.parser.identifiers import quoted
from sedsql.dbapi.connection import Connection
from sedsql.service.errors import ServiceError
from sedsql.service.explore.explorer.nested import nested
from sedsql.sql_text import literal

if TYPE_CHECKING:
    from sedsql.service.explore.explorer.axes import Axis
    from sedsql.service.explore.explorer.columns import Column
    from sedsql.service.explore.explorer.result import Result
    from sedsql.service.explore.explorer.views import View

MOST_IDS = 1_000
"""Sources that a WHERE names one by one."""

Ids = Callable[[Sequence[int]], Sequence[int] | None]
"""From numbers of rows to their source_ids; None where another row has one of them too."""

Of = Callable[[str], str]
"""From the name of a column, as ADQL has it, to the column of the table."""


def where(
    connection: Connection, result: Result, views: Mapping[str, View], filter: Sequence[Mapping[str, Any]], ids: Ids
) -> str:
    """Write the query whose rows are the selected ones.

    Parameters
    ----------
    views : those that the filter names
    filter : conditions that all hold, which were found to be good
    ids : looks up sources that were chosen one by one

    Raises
    ------
    ServiceError
        Where there is no such query.
    """
    if not filter:
        return result.asked.with_classes
    # Where two columns of the query have one name, they get those of the result.
    for columns in (None, [column.name for column in result.columns]):
        table = nested(result.asked.with_classes, columns)
        of = partial("{}.{}".format, table.name)
        conditions = [text for one in filter for text in _conditions(one, result, views, ids, of)]
        adql = f"{table.head}SELECT *\nFROM {table.table}\nWHERE " + "\n  AND ".join(conditions)
        with suppress(AdqlError):
            connection.translation(adql)
            return adql
    raise ServiceError("This selection cannot be written as ADQL; give each column of the query a name of its own.")


def _conditions(
    one: Mapping[str, Any], result: Result, views: Mapping[str, View], ids: Ids, of: Of
) -> Iterator[str]:
    """Write one condition of a filter as conditions that all hold."""
    if "view" in one:
        limits = [sorted(one["range"][at : at + 2]) for at in range(0, len(one["range"]), 2)]
        for axis, (low, high) in zip(views[one["view"]].axes, limits, strict=True):
            yield f"{value(axis, of)} BETWEEN {number(low)} AND {number(high)}"
    elif "classes" in one:
        yield _of_classes(one["classes"], result, of)
    elif "probability" in one:
        name = result.classes.probability
        yield f"{of(quoted(name))} >= {number(one['probability'])}" if name else _NONE
    else:
        yield _of_rows(one["rows"], result, ids, of)


_NONE = "1 = 0"


def value(axis: Axis, of: Of) -> str:
    """Write the value of a row on an axis, computed as in the table that is drawn, in 64 bits."""
    first, *others = (of(quoted(column.name)) for column in axis.columns)
    if axis.kind == "minus":
        is_double = any(column.duckdb == "DOUBLE" for column in axis.columns)
        return f"{first} - {others[0]}" if is_double else f"CAST({first} AS DOUBLE PRECISION) - {others[0]}"
    if axis.kind == "absolute":  # in a CASE: the logarithm of a parallax below zero may be an error
        return f"CASE WHEN {others[0]} > 0 THEN {first} + 5 * LOG10({others[0]}) - 10 END"
    if axis.turn is not None:
        return f"{first} - 360 * FLOOR(({first} - {number(axis.turn)}) / 360)"
    return first


def number(value: float) -> str:
    """Write a number in the form that has 64 bits everywhere.

    >>> number(12.5), number(-3), number(1e-30)
    ('12.5E0', '-3.0E0', '1e-30')
    """
    text = repr(float(value))
    return text if "e" in text else f"{text}E0"


def _of_classes(names: Sequence[str | None], result: Result, of: Of) -> str:
    classes = result.classes
    if classes.column is None:
        return "1 = 1" if None in names else _NONE
    column = of(quoted(classes.column))
    listed = ", ".join(literal(name) for name in names if name is not None)
    conditions = [f"{column} IN ({listed})"] if listed else []
    if None in names:
        conditions.append(f"{column} IS NULL")
        if classes.names:  # the rarest of many classes are drawn as none
            conditions.append(f"{column} NOT IN ({', '.join(map(literal, classes.names))})")
    return f"({' OR '.join(conditions)})" if len(conditions) > 1 else "".join(conditions) or _NONE


def _of_rows(rows: Sequence[int], result: Result, ids: Ids, of: Of) -> str:
    column: Column | None = result.columns.find("source_id")
    if column is None:
        raise ServiceError("Sources that were chosen one by one are named by their source_id; select it in the query.")
    if len(rows) > MOST_IDS:
        raise ServiceError(
            f"{len(rows):,} sources were chosen one by one, and ADQL is written for {MOST_IDS:,}; select a range, or "
            "download the table."
        )
    found = ids(rows)
    if found is None:
        raise ServiceError("The source_ids of the chosen rows do not tell them from others, so no ADQL can name them.")
    return f"{of(quoted(column.name))} IN ({', '.join(map(str, found))})" if found else _NONE
