"""Measure how far the positions in files lie from the cells in source_id, or in HATS's column."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sedsql.catalogue import CELL, Table
from sedsql.catalogue.healpix import ARCMINUTE
from sedsql.files.object_storage.duckdb_files import PREFIX, opened
from sedsql.mirror.rows import distances
from sedsql.mirror.table_state import TableState

_TRIED = 32
"""Files of a HATS catalogue that are looked into."""


def reach_of(path: str | Path, table: Table, *, row_groups: Iterable[int] | None = None) -> float | None:
    """The largest distance (degrees) of a position from its row's cell in a Parquet file; None without cells.

    row_groups : those that are read, all if None
    """
    column = table.sort_column
    if column is None or not table.position:
        return None
    found = 0.0
    with opened(path) as read, pq.ParquetFile(read) as file:
        for batch in file.iter_batches(columns=[column, *table.position], row_groups=row_groups):
            apart = distances(table, pa.Table.from_batches([batch]))
            if apart is not None and len(apart):
                found = max(found, float(apart.max()))
    return found


def _at(folder: Path, path: str) -> str | Path:
    return path if path.startswith(PREFIX) else folder / path


def measure(folder: Path, state: TableState) -> bool:
    """Note the reach of the table's files that have none; gives whether there were such files.

    To read all of a HATS catalogue may take hours: its column of cells is believed, with an arcminute around them, if
    some of the rows agree.

    folder : that paths of files are relative to
    """
    lacking = [file for file in state.files.values() if file.reach is None]
    if not lacking or state.table.sort_column is None or not state.table.position:
        return False
    if state.place is not None and state.table.sort_column == CELL:
        tried = lacking[:: max(1, len(lacking) // _TRIED)]
        found = [reach_of(_at(folder, file.path), state.table, row_groups=[0]) or 0.0 for file in tried if file.rows]
        reaches: dict[str, float | None] = {}
        if max(found, default=0.0) <= ARCMINUTE:
            reaches = dict.fromkeys(state.files, ARCMINUTE)
    else:
        reaches = {file.path: reach_of(_at(folder, file.path), state.table) for file in lacking}
    for file in lacking:
        state.files[file.path] = replace(file, reach=reaches.get(file.path))
    return True
