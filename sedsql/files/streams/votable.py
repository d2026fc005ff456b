"""Write VOTables (VOTable 1.4) as BINARY2, BINARY and TABLEDATA.

Text is unicodeChar, but for times, which are char: VOTable 1.4 has ASCII alone in char, astropy (so pyvo too) fails at
all else there, and nobody knows before the last row whether a column has only ASCII.
"""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from sedsql.files.streams.base64_lines import Base64Lines
from sedsql.files.streams.cells import cells
from sedsql.files.streams.document import after_rows, before_rows
from sedsql.files.streams.fields import Field, field_of
from sedsql.files.streams.limited import Limited
from sedsql.files.streams.packed import packed
from sedsql.files.streams.tabledata import tabledata

_ELEMENTS = {
    "votable": ('<DATA><BINARY2><STREAM encoding="base64">\n', "</STREAM></BINARY2></DATA>\n"),
    "votable-binary": ('<DATA><BINARY><STREAM encoding="base64">\n', "</STREAM></BINARY></DATA>\n"),
    "votable-td": ("<DATA><TABLEDATA>\n", "</TABLEDATA></DATA>\n"),
}


def write(file, format: str, schema: pa.Schema, batches: Limited, infos: Mapping[str, str]) -> None:
    """Write a document whose QUERY_STATUS before the table is OK, and after it OVERFLOW or ERROR where it is one.

    An error of the rows is written, and raised again.
    """
    before, after = _ELEMENTS[format]
    fields = [_field(one, format) for one in schema]
    text = Base64Lines()
    pieces: Iterator[bytes | memoryview]
    if format == "votable-td":
        pieces = tabledata(fields, batches)
    else:
        pieces = _base64(text, fields, batches, masked=format == "votable")
    file.write((before_rows(schema, fields, infos) + before).encode())
    failed: Exception | None = None
    while True:
        try:
            piece = next(pieces, None)
        except Exception as error:  # of any kind: what rows come from is the caller's
            failed = error
            break
        if piece is None:
            break
        file.write(piece)
    file.write(text.last() + (after + after_rows(batches.overflow, failed)).encode())
    if failed is not None:
        raise failed


def _field(column: pa.Field, format: str) -> Field:
    """The FIELD of a column; a mask or an empty cell tells what is missing, but not within BINARY and lists."""
    field = field_of(column)
    return field.with_null() if format == "votable-binary" or field.is_list else field


def _base64(text: Base64Lines, fields: Sequence[Field], batches: Limited, *, masked: bool) -> Iterator[memoryview]:
    for piece in batches.pieces():
        columns = [cells(column, field) for column, field in zip(piece.columns, fields, strict=True)]
        yield text.lines(packed(columns, piece.num_rows, masked=masked))
