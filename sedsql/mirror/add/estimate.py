"""Tell how much a download would be, before it is begun: rows, bytes and time, by the service's own counts."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from sedsql.catalogue import Table
from sedsql.mirror import Progress, silent
from sedsql.mirror.add.disk import bytes_on_disk
from sedsql.mirror.add.partitioning import Partitioning
from sedsql.mirror.add.pieces import row_bytes
from sedsql.mirror.ranges import Ranges, size
from sedsql.tap.errors import TapError
from sedsql.tap.limits import Room
from sedsql.tap.service import Service

TRIAL_ROWS = 2_000
"""Rows of the part that is fetched to see how fast they come, about."""


@dataclass(frozen=True)
class Wanted:
    """What is to be fetched of a table, and how it is asked for."""

    table: Table
    partitioning: Partitioning
    missing: Ranges


@dataclass(frozen=True)
class Expected:
    """What a table would bring.

    rows : by the service's count; None where it does not count them
    bytes : on disk, about
    """

    name: str
    rows: int | None
    bytes: int | None


@dataclass(frozen=True)
class Estimate:
    """What a download would bring, and the seconds that it would take; None where no rows came to tell by."""

    tables: list[Expected]
    seconds: float | None


def estimate(wanted: Iterable[Wanted], service: Service, parallel: int, progress: Progress = silent) -> Estimate:
    """Count the rows of what is wanted, and fetch a part of the first table to see how fast they come.

    Nothing is stored. Tables of matches, which follow the first, may have no count; then the time is without them.
    """
    tables, counting, in_memory = [], 0.0, 0
    rate: float | None = None
    for one in wanted:
        start = time.monotonic()
        rows = _count(one, service, progress)
        counting += time.monotonic() - start
        tables.append(Expected(one.table.name, rows, None if rows is None else bytes_on_disk(one.table, rows)))
        in_memory += (rows or 0) * row_bytes(one.table)
        if rate is None and rows:
            rate = _rate(one, rows, service)
    seconds = None if rate is None else counting + in_memory / rate / parallel
    return Estimate(tables, seconds if in_memory else 0.0)


def _count(one: Wanted, service: Service, progress: Progress) -> int | None:
    rows = done = 0
    for piece in one.partitioning.pieces(one.missing):
        try:
            rows += service.count(one.partitioning.count(piece))
        except TapError:
            return None
        done += size(piece)
        progress(f"counting {one.table.name}", done, size(one.missing))
    return rows


def _rate(one: Wanted, rows: int, service: Service) -> float | None:
    """Bytes a second of one question, by a trial."""
    piece = one.missing[: one.partitioning.most]
    share = size(piece) / size(one.missing)
    parts = int(rows * share / TRIAL_ROWS)
    smaller = one.partitioning.split(piece, parts) if parts > 1 else []
    start = time.monotonic()
    room = Room(10 * TRIAL_ROWS + rows, service.limits.texts)
    try:
        answer = service.fetch(one.partitioning.select(smaller[0] if smaller else piece), room=room)
    except TapError:
        return None
    came = answer.table.num_rows * row_bytes(one.table)
    return came / max(time.monotonic() - start, 1e-3) if came else None
