"""Count the rows of `drawn` for which a condition holds, by several columns of small numbers at once.

DuckDB filters and hands the numbers over, and numpy counts them: one scan, where GROUP BY needs one for each column and
takes thrice as long in all (docs/decisions.md). Rows are taken in parts, one of which is read while another is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_PART = 1 << 23
"""Rows of a part."""
_SPARSE = 16
"""Numbers are sorted, and not counted in an array of all, where these are so many times as many."""


class Counts(NamedTuple):
    """Numbers that occur, in their order, and how many rows have each."""

    numbers: NDArray[np.int64]
    rows: NDArray[np.int64]


def counted(
    con: duckdb.DuckDBPyConnection, table: str, rows: int, condition: str, sizes: Mapping[str, int]
) -> dict[str, Counts]:
    """Count the rows of a table by each column.

    rows : of the table
    sizes : the columns, whose numbers are from 0 to below so many
    """
    parts = _parts(con, f"SELECT {', '.join(sizes)} FROM {table} WHERE {condition}", rows)
    first = next(parts)
    if rows <= _PART:
        return {
            name: _counts(column.to_numpy(), sizes[name]) for name, column in zip(sizes, first.columns, strict=True)
        }
    totals = {name: np.zeros(size, np.int64) for name, size in sizes.items()}
    for part in (first, *parts):
        for name, column in zip(sizes, part.columns, strict=True):
            totals[name] += np.bincount(column.to_numpy(), minlength=sizes[name])
    return {name: _that_occur(total) for name, total in totals.items()}


def _counts(numbers: NDArray[Any], size: int) -> Counts:
    if len(numbers) < size // _SPARSE:
        return Counts(*np.unique(numbers, return_counts=True))
    return _that_occur(np.bincount(numbers))


def _that_occur(total: NDArray[np.int64]) -> Counts:
    numbers = np.flatnonzero(total)
    return Counts(numbers, total[numbers])


def _parts(con: duckdb.DuckDBPyConnection, query: str, rows: int) -> Iterator[pa.Table]:
    """The answer to a query, in parts by rowid."""

    def read(start: int) -> pa.Table:
        return con.sql(f"{query} AND rowid >= {start} AND rowid < {start + _PART}").to_arrow_table()

    if rows <= _PART:
        yield con.sql(query).to_arrow_table()
        return
    starts = range(0, rows, _PART)
    with ThreadPoolExecutor(1) as reading:
        following = reading.submit(read, 0)
        for start in starts:
            part = following.result()
            if start + _PART < rows:
                following = reading.submit(read, start + _PART)
            yield part
