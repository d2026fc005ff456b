"""Turn the columns of a VOTable (VOTable 1.4, Section 4.1) into Arrow's."""

import math
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sedsql.catalogue.datatypes import DATATYPES
from sedsql.tap.errors import Damaged, Refused

ITEMS: dict[str, tuple[str, pa.DataType]] = {
    name: (storage, DATATYPES[datatype].arrow)
    for name, storage, datatype in (
        ("boolean", "u1", "BOOLEAN"),
        ("bit", "u1", "BOOLEAN"),
        ("unsignedByte", "u1", "SMALLINT"),
        ("short", ">i2", "SMALLINT"),
        ("int", ">i4", "INTEGER"),
        ("long", ">i8", "BIGINT"),
        ("float", ">f4", "REAL"),
        ("double", ">f8", "DOUBLE"),
        ("char", "u1", "VARCHAR"),
        ("unicodeChar", ">u2", "VARCHAR"),
    )
}
"""How an item of each datatype is stored (VOTable 1.4, Section 6) and its Arrow type; TAP has no unsigned integers."""

_ARRAYSIZE = re.compile(r"((?:\d{1,10}x){0,7})(?:(\d{1,10})|\d{0,10}\*)\Z", re.ASCII)
"""Up to eight dimensions; each is a list in lists."""
_LONGEST_NAME = 500


@dataclass(frozen=True)
class Field:
    """A FIELD.

    inner : the fixed dimensions but the last one, the fastest first; a string's length is one of them
    count : items in a cell, over all dimensions; None where the cell itself says it
    is_array : a cell holds a list, of numbers or of strings
    null : the value that says that there is none (VALUES null=)
    """

    name: str
    datatype: str
    inner: tuple[int, ...] = ()
    count: int | None = 1
    is_array: bool = False
    null: int | float | None = None
    about: dict[str, str] = field(default_factory=dict)

    @property
    def is_text(self) -> bool:
        return self.datatype in ("char", "unicodeChar")

    @property
    def dtype(self) -> np.dtype:
        """The type of an item, as BINARY stores it."""
        return np.dtype(ITEMS[self.datatype][0])

    @property
    def type(self) -> pa.DataType:
        """The type of the column in Arrow."""
        kind = ITEMS[self.datatype][1]
        for _ in range(self.depth):
            kind = pa.list_(kind)
        return kind

    @property
    def depth(self) -> int:
        """Lists in lists: the dimensions, less the one that is a string's length."""
        return len(self.inner) + 1 - self.is_text if self.is_array else 0

    @property
    def is_time(self) -> bool:
        return not self.is_array and self.is_text and self.about.get("xtype", "").lower().endswith("timestamp")


def field_of(attributes: dict[str, str], description: str, null: str | None) -> Field:
    """A FIELD from what its element says."""
    name = attributes.get("name") or attributes.get("ID")
    datatype = attributes.get("datatype", "")
    if not name:
        raise Damaged("The answer has a column without a name.")
    if len(name) > _LONGEST_NAME:
        raise Damaged(f"The answer has a column with a name of {len(name):,} letters.")
    if datatype in ("floatComplex", "doubleComplex"):
        raise Refused(f"Column {name} is of VOTable's type {datatype}, which sedsql does not read; do not select it.")
    if datatype not in ITEMS:
        raise Damaged(f"The answer's column {name} is of the type {datatype[:40]!r}, which VOTable does not have.")
    size = attributes.get("arraysize", "").strip()
    inner, count, is_array = _dimensions(name, datatype, size)
    if datatype == "bit" and is_array:
        raise Refused(f"Column {name} is an array of bits, which sedsql does not read; do not select it.")
    about = {key: attributes.get(key, "").strip() for key in ("unit", "ucd", "xtype")}
    about["description"] = " ".join(description.split())
    kept = {key: value for key, value in about.items() if value}
    return Field(name, datatype, inner, count, is_array, _null(name, datatype, null), kept)


