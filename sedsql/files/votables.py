"""Write VOTables: files in BINARY2, quickly, and uploads in TABLEDATA, which every service reads."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import numpy as np
from astropy.io.votable.tree import Field, Info, VOTableFile
from astropy.table import Column, Table
from numpy.typing import NDArray

from sedsql.files.provenance import apart, said
from sedsql.files.storable import letters

_votable_writer = Lock()
"""Held while astropy's choice of a writer of VOTables is changed, which all threads share."""

_NUMBERS = {
    **{"short": ">i2", "int": ">i4", "long": ">i8", "unsignedByte": "u1", "float": ">f4", "double": ">f8"},
    **{"floatComplex": ">c8", "doubleComplex": ">c16"},
}
"""VOTable 1.4, Section 6: in BINARY2 numbers are big-endian, and text of Unicode is UCS-2."""

_PIECE = 57 * 1024
"""Rows that are encoded at a time: their bytes fill whole lines of base64."""

_LINE = 76

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
    masks = (len(kinds) + 7) // 8
    row = np.dtype([("mask", "u1", masks), *((f"c{k}", *kind) for k, kind in enumerate(kinds))])
    with open(path, "wb") as file:
        file.write(before.rstrip() + b'\n   <DATA><BINARY2><STREAM encoding="base64">\n')
        for start in range(0, len(table), _PIECE):
            file.write(_base64(_rows(table[start : start + _PIECE], row)))
        file.write(b"   </STREAM></BINARY2></DATA>\n  " + end + after)


def _layout(field: Field, column: Column) -> tuple[str, tuple[int, ...]] | None:
    """The type and shape of a column in a row; None of a column that astropy is to write."""
    kind, shape = column.dtype.kind, column.shape[1:]
    if kind == "b":
        return "S1", shape
    if field.datatype in _NUMBERS:
        return _NUMBERS[field.datatype], shape
    if kind not in "SU" or shape:
        return None
    width = column.dtype.itemsize // (4 if kind == "U" else 1)
    if not width or str(field.arraysize or 1) != str(width):
        return None
    if kind == "S":
        return f"S{width}", ()
    return None if letters(column).max(initial=0) > _LAST_UCS2 else (">u2", (width,))


def _rows(table: Table, row: np.dtype) -> NDArray:
    """Pack rows: a bit for each column that is missing, then the columns."""
    rows = np.zeros(len(table), row)
    for k, column in enumerate(table.itercols()):
        values, name = np.ma.getdata(column.data), f"c{k}"
        if column.dtype.kind == "b":
            rows[name] = np.where(values, b"T", b"F")
        else:
            rows[name] = letters(column) if column.dtype.kind == "U" else values
        if np.ma.is_masked(column):
            mask = np.ma.getmaskarray(column)
            rows[name][mask] = _nothing(column)
            rows["mask"][:, k // 8] |= (mask.reshape(len(rows), -1).all(axis=1) * (0x80 >> k % 8)).astype(np.uint8)
    return rows


def _nothing(column: Column) -> object:
    """What stands where a value is missing, beside its bit."""
    return {"b": b"?", "f": np.nan, "c": np.nan, "S": b""}.get(column.dtype.kind, 0)


def _base64(rows: NDArray) -> bytes:
    """Encode rows as lines of base64."""
    text = np.frombuffer(base64.b64encode(rows.tobytes()), np.uint8)
    whole = len(text) // _LINE * _LINE
    lines = np.full((whole // _LINE, _LINE + 1), ord("\n"), np.uint8)
    lines[:, :_LINE] = text[:whole].reshape(-1, _LINE)
    rest = text[whole:].tobytes()
    return lines.tobytes() + (rest + b"\n" if rest else b"")


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
