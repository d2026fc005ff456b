"""Write the answer to a task, to the server or to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

import pyarrow as pa

from sedsql.files.atomic import flush, new_file
from sedsql.files.streams import FORMATS, StreamFormat, Written, write_stream
from sedsql.service.workers.faults import NoRoomError
from sedsql.service.workers.messages import Task

_MOST = 1 << 18
"""Bytes that are sent at once."""


class Sink:
    """What an answer is written to, whose bytes go on in large parts.

    Attributes
    ----------
    bytes : that were written
    """

    def __init__(self, begin: Callable[[], object], send: Callable[[memoryview], object]):
        """begin : called before the first bytes are sent"""
        self._begin, self._send = begin, send
        self._parts: list[bytes] = []
        self._waiting = self._sent = self.bytes = 0

    def write(self, data: bytes | memoryview) -> None:
        """Take bytes."""
        self._parts.append(bytes(data))
        self._waiting += len(self._parts[-1])
        self.bytes += len(self._parts[-1])
        if self._waiting >= _MOST:
            self.flush()

    def flush(self) -> None:
        """Send all that was taken."""
        data = memoryview(b"".join(self._parts))
        self._parts.clear()
        self._waiting = 0
        if not self._sent and len(data):
            self._begin()
        self._sent += len(data)
        for at in range(0, len(data), _MOST):
            self._send(data[at : at + _MOST])


def write(task: Task, sink: Sink, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Written:
    """Write the answer; the first bytes are sent once the first rows are there, or it is known that there are none.

    So an error before the first row is an error, and not an answer that is cut off.
    """

    def each() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield batch
            sink.flush()

    return write_stream(sink, form(task), schema, each(), maxrec=task.maxrec, infos=dict(task.infos))


def write_file(task: Task, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> tuple[Written, int]:
    """Write the answer to `task.output`, which appears whole and on the disk, or not at all; gives the bytes too."""
    assert task.output
    with new_file(task.output, force=True) as partial:
        with partial.open("wb") as file:
            bounded = _Bounded(file, task.room)
            written = write_stream(bounded, form(task), schema, batches, maxrec=task.maxrec, infos=dict(task.infos))
        flush(partial)
    flush(task.output.parent)
    return written, bounded.bytes


class _Bounded:
    """A file that takes so many bytes and no more.

    Attributes
    ----------
    bytes : that were written
    """

    def __init__(self, file: IO[bytes], room: int | None):
        self._file, self._room = file, room
        self.bytes = 0

    def write(self, data: bytes | memoryview) -> None:
        self.bytes += memoryview(data).nbytes
        if self._room is not None and self.bytes > self._room:
            raise NoRoomError(self._room)
        self._file.write(data)


def form(task: Task) -> StreamFormat:
    """The format that a task asks for."""
    return FORMATS[task.format]
