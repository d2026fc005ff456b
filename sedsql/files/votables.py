"""Write VOTables: files in BINARY2, quickly, and uploads in TABLEDATA, which every service reads."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import numpy as np
from astropy.io.votable.tree import Field, Info, VOTableFile
from astropy.table import Column, Table

from sedsql.files.provenance import apart, said
from sedsql.files.storable import letters
from sedsql.files.streams.base64_lines import Base64Lines
from sedsql.files.streams.cells import STORED, Cells
from sedsql.files.streams.packed import packed

_votable_writer = Lock()
"""Held while astropy's choice of a writer of VOTables is changed, which all threads share."""

_NUMBERS = {
    **{name: stored for name, stored in STORED.items() if name not in ("boolean", "char", "unicodeChar")},
    **{"floatComplex": ">c8", "doubleComplex": ">c16"},
}
"""VOTable 1.4, Section 6: in BINARY2 numbers are big-endian."""

_PIECE = 16_384
"""Rows that are encoded at a time."""

_LAST_UCS2 = 0xFFFF


def write_votable(table: Table, path: Path) -> None:
    """Write a table with rows in BINARY2, in place of a file of that name.

    astropy writes the head. Its rows would take ten times longer, because it packs each value by itself; it
    writes, in TABLEDATA, those that have columns of other types than numbers, truth values and text.
    """
    head = to_votable(table[:0])
    fields = head.get_first_table().fields
    layout = [_layout(field, column) for field, column in zip(fields, table.itercols(), strict=True)]
    kinds = [kind for kind in layout if kind is not None]
    if len(kinds) < len(layout):
        with open(path, "wb") as file:
            write_tabledata(table, file)
        return
    for field, column in zip(fields, table.itercols(), strict=True):
        if column.ndim > 2:
            field.arraysize = "x".join(map(str, reversed(column.shape[1:])))  # the first runs fastest
    text = BytesIO()
    head.to_xml(text)
    before, end, after = text.getvalue().rpartition(b"</TABLE>")
    lines = Base64Lines()
    with open(path, "wb") as file:
        file.write(before.rstrip() + b'\n   <DATA><BINARY2><STREAM encoding="base64">\n')
        for start in range(0, len(table), _PIECE):
            piece = table[start : start + _PIECE]
            columns = [_cells(column, kind) for column, kind in zip(piece.itercols(), kinds, strict=True)]
            file.write(lines.lines(packed(columns, len(piece), masked=True)))
        file.write(lines.last() + b"   </STREAM></BINARY2></DATA>\n  " + end + after)


def _layout(field: Field, column: Column) -> str | None:
    """How an item of a column is stored; None of a column that astropy is to write."""
    kind = column.dtype.kind
    if kind == "b":
        return "S1"
    if field.datatype in _NUMBERS:
        return _NUMBERS[field.datatype]
    if kind not in "SU" or column.ndim > 1:
        return None
    width = column.dtype.itemsize // (4 if kind == "U" else 1)
    if not width or str(field.arraysize or 1) != str(width):
        return None
    if kind == "S":
        return f"S{width}"
    return None if letters(column).max(initial=0) > _LAST_UCS2 else ">u2"


def _cells(column: Column, kind: str) -> Cells:
    values = np.ma.getdata(column.data)
    if column.dtype.kind == "b":
        values = np.where(values, b"T", b"F")
    elif column.dtype.kind == "U":
        values = letters(column)
    items = values.astype(kind)
    if not np.ma.is_masked(column):
        return Cells(items.ravel(), None, None)
    mask = np.ma.getmaskarray(column)
    items[mask] = _nothing(column)
    return Cells(items.ravel(), None, np.all(mask.reshape(len(mask), -1), axis=1, keepdims=True).ravel())


def _nothing(column: Column) -> object:
    """What stands where a value is missing, beside its bit."""
    return {"b": b"?", "f": np.nan, "c": np.nan, "S": b""}.get(column.dtype.kind, 0)


def write_tabledata(table: Table, file: BinaryIO) -> None:
    """Write a table with rows in TABLEDATA."""
    with _votable_writer_in_python():
        to_votable(table).to_xml(file, tabledata_format="tabledata")


def to_votable(table: Table) -> VOTableFile:
    """Convert an astropy table to a VOTable that is written as BINARY2, with INFO elements for what PROVENANCE says.

    Of astropy's writers that of TABLEDATA, which is in C, writes past the end of its memory (astropy issue 20419).
    """
    table, about = apart(table)
    written = _Binary2.from_table(table)
    for field in written.get_first_table().fields:
        if field.datatype == "bit":  # what astropy makes of truth values, and packs not as the standard does
            field.datatype = "boolean"
            field._setup({}, None)
    written.infos.extend(provenance_infos(about))
    return written


class _Binary2(VOTableFile):
    """A VOTable that is written as BINARY2; before astropy 7.2 `set_all_tables_format` knows no such format here."""

    def to_xml(self, fd, compressed=False, tabledata_format="binary2", **options):
        return super().to_xml(fd, compressed=compressed, tabledata_format=tabledata_format, **options)


def provenance_infos(about: Mapping) -> list[Info]:
    """Describe where classes come from in INFO elements of a VOTable."""
    return [Info(name=f"sedsql_{key}", value=said(value)) for key, value in about.items()]


@contextmanager
def _votable_writer_in_python() -> Iterator[None]:
    """Write VOTables without astropy's writer in C: see `to_votable`."""
    from astropy.io.votable import tree

    with _votable_writer:
        before = tree._has_c_tabledata_writer
        tree._has_c_tabledata_writer = False
        try:
            yield
        finally:
            tree._has_c_tabledata_writer = before
