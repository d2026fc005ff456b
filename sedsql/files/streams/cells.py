"""Turn Arrow columns into the bytes that binary tables have: numbers big-endian, text in one code unit an item."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sedsql.files.errors import TableError
from sedsql.files.streams.fields import Field
from sedsql.files.text import as_text, plain, text_scalar
from sedsql.files.times import is_time, time_text

STORED = {
    **{"boolean": "S1", "unsignedByte": "u1", "short": ">i2", "int": ">i4", "long": ">i8"},
    **{"float": ">f4", "double": ">f8", "char": "u1", "unicodeChar": ">u2"},
}
"""How BINARY and BINARY2 store an item of each datatype (VOTable 1.4, Section 6)."""

REPLACEMENT = "�"
"""Stands for characters that a format cannot hold (U+FFFD)."""


@dataclass(frozen=True)
class Cells:
    """A column of a piece.

    items : of all cells, one after the other
    counts : items of each cell, shape (rows,); None where each cell has as many
    gone : which cells are NULL, shape (rows,); None where none is
    """

    items: NDArray[Any]
    counts: NDArray[np.int64] | None
    gone: NDArray[np.bool_] | None


def cells(column: pa.Array, field: Field) -> Cells:
    """The cells of a column."""
    if field.is_text:
        words = time_text(column) if is_time(column.type) else as_text(column)
        return Cells(*_text(words, field), _gone(words))
    gone = _gone(column)
    if field.arraysize is None:
        return Cells(_numbers(column, field), None, gone)
    if field.length is not None:
        return Cells(_of_one_length(column, field, gone), None, gone)
    inner, counts = lists(column, field)
    return Cells(_numbers(inner, field), counts, gone)


def _gone(column: pa.Array) -> NDArray[np.bool_] | None:
    return column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None


def lists(column: pa.Array, field: Field) -> tuple[pa.Array, NDArray[np.int64]]:
    """The items of all cells of a column of lists or bytes, and how many each has; NULL has none."""
    if not hasattr(column.type, "value_type"):
        data, counts = _bytes(pc.cast(column, pa.binary()))
        return pa.Array.from_buffers(pa.uint8(), len(data), [None, pa.py_buffer(data)]), counts
    counts = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    if field.length is not None and (counts != field.length).sum() > column.null_count:
        raise TableError(f"Column {field.name} has lists of other lengths than {field.length}, its arraysize.")
    return column.flatten(), counts


def typed(column: pa.Array, field: Field) -> pa.Array:
    """Numbers or truth values in the Arrow type of a FIELD's items."""
    column = plain(column)
    if column.type != field.item:
        try:
            column = pc.cast(column, field.item)
        except pa.ArrowInvalid:
            raise TableError(
                f"Column {field.name} has the value {pc.max(column)}, beyond VOTable's {field.datatype}; "
                "CAST it to DOUBLE, or ask for CSV."
            ) from None
    if field.null is not None and pc.min(column).as_py() == field.null:
        raise TableError(
            f"Column {field.name} has the value {field.null}, which stands for NULL in this format; ask for CSV."
        )
    return column


def _of_one_length(column: pa.Array, field: Field, gone: NDArray[np.bool_] | None) -> NDArray[Any]:
    inner, _ = lists(column, field)
    items = _numbers(inner, field).reshape(-1, field.length or 0)
    if gone is None:
        return items.ravel()
    whole = np.empty((len(column), items.shape[1]), items.dtype)
    whole[gone] = _numbers(pa.nulls(1, inner.type), field)
    whole[~gone] = items
    return whole.ravel()


def _numbers(column: pa.Array, field: Field) -> NDArray[Any]:
    """Numbers and truth values as they are stored; missing ones are NaN, '?', and the FIELD's null or 0."""
    column, stored = typed(column, field), np.dtype(STORED[field.datatype])
    if pa.types.is_boolean(column.type):
        values = np.where(column.fill_null(False).to_numpy(zero_copy_only=False), np.bytes_(b"T"), np.bytes_(b"F"))
    else:
        values = _filled(column).astype(stored)
    if column.null_count:
        missing: Any = {"S": b"?", "f": np.nan}.get(stored.kind, field.null or 0)
        values[column.is_null().to_numpy(zero_copy_only=False)] = missing
    return values


def _filled(column: pa.Array) -> NDArray[Any]:
    """Numbers as numpy has them; any where there is none."""
    dtype = np.dtype(column.type.to_pandas_dtype())
    _, data = column.buffers()
    if data is None:
        return np.zeros(len(column), dtype)
    return np.frombuffer(data, dtype, len(column), column.offset * dtype.itemsize)


def _text(words: pa.Array, field: Field) -> tuple[NDArray[Any], NDArray[np.int64]]:
    data, counts = _bytes(words)
    if len(data) and not data.all():  # a zero would end the text
        words = pc.replace_substring(words, "\0", REPLACEMENT)
        data, counts = _bytes(words)
    if field.datatype == "char":
        return data, counts
    if not len(data) or data.max() < 0x80:
        return data.astype(STORED["unicodeChar"]), counts
    units = ((data & 0xC0) != 0x80).astype(np.int64) + (data >= 0xF0)  # what UTF-8 begins, twice what takes four bytes
    ends = np.concatenate(([0], np.cumsum(units)))[np.concatenate(([0], np.cumsum(counts)))]
    items = np.frombuffer(data.tobytes().decode().encode("utf-16-be"), STORED["unicodeChar"])
    return items, np.diff(ends)


def _bytes(words: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The bytes of strings one after the other, and how many each has; NULL has none."""
    if words.null_count:
        words = pc.coalesce(words, text_scalar("").cast(words.type))
    if not len(words):
        return np.zeros(0, np.uint8), np.zeros(0, np.int64)
    _, offsets, data = words.buffers()
    ends = np.frombuffer(offsets, np.int32, len(words) + 1, words.offset * 4)
    content = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return content[ends[0] : ends[-1]], np.diff(ends).astype(np.int64)
