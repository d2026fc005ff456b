"""Write bytes as lines of base64, piece by piece."""

import binascii

import numpy as np
from numpy.typing import NDArray

_LINE = 76
"""Letters of a line (RFC 2045)."""

_IN_LINE = _LINE // 4 * 3


class Base64Lines:
    """Holds the bytes that fill no line yet."""

    def __init__(self) -> None:
        self._rest = b""

    def lines(self, block: NDArray[np.uint8]) -> memoryview:
        """The whole lines of what came so far."""
        data = b"".join((self._rest, block.data))
        whole = len(data) // _IN_LINE * _IN_LINE
        self._rest = data[whole:]
        text = np.frombuffer(binascii.b2a_base64(memoryview(data)[:whole], newline=False), np.uint8)
        lines = np.empty((len(text) // _LINE, _LINE + 1), np.uint8)
        lines[:, :_LINE] = text.reshape(-1, _LINE)
        lines[:, _LINE] = ord("\n")
        return lines.ravel().data

    def last(self) -> bytes:
        """The line of what is left."""
        rest, self._rest = self._rest, b""
        return binascii.b2a_base64(rest) if rest else b""
