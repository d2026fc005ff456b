"""Find out from all rows how FITS holds a column, then write its cells (FITS 4.0, Section 7.3)."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sedsql.files.errors import TableError
from sedsql.files.streams.cells import STORED, Cells, cells, lists, typed
from sedsql.files.streams.fields import field_of
from sedsql.files.text import as_text
from sedsql.files.times import is_time, time_text

_CODES = {
    **{"boolean": "L", "unsignedByte": "B", "short": "I", "int": "J", "long": "K", "float": "E", "double": "D"},
    "char": "A",
}
SMALL_HEAP = 1 << 31
"""Bytes to which a descriptor of four bytes a number can point."""

_INTEGERS = {"short": pa.int16(), "int": pa.int32(), "long": pa.int64()}


class FitsColumn:
    """A column of a table: `take` is called with all its values, then `settle`, then `cells` with all again.

    Text is as wide as the longest, and padded with zeros. Lists of one length are that wide; of others a row has a
    descriptor, and their items lie behind the table, in the heap.

    Attributes
    ----------
    field : as in a VOTable; after `settle`, its null is TNULLn
    form, width : TFORMn, and bytes in a row; known after `settle`
    """

    def __init__(self, column: pa.Field):
        field = field_of(column)
        self.field = replace(field, datatype="char") if field.is_text else field
        self.form, self.width = "", 0
        self._nulls = self._items = self._items_null = 0
        self._least: int | None = None
        self._most: int | None = None
        self._descriptor = ">i4"

    def take(self, column: pa.Array) -> pa.Array:
        """Look at the values of a piece, and give them as `cells` wants them again."""
        self._nulls += column.null_count
        if self.field.is_text:
            column = time_text(column) if is_time(column.type) else self._ascii(as_text(column))
            self._measure(pc.binary_length(column))
        elif self.field.is_list:
            inner, counts = lists(column, self.field)
            self._items += len(inner)
            self._items_null += inner.null_count
            self._extend(int(counts.min()), int(counts.max()))
        else:
            column = typed(column, self.field)
            if pa.types.is_integer(column.type):
                self._measure(column)
        return column

    def _ascii(self, words: pa.Array) -> pa.Array:
        is_ascii = pc.string_is_ascii(words)
        if pc.all(is_ascii).as_py() is False:
            text = words.filter(pc.invert(is_ascii))[0].as_py()
            raise self._beyond(f"the text {text[:80]!r}, and FITS holds ASCII only")
        return pc.replace_substring(words, "\0", " ")  # a zero would end the text

    def _measure(self, numbers: pa.Array) -> None:
        limits = pc.min_max(numbers).as_py()
        if limits["min"] is not None:
            self._extend(limits["min"], limits["max"])

    def _extend(self, least: int, most: int) -> None:
        self._least = least if self._least is None else min(least, self._least)
        self._most = most if self._most is None else max(most, self._most)

    @property
    def is_ragged(self) -> bool:
        """Whether the items are in the heap."""
        alike = self._least == self._most and self._least and not self._nulls
        return self.field.is_list and self.field.length is None and not alike

    @property
    def heap(self) -> int:
        """Bytes in the heap."""
        return self._items * np.dtype(STORED[self.field.datatype]).itemsize if self.is_ragged else 0

    def settle(self, heap: int) -> None:
        """Choose the form; heap : the bytes in it of all columns."""
        code, count = _CODES[self.field.datatype], 1
        if self.is_ragged:
            if self._items_null and pa.types.is_integer(self.field.item):  # astropy takes no TNULL there
                raise self._beyond("lists with NULL in them, which FITS cannot hold")
            self._descriptor = ">i4" if heap < SMALL_HEAP else ">i8"
            self.form = f"1{'P' if heap < SMALL_HEAP else 'Q'}{code}({self._most or 0})"
            self.width = 2 * np.dtype(self._descriptor).itemsize
        elif self.field.is_text:
            count = max(self._most or 0, 1)
        elif self.field.is_list:
            count = self.field.length or self._most or 0
            self.field = replace(self.field, arraysize=str(count))
            self.field = self.field.with_null() if self._items_null or self._nulls else self.field
        elif self._nulls and not pa.types.is_floating(self.field.item):
            self._choose_null()
            code = _CODES[self.field.datatype]
        if not self.is_ragged:
            self.form, self.width = f"{count}{code}", count * np.dtype(STORED[self.field.datatype]).itemsize

    def _choose_null(self) -> None:
        """Choose an integer that no value is, in a wider type if need be; truth values become integers.

        FITS has a NULL of truth values, but astropy reads it as false.
        """
        for datatype in _INTEGERS:
            field = replace(self.field, datatype=datatype, item=_INTEGERS[datatype]).with_null()
            if pa.types.is_boolean(self.field.item) or field.item.bit_width >= self.field.item.bit_width:
                smallest = field.null or 0
                for null in (smallest, -smallest - 1):
                    if self._least is None or self._most is None or not self._least <= null <= self._most:
                        self.field = replace(field, null=null)
                        return
        raise self._beyond("the smallest and the largest integer and NULL, which FITS cannot tell apart")

    def _beyond(self, what: str) -> TableError:
        return TableError(f"Column {self.field.name} has {what}; use VOTable or Parquet.")

    def cells(self, column: pa.Array, place: int) -> tuple[Cells, int]:
        """The cells of a piece, and how many bytes they have in the heap; place : where these begin."""
        found = cells(column, self.field)
        if found.counts is None:
            return Cells(_without_marks(found.items), None, None), 0
        if self.field.is_text:
            return Cells(_padded(found.items, found.counts, self.width), None, None), 0
        ends = place + np.cumsum(found.counts) * found.items.itemsize
        descriptors = np.stack([found.counts, ends - found.counts * found.items.itemsize], axis=1)
        return Cells(descriptors.astype(self._descriptor).ravel(), None, None), found.items.nbytes

    def items(self, column: pa.Array) -> NDArray[Any]:
        """What a piece has in the heap."""
        return _without_marks(cells(column, self.field).items)


def _padded(letters: NDArray[np.uint8], counts: NDArray[np.int64], width: int) -> NDArray[Any]:
    """Texts of one width."""
    block = np.zeros((len(counts), width), np.uint8)
    starts = np.arange(len(counts)) * width - (np.cumsum(counts) - counts)
    block.ravel()[np.repeat(starts, counts) + np.arange(len(letters))] = letters
    return block.view(f"S{width}").ravel()


def _without_marks(items: NDArray[Any]) -> NDArray[Any]:
    """FITS marks a missing truth value by a zero, not by '?'."""
    if items.dtype == np.dtype("S1"):
        items[items == b"?"] = b""
    return items
