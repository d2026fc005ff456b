"""Read columns of numbers, whatever a table holds them as."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.table import Table
from numpy.typing import NDArray

from sedsql.files.convert import to_array
from sedsql.files.errors import TableError
from sedsql.files.names import find_column
from sedsql.files.text import plain

_MISSING_TEXT = ("", "null", "NULL", "nan", "NaN", "NAN", "--", "none", "None", "N/A", "NA")


def numbers(table: Table, name: str, what: str, first_row: int = 1) -> NDArray[np.float64]:
    """A column of numbers by its name, upper or lower case, shape (rows,); NaN = missing, as where there is none.

    `what` the column should hold and `first_row` are for messages.
    """
    column = find_column(table.colnames, (name,))
    return np.full(len(table), np.nan) if column is None else column_numbers(table[column], column, what, first_row)


def column_numbers(column, name: str, what: str, first_row: int = 1) -> NDArray[np.float64]:
    """The same of an Arrow or astropy column, whose name is for messages too."""
    values = arrow_column(column, name, what)
    if pa.types.is_string(values.type):
        values = _parsed(text_of(values), name, what, first_row)
    kind = values.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind) or kind == pa.null()):
        raise TableError(f"Column {name} should hold {what}, but its type is {kind}.")
    if not pa.types.is_float64(kind):
        values = pc.cast(values, pa.float64())
    return values.to_numpy(zero_copy_only=False)


def arrow_column(column, name: str, what: str) -> pa.Array:
    """Convert a column to an Arrow array; text is `string`."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(column, pa.Array):
        return plain(column)
    if np.iscomplexobj(column):
        raise TableError(f"Column {name} should hold {what}, but its type is complex.")
    return plain(to_array(column))


def text_of(values: pa.Array) -> pa.Array:
    """Trim text; what stands for a missing value in it is null."""
    text = pc.utf8_trim_whitespace(values)
    return pc.if_else(pc.is_in(text, pa.array(_MISSING_TEXT)), pa.scalar(None, pa.string()), text)


def _parsed(text: pa.Array, name: str, what: str, first_row: int) -> pa.Array:
    try:
        return pc.cast(text, pa.float64())
    except pa.ArrowInvalid:
        row = next(row for row, word in enumerate(text) if not _is_number(word))
        raise no_number(text, row, name, what, first_row) from None


def no_number(text: pa.Array, row: int, name: str, what: str, first_row: int) -> TableError:
    """The error of a text that should be a number."""
    word = str(text[row])
    hint = "; write numbers with a decimal point" if re.fullmatch(r"[+-]?\d+,\d+", word) else ""
    return TableError(f"Column {name} should hold {what}, but row {first_row + row} has the text {word!r}{hint}.")


def _is_number(word: pa.Scalar) -> bool:
    try:
        word.cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True
