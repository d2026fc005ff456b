"""How far positions lie from the cells in source_id, or in HATS's column, of files that are there."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..catalogue import CELL, Table
from ..tablecells import ARCMINUTE
from .layout import distances
from .manifest import Stored

_TRIED = 32
"""Files of a catalogue of others that are looked into."""


def reach_of(path: Path, table: Table, *, row_groups: Iterable[int] | None = None) -> float | None:
    """The largest distance (degrees) of a position from its row's cell in a Parquet file; None without cells.

    row_groups : those that are read, all if None
    """
    column = table.sort_column
    if column is None or not table.position:
        return None
    found = 0.0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=[column, *table.position], row_groups=row_groups):
            apart = distances(table, pa.Table.from_batches([batch]))
            if apart is not None and len(apart):
                found = max(found, float(apart.max()))
    return found


def measure(mirror: Path, stored: Stored) -> bool:
    """Note the reach of the table's files that have none, and tell whether there are such.

    The column that HATS has for the cells of positions is believed, with an arcminute around them, where some of the
    rows bear that out: all of a catalogue may take hours to read.
    """
    lacking = [file for file in stored.files.values() if file.reach is None]
    if not lacking or stored.table.sort_column is None or not stored.table.position:
        return False
    if stored.place is not None and stored.table.sort_column == CELL:
        tried = lacking[:: max(1, len(lacking) // _TRIED)]
        found = [reach_of(mirror / file.path, stored.table, row_groups=[0]) or 0.0 for file in tried if file.rows]
        reaches: dict[str, float | None] = {}
        if max(found, default=0.0) <= ARCMINUTE:
            reaches = dict.fromkeys(stored.files, ARCMINUTE)
    else:
        reaches = {file.path: reach_of(mirror / file.path, stored.table) for file in lacking}
    for file in lacking:
        stored.files[file.path] = replace(file, reach=reaches.get(file.path))
    return True
