"""Keep the pieces of a table so small that the service gives all their rows, and memory holds them."""

from dataclasses import dataclass, field

from sedsql.catalogue import Table
from sedsql.catalogue.datatypes import DATATYPES
from sedsql.mirror.add.fetch_strategy import FetchStrategy
from sedsql.mirror.ranges import Ranges
from sedsql.tap.errors import TapError

PIECE_BYTES = 20_000_000
"""A piece holds about so many bytes of columns, so that a few of them fit in memory."""


@dataclass
class Counted:
    """A piece, and how many rows the service has of it."""

    ranges: Ranges
    rows: int


def row_bytes(table: Table) -> int:
    """About how many bytes a row takes in memory."""
    return sum(DATATYPES[c.datatype].bytes if c.datatype in DATATYPES else 8 for c in table.columns.values())


@dataclass
class PieceSize:
    """The number of rows that pieces of a table may have; it becomes smaller as the service shows its limits.

    limit : rows that a piece may have, by what memory allows, or what the service has shown to give
    uncounted, lost : why pieces were not counted, or did not come, since the last one that was or did
    """

    table: Table
    strategy: FetchStrategy
    limit: int = field(init=False)
    uncounted: list[TapError] = field(default_factory=list)
    lost: list[TapError] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.limit = PIECE_BYTES // row_bytes(self.table)

    @property
    def most(self) -> int:
        """Rows of a piece at most."""
        return int(min(self.limit, self.strategy.most))

    def lower(self, rows: int) -> None:
        """Let pieces have so many rows at most from now on, if that is fewer than before."""
        self.limit = max(1, min(self.limit, rows))

    def split(self, piece: Ranges, rows: int) -> list[Ranges]:
        """Split a piece that has too many rows."""
        return self.split_into(piece, rows // self.most * 5 // 4 + 2)

    def split_into(self, piece: Ranges, parts: int) -> list[Ranges]:
        """Split a piece. Raises TapError where it is the smallest already."""
        # The number of rows may be wrong, so a piece is not split into too many parts at once.
        pieces = self.strategy.partitioning.split(piece, min(parts, self.strategy.service.limits.parts))
        if not pieces:
            raise TapError(
                f"{self.strategy.service.url} does not give all rows of the smallest piece of {self.table.name}; "
                f"its limit is {self.most} rows: add a condition with --where, or ask the service for a higher one"
            )
        return pieces

    def in_vain(self, reasons: list[TapError], reason: TapError) -> None:
        """Note why a piece must be split. Raises TapError after many pieces in a row, of which none came in time."""
        reasons.append(reason)
        most = self.strategy.service.limits.vain
        if len(reasons) > most:
            raise TapError(
                f"{self.strategy.service.url} gave none of {most + 1} pieces of {self.table.name}, "
                f"smaller and smaller; the last time: {reason} Go on later with `sedsql mirror resume`, or ask for "
                "less."
            )
