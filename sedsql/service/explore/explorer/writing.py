"""Write files in threads of their own, and hand them over part by part, so that brushes are answered meanwhile."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from itertools import count

from sedsql.files.streams import Output
from sedsql.service.errors import ServiceError

_PART = 1 << 20
"""Bytes of a part."""
_AHEAD = 4
"""Parts that are written before somebody takes them."""
_WAIT = 0.05
"""Seconds that brushes may wait for a part."""
_MOST = 4
"""Files at once."""

LAST, MORE = b".", b"+"
"""What a part begins with."""

Write = Callable[[Output, Callable[[], object]], object]
"""Writes a file; the second argument is called now and then, and raises where nobody wants the file any more."""


class Files:
    """The files that are being written."""

    def __init__(self) -> None:
        self._files: dict[int, _File] = {}
        self._numbers = count(1)

    def begin(self, write: Write) -> int:
        """Begin to write a file; gives its number."""
        if len(self._files) >= _MOST:
            raise ServiceError(f"{_MOST} files are being written already; wait for one of them.", 503, 1)
        number = next(self._numbers)
        self._files[number] = _File(write)
        return number

    def part(self, number: int) -> bytes:
        """The next bytes, perhaps none yet, after LAST where the file ends with them, and MORE else.

        What went wrong is raised.
        """
        if number not in self._files:
            raise ServiceError("This file is not being written.", 404)
        try:
            part = self._files[number].take()
        except BaseException:
            del self._files[number]
            raise
        if part[:1] == LAST:
            del self._files[number]
        return part

    def stop(self, number: int) -> None:
        """Write no more of a file, if it is being written."""
        if file := self._files.pop(number, None):
            file.stop()


class _File:
    def __init__(self, write: Write):
        self._parts: queue.Queue[bytes | BaseException] = queue.Queue(_AHEAD)
        self._written = bytearray()
        self._is_stopped = False
        threading.Thread(target=self._run, args=(write,), daemon=True).start()

    def take(self) -> bytes:
        try:
            part = self._parts.get(timeout=_WAIT)
        except queue.Empty:
            return MORE
        if isinstance(part, BaseException):
            raise part
        return part

    def stop(self) -> None:
        self._is_stopped = True

    def write(self, data: bytes | memoryview, /) -> None:
        """Take bytes of the file."""
        self._written += data
        if len(self._written) >= _PART:
            self._put(MORE + self._written)
            self._written.clear()

    def _run(self, write: Write) -> None:
        try:
            write(self, self._check)
            self._put(LAST + self._written)
        except BaseException as error:
            if not self._is_stopped:
                self._put(error)

    def _check(self) -> None:
        if self._is_stopped:
            raise ServiceError("The file was stopped.")

    def _put(self, part: bytes | BaseException) -> None:
        while not self._is_stopped:
            try:
                return self._parts.put(part, timeout=1)
            except queue.Full:
                pass
        raise ServiceError("The file was stopped.")
