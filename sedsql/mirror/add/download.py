"""Fetching what a table of a mirror still lacks from its service, piece by piece.

First every piece is counted by the service, and one that is too large is split; then the pieces are
fetched, several at a time. A piece is stored when as many rows came as were counted, and not before.
"""

import errno
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from ...catalogue import CELL, Table
from ...tap.errors import Damaged, TapError, TimedOut
from ...tap.schema import same_columns
from ...tap.service import Service
from .. import Progress, cells, layout, silent
from ..cells import Ranges
from ..layout import TableWriter
from ..manifest import Manifest, MirrorError, Piece, Stored, note
from ..store import escaped, save
from .matched import Asking, AskingMatched, Matched
from .slices import Slicing
from .slices import of as slicing_of

T = TypeVar("T")

PARALLEL = 4
"""Questions that a service is asked at a time."""
PIECE_BYTES = 20_000_000
"""A piece holds about so many bytes of columns, so that a few of them fit in memory."""
SAVE_EVERY = 30.0
"""Seconds between two times that the manifest goes from the journal to the database."""
TRIES = 3


@dataclass
class Counted:
    """A piece and how many rows the service has of it."""

    ranges: Ranges
    rows: int


def fetch(
    mirror: Path,
    manifest: Manifest,
    stored: Stored,
    service: Service,
    *,
    parallel: int = PARALLEL,
    progress: Progress = silent,
) -> int:
    """Fetch what `stored` lacks; gives the number of rows that were stored.

    What is done when it ends early, by an error or by Ctrl-C, is kept. The caller holds the lock.
    """
    slicing = slicing_of(stored.slicing or {})
    asking = Asking(service, slicing, mirror)
    if isinstance(slicing, Matched):
        asking = AskingMatched(service, slicing, mirror, manifest[slicing.match_table])
    work = _Work(mirror, stored, asking, slicing, PIECE_BYTES // _row_bytes(stored.table), parallel, progress)
    try:
        return work.run(manifest)
    finally:
        save(mirror, manifest)


def _row_bytes(table: Table) -> int:
    sizes = {"VARCHAR": 20, "SMALLINT": 2, "INTEGER": 4, "REAL": 4, "BOOLEAN": 1}
    return sum(sizes.get(column.datatype, 8) for column in table.columns.values())


@dataclass
class _Work:
    """limit : rows that a piece may have, by what memory allows, or what the service has shown to give."""

    mirror: Path
    stored: Stored
    asking: Asking
    slicing: Slicing
    limit: int
    parallel: int
    progress: Progress
    done: int = 0
    total: int = 0
    kept: int = 0
    saved: float = field(default_factory=time.monotonic)

    def run(self, manifest: Manifest) -> int:
        missing = self.stored.missing
        if not missing:
            return 0
        counted = self.count(self.slicing.pieces(missing), cells.size(missing))
        self.total = sum(piece.rows for piece in counted)
        if counted:
            largest = max(counted, key=lambda piece: piece.rows)
            self.asking.decide(largest.ranges, largest.rows)
        self.prepare(missing)
        while counted:
            again: list[Ranges] = []
            for done in self.at_once(counted, self.get):
                again += self.keep(done)
                self.progress(f"fetching {self.stored.table.name}", self.done, self.total)
                if time.monotonic() - self.saved > SAVE_EVERY:
                    save(self.mirror, manifest)
                    self.saved = time.monotonic()
            counted = self.count(again, None)
        return self.kept

    def at_once(self, items: Iterable[Any], do: Callable[[Any], T]) -> Iterator[T]:
        """The results of `do` for each item, a few at a time, as they come."""
        left = iter(items)
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="tap") as pool:
            running: set[Future[T]] = set()
            try:
                while True:
                    # No more than run at once: answers that wait to be stored would fill the memory.
                    for item in islice(left, self.parallel - len(running)):
                        running.add(pool.submit(do, item))
                    if not running:
                        return
                    # A short wait, so that Ctrl-C is heard.
                    done, running = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield future.result()
            except BaseException:
                self.asking.service.stop()
                for future in running:
                    future.cancel()
                raise

    @property
    def most(self) -> int:
        """Rows of a piece at most."""
        return int(min(self.limit, self.asking.most))

    # --- counting --------------------------------------------------------------------------------------

    def count(self, pieces: list[Ranges], of: int | None) -> list[Counted]:
        """The pieces with the rows that the service has of each; those with too many are split."""
        counted: list[Counted] = []
        done = 0
        while pieces:
            split: list[Ranges] = []
            for piece, rows in self.at_once(pieces, self.ask):
                if rows is None or rows > self.most:
                    split += self.smaller(piece, 4 if rows is None else rows // self.most * 5 // 4 + 2)
                else:
                    counted.append(Counted(piece, rows))
                    done += cells.size(piece)
                if of:
                    self.progress(f"counting {self.stored.table.name}", done, of)
            pieces = split
        return counted

    def ask(self, piece: Ranges) -> tuple[Ranges, int | None]:
        try:
            return piece, self.asking.count(piece)
        except TimedOut:
            return piece, None

    def smaller(self, piece: Ranges, parts: int) -> list[Ranges]:
        pieces = self.slicing.split(piece, parts)
        if not pieces:
            raise TapError(
                f"{self.asking.service.url} does not give all rows of the smallest piece of {self.stored.table.name}; "
                f"its limit is {self.most} rows: add a condition with --where, or ask the service for a higher one"
            )
        return pieces

    # --- fetching --------------------------------------------------------------------------------------

    def get(self, counted: Counted) -> tuple[Counted, pa.Table | None]:
        """The rows of a piece, or None where it must be cut in smaller ones."""
        if counted.rows == 0:
            return counted, layout.arrow_schema(self.stored.table).empty_table()
        if counted.rows > self.most:
            return counted, None
        for attempt in range(TRIES):
            try:
                answer = self.asking.fetch(counted.ranges, counted.rows + 1)
            except TimedOut:
                return counted, None
            came = answer.table.num_rows
            if came == counted.rows:
                same_columns(self.expected, answer.table.schema)
                return counted, self.slicing.keep(self.renamed(answer.table), counted.ranges)
            if answer.overflow and came < counted.rows:
                self.limit = max(1, min(self.limit, int(came * 0.9)))
                return counted, None
            if attempt + 1 < TRIES:
                # A cut answer that calls itself whole, or a table that has changed since it was counted.
                _, rows = self.ask(counted.ranges)
                if rows is None:
                    return counted, None
                counted = Counted(counted.ranges, rows)
        raise Damaged(
            f"{self.asking.service.url} counts {counted.rows:,} rows in a piece of {self.stored.table.name}, but gave "
            f"{came:,}, {TRIES} times; it was not stored"
        )

    @cached_property
    def expected(self) -> Table:
        """The table as answers have it: without the column of cells, where sedsql adds it."""
        columns = {
            key: column for key, column in self.stored.table.columns.items() if column.name in self.slicing.columns
        }
        return Table(self.stored.table.name, None, columns)

    def renamed(self, rows: pa.Table) -> pa.Table:
        """The rows with the columns' names as the service's schema writes them: answers can change the case."""
        names = self.expected.columns
        return rows.rename_columns([names[name.lower()].name for name in rows.column_names])

    # --- storing ---------------------------------------------------------------------------------------

    def prepare(self, missing: Ranges) -> None:
        """Choose the order of the partitions, and see that the disk has room."""
        if not self.stored.files and self.stored.table.sort_column and self.stored.order is None:
            sky = cells.size(missing) / cells.size(cells.SKY) if self.slicing.in_cells else 1.0
            self.stored.order = layout.partition_order(self.total, sky)
        need = self.total * _row_bytes(self.stored.table) * 3 // 4
        free = shutil.disk_usage(self.mirror).free
        if need > free:
            raise MirrorError(
                f"{self.total:,} rows of {self.stored.table.name} need about {need / 1e9:,.1f} GB, and {self.mirror} "
                f"has {free / 1e9:,.1f} GB free; choose fewer columns or a smaller region, or another disk"
            )

    def keep(self, done: tuple[Counted, pa.Table | None]) -> list[Ranges]:
        """Store a piece that came; gives what must be asked for in smaller pieces instead."""
        counted, rows = done
        if rows is None:
            return self.smaller(counted.ranges, counted.rows // self.most * 5 // 4 + 2)
        ranges = counted.ranges
        name = f"{ranges[0][0]}-{ranges[-1][1]}"
        while name in self.stored.pieces:  # one of which a part was lost, and is fetched now
            name += "a"
        try:
            rows = self.new_ones(rows)
            piece = Piece(
                name,
                ranges,
                rows.num_rows,
                counted.rows,
                self.asking.question(ranges),
                datetime.now(UTC).isoformat(timespec="seconds"),
            )
            about = {"source": self.asking.service.url}
            with TableWriter(self.mirror, self.stored.table, self.stored.order, name, about, [asdict(piece)]) as writer:
                writer.write(rows)
                files = writer.close()
            note(self.mirror, self.stored, piece, files)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise MirrorError(
                f"The disk of {self.mirror} is full; make room, and go on with `sedsql mirror resume {self.mirror}`"
            ) from None
        self.done += counted.rows
        self.kept += rows.num_rows
        return []

    def new_ones(self, rows: pa.Table) -> pa.Table:
        """The rows without those that came in another piece, where that can be."""
        if not isinstance(self.slicing, Matched) or not rows.num_rows:
            return rows
        key = self.slicing.key
        rows = layout.sort_cells(self.stored.table, rows)
        files = list(self.stored.files.values())
        if CELL in rows.column_names:
            at = rows[CELL].to_numpy() >> self.stored.table.cell_shift
            low, high = int(at.min()), int(at.max())
            files = [file for file in files if (file.low or 0) <= high and (file.high or 0) >= low]
        near = [escaped(layout.on_disk(self.mirror, file)) for file in files]
        if not near:
            return rows
        with duckdb.connect() as con:
            con.register("came", rows.select([key]))
            column = json.dumps(key)
            there = con.execute(
                f"SELECT DISTINCT {column} FROM read_parquet(?) SEMI JOIN came USING ({column})", [near]
            ).fetchall()
        known = pa.array([value for (value,) in there], rows[key].type)
        return rows.filter(pa.compute.invert(pa.compute.is_in(rows[key], value_set=known)))
