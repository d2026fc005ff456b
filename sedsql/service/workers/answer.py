"""Write the answer to a task, to the server or to a file."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from sedsql.service.workers.messages import Task

MIME = {"csv": "text/csv;header=present"}


@dataclass(frozen=True)
class Written:
    rows: int
    overflow: bool


def write_stream(file, schema: pa.Schema, batches: Iterable[pa.RecordBatch], maxrec: int | None) -> Written:
    """Write CSV, until there are streams of all formats."""

    def line(values: Iterable[object]) -> bytes:
        text = io.StringIO()
        csv.writer(text).writerow(values)
        return text.getvalue().encode()

    file.write(line(schema.names))
    rows = 0
    for batch in batches:
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if rows == maxrec:
                return Written(rows, True)
            file.write(line(row))
            rows += 1
    return Written(rows, False)


class Sink:
    """A file to write to, whose bytes go on in large parts."""

    def __init__(self, send: Callable[[bytes], object], most: int):
        self._send, self._most = send, most
        self._parts: list[bytes] = []
        self._waiting = self.bytes = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self._waiting += len(data)
        self.bytes += len(data)
        if self._waiting >= self._most:
            self.flush()
        return len(data)

    def flush(self) -> None:
        data = b"".join(self._parts)
        self._parts.clear()
        self._waiting = 0
        for at in range(0, len(data), self._most):
            self._send(data[at : at + self._most])


def write(
    task: Task, sink: Sink, schema: pa.Schema, batches: Iterator[pa.RecordBatch], begin: Callable[[str], object]
) -> Written:
    """Write the answer; `begin` is called with the MIME type once its first rows are there, or there are none."""
    first = next(batches, None)
    begin(MIME["csv"])

    def all_batches() -> Iterator[pa.RecordBatch]:
        if first is not None:
            yield first
            sink.flush()
            yield from batches

    written = write_stream(sink, schema, all_batches(), task.maxrec)
    sink.flush()
    return written


def write_file(task: Task, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> tuple[Written, int]:
    """Write the answer to `task.output`, which appears whole and on the disk, or not at all."""
    assert task.output
    partial = task.output.with_name(f".{task.output.name}.partial")
    try:
        with partial.open("wb") as file:
            written = write_stream(file, schema, batches, task.maxrec)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        partial.replace(task.output)
        folder = os.open(task.output.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    finally:
        partial.unlink(missing_ok=True)
    return written, size
