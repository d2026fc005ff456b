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
from ...tap.errors import Damaged, TapError, TimedOut, TooLarge, Unbounded
from ...tap.limits import Limits, Room
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
    uncounted: list[TapError] = field(default_factory=list)
    lost: list[TapError] = field(default_factory=list)
    """Why pieces were not counted, or did not come, since the last one that was or did."""
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

    @property
    def limits(self) -> Limits:
        return self.asking.service.limits

    def in_vain(self, reasons: list[TapError], reason: TapError) -> None:
        """A piece is to be asked for in smaller ones; not for ever, where the service gives none in time."""
        reasons.append(reason)
        if len(reasons) > self.limits.vain:
            raise TapError(
                f"{self.asking.service.url} gave none of {self.limits.vain + 1} pieces of {self.stored.table.name}, "
                f"smaller and smaller; the last time: {reason} Go on later with `sedsql mirror resume`, or ask for "
                "less."
            )

    # --- counting --------------------------------------------------------------------------------------

    def count(self, pieces: list[Ranges], of: int | None) -> list[Counted]:
        """The pieces with the rows that the service has of each; those with too many are split."""
        counted: list[Counted] = []
        done = told = found = 0
        left = [(piece, True) for piece in pieces]
        while left:
            parts: list[tuple[Ranges, bool]] = []
            to_split = 0
            for piece, is_first, rows in self.at_once(left, self.ask):
                if rows is None:
                    parts += [(part, is_first) for part in self.smaller(piece, 4)]
                    continue
                told += rows * is_first
                if rows > self.most:
                    to_split += rows
                    self.believe(found + to_split, told)
                    parts += [(part, False) for part in self.smaller(piece, rows // self.most * 5 // 4 + 2)]
                else:
                    found += rows
                    self.believe(found + to_split, told)
                    counted.append(Counted(piece, rows))
                    done += cells.size(piece)
                if of:
                    self.progress(f"counting {self.stored.table.name}", done, of)
            left = parts
        return counted

    def ask(self, asked: tuple[Ranges, bool]) -> tuple[Ranges, bool, int | None]:
        try:
            rows = self.asking.count(asked[0])
        except TimedOut as reason:
            self.in_vain(self.uncounted, reason)
            return *asked, None
        self.uncounted.clear()
        return *asked, rows

    def believe(self, rows: int, told: int) -> None:
        """See that counts can be true, before more are asked for.

        rows : of the parts that are counted; cones around them overlap, so they can have more than the whole
        told : that the service counted at first
        """
        name, url = self.stored.table.name, self.asking.service.url
        self.need_room(rows)
        if rows // self.most > self.limits.pieces:
            raise MirrorError(
                f"{rows:,} rows of {name} would come in more than {self.limits.pieces:,} pieces of {self.most:,} rows; "
                "choose fewer columns or a smaller region"
            )
        if rows > 4 * told + 10 * self.most:
            raise Unbounded(
                f"{url} counted {told:,} rows of {name}, and {rows:,} in only a part of the same pieces when they were "
                "smaller: its counts cannot be true, and nothing was fetched by them"
            )

    def smaller(self, piece: Ranges, parts: int) -> list[Ranges]:
        # Not in too many at once, as the number of rows may be no true one.
        pieces = self.slicing.split(piece, min(parts, self.limits.parts))
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
        for attempt in range(TRIES):
            if counted.rows > self.most:
                if attempt:
                    self.in_vain(self.lost, TapError(f"It counted {counted.rows:,} rows when it was asked again."))
                return counted, None
            room = Room(counted.rows + 1, self.limits.texts, check=lambda sent: same_columns(self.expected, sent))
            try:
                answer = self.asking.fetch(counted.ranges, room)
            except TimedOut as reason:
                self.in_vain(self.lost, reason)
                return counted, None
            except TooLarge as reason:
                if counted.rows == 1:
                    raise
                self.in_vain(self.lost, reason)
                self.limit = max(1, min(self.limit, counted.rows // 2))
                return counted, None
            came = answer.table.num_rows
            if came == counted.rows:
                same_columns(self.expected, answer.table.schema)
                return counted, self.slicing.keep(self.renamed(answer.table), counted.ranges)
            if answer.overflow and came < counted.rows:
                if came < self.limits.fewest:
                    raise Damaged(
                        f"{self.asking.service.url} gave {came:,} of {counted.rows:,} rows of {self.stored.table.name} "
                        "and called that its limit, which is no way to fetch a table"
                    )
                self.in_vain(self.lost, TapError(f"It gave {came:,} of {counted.rows:,} rows."))
                self.limit = max(1, min(self.limit, int(came * 0.9)))
                return counted, None
            if attempt + 1 < TRIES:
                # A cut answer that calls itself whole, or a table that has changed since it was counted.
                *_, rows = self.ask((counted.ranges, False))
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
        self.need_room(self.total)

    def need_room(self, rows: int) -> None:
        """See that the disk has room for so many rows."""
        need = rows * _row_bytes(self.stored.table) * 3 // 4
        free = shutil.disk_usage(self.mirror).free
        if need > free:
            raise MirrorError(
                f"{rows:,} rows of {self.stored.table.name} need about {need / 1e9:,.1f} GB, and {self.mirror} "
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
        if counted.rows:
            self.lost.clear()
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
