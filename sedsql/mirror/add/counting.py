"""Have the service count the rows of each piece before any is fetched, and split the pieces that are too large."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sedsql.mirror import Progress
from sedsql.mirror.add.disk import require_room
from sedsql.mirror.add.pieces import Counted, PieceSize
from sedsql.mirror.manifest import MirrorError
from sedsql.mirror.ranges import Ranges, size
from sedsql.tap.errors import TimedOut, Unbounded

AtOnce = Callable[[Iterable, Callable], Iterator]
"""Does the same with several items at a time, see `parallel.at_once`."""

Asked = tuple[Ranges, bool]
"""A piece, and whether it is one of those that were counted first: others are parts of these."""


class Counting:
    """Counts the pieces of a table.

    folder : of the mirror, whose disk needs room for the rows
    """

    def __init__(self, folder: Path, pieces: PieceSize, at_once: AtOnce, progress: Progress):
        self._folder, self._pieces, self._at_once, self._progress = folder, pieces, at_once, progress

    def count(self, pieces: list[Ranges], of: int | None) -> list[Counted]:
        """The pieces with the rows that the service has of each; those with too many are split.

        of : how many cells or values the pieces have in all, for the progress; None shows none
        """
        counted: list[Counted] = []
        done = told = found = 0
        left: list[Asked] = [(piece, True) for piece in pieces]
        while left:
            parts: list[Asked] = []
            to_split = 0
            for piece, is_first, rows in self._at_once(left, self.ask):
                if rows is None:
                    parts += [(part, is_first) for part in self._pieces.split_into(piece, 4)]
                    continue
                told += rows * is_first
                if rows > self._pieces.most:
                    to_split += rows
                    self._believe(found + to_split, told)
                    parts += [(part, False) for part in self._pieces.split(piece, rows)]
                else:
                    found += rows
                    self._believe(found + to_split, told)
                    counted.append(Counted(piece, rows))
                    done += size(piece)
                if of:
                    self._progress(f"counting {self._pieces.table.name}", done, of)
            left = parts
        return counted

    def ask(self, asked: Asked) -> tuple[Ranges, bool, int | None]:
        """Count the rows of a piece; gives None where the service took too long."""
        try:
            rows = self._pieces.strategy.count(asked[0])
        except TimedOut as reason:
            self._pieces.in_vain(self._pieces.uncounted, reason)
            return *asked, None
        self._pieces.uncounted.clear()
        return *asked, rows

    def _believe(self, rows: int, told: int) -> None:
        """Raise an error where counts cannot be true, or the rows cannot be stored.

        rows : of the parts that are counted; cones around them overlap, so they can have more than the whole
        told : that the service counted at first
        """
        table, service, most = self._pieces.table, self._pieces.strategy.service, self._pieces.most
        require_room(self._folder, table, rows)
        if rows // most > service.limits.pieces:
            raise MirrorError(
                f"{rows:,} rows of {table.name} would come in more than {service.limits.pieces:,} pieces of "
                f"{most:,} rows; choose fewer columns or a smaller region"
            )
        if rows > 4 * told + 10 * most:
            raise Unbounded(
                f"{service.url} counted {told:,} rows of {table.name}, and {rows:,} in only a part of the same pieces "
                "when they were smaller: its counts cannot be true, and nothing was fetched by them"
            )
