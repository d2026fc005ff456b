"""Write the query of a result with a selection as its WHERE, in ADQL that gives the selected rows and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import duckdb

from sedsql.adql import AdqlError
from sedsql.adql.parser.identifiers import quoted
from sedsql.dbapi.connection import Connection
from sedsql.service.errors import ServiceError
from sedsql.service.explore.explorer.axes import Axis
from sedsql.service.explore.explorer.nested import nested
from sedsql.service.explore.explorer.result import RESULT, Result
from sedsql.service.explore.explorer.views import View
from sedsql.sql_text import identifier, literal

MOST_IDS = 1_000
"""Sources that a WHERE names one by one."""

_NONE, _ALL = "1 = 0", "1 = 1"

Of = Callable[[str], str]
"""From the name of a column, as ADQL has it, to the column of the table."""


def where(
    connection: Connection,
    con: duckdb.DuckDBPyConnection,
    result: Result,
    views: Mapping[str, View],
    filter: Sequence[Mapping[str, Any]],
) -> str:
    """Write the query whose rows are the selected ones.

    con : a DuckDB cursor of the connection
    views : those that the filter names
    filter : conditions that all hold, which were found to be good

    Raises ServiceError where there is no such query.
    """
    if not filter:
        return result.asked.with_classes
    # Where two columns of the query have one name, they get those of the result.
    for columns in (None, [column.name for column in result.columns]):
        table = nested(result.asked.with_classes, columns)
        of = partial("{}.{}".format, table.name)
        conditions = [text for one in filter for text in _conditions(one, con, result, views, of)]
        adql = f"{table.head}SELECT *\nFROM {table.table}\nWHERE " + "\n  AND ".join(conditions)
        with suppress(AdqlError):
            connection.translation(adql)
            return adql
    raise ServiceError("This selection cannot be written as ADQL; give each column of the query a name of its own.")


def _conditions(
    one: Mapping[str, Any], con: duckdb.DuckDBPyConnection, result: Result, views: Mapping[str, View], of: Of
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
        yield _of_rows(one["rows"], con, result, of)


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
        return _ALL if None in names else _NONE
    column = of(quoted(classes.column))
    listed = ", ".join(literal(name) for name in names if name is not None)
    conditions = [f"{column} IN ({listed})"] if listed else []
    if None in names:
        conditions.append(f"{column} IS NULL")
        if classes.names:  # the rarest of many classes are drawn as none
            conditions.append(f"{column} NOT IN ({', '.join(map(literal, classes.names))})")
    return f"({' OR '.join(conditions)})" if len(conditions) > 1 else "".join(conditions) or _NONE


def _of_rows(rows: Sequence[int], con: duckdb.DuckDBPyConnection, result: Result, of: Of) -> str:
    """Name sources that were chosen one by one, by their source_id."""
    column = result.columns.find("source_id")
    if column is None or column.kind != "number":
        raise ServiceError("Sources that were chosen one by one are named by their source_id; select it in the query.")
    if len(rows) > MOST_IDS:
        raise ServiceError(
            f"{len(rows):,} sources were chosen one by one, and ADQL is written for {MOST_IDS:,}; select a range, or "
            "download the table."
        )
    if not rows:
        return _NONE
    name, listed = identifier(column.name), ", ".join(map(str, rows))
    found = con.execute(f"SELECT DISTINCT {name} FROM {RESULT} WHERE rowid IN ({listed})").fetchall()
    named = ", ".join("NULL" if source_id is None else str(source_id) for (source_id,) in found)
    same = f"SELECT count(*) FROM {RESULT} WHERE {name} IN ({named}) AND rowid NOT IN ({listed})"
    if "NULL" in named or con.execute(same).fetchall() != [(0,)]:
        raise ServiceError("The source_ids of the chosen rows do not tell them from others, so no ADQL can name them.")
    return f"{of(quoted(column.name))} IN ({named})"
