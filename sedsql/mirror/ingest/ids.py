"""Tell whether the source_id of files is Gaia's, which holds the HEALPix cell where its source was first seen."""

from collections.abc import Sequence

import pyarrow as pa

from sedsql.catalogue import CELL, Table
from sedsql.catalogue.healpix import ARCMINUTE
from sedsql.mirror.cells import apart, are_positions
from sedsql.mirror.columns import with_cell_column
from sedsql.mirror.ingest.sources import Source
from sedsql.mirror.rows import positions

LEAST_SHARE = 0.99
"""The share of rows with a position that must lie within an arcminute of the cell in their source_id.

All of Gaia's do but the fastest stars; of numbers that mean something else, one in a million does.
"""

_TRIED = 16
"""Files of which the first rows are read."""


def with_its_cells(table: Table, sources: Sequence[Source]) -> Table:
    """Add a column of cells to a table whose source_id holds none."""
    if not table.has_cells or CELL in table.columns or not table.position:
        return table
    near = rows = 0
    for source in sources[:: max(1, len(sources) // _TRIED)]:
        batch = source.first
        if batch is None:
            continue
        ra, dec = positions(table, batch)
        there = are_positions(ra, dec)
        ids = batch["source_id"].cast(pa.int64(), safe=False).fill_null(-1).to_numpy()
        far = apart(ids >> table.cell_shift, ra, dec) > ARCMINUTE
        rows += int(there.sum())
        near += int((there & ~far).sum())
    return table if near and near >= LEAST_SHARE * rows else with_cell_column(table)
