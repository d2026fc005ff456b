"""Sort the rows of a table by HEALPix cell, and measure how far they lie from their cells."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sedsql.catalogue import CELL, Table
from sedsql.mirror.cells import apart, fine_cells
from sedsql.mirror.columns import as_stored


def sort_cells(table: Table, rows: pa.Table) -> pa.Table:
    """Sort rows by cell, and select the columns of the stored table in their order."""
    stored = as_stored(table)
    if CELL in stored.columns and CELL not in rows.column_names:
        rows = rows.append_column(CELL, pa.array(fine_cells(*positions(table, rows))))
    rows = rows.select([column.name for column in stored.columns.values()])
    if column := stored.sort_column:
        values = rows[column].fill_null(0).to_numpy()
        if (values[1:] < values[:-1]).any():
            rows = rows.take(pa.array(np.argsort(values, kind="stable")))
    return rows


def distances(table: Table, rows: pa.Table) -> NDArray[np.float64] | None:
    """The degrees from the position of each row to the cell in its column of cells, see `cells.apart`.

    None for a table without positions or cells.
    """
    column = table.sort_column
    if not table.position or column is None:
        return None
    cell = rows[column].fill_null(-1).to_numpy() >> table.cell_shift
    return apart(cell, *positions(table, rows))


def positions(table: Table, rows: pa.Table) -> list[NDArray[np.float64]]:
    """Right ascensions and declinations; NaN where there are none."""
    return [rows[name].cast(pa.float64()).fill_null(np.nan).to_numpy() for name in table.position or ()]
