"""Hold what a mirror knows of one table: its files, the pieces that it was fetched in, the ranges that are wanted."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sedsql.catalogue import Table
from sedsql.mirror.ranges import Ranges, minus, union


@dataclass(frozen=True)
class File:
    """A Parquet file of a table.

    path : relative to the mirror; absolute for a catalogue that is used where it lies
    sha256 : None for such a catalogue
    low, high : the first and last cell of order 12 in it; None without cells
    pieces : names of the pieces that its rows came in
    reach : the largest distance of a position from the cell of its row, in degrees; None where it is not known
    """

    path: str
    rows: int
    bytes: int
    sha256: str | None
    low: int | None
    high: int | None
    pieces: tuple[str, ...] = ()
    reach: float | None = None

    def meets(self, low: int, high: int) -> bool:
        """Whether the file may have rows in the cells `low` to `high`, both included."""
        return (self.low or 0) <= high and (self.high or 0) >= low


@dataclass(frozen=True)
class Piece:
    """Part of a table that came in one answer.

    name : begins the names of the files that have its rows
    ranges : of HEALPix cells of order 12, or of the values of an index column
    rows : how many are stored
    remote_rows : the service's COUNT(*) for the same question
    count_query : that question, in ADQL
    fetched : UTC, ISO 8601
    """

    name: str
    ranges: Ranges
    rows: int
    remote_rows: int | None = None
    count_query: str | None = None
    fetched: str | None = None


@dataclass
class TableState:
    """A table of a mirror.

    order : HEALPix order of its partitions; None for a table without cells
    service : URL of the TAP service that it came from
    condition : ADQL that every row meets
    partitioning : the settings of the `Partitioning` that it is fetched by, or how else it came
    place : the folder of a catalogue that is used where it lies; None for a table in the mirror
    wanted : the ranges that were asked for
    """

    table: Table
    order: int | None = None
    service: str | None = None
    condition: str | None = None
    partitioning: dict | None = None
    place: str | None = None
    wanted: Ranges = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    pieces: dict[str, Piece] = field(default_factory=dict)

    @property
    def covered(self) -> Ranges:
        """The ranges that the pieces cover."""
        return union(range_ for piece in self.pieces.values() for range_ in piece.ranges)

    @property
    def missing(self) -> Ranges:
        """The ranges that are wanted and not there."""
        return minus(self.wanted, self.covered)

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files.values())

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files.values())

    def add(self, piece: Piece, files: Iterable[File]) -> None:
        """Add a piece and the files that have its rows."""
        self.pieces[piece.name] = piece
        self.files |= {file.path: file for file in files}


Tables = dict[str, TableState]
"""The tables of a mirror, by lower-case name."""
