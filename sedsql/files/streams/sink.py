"""Let Arrow's writers write into a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from sedsql.files.streams import Output


class _Sink:
    """What Arrow asks of a file; its writers close theirs, and this one stays open."""

    closed = False

    def __init__(self, file: Output):
        self._file = file
        self.is_cut_off = False

    def write(self, data: pa.Buffer | bytes) -> None:
        if not self.is_cut_off:
            self._file.write(memoryview(data))

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


@contextmanager
def sink(file: Output) -> Iterator[pa.NativeFile]:
    """Make a file of Arrow's of what bytes are written to.

    After an error it takes no more: a writer that Python throws away ends its file, which then looks whole.
    """
    target = _Sink(file)
    try:
        yield pa.PythonFile(target, "w")
    except BaseException:
        target.is_cut_off = True
        raise
