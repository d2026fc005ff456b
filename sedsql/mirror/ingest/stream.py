"""Read the rows of many files as one stream, in the order of their table."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sedsql.catalogue import CELL, Table
from sedsql.files.errors import TableError
from sedsql.mirror import Progress
from sedsql.mirror.columns import arrow_schema, as_stored
from sedsql.mirror.ingest.sources import Source
from sedsql.mirror.ranges import SKY, size
from sedsql.mirror.rows import sort_cells
from sedsql.mirror.sort import sorted_by


class Unsorted(Exception):  # noqa: N818
    """The rows do not come in the order of the table."""


class Stream:
    """The rows of sources as a table stores them.

    repeated : how many values of the sort column came more than once, when a stream has ended
    share : of the sky that the rows come from, estimated from the first ones of each source
    """

    def __init__(self, sources: Sequence[Source], table: Table, progress: Progress):
        self.table = as_stored(table)
        self.schema = arrow_schema(self.table)
        self.rows = sum(source.rows for source in sources)
        self.repeated = 0
        self._progress = progress
        self._sort = self.table.sort_column
        self._sources, self.share = self._by_first(sources)

    def in_order(self) -> Iterator[pa.Table]:
        """The rows as they come, file by file; raises Unsorted when one belongs before another that came."""
        return self._checked(self._batches("importing"))

    def sorted(self, scratch: Path) -> Iterator[pa.Table]:
        """The rows sorted, with the folder `scratch` for what memory does not hold."""
        batches = chain.from_iterable(rows.to_batches() for rows in self._batches("reading"))
        return self._checked(self._counted(sorted_by(self._sort or "", batches, self.schema, scratch)))

    def _by_first(self, sources: Sequence[Source]) -> tuple[list[Source], float]:
        """The sources in the order of the first key of each, and the share of the sky."""
        if self._sort is None:
            return list(sources), 1.0
        firsts, cells = [], 0.0
        for number, source in enumerate(sources):
            batch = source.first
            if batch is None or not batch.num_rows:
                firsts.append(0)
                continue
            keys = self._keys(self._stored(batch, source))
            firsts.append(int(keys[0]))
            span = (int(keys[-1]) - int(keys[0]) >> self.table.cell_shift) + 1
            cells += span * max(1.0, source.rows / batch.num_rows)
            self._progress("looking at the files", number + 1, len(sources))
        order = sorted(range(len(sources)), key=firsts.__getitem__)
        return [sources[place] for place in order], min(1.0, cells / size(SKY))

    def _batches(self, what: str) -> Iterator[pa.Table]:
        batches = chain.from_iterable(map(self._of, self._sources))
        return self._counted(batches, what)

    def _of(self, source: Source) -> Iterator[pa.Table]:
        for batch in source.batches():
            yield self._stored(batch, source)

    def _stored(self, batch: pa.Table, source: Source) -> pa.Table:
        """The rows in the types of the table, what is not there as NULL, sorted among themselves."""
        if self.table.position and CELL in batch.column_names:
            batch = batch.drop_columns([CELL])  # positions are computed anew, not believed
        arrays = []
        for name in batch.column_names:
            kind = self.schema.field(name).type
            try:
                arrays.append(_null(batch[name].cast(kind)))
            except pa.ArrowInvalid as error:
                raise TableError(f"{source.path} cannot be read, column {name}: {error}") from None
        return sort_cells(self.table, pa.table(arrays, names=batch.column_names)).cast(self.schema)

    def _counted(self, batches: Iterable[pa.Table], what: str = "sorting") -> Iterator[pa.Table]:
        done = 0
        for rows in batches:
            yield rows
            done += rows.num_rows
            self._progress(f"{what} {self.table.name}", done, max(done, self.rows))

    def _checked(self, batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
        last, self.repeated = np.iinfo(np.int64).min, 0
        for rows in batches:
            if self._sort is not None and rows.num_rows:
                keys = self._keys(rows)
                if keys[0] < last:
                    raise Unsorted
                there = np.concatenate(([last], keys))
                self.repeated += int(np.count_nonzero((there[1:] == there[:-1]) & (keys != 0)))
                last = int(keys[-1])
            yield rows

    def _keys(self, rows: pa.Table):
        return rows[self._sort].fill_null(0).to_numpy()


def _null(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Without what formats write for a value that is not there: NaN, and empty text."""
    if pa.types.is_floating(column.type):
        gone = pc.is_nan(column)
    elif pa.types.is_string(column.type):
        gone = pc.equal(pc.binary_length(column), 0)
    else:
        return column
    if not pc.any(gone).as_py():
        return column
    return pc.if_else(gone, pa.scalar(None, column.type), column)
