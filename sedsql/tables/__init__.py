"""Tables in files: CSV, ECSV, VOTable, FITS and Parquet, read and written in pieces where the format allows it."""

from .convert import from_arrow, to_arrow
from .errors import TableError
from .files import (
    PIECE,
    Pieces,
    file_format,
    read_pieces,
    read_table,
    streams,
    write_pieces,
    write_table,
)
from .forms import Rows, arrow_of
from .magnitudes import find_bands, find_column, further, magnitudes, numbers

__all__ = [
    "PIECE",
    "Pieces",
    "Rows",
    "TableError",
    "arrow_of",
    "file_format",
    "find_bands",
    "find_column",
    "from_arrow",
    "further",
    "magnitudes",
    "numbers",
    "read_pieces",
    "read_table",
    "streams",
    "to_arrow",
    "write_pieces",
    "write_table",
]
