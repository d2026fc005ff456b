"""Turn rows of a VOTable in TABLEDATA (VOTable 1.4, Section 5.1), text in cells, into Arrow arrays, block by block."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sedsql.tap.errors import Damaged, TooLarge, Unbounded
from sedsql.tap.fields import ITEMS, Field, lists, numbers

_BLOCK, _BYTES = 100_000, 8_000_000
"""Cells that wait as Python's strings, and bytes that they came in."""
_ITEMS, _ALL_ITEMS = 4_000_000, 20_000_000
"""Texts in arrays of fixed length that are made at once, and in all: an empty one takes no byte in an answer."""

_WORDS = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False, "?": None, "": None}


class Cells:
    """Reads the elements within TABLEDATA as they come.

    prefix : of the names of elements, with its colon
    most : bytes that a row may have
    """

    def __init__(self, fields: list[Field], prefix: str, most: int):
        self.fields = fields
        self._most = most
        self._row, self._cell = prefix + "TR", prefix + "TD"
        self.count = 0
        self.chunks: list[list[pa.Array]] = [[] for _ in fields]
        self._cells: list[str] = []
        self._row_end = len(fields)
        self._text: list[str] | None = None
        self._in_row = False
        self._waiting = self._in_row_now = self._rows_before = 0
        arrays = [field for field in fields if field.is_array and field.is_text]
        self._items = sum((field.count or 0) // field.inner[0] for field in arrays)
        self._made = 0
        self._at_once = min(_BLOCK, len(fields) * max(1, _ITEMS // max(1, self._items)))

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == self._cell and self._in_row and self._text is None:
            self._text = []
            if "encoding" in attributes:
                raise Damaged("The answer has encoded cells, which sedsql does not read.")
        elif tag == self._row and not self._in_row:
            self._in_row = True
        else:
            raise Damaged(f"The answer has a {tag} where a row or a cell belongs.")

    def text(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)
        elif not text.isspace():
            raise Damaged(f"The answer has text between its cells: {text.strip()[:40]!r}.")

    def end(self, tag: str) -> None:
        if self._text is not None:
            self._cells.append("".join(self._text))
            self._text = None
            return
        self._in_row = False
        self.count += 1
        if len(self._cells) != self._row_end:
            raise Damaged(f"Row {self.count} of the answer does not have {len(self.fields)} cells.")
        if self._row_end >= self._at_once:
            self._flush()
        self._row_end = len(self._cells) + len(self.fields)

    def came(self, size: int) -> None:
        """Note that so many bytes were read, and check their length here, which takes no time for each cell."""
        self._in_row_now = self._in_row_now + size if self.count == self._rows_before else 0
        self._rows_before = self.count
        if self._in_row_now > self._most:
            raise Unbounded(f"sends a row of more than {self._most / 1e6:,.0f} MB")
        self._waiting += size
        if self._waiting >= _BYTES:
            whole = self._row_end - len(self.fields)
            begun = self._cells[whole:]
            del self._cells[whole:]
            self._flush()
            self._cells, self._row_end = begun, len(self.fields)

    def finish(self) -> None:
        self._flush()

    def _flush(self) -> None:
        self._made += self._items * len(self._cells) // len(self.fields)
        if self._made > _ALL_ITEMS:
            raise TooLarge(f"sends arrays of more than {_ALL_ITEMS:,} texts in {self.count:,} rows")
        for i, field in enumerate(self.fields):
            words = self._cells[i :: len(self.fields)]
            try:
                self.chunks[i].append(_array(field, words))
            except (ValueError, OverflowError, pa.ArrowInvalid):
                raise Damaged(f"The answer's column {field.name} has a cell that is no {field.datatype}.") from None
        self._cells.clear()
        self._waiting = 0


def _array(field: Field, words: list[str]) -> pa.Array:
    if not field.is_array:
        return pa.array([word or None for word in words], pa.string()) if field.is_text else _scalars(field, words)
    gone = np.array([not word.strip() for word in words], bool)
    if field.is_text:
        length = field.inner[0]
        cells = [[word[at : at + length].rstrip() for at in range(0, len(word), length)] for word in words]
    else:
        cells = [word.split() for word in words]
    counts = np.array([len(cell) for cell in cells], np.int64)
    if field.count is not None:
        wanted = field.count // (field.inner[0] if field.is_text else 1)
        if field.is_text:
            cells = [cell and cell + [""] * (wanted - len(cell)) for cell in cells]
            counts = np.array([len(cell) for cell in cells], np.int64)
        if (counts[~gone] != wanted).any():
            raise Damaged(f"The answer's column {field.name} has an array that is not of {wanted} items.")
    flat = [word for cell in cells for word in cell]
    return lists(pa.array(flat, pa.string()) if field.is_text else _scalars(field, flat), field, counts, gone)


def _scalars(field: Field, words: list[str]) -> pa.Array:
    kind = ITEMS[field.datatype][1]
    if pa.types.is_boolean(kind):
        try:
            return pa.array([_WORDS[word.strip().lower()] for word in words], kind)
        except KeyError as word:
            raise ValueError(word) from None
    text = pc.utf8_trim_whitespace(pa.array(words, pa.string()))
    text = pc.if_else(pc.equal(text, ""), None, text)
    try:
        values = pc.cast(text, kind)
    except pa.ArrowInvalid:
        values = pa.array([None if word is None else _number(word, kind) for word in text.to_pylist()], kind)
    gone = values.is_null().to_numpy(zero_copy_only=False)
    return numbers(values.fill_null(0).to_numpy(zero_copy_only=False), field, gone)


def _number(word: str, kind: pa.DataType) -> int | float:
    """A number as VOTable may write it where Arrow does not read it: '+1', '0xFF', '+Inf'."""
    if "_" in word:
        raise ValueError(word)
    if pa.types.is_floating(kind):
        return float(word)
    return int(word, 16) if "0x" in word.lower() else int(word)
