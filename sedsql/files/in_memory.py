"""Take tables as other libraries hold them."""

import os
from typing import Any

import pyarrow as pa
from astropy.table import Table

from sedsql.files.convert import to_arrow
from sedsql.files.errors import TableError
from sedsql.files.formats import read_table
from sedsql.files.place import at_home

Rows = Any
"""An astropy or Arrow table, a DataFrame of pandas or polars, pyvo's results, a cursor, or the path of a file."""


def arrow_of(rows: Rows) -> pa.Table:
    """Convert rows to an Arrow table, with units, UCDs and descriptions where they have them.

    Raises TableError where they are none of `Rows`.
    """
    if isinstance(rows, pa.Table):
        return rows
    if isinstance(rows, Table):
        return to_arrow(rows)
    if isinstance(rows, str | os.PathLike):
        return to_arrow(read_table(at_home(rows)))
    if hasattr(rows, "to_arrow"):  # polars
        return rows.to_arrow()
    if hasattr(rows, "to_arrow_table"):  # a relation of DuckDB
        return rows.to_arrow_table()
    if hasattr(rows, "to_table"):  # pyvo
        return to_arrow(rows.to_table())
    if hasattr(rows, "iloc"):  # pandas
        return pa.Table.from_pandas(rows, preserve_index=False)
    if callable(getattr(rows, "arrow", None)):  # a cursor
        found = rows.arrow()
        return found if isinstance(found, pa.Table) else found.read_all()
    raise TableError(f"{type(rows).__name__} is no table; astropy's and Arrow's are, DataFrames, and files of tables.")
