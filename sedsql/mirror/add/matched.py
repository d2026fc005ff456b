"""Rows that belong to sources: the service joins them, or is sent the list of them that the mirror's matches name.

Which of the two a service does better is tried on a part of the first large piece.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import duckdb
import pyarrow as pa

from ...catalogue import SOURCE_ID_SHIFT
from ...tap.errors import Refused, TapError, TimedOut, Unavailable
from ...tap.limits import Room
from ...tap.schema import quoted
from ...tap.service import Service
from ...tap.votable import Answer
from ..cells import Ranges
from ..layout import arrow_type, on_disk
from ..manifest import Stored
from ..store import escaped
from .slices import Slicing

LIST_ROWS = 20_000
"""A list that is sent has so many rows at most: services take a few megabytes."""
TRIAL_ROWS = 2_000
"""A piece that is smaller is not worth a trial."""


@dataclass(frozen=True)
class Matched(Slicing):
    """The rows of `table`, AS t, that match a source whose source_id is in the piece.

    joins : the FROM clause, from the match table AS m to t
    key : the column of t that tells its rows apart; several pieces can bring the same one
    match_table, match_column : where the mirror itself has the keys that are wanted
    """

    joins: str = ""
    key: str = ""
    match_table: str = ""
    match_column: str = ""

    kind: ClassVar[str] = "matched"

    def select(self, piece: Ranges) -> str:
        return f"SELECT DISTINCT {self._columns} FROM {self.joins} WHERE {self._where(piece)}"

    def count(self, piece: Ranges) -> str:
        inner = f"SELECT DISTINCT t.{quoted(self.key)} FROM {self.joins} WHERE {self._where(piece)}"
        return f"SELECT COUNT(*) AS n FROM ({inner}) AS d"

    @property
    def of_list(self) -> str:
        """The ADQL of the rows whose keys are in the table `wanted` that is sent with it."""
        key = quoted(self.key)
        return f"SELECT {self._columns} FROM {self.table} AS t JOIN TAP_UPLOAD.wanted AS u ON t.{key} = u.{key}"

    @property
    def _columns(self) -> str:
        return ", ".join(f"t.{quoted(name)}" for name in self.columns)

    def _tests(self, piece: Ranges) -> list[str]:
        return [f"m.source_id BETWEEN {low} AND {high - 1}" for low, high in _source_ids(piece)]

    def wanted(self, mirror: Path, matches: Stored, piece: Ranges) -> pa.Table:
        """The keys that the mirror's matches name for a piece, each once."""
        low, high = piece[0][0], piece[-1][1]
        near = [
            escaped(on_disk(mirror, file))
            for file in matches.files.values()
            if (file.low or 0) < high and (file.high or 0) >= low
        ]
        if not near:
            return pa.table({self.key: pa.array([], arrow_type(matches.table.columns[self.match_column]))})
        column, key = json.dumps(self.match_column), json.dumps(self.key)
        tests = " OR ".join(f"(source_id >= {low} AND source_id < {high})" for low, high in _source_ids(piece))
        query = f"SELECT DISTINCT {column} AS {key} FROM read_parquet(?) WHERE ({tests}) AND {column} IS NOT NULL"
        with duckdb.connect() as con:
            return con.sql(f"{query} ORDER BY 1", params=[near]).to_arrow_table()


def _source_ids(piece: Ranges) -> Ranges:
    return [(low << SOURCE_ID_SHIFT, high << SOURCE_ID_SHIFT) for low, high in piece]


class Asking:
    """How the pieces of a table are counted and fetched: with the slicing's own questions."""

    most: float = float("inf")
    """Rows of a piece at most, where the way of asking limits them."""

    def __init__(self, service: Service, slicing: Slicing, mirror: Path):
        self.service, self.slicing, self.mirror = service, slicing, mirror

    def count(self, piece: Ranges) -> int:
        return self.service.count(self.slicing.count(piece))

    def fetch(self, piece: Ranges, room: Room) -> Answer:
        return self.service.fetch(self.slicing.select(piece), maxrec=room.rows, room=room)

    def question(self, piece: Ranges) -> str | None:
        """The ADQL by which the service can be asked for the number of rows again."""
        return self.slicing.count(piece)

    def decide(self, piece: Ranges, rows: int) -> None:
        """Choose the better way of asking, if there are two, by a piece with so many rows."""


class AskingMatched(Asking):
    """By joins on the service, until lists prove quicker or joins impossible."""

    def __init__(self, service: Service, slicing: Matched, mirror: Path, matches: Stored):
        super().__init__(service, slicing, mirror)
        self.matched, self.matches = slicing, matches
        self.by_list = False

    def count(self, piece: Ranges) -> int:
        if not self.by_list:
            try:
                return super().count(piece)
            except (Refused, Unavailable, TimedOut):
                # Joins may be what it cannot do; if lists fail as well, that is the error.
                self._by_list()
        wanted = self.matched.wanted(self.mirror, self.matches, piece)
        if not 0 < wanted.num_rows <= LIST_ROWS:
            return wanted.num_rows
        query = f"SELECT COUNT(*) AS n FROM ({self.matched.of_list}) AS d"
        return self.service.count(query, {"wanted": wanted})

    def fetch(self, piece: Ranges, room: Room) -> Answer:
        if not self.by_list:
            return super().fetch(piece, room)
        wanted = self.matched.wanted(self.mirror, self.matches, piece)
        return self.service.fetch(self.matched.of_list, maxrec=room.rows, uploads={"wanted": wanted}, room=room)

    def decide(self, piece: Ranges, rows: int) -> None:
        if self.by_list or rows < TRIAL_ROWS:
            return
        parts = 2 * rows // LIST_ROWS
        if parts > 1:
            piece = self.slicing.split(piece, parts)[0]
        joined = self._seconds(piece)
        self.by_list = True
        listed = self._seconds(piece)
        self.by_list = False
        if listed < joined:
            self._by_list()

    def question(self, piece: Ranges) -> str | None:
        return None if self.by_list else super().question(piece)

    def _seconds(self, piece: Ranges) -> float:
        start = time.monotonic()
        try:
            self.fetch(piece, Room(LIST_ROWS, self.service.limits.texts))
        except TapError:
            return float("inf")
        return time.monotonic() - start

    def _by_list(self) -> None:
        self.by_list, self.most = True, LIST_ROWS
