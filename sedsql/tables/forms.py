"""Tables as other libraries hold them."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
from astropy.table import Table

from .convert import to_arrow
from .errors import TableError
from .files import read_table

Rows = Any
"""An astropy or Arrow table, a DataFrame of pandas or polars, pyvo's results, or the path of a file."""


def arrow_of(rows: Rows) -> pa.Table:
    """The rows as an Arrow table, with units, UCDs and descriptions where they have them.

    Raises TableError where they are none of `Rows`.
    """
    if isinstance(rows, pa.Table):
        return rows
    if isinstance(rows, Table):
        return to_arrow(rows)
    if isinstance(rows, str | os.PathLike):
        return to_arrow(read_table(Path(rows)))
    if hasattr(rows, "to_arrow"):  # polars
        return rows.to_arrow()
    if hasattr(rows, "to_table"):  # pyvo
        return to_arrow(rows.to_table())
    if hasattr(rows, "iloc"):  # pandas
        return pa.Table.from_pandas(rows, preserve_index=False)
    raise TableError(f"{type(rows).__name__} is no table; astropy's and Arrow's are, DataFrames, and files of tables.")
