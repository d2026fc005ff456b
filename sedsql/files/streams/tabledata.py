"""Write the rows of a VOTable in TABLEDATA (VOTable 1.4, Section 5.1), a piece at once."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sedsql.files.streams.cells import REPLACEMENT, lists, typed
from sedsql.files.streams.document import NO_XML
from sedsql.files.streams.fields import Field
from sedsql.files.streams.limited import Limited
from sedsql.files.text import all_joined, as_text, text_scalar
from sedsql.files.times import is_time, time_text

_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;"))
"""XML's readers take a carriage return for the end of a line, unless it is escaped."""


def tabledata(fields: Sequence[Field], batches: Limited) -> Iterator[bytes]:
    """The elements TR; a cell that is NULL is empty."""
    between, nothing = text_scalar("</TD><TD>"), text_scalar("")
    for piece in batches.pieces():
        columns = [_words(column, field) for column, field in zip(piece.columns, fields, strict=True)]
        rows = pc.binary_join_element_wise(*(pc.coalesce(one, nothing) for one in columns), between)
        yield b"<TR><TD>" + memoryview(all_joined(rows, "</TD></TR>\n<TR><TD>")) + b"</TD></TR>\n"


def _words(column: pa.Array, field: Field) -> pa.Array:
    if field.is_text:
        return time_text(column) if is_time(column.type) else _escaped(as_text(column))
    if not field.is_list:
        return _numbers(typed(column, field))
    inner, counts = lists(column, field)
    missing = text_scalar({"boolean": "?", "float": "NaN", "double": "NaN"}.get(field.datatype, str(field.null)))
    ends = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    offsets = pa.Array.from_buffers(pa.int32(), len(ends), [None, pa.py_buffer(ends)])
    items = pa.ListArray.from_arrays(offsets, pc.coalesce(_numbers(typed(inner, field)), missing))
    words = pc.binary_join(items, text_scalar(" "))
    if field.length is None or not column.null_count:
        return words
    return pc.if_else(column.is_valid(), words, text_scalar(" ".join([missing.as_py()] * field.length)))


def _numbers(column: pa.Array) -> pa.Array:
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, text_scalar("T"), text_scalar("F"))
    words = pc.cast(column, pa.string())
    if not pa.types.is_floating(column.type) or pc.all(pc.is_finite(column)).as_py() is not False:
        return words
    for word, known in (("nan", "NaN"), ("inf", "+Inf"), ("-inf", "-Inf")):  # as VOTable 1.4, Section 6, has them
        words = pc.if_else(pc.equal(words, text_scalar(word)), text_scalar(known), words)
    return words


def _escaped(words: pa.Array) -> pa.Array:
    for letter, escape in _ESCAPES:
        words = pc.replace_substring(words, letter, escape)
    if pc.any(pc.match_substring_regex(words, NO_XML)).as_py():
        words = pc.replace_substring_regex(words, NO_XML, REPLACEMENT)
    return words