def _dimensions(name: str, datatype: str, size: str) -> tuple[tuple[int, ...], int | None, bool]:
    """arraysize (VOTable 1.4, Section 2.2): '5', '*', '5*', '3x4'; many services write '1' for no array."""
    if size in ("", "1"):
        return (), 1, False
    match = _ARRAYSIZE.match(size)
    inner = tuple(int(part) for part in match[1].split("x")[:-1]) if match else ()
    if not match or 0 in inner or (match[2] and not int(match[2])):
        raise Damaged(f"The answer's column {name} has the arraysize {size[:40]!r}, which sedsql does not know.")
    if inner and not match[2]:  # services differ in what the length of such a cell counts
        raise Refused(f"Column {name} is of arrays of any length, which sedsql does not read; do not select it.")
    count = math.prod(inner) * int(match[2]) if match[2] else None
    return inner, count, bool(inner) or datatype not in ("char", "unicodeChar")


def _null(name: str, datatype: str, null: str | None) -> int | float | None:
    if null is None or not null.strip() or datatype in ("char", "unicodeChar", "boolean", "bit"):
        return None
    try:
        if len(null) > 100:
            raise ValueError
        if datatype in ("float", "double"):
            return float(null)
        return int(null, 16) if "0x" in null.lower() else int(null)
    except ValueError:
        raise Damaged(f"The answer's column {name} has the null value {null[:40]!r}, which is no number.") from None


def schema_of(fields: list[Field]) -> pa.Schema:
    """The columns as Arrow has them, before the first row; times are text."""
    return pa.schema([pa.field(field.name, field.type, metadata=field.about or None) for field in fields])


def bytes_of_row(fields: list[Field], kind: str) -> tuple[int, int]:
    """The bytes that a row may have in a VOTable without its cells of any length, generously; and how many these are.

    kind : BINARY, BINARY2 or TABLEDATA
    """
    of_any_length = sum(field.count is None for field in fields)
    if kind == "TABLEDATA":
        # The tags, indented; numbers of up to 24 letters and a blank; letters as &quot;
        each = ((6 if field.is_text else 32) * (field.count or 0) for field in fields)
        return 64 * (len(fields) + 1) + sum(each), of_any_length
    mask = len(fields) // 8 + 1
    size = mask + 4 * of_any_length + sum(field.dtype.itemsize * (field.count or 0) for field in fields)
    return 2 * size, of_any_length  # base64 is four thirds, and its lines end


def lists(flat: pa.Array, field: Field, counts: NDArray[np.int64], gone: NDArray[np.bool_]) -> pa.Array:
    """Items in a row as lists, and lists of lists, a cell each.

    counts : numbers or strings in each cell
    gone : cells that are NULL
    """
    inner = field.inner[1:] if field.is_text else field.inner
    for length in inner:
        flat = pa.ListArray.from_arrays(pa.array(np.arange(0, len(flat) + 1, length, dtype=np.int32)), flat)
        counts = counts // length
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), flat, mask=pa.array(gone) if gone.any() else None)


def numbers(values: NDArray[Any], field: Field, gone: NDArray[np.bool_] | None) -> pa.Array:
    """Numbers as Arrow has them; NaN is NULL, and so is the null value."""
    kind = ITEMS[field.datatype][1]
    values = values.astype(kind.to_pandas_dtype())
    if field.null is not None:
        null = values == field.null
        gone = null if gone is None else gone | null
    return pa.array(values, kind, mask=gone if gone is not None and gone.any() else None, from_pandas=True)


def column(field: Field, chunks: list[pa.Array]) -> tuple[pa.Field, pa.ChunkedArray]:
    """The whole column; times are timestamps where all of them can be (DALI 1.1, Section 3.3.3)."""
    values = pa.chunked_array(chunks, field.type)
    if field.is_time:
        with suppress(pa.ArrowInvalid):
            values = pc.cast(pc.utf8_rtrim(values, "Z"), pa.timestamp("us"))
    return pa.field(field.name, values.type, metadata=field.about or None), values
