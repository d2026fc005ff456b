"""Write Arrow columns as text; it imports nothing of astropy, so a query that prints CSV is quick."""

import pyarrow as pa
import pyarrow.compute as pc

from sedsql.files.json import to_json


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
        words = (None if value is None else to_json(value).strip('"') for value in column.to_pylist())
        return pa.array(words, pa.string())
