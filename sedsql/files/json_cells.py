"""Write Arrow columns as JSON, all rows at once where that can be."""

import pyarrow as pa
import pyarrow.compute as pc

from sedsql.files.json import to_json
from sedsql.files.text import plain, text_scalar, values
from sedsql.files.times import is_time, time_text

_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))

_OTHERS = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f]"
"""Characters that JSON has no short way to write."""


def json_cells(column: pa.Array) -> pa.Array:
    """Write each value as `to_json` does: NULL, NaN and infinities as null."""
    column = plain(column)
    kind = column.type
    if is_time(kind):
        words = _quoted(time_text(column))
    elif pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        words = pc.cast(column, pa.string())
    elif pa.types.is_floating(kind):
        words = pc.cast(pc.if_else(pc.is_finite(column), column, _null(kind)), pa.string())
    elif pa.types.is_string(kind) and not pc.any(pc.match_substring_regex(column, _OTHERS)).as_py():
        words = _quoted(column)
    else:
        words = pa.array([to_json(value) for value in values(column)], pa.string())
    return pc.coalesce(words, text_scalar("null"))


def _null(kind: pa.DataType) -> pa.Scalar:
    return pa.nulls(1, kind)[0]


def _quoted(words: pa.Array) -> pa.Array:
    for letter, escape in _ESCAPES:
        words = pc.replace_substring(words, letter, escape)
    quote = text_scalar('"')
    return pc.binary_join_element_wise(quote, words, quote, text_scalar(""))
