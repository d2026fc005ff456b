"""Let Arrow's writers write into a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from sedsql.files.streams import Output


class _Sink:
    """What Arrow asks of a file; its writers close theirs, and this one stays open."""

    closed = False

    def __init__(self, file: Output):
        self._file = file

    def write(self, data: pa.Buffer | bytes) -> None:
        self._file.write(memoryview(data))

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def sink(file: Output) -> pa.NativeFile:
    """Make a file of Arrow's of what bytes are written to."""
    return pa.PythonFile(_Sink(file), "w")
