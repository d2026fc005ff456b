"""Give the first rows of an answer, and find out whether there are more."""

from collections.abc import Iterable, Iterator
from itertools import chain

import pyarrow as pa

PIECE = 1 << 23
"""Bytes of Arrow that are written at a time: a batch of a wide table can have gigabytes."""

PIECE_ROWS = 16_384


class Limited:
    """Batches up to a number of rows; the first is asked for at once, so that what fails then fails before any output.

    Attributes
    ----------
    count : rows that were given
    overflow : whether there were more; known after the last batch
    """

    def __init__(self, batches: Iterable[pa.RecordBatch], most: int | None = None):
        self._most, self._batches = most, iter(batches if most != 0 else ())
        self._first = next(self._batches, None)
        self.count, self.overflow = 0, most == 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in chain([] if self._first is None else [self._first], self._batches):
            room = batch.num_rows if self._most is None else self._most - self.count
            self.overflow = batch.num_rows > room
            self.count += min(room, batch.num_rows)
            if room and batch.num_rows:
                yield batch.slice(0, room)
            if self.overflow:
                return

    def pieces(self) -> Iterator[pa.RecordBatch]:
        """The batches in pieces of at most PIECE_ROWS rows and about PIECE bytes."""
        for batch in self:
            rows = min(PIECE_ROWS, max(1, PIECE * batch.num_rows // max(batch.nbytes, 1)))
            for start in range(0, batch.num_rows, rows):
                yield batch.slice(start, rows)
