"""Whether the source_id of files is Gaia's, which holds the HEALPix cell where its source was first seen."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ...catalogue import CELL, Table
from ...tablecells import ARCMINUTE
from ..cells import apart
from ..layout import celled, positions
from .sources import Source

LEAST_SHARE = 0.99
"""Of the rows with a position, those that must lie within an arcminute of the cell in their source_id.

Of Gaia's own all do but the fastest stars, of numbers that mean something else one in a million.
"""

_TRIED = 16
"""Files that are looked into, at their first rows."""


def with_its_cells(table: Table, sources: Sequence[Source]) -> Table:
    """The table that goes by its source_id if that holds cells, else the one with a column of cells of its own."""
    if not table.has_cells or CELL in table.columns or not table.position:
        return table
    near = rows = 0
    for source in sources[:: max(1, len(sources) // _TRIED)]:
        batch = source.first
        if batch is None:
            continue
        ra, dec = positions(table, batch)
        there = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90)
        ids = batch["source_id"].cast(pa.int64(), safe=False).fill_null(-1).to_numpy()
        far = apart(ids >> table.cell_shift, ra, dec) > ARCMINUTE
        rows += int(there.sum())
        near += int((there & ~far).sum())
    return table if near and near >= LEAST_SHARE * rows else celled(table)
