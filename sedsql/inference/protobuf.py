"""Read protocol buffers field by field (protobuf.dev/programming-guides/encoding)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
MOST_MESSAGES = 1 << 14
"""In one field of a message: a message of two bytes takes hundreds in memory."""
_WIDTHS = {_FIXED64: 8, _FIXED32: 4}


@dataclass
class Message:
    """Values by number of field: int for a varint, bytes for all else."""

    values: dict[int, list] = field(default_factory=dict)

    def all(self, number: int, kind: type) -> list:
        found = self.values.get(number, [])
        if any(type(value) is not kind for value in found):
            raise ValueError(f"field {number} is of another type")
        return found

    def text(self, number: int) -> str:
        return _text(self.all(number, bytes)[-1]) if number in self.values else ""

    def texts(self, number: int) -> tuple[str, ...]:
        return tuple(map(_text, self.all(number, bytes)))

    def whole(self, number: int) -> int:
        return self.all(number, int)[-1] if number in self.values else 0

    def messages(self, number: int) -> "Iterator[Message]":
        found = self.all(number, bytes)
        if len(found) > MOST_MESSAGES:
            raise ValueError(f"field {number} holds {len(found):,} messages; there may be {MOST_MESSAGES:,}")
        return map(fields, found)

    def numbers(self, number: int, kind: type) -> NDArray:
        """Read a field of repeated numbers, which are packed, or each for itself."""
        found = self.values.get(number, [])
        if kind in (np.float32, np.float64):
            return np.frombuffer(b"".join(self.all(number, bytes)), np.dtype(kind).newbyteorder("<")).astype(kind)
        values: list[int] = []
        for value in found:
            if isinstance(value, int):
                values.append(value)
            else:
                at = 0
                while at < len(value):
                    one, at = _varint(value, at)
                    values.append(one)
        return np.array(values, np.uint64).view(np.int64).astype(kind)


def _text(value: bytes) -> str:
    return value.decode("utf-8")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise ValueError("a number has no end")


def fields(data: bytes) -> Message:
    """Read the fields of a message; ValueError or IndexError where the bytes are none."""
    message = Message()
    values, at, size = message.values, 0, len(data)
    while at < size:
        tag, at = _varint(data, at)
        kind = tag & 7
        value: int | bytes
        if kind == _VARINT:
            value, at = _varint(data, at)
        else:
            if kind == _BYTES:
                width, at = _varint(data, at)
            elif kind in _WIDTHS:
                width = _WIDTHS[kind]
            else:
                raise ValueError("a field is of no known kind")
            value = data[at : at + width]
            if len(value) < width:
                raise ValueError("a field is longer than what follows")
            at += width
        values.setdefault(tag >> 3, []).append(value)
    return message
