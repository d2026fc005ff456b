"""Change columns into what FITS or VOTable can hold."""

from collections.abc import Mapping
from itertools import chain

import numpy as np
from astropy.table import Column, MaskedColumn, Table
from numpy.typing import NDArray

from sedsql.files.convert import to_array, values_of
from sedsql.files.errors import TableError
from sedsql.files.mixins import without_mixins


def storable(table: Table, kind: str) -> Table:
    """Change the columns that 'fits' or 'votable' cannot hold as they are."""
    table = table.copy(copy_data=False) if kind == "fits" else without_mixins(table).copy(copy_data=False)
    for name, column in list(table.columns.items()):
        if not isinstance(column, Column):
            continue
        if column.dtype.kind == "M":
            column = _like(column, *values_of(to_array(column)))
        if column.dtype.kind == "O":
            column = _like(column, *values_of(to_array(column)))
        if kind == "fits":
            column = _for_fits(column)
        elif column.dtype.kind in "iu" and column.dtype.name in _WIDER:
            column = _like(column, column.astype(_WIDER[column.dtype.name]))
        elif column.dtype == np.uint64:
            fits = len(column) == 0 or column.max() is np.ma.masked or column.max() < 1 << 63
            column = _like(column, column.astype(np.int64 if fits else str))
        if isinstance(column, MaskedColumn) and column.dtype.kind in "iu":
            column = _with_null_value(column)
        if column is not table[name]:
            table.replace_column(name, column)
    return table


_LAST_ASCII = 0x7F

_WIDER = {"int8": np.int16, "uint16": np.int32, "uint32": np.int64}
"""VOTable has no such types; these hold their values."""


def _for_fits(column: Column) -> Column:
    if column.dtype.kind == "b" and np.ma.is_masked(column):
        return _like(column, column.astype(np.int16))  # astropy writes a masked truth value as true
    if column.dtype.kind == "U":
        codes = letters(column)
        beyond = codes > _LAST_ASCII
        if beyond.any():
            text = str(np.ravel(column.data)[int(beyond.any(axis=1).argmax())])
            raise TableError(
                f"Column {column.name} has the text {text!r}, and FITS holds ASCII only; "
                "write ECSV, VOTable or Parquet."
            )
        if codes.size:  # astropy would encode each text by itself
            return _like(column, codes.astype(np.uint8).view(f"S{codes.shape[1]}").reshape(column.shape))
    return column


def letters(column: Column) -> NDArray[np.uint32]:
    """The numbers of the letters of text, shape (rows, width), or (values, width) of arrays of text."""
    text = np.ascontiguousarray(np.ma.filled(column.data, "") if isinstance(column, MaskedColumn) else column.data)
    text = text.astype(text.dtype.newbyteorder("="), copy=False)
    return text.view(np.uint32).reshape(text.size, text.dtype.itemsize // 4)


def _with_null_value(column: MaskedColumn) -> MaskedColumn:
    """Choose a fill value that no value of a column has: FITS and VOTable write it for masked values."""
    if not np.ma.is_masked(column):
        return column
    limits = np.iinfo(column.dtype)
    there = np.unique(column.compressed())
    smallest, largest = int(limits.min), int(limits.max)
    candidates = chain([int(column.fill_value)], range(smallest, largest + 1) if smallest else range(largest, -1, -1))
    unused = next((value for value in candidates if smallest <= value <= largest and value not in there), None)
    if unused is None:
        return _with_null_value(_like(column, column.astype(np.int32)))
    column = column.copy()
    column.fill_value = unused
    return column


def _like(column: Column, values, mask=None) -> Column:
    """Make a column of other values with the name, unit and description of `column`."""
    about: Mapping = {name: getattr(column, name) for name in ("name", "unit", "description", "meta")}
    mask = np.ma.getmaskarray(column) if mask is None else mask
    return MaskedColumn(values, mask=mask, **about) if mask.any() else Column(np.ma.getdata(values), **about)


def nan_masked(table: Table) -> Table:
    """Mask NaN, which in FITS stands for a missing floating-point number."""
    for name, column in list(table.columns.items()):
        if isinstance(column, Column) and column.dtype.kind == "f" and np.isnan(column).any():
            table.replace_column(name, _like(column, column, np.isnan(np.ma.getdata(column))))
    return table
