"""Fetch the rows of a piece: exactly as many as the service counted, in the columns that are expected."""

from functools import cached_property

import pyarrow as pa

from sedsql.catalogue import Table
from sedsql.mirror.add.counting import Counting
from sedsql.mirror.add.pieces import Counted, PieceSize
from sedsql.mirror.columns import arrow_schema
from sedsql.tap.columns import same_columns
from sedsql.tap.errors import Damaged, TapError, TimedOut, TooLarge
from sedsql.tap.limits import Room

TRIES = 3


class Fetching:
    """Fetches pieces of a table."""

    def __init__(self, pieces: PieceSize, counting: Counting):
        self._pieces, self._counting = pieces, counting
        self._partitioning = pieces.strategy.partitioning

    def fetch(self, counted: Counted) -> tuple[Counted, pa.Table | None]:
        """The rows of a piece, or None where it must be split."""
        if counted.rows == 0:
            return counted, arrow_schema(self._pieces.table).empty_table()
        pieces = self._pieces
        for attempt in range(TRIES):
            if counted.rows > pieces.most:
                if attempt:
                    reason = TapError(f"It counted {counted.rows:,} rows when it was asked again.")
                    pieces.in_vain(pieces.lost, reason)
                return counted, None
            answer = self._ask(counted)
            if answer is None:
                return counted, None
            came = answer.table.num_rows
            if came == counted.rows:
                same_columns(self._expected, answer.table.schema)
                return counted, self._partitioning.keep(self._renamed(answer.table), counted.ranges)
            if answer.overflow and came < counted.rows:
                self._note_overflow(counted, came)
                return counted, None
            if attempt + 1 < TRIES:
                # A cut answer that calls itself whole, or a table that has changed since it was counted.
                *_, rows = self._counting.ask((counted.ranges, False))
                if rows is None:
                    return counted, None
                counted = Counted(counted.ranges, rows)
        raise Damaged(
            f"{pieces.strategy.service.url} counts {counted.rows:,} rows in a piece of {pieces.table.name}, but gave "
            f"{came:,}, {TRIES} times; it was not stored"
        )

    def _ask(self, counted: Counted):
        """The service's answer; None where it took too long, or is too large for memory."""
        pieces = self._pieces
        texts = pieces.strategy.service.limits.texts
        room = Room(counted.rows + 1, texts, check=lambda sent: same_columns(self._expected, sent))
        try:
            return pieces.strategy.fetch(counted.ranges, room)
        except TimedOut as reason:
            pieces.in_vain(pieces.lost, reason)
        except TooLarge as reason:
            if counted.rows == 1:
                raise
            pieces.in_vain(pieces.lost, reason)
            pieces.lower(counted.rows // 2)
        return None

    def _note_overflow(self, counted: Counted, came: int) -> None:
        """Let pieces be smaller than the number of rows at which the service cut its answer."""
        pieces = self._pieces
        service = pieces.strategy.service
        if came < service.limits.fewest:
            raise Damaged(
                f"{service.url} gave {came:,} of {counted.rows:,} rows of {pieces.table.name} "
                "and called that its limit; a table cannot be fetched in such small parts"
            )
        pieces.in_vain(pieces.lost, TapError(f"It gave {came:,} of {counted.rows:,} rows."))
        pieces.lower(int(came * 0.9))

    @cached_property
    def _expected(self) -> Table:
        """The table as answers have it: without the column of cells, if sedsql adds it."""
        table = self._pieces.table
        columns = {key: column for key, column in table.columns.items() if column.name in self._partitioning.columns}
        return Table(table.name, None, columns)

    def _renamed(self, rows: pa.Table) -> pa.Table:
        """Name the columns as the service's schema writes them: answers can change the case."""
        names = self._expected.columns
        return rows.rename_columns([names[name.lower()].name for name in rows.column_names])
