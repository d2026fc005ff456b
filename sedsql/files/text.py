"""Write Arrow columns as text; it imports nothing of astropy, so a query that prints CSV is quick."""

import struct
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sedsql.files.json import to_json
from sedsql.files.times import is_time, time_text


def plain(column):
    """Remove dictionary encoding from an Arrow column, and make its text `string`."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return plain(pc.cast(column, kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pc.cast(column, pa.string())
    return column


def as_text(column):
    """Write an Arrow column of any type as strings: lists and structs as JSON, other bytes than UTF-8 as hex."""
    column = plain(column)
    try:
        return pc.cast(column, pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        words = (None if value is None else to_json(value).strip('"') for value in values(column))
        return pa.array(words, pa.string())


def values(column: pa.Array) -> list[Any]:
    """Give Python's values of a column; times in lists and structs that Python does not have as `time_text` does."""
    try:
        return column.to_pylist(maps_as_pydicts="lossy")
    except (OverflowError, ValueError):  # a time that is infinite, or beyond the year 9999
        return [_value(one) for one in column]


def _value(one: pa.Scalar) -> Any:
    if not one.is_valid:
        return None
    if is_time(one.type):
        return time_text(pa.repeat(one, 1))[0].as_py()
    if isinstance(one, pa.MapScalar):
        return {_value(pair[0]): _value(pair[1]) for pair in one.values}
    if isinstance(one, pa.ListScalar):
        return [_value(item) for item in one.values]
    if isinstance(one, pa.StructScalar):
        return {name: _value(item) for name, item in one.items()}
    return one.as_py()


def text_scalar(text: str) -> pa.Scalar:
    """Make a scalar of text; `pa.scalar` would import pandas, which takes longer than most queries."""
    content = text.encode()
    ends = struct.pack("=2i", 0, len(content))
    return pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(ends), pa.py_buffer(content)])[0]


def all_joined(words: pa.Array, between: str) -> pa.Buffer:
    """Join all strings of an array."""
    # pa.array would import pandas too.
    ends = pa.Array.from_buffers(pa.int32(), 2, [None, pa.py_buffer(struct.pack("=2i", 0, len(words)))])
    return pc.binary_join(pa.ListArray.from_arrays(ends, words), text_scalar(between))[0].as_buffer()
