"""Count the rows of a table for which a condition holds, by several columns of small numbers at once.

DuckDB filters and hands the numbers over, and numpy counts them: one scan, where GROUP BY needs one for each column and
takes thrice as long in all (docs/decisions.md). Rows are taken in parts, one of which is read while another is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_PART = 1 << 23
"""Rows of a part."""

Counts = NDArray[np.int64]
"""The rows that have each number, from 0 on."""


def counted(
    con: duckdb.DuckDBPyConnection, table: str, rows: int, condition: str, sizes: Mapping[str, int]
) -> dict[str, Counts]:
    """Count the rows of a table by each column.

    rows : of the table
    sizes : the columns, whose numbers are from 0 to below so many
    """
    totals: dict[str, Counts] = {}
    for part in _parts(con, f"SELECT {', '.join(sizes)} FROM {table} WHERE {condition}", rows):
        for (name, size), column in zip(sizes.items(), part.columns, strict=True):
            found = np.bincount(column.to_numpy(), minlength=size)
            totals[name] = totals[name] + found if name in totals else found
    return totals


def _parts(con: duckdb.DuckDBPyConnection, query: str, rows: int) -> Iterator[pa.Table]:
    """The answer to a query, in parts by rowid."""

    def read(start: int) -> pa.Table:
        part = f"{query} AND rowid >= {start} AND rowid < {start + _PART}" if rows > _PART else query
        return con.sql(part).to_arrow_table()

    with ThreadPoolExecutor(1) as reading:
        following = reading.submit(read, 0)
        for start in range(0, max(rows, 1), _PART):
            part = following.result()
            if start + _PART < rows:
                following = reading.submit(read, start + _PART)
            yield part
