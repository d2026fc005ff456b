"""Join the tables of `sed.photometry`, part by part, and store the rows."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sedsql.catalogue import PHOTOMETRY, Catalogue
from sedsql.mirror import Progress, archive, silent
from sedsql.mirror.archive import GAIA
from sedsql.mirror.database import open_mirror
from sedsql.mirror.manifest import MirrorError
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.sort import SCRATCH
from sedsql.mirror.stored import STORED, joined, photometry
from sedsql.mirror.stored.near_tables import NEAR, PART, fill_near, fill_part, near_tables, read_from
from sedsql.mirror.stored.parts import Part, order_of, parts
from sedsql.mirror.table_state import Piece, TableState
from sedsql.mirror.writer import ROW_GROUP, TableWriter

_COPIED = ("source", "rows", "seed", "proportions")
"""What the files of `sed.photometry` say of their origin as those of Gaia's table do."""

SLICE = 3 * ROW_GROUP
"""Sources that are joined at a time."""


def refresh(mirror: Mirror, progress: Progress = silent, *, note: str = "") -> int:
    """Store what is missing or no longer right of `sed.photometry`; gives the number of rows that were written.

    A part of it is noted when it is written, and not written again after a crash. Readers have the join until all of it
    is there. The caller holds the lock.

    note : what the descriptions of views begin with

    Raises MirrorError where the mirror lacks a table of it, or the disk is full.
    """
    _must_be_complete(mirror)
    if photometry(mirror.tables) is None:
        _begin(mirror, note)
    state = mirror.tables[PHOTOMETRY]
    with room(mirror, PHOTOMETRY), open_mirror(mirror.folder) as con:
        con.execute("SET enable_progress_bar = false")
        con.execute("SET temp_directory = ?", [str(mirror.folder / SCRATCH)])
        wanted = parts(mirror.tables, joined.definition(con))
        is_right = joined.is_stored(con) and {part.name for part in wanted} == set(state.pieces)
        rows = _store(mirror, state, con, wanted, progress)
    if not is_right:
        mirror.save()
    return rows


def store_if_whole(mirror: Mirror, progress: Progress = silent) -> int:
    """Refresh a mirror that has all tables of `sed.photometry`, whole, and no other view of that name than ours.

    Not one with tables on object storage.

    `refresh` replaces the view of an earlier sedsql, or a user's own.
    """
    tables = mirror.tables
    if mirror.reads_objects:  # all of a catalogue would be fetched
        return 0
    if not joined.is_complete(tables) or not joined.has_ids(tables) or any(tables[name].missing for name in _TABLES):
        return 0
    if photometry(tables) is None:
        with open_mirror(mirror.folder) as con:
            if PHOTOMETRY in tables or not joined.is_ours(con):
                return 0
    return refresh(mirror, progress)


_TABLES = tuple(archive.TABLES)


def _must_be_complete(mirror: Mirror) -> None:
    if not joined.is_complete(mirror.tables):
        lacking = [name for name in _TABLES if name not in mirror.tables]
        what = f"has no {', '.join(lacking)}" if lacking else f"lacks columns that {PHOTOMETRY} needs"
        raise MirrorError(f"{mirror.folder} {what}; `sedsql mirror sed` fetches all tables of {PHOTOMETRY}")
    if not joined.has_ids(mirror.tables):
        raise MirrorError(f"source_id in {GAIA} of {mirror.folder} is no BIGINT, by which {PHOTOMETRY} is stored")


def _begin(mirror: Mirror, note: str) -> None:
    """Save the table without rows: the journal tells of parts of tables that the manifest has."""
    if PHOTOMETRY in mirror.tables:
        raise MirrorError(f"{PHOTOMETRY} of {mirror.folder} is a table of your own, which is left as it is")
    with mirror.edit_database() as con:
        joined.make_view(con)
        table = replace(Catalogue.of(con).tables[PHOTOMETRY], one_to_one=None)
    mirror.tables[PHOTOMETRY] = TableState(table, order_of(mirror.tables), partitioning=dict(STORED))
    mirror.save(note=note)


def _store(
    mirror: Mirror, state: TableState, con: duckdb.DuckDBPyConnection, wanted: list[Part], progress: Progress
) -> int:
    """Write the parts that are not there."""
    done, total, written = 0, sum(part.rows for part in wanted), 0
    with near_tables(con):
        for part in wanted:
            if part.name not in state.pieces:
                written += _store_part(mirror, state, con, part)
            done += part.rows
            progress(f"storing {PHOTOMETRY}", done, total)
    return written


def _store_part(mirror: Mirror, state: TableState, con: duckdb.DuckDBPyConnection, part: Part) -> int:
    """Write a part, some rows at a time so that memory does not depend on how many it has."""
    fill_part(con, part, mirror.folder, mirror.tables)
    ids = con.execute(f"SELECT source_id FROM {PART}.{GAIA} WHERE source_id IS NOT NULL ORDER BY source_id")
    slices = list(part.slices(ids.fetchnumpy()["source_id"], SLICE))
    read_from(con, PART if len(slices) == 1 else NEAR)
    (rows,) = con.execute(f"SELECT count(*) FROM {PART}.{GAIA}").fetchall()[0]
    while True:
        # The files say how many rows the part has, which is one a source unless a table of matches has one twice.
        piece, came = Piece(part.name, part.cells, rows), 0
        with TableWriter(
            mirror.folder,
            state.table,
            order_of(mirror.tables),
            part.name,
            origin(mirror),
            [asdict(piece)],
            in_order=True,
        ) as writer:
            for some in slices:
                if len(slices) > 1:
                    fill_near(con, some.condition)
                found = con.sql(joined.select()).to_arrow_table()
                writer.write(found)  # it sorts them, in a third of DuckDB's time
                came += found.num_rows
            if came == rows:
                files = writer.close()
                break
        rows = came
    mirror.add_piece(state, replace(piece, fetched=datetime.now(UTC).isoformat(timespec="seconds")), files)
    return rows


def origin(mirror: Mirror) -> dict[str, str]:
    """What the metadata of Gaia's files say of their origin."""
    file = next(iter(mirror.tables[GAIA].files), None)
    try:
        found = pq.read_schema(Path(mirror.folder, file)).metadata or {} if file else {}
    except (OSError, pa.ArrowInvalid):
        found = {}
    return {key: found[key.encode()].decode() for key in _COPIED if key.encode() in found}


@contextmanager
def room(mirror: Mirror, name: str) -> Iterator[None]:
    """Say what to do where the disk is full, and leave nothing of what memory did not hold."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise MirrorError(
            f"The disk of {mirror.folder} is full, so {name} is computed by each query; make room, and store it with "
            f"`sedsql mirror refresh {mirror.folder}`"
        ) from None
    finally:
        shutil.rmtree(mirror.folder / SCRATCH, ignore_errors=True)
