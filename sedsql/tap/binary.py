"""Decode rows of a VOTable in BINARY and BINARY2 (VOTable 1.4, Sections 5.3, 5.4) into Arrow arrays, block by block."""

import struct

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sedsql.tap.errors import Damaged, Unbounded
from sedsql.tap.fields import Field, lists, numbers

_TRUE, _FALSE, _NEITHER = b"Tt1", b"Ff0", b"? \0"


class Rows:
    """Decodes rows as they come.

    A row of fixed width is a numpy structure. Where cells have their own lengths, one loop hops from length to length;
    everything between two of them is a structure again, gathered from wherever it lies.

    masked : each row begins with a bit a column, which is 1 for NULL (BINARY2)
    most : bytes that a row may have
    """

    def __init__(self, fields: list[Field], masked: bool, most: int):
        self.fields = fields
        self._most = most
        self.count = 0
        self.chunks: list[list[pa.Array]] = [[] for _ in fields]
        self._rest = b""
        self._mask = (len(fields) + 7) // 8 if masked else 0
        parts: list[list[tuple]] = [[("mask", "u1", (self._mask,))]]
        self._variable: list[int] = []
        for i, field in enumerate(fields):
            if field.count is None:
                self._variable.append(i)
                parts.append([])
            else:
                parts[-1].append(_item(i, field))
        self._parts = [np.dtype(part) for part in parts]

    def feed(self, data: bytes) -> None:
        """Decode the next bytes, which may end within a row."""
        data = self._rest + data if self._rest else data
        block = np.frombuffer(data, np.uint8)
        if self._variable:
            places, used = self._hop(data)
            rows = len(places)
        else:
            rows = len(data) // self._parts[0].itemsize
            used = rows * self._parts[0].itemsize
        self._rest = data[used:]
        if len(self._rest) > self._most:
            raise Unbounded(f"sends a row of more than {self._most / 1e6:,.0f} MB, or a wrong length within it")
        if not rows:
            return
        self.count += rows
        if not self._variable:
            self._decode([np.frombuffer(data, self._parts[0], rows)], block, [], [])
            return
        widths = [part.itemsize for part in self._parts]
        sizes = [self.fields[i].dtype.itemsize for i in self._variable]
        counts = [_gather(block, place, np.dtype(">u4")).astype(np.int64) for place in places.T]
        cells = [place + 4 for place in places.T]
        starts = [places[:, 0] - widths[0]]
        starts += [cell + count * size for cell, count, size in zip(cells, counts, sizes, strict=True)]
        parts = [_gather(block, start, part) for start, part in zip(starts, self._parts, strict=True)]
        self._decode(parts, block, cells, counts)

    def finish(self) -> None:
        """Check that the answer ended with a whole row."""
        if self._rest:
            raise Damaged(f"The answer ends within a row, after {self.count} whole ones.")

    def _hop(self, data: bytes) -> tuple[NDArray[np.int64], int]:
        """Places of the length words, of shape (rows, variable columns), and where the last whole row ends."""
        widths = [part.itemsize for part in self._parts]
        sizes = [self.fields[i].dtype.itemsize for i in self._variable]
        steps, tail = list(zip(widths, sizes, strict=False)), widths[-1]
        found: list[int] = []
        append, length, end = found.append, struct.Struct(">I").unpack_from, len(data)
        place = rows = used = 0
        try:
            while place <= end:
                for width, size in steps:
                    place += width
                    append(place)
                    place += 4 + length(data, place)[0] * size
                place += tail
                if place <= end:
                    rows, used = rows + 1, place
        except struct.error:
            pass  # the rest of this row is in the next block
        columns = len(self._variable)
        return np.array(found[: rows * columns], np.int64).reshape(rows, columns), used

    def _decode(self, parts: list[NDArray], block: NDArray[np.uint8], cells: list, counts: list) -> None:
        rows = len(parts[0])
        bits = np.unpackbits(parts[0]["mask"], axis=1) if self._mask else None
        fixed = {name: part[name] for part in parts for name in part.dtype.names or ()}
        for i, field in enumerate(self.fields):
            gone = bits[:, i].astype(bool) if bits is not None else np.zeros(rows, bool)
            if field.count is None:
                which = self._variable.index(i)
                self.chunks[i].append(self._of_any_length(field, block, cells[which], counts[which], gone))
            elif field.is_array or field.is_text:
                values = fixed[str(i)].reshape(rows, field.count)
                self.chunks[i].append(self._of_fixed_length(field, values, gone))
            else:
                self.chunks[i].append(_scalars(field, fixed[str(i)], gone))

    def _of_any_length(self, field, block, cells, counts, gone) -> pa.Array:
        if not self._mask:
            gone = gone | (counts == 0)
        ends = np.cumsum(counts)
        within = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
        items = _gather(block, np.repeat(cells, counts) + within * field.dtype.itemsize, field.dtype)
        if field.is_text:
            return texts(field, items, counts, gone)
        return lists(_scalars(field, items, None), field, counts, gone)

    def _of_fixed_length(self, field, values, gone) -> pa.Array:
        values = np.ascontiguousarray(values)
        rows, count = values.shape
        if not field.is_text:
            return lists(_scalars(field, values.ravel(), None), field, np.full(rows, count, np.int64), gone)
        length = field.inner[0] if field.is_array else count
        values = values.reshape(-1, length)
        ended = np.concatenate((values == 0, np.ones((len(values), 1), bool)), axis=1).argmax(axis=1)
        items = values[np.arange(length) < ended[:, None]]
        if field.is_array:
            words = texts(field, items, ended, np.zeros(len(values), bool))
            return lists(words, field, np.full(rows, count // length, np.int64), gone)
        return texts(field, items, ended, gone if self._mask else gone | (ended == 0))


def _item(i: int, field: Field) -> tuple:
    return (str(i), field.dtype) if not (field.is_array or field.is_text) else (str(i), field.dtype, (field.count,))


def _gather(block: NDArray[np.uint8], places: NDArray[np.int64], dtype: np.dtype) -> NDArray:
    """The items at these places of the block."""
    if not dtype.itemsize or not len(places):
        return np.zeros(len(places), dtype)
    if dtype.itemsize == 1 and not dtype.names:
        return block[places].view(dtype)
    everywhere = np.ndarray((len(block) - dtype.itemsize + 1,), f"V{dtype.itemsize}", block, strides=(1,))
    return everywhere[places].view(dtype)


def _scalars(field: Field, values: NDArray, gone: NDArray[np.bool_] | None) -> pa.Array:
    if field.datatype == "bit":
        return pa.array(values != 0, mask=gone)
    if field.datatype != "boolean":
        return numbers(values, field, gone)
    true, false, neither = (np.isin(values, np.frombuffer(words, np.uint8)) for words in (_TRUE, _FALSE, _NEITHER))
    neither = neither if gone is None else neither | gone
    if not (true | false | neither).all():
        raise Damaged(f"The answer's column {field.name} has a truth value that VOTable does not know.")
    return pa.array(true, mask=neither)


def texts(field: Field, items: NDArray, lengths: NDArray[np.int64], gone: NDArray[np.bool_]) -> pa.Array:
    """Make strings from their characters.

    A zero may only end a string (VOTable 1.4, Section 2.1): one within shows that a wrong length has swallowed the next
    cell. Bytes that are no UTF-8 are Latin-1, which older catalogues have.
    """
    ends = np.concatenate(([0], np.cumsum(lengths)))
    if field.datatype == "unicodeChar" and (not len(items) or items.max() < 128):
        items = items.astype(np.uint8)
    if items.dtype.itemsize > 1 or (len(items) and not items.all()):
        size, raw = items.dtype.itemsize, items.tobytes()
        words = [
            None if none else _text(field, raw[start * size : end * size], size)
            for start, end, none in zip(ends[:-1].tolist(), ends[1:].tolist(), gone.tolist(), strict=True)
        ]
        return pa.array(words, pa.string())
    bitmap = pa.py_buffer(np.packbits(~gone, bitorder="little")) if gone.any() else None
    offsets = pa.py_buffer(ends.astype(np.int32))
    array = pa.StringArray.from_buffers(len(gone), offsets, pa.py_buffer(np.ascontiguousarray(items)), bitmap)
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return pa.array(
            [None if word is None else _text(field, word, 1) for word in array.cast(pa.binary()).to_pylist()]
        )
    return array


def _text(field: Field, raw: bytes, size: int) -> str:
    """One string; size : bytes of a character."""
    try:
        word = raw.decode("utf-8" if size == 1 else "utf-16-be")
    except UnicodeDecodeError:
        word = raw.decode("latin-1" if size == 1 else "utf-16-be", "replace")
    word = word.rstrip("\0")
    if "\0" in word:
        raise Damaged(f"The answer's column {field.name} has a text with a zero in its middle.")
    return word
