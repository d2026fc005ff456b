"""Count and fetch the pieces of a table: by a join on the service, or by lists of keys that it is sent.

Which of the two a service does better is tried on a part of the first large piece.
"""

import time
from pathlib import Path

from sedsql.mirror.add.matched import Matched
from sedsql.mirror.add.partitioning import Partitioning
from sedsql.mirror.ranges import Ranges
from sedsql.mirror.table_state import TableState
from sedsql.tap.errors import Refused, TapError, TimedOut, Unavailable
from sedsql.tap.limits import Room
from sedsql.tap.service import Service
from sedsql.tap.votable import Answer

LIST_ROWS = 20_000
"""Rows of a list that is sent, at most: services take a few megabytes."""
TRIAL_ROWS = 2_000
"""Rows that a piece must have to be worth a trial."""


class FetchStrategy:
    """Counts and fetches the pieces of a table by the questions of its partitioning."""

    most: float = float("inf")
    """Rows of a piece at most, where the strategy limits them."""

    def __init__(self, service: Service, partitioning: Partitioning):
        self.service, self.partitioning = service, partitioning

    def count(self, piece: Ranges) -> int:
        return self.service.count(self.partitioning.count(piece))

    def fetch(self, piece: Ranges, room: Room) -> Answer:
        return self.service.fetch(self.partitioning.select(piece), maxrec=room.rows, room=room)

    def question(self, piece: Ranges) -> str | None:
        """The ADQL by which the service can be asked for the number of rows again."""
        return self.partitioning.count(piece)

    def decide(self, piece: Ranges, rows: int) -> None:
        """Choose the better way of asking, if there are two, by trying them on a piece with so many rows."""


class JoinOrList(FetchStrategy):
    """Joins on the service, until lists prove quicker or joins impossible.

    folder : of the mirror
    matches : the table of the mirror that has the wanted keys
    """

    def __init__(self, service: Service, matched: Matched, folder: Path, matches: TableState):
        super().__init__(service, matched)
        self.matched, self._folder, self._matches = matched, folder, matches
        self.by_list = False

    def count(self, piece: Ranges) -> int:
        if not self.by_list:
            try:
                return super().count(piece)
            except (Refused, Unavailable, TimedOut):
                # Joins may be what it cannot do; if lists fail as well, that is the error.
                self._by_list()
        wanted = self.matched.wanted(self._folder, self._matches, piece)
        if not 0 < wanted.num_rows <= LIST_ROWS:
            return wanted.num_rows
        query = f"SELECT COUNT(*) AS n FROM ({self.matched.of_list}) AS d"
        return self.service.count(query, {"wanted": wanted})

    def fetch(self, piece: Ranges, room: Room) -> Answer:
        if not self.by_list:
            return super().fetch(piece, room)
        wanted = self.matched.wanted(self._folder, self._matches, piece)
        return self.service.fetch(self.matched.of_list, maxrec=room.rows, uploads={"wanted": wanted}, room=room)

    def decide(self, piece: Ranges, rows: int) -> None:
        if self.by_list or rows < TRIAL_ROWS:
            return
        parts = 2 * rows // LIST_ROWS
        if parts > 1:
            piece = self.partitioning.split(piece, parts)[0]
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
