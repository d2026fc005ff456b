"""Fetch what a table of a mirror still lacks from its service, piece by piece.

First the service counts every piece, and one that is too large is split. Then the pieces are fetched, several at a
time. A piece is stored only when as many rows came as were counted.
"""

import time
from functools import partial

from sedsql.mirror import Progress, silent
from sedsql.mirror.add.counting import Counting
from sedsql.mirror.add.disk import require_room
from sedsql.mirror.add.fetch_strategy import FetchStrategy, JoinOrList
from sedsql.mirror.add.fetching import Fetching
from sedsql.mirror.add.matched import Matched
from sedsql.mirror.add.parallel import at_once
from sedsql.mirror.add.partitioning import of as partitioning_of
from sedsql.mirror.add.pieces import Counted, PieceSize
from sedsql.mirror.add.storing import Storing
from sedsql.mirror.layout import partition_order
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.ranges import SKY, Ranges, size
from sedsql.mirror.table_state import TableState
from sedsql.tap.service import Service

PARALLEL = 4
"""Questions that a service is asked at a time."""
SAVE_EVERY = 30.0
"""Seconds after which the pieces in the journal are saved to the database."""


def fetch(
    mirror: Mirror,
    state: TableState,
    service: Service,
    *,
    parallel: int = PARALLEL,
    progress: Progress = silent,
) -> int:
    """Fetch what a table of the mirror lacks; gives the number of rows that were stored.

    What came before an error or Ctrl-C is kept. The caller holds the lock.
    """
    strategy = _strategy(mirror, state, service)
    try:
        return _fetch(mirror, state, strategy, parallel, progress) if state.missing else 0
    finally:
        mirror.save()


def _strategy(mirror: Mirror, state: TableState, service: Service) -> FetchStrategy:
    partitioning = partitioning_of(state.partitioning or {})
    if isinstance(partitioning, Matched):
        return JoinOrList(service, partitioning, mirror.folder, mirror.tables[partitioning.match_table])
    return FetchStrategy(service, partitioning)


def _fetch(mirror: Mirror, state: TableState, strategy: FetchStrategy, parallel: int, progress: Progress) -> int:
    pieces = PieceSize(state.table, strategy)
    several = partial(at_once, parallel=parallel, stop=strategy.service.stop)
    counting = Counting(mirror.folder, pieces, several, progress)
    fetching, storing = Fetching(pieces, counting), Storing(mirror, state, strategy)
    missing = state.missing
    counted = counting.count(strategy.partitioning.pieces(missing), size(missing))
    total = sum(piece.rows for piece in counted)
    _prepare(mirror, state, strategy, counted, missing)
    done = kept = 0
    saved = time.monotonic()
    while counted:
        again: list[Ranges] = []
        for piece, rows in several(counted, fetching.fetch):
            if rows is None:
                again += pieces.split(piece.ranges, piece.rows)
            else:
                kept += storing.store(piece, rows)
                done += piece.rows
                if piece.rows:
                    pieces.lost.clear()
            progress(f"fetching {state.table.name}", done, total)
            if time.monotonic() - saved > SAVE_EVERY:
                mirror.save()
                saved = time.monotonic()
        counted = counting.count(again, None)
    return kept


def _prepare(
    mirror: Mirror, state: TableState, strategy: FetchStrategy, counted: list[Counted], missing: Ranges
) -> None:
    """Choose how to ask and the order of the partitions, and see that the disk has room."""
    if counted:
        largest = max(counted, key=lambda piece: piece.rows)
        strategy.decide(largest.ranges, largest.rows)
    total = sum(piece.rows for piece in counted)
    if not state.files and state.table.sort_column and state.order is None:
        sky = size(missing) / size(SKY) if strategy.partitioning.in_cells else 1.0
        state.order = partition_order(total, sky)
    require_room(mirror.folder, state.table, total)
