"""Tables in files: CSV, ECSV, VOTable, FITS, Parquet and Arrow, read and written in pieces where the format allows."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sedsql.files.errors import TableError, TableWarning

if TYPE_CHECKING:
    from sedsql.files.columns import numbers
    from sedsql.files.convert import from_arrow, to_arrow
    from sedsql.files.formats import (
        PIECE,
        Pieces,
        file_format,
        in_pieces,
        read_pieces,
        read_table,
        refuse_pipe,
        write_pieces,
        write_table,
        written_in_pieces,
    )
    from sedsql.files.in_memory import Rows, arrow_of
    from sedsql.files.input_columns import ReadOptions
    from sedsql.files.inputs import Inputs
    from sedsql.files.mixins import with_positions
    from sedsql.files.names import FURTHER, find_column, would_do
    from sedsql.files.parts import file_and_part

__all__ = [
    "FURTHER",
    "PIECE",
    "Inputs",
    "Pieces",
    "ReadOptions",
    "Rows",
    "TableError",
    "TableWarning",
    "arrow_of",
    "file_and_part",
    "file_format",
    "find_column",
    "from_arrow",
    "in_pieces",
    "numbers",
    "read_pieces",
    "read_table",
    "refuse_pipe",
    "to_arrow",
    "with_positions",
    "would_do",
    "write_pieces",
    "write_table",
    "written_in_pieces",
]

_MODULES = {
    "convert": ("from_arrow", "to_arrow"),
    "formats": (
        *("PIECE", "Pieces", "file_format", "in_pieces", "read_pieces", "read_table", "refuse_pipe"),
        *("write_pieces", "write_table", "written_in_pieces"),
    ),
    "in_memory": ("Rows", "arrow_of"),
    "input_columns": ("ReadOptions",),
    "inputs": ("Inputs",),
    "mixins": ("with_positions",),
    "names": ("FURTHER", "find_column", "would_do"),
    "columns": ("numbers",),
    "parts": ("file_and_part",),
}
"""Modules that are imported when one of these names is first used: they need astropy's tables, and a query does not."""


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
