"""Tables in files: CSV, ECSV, VOTable, FITS and Parquet, read and written in pieces where the format allows it."""

from .convert import from_arrow, to_arrow
from .errors import TableError
from .files import (
    PIECE,
    Pieces,
    file_format,
    read_pieces,
    read_table,
    refuse_pipe,
    streams,
    write_pieces,
    write_table,
)
from .forms import Rows, arrow_of
from .inputs import FURTHER, Inputs, further, would_do
from .magnitudes import find_bands, find_column, magnitudes, numbers
from .sentinels import SENTINELS, Sentinels

__all__ = [
    "FURTHER",
    "PIECE",
    "SENTINELS",
    "Inputs",
    "Pieces",
    "Rows",
    "Sentinels",
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
    "refuse_pipe",
    "streams",
    "to_arrow",
    "would_do",
    "write_pieces",
    "write_table",
]
