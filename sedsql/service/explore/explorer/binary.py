"""Write arrays for the page: a head of JSON that names them, then their bytes, each 8-aligned."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

MIME = "application/octet-stream"
_ALIGNED = 8
_TYPES = {"uint8": "u1", "uint32": "u4", "float32": "f4", "float64": "f8"}


class Arrays:
    """Arrays that are sent together; `add` gives what the head says of one."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, values: NDArray[Any]) -> dict[str, Any]:
        """Take an array; say its type, where it begins after the head, and how many items it has."""
        data = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
        told = {"dtype": _TYPES[values.dtype.name], "offset": self._size, "length": values.size}
        padding = -len(data) % _ALIGNED
        self._parts += [data, bytes(padding)]
        self._size += len(data) + padding
        return told

    def body(self, head: dict[str, Any]) -> list[bytes]:
        """Write all: 4 bytes with the length of the head, little-endian, the head, the arrays."""
        text = json.dumps(head, allow_nan=False).encode()
        text += b" " * (-(4 + len(text)) % _ALIGNED)
        return [len(text).to_bytes(4, "little") + text, *self._parts]


def read(body: bytes) -> dict[str, NDArray[Any]]:
    """Read the arrays of a body whose head has nothing else."""
    start = 4 + int.from_bytes(body[:4], "little")
    head = json.loads(body[4:start])
    return {
        name: np.frombuffer(body, f"<{told['dtype']}", told["length"], start + told["offset"])
        for name, told in head.items()
    }
