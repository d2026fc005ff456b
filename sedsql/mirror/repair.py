"""Make a mirror agree with its manifest, or make a lost or damaged manifest from the files."""

import os
from dataclasses import replace
from pathlib import Path

from sedsql.catalogue import CLASSIFIED
from sedsql.catalogue.healpix import cells_in
from sedsql.mirror import Progress
from sedsql.mirror.database import unreadable
from sedsql.mirror.layout import hidden
from sedsql.mirror.manifest import DATABASE, LaterVersion, MirrorError
from sedsql.mirror.mirror import Mirror, locked
from sedsql.mirror.ranges import Ranges, common, minus, union
from sedsql.mirror.reach import measure
from sedsql.mirror.rebuild import from_files
from sedsql.mirror.stored import is_made
from sedsql.mirror.table_state import Piece, TableState
from sedsql.mirror.verify import verify_files

DAMAGED = "mirror.duckdb.damaged"
"""The name that `repair` gives a database that cannot be read."""


def repair(path: str | os.PathLike, progress: Progress, *, wait: bool = False) -> list[str]:
    """Make the manifest say what is there, so that `resume` fetches the rest; gives what was done, in words.

    A manifest that cannot be read is made from the files, which know the pieces they hold.
    """
    folder = Path(path).absolute()
    with locked(folder, wait=wait):
        mirror, anew, done = _read(folder)
        done += _drop_wrong(mirror, progress)
        for name, state in mirror.tables.items():
            if measure(folder, state):
                done.append(f"how far the positions of {name} lie from its cells was measured")
        if anew and (folder / DATABASE).exists():
            _keep(folder / DATABASE, folder / DAMAGED)
            done.append(
                f"{DATABASE} was made anew; what you had in it of your own is in {DAMAGED}, where it can be read"
            )
        mirror.save(anew=anew)
        if anew:  # the database before could not tell which files are no longer needed
            mirror.sweep()
        return done


def _read(folder: Path) -> tuple[Mirror, bool, list[str]]:
    """The mirror without orphans, whether its database must be made anew, and what was done, in words."""
    try:
        mirror = Mirror.read(folder)
    except LaterVersion:
        raise
    except MirrorError:
        mirror = Mirror(folder, from_files(folder))
        files = sum(len(state.files) for state in mirror.tables.values())
        mirror.sweep()
        return mirror, True, [f"the manifest was made anew from {files} files"]
    anew = unreadable(folder) is not None
    return mirror, anew, [f"{path} was removed: the manifest does not name it" for path in mirror.sweep()]


def _drop_wrong(mirror: Mirror, progress: Progress) -> list[str]:
    """Forget the files that are gone or damaged; gives what was done, in words."""
    done = []
    for problem in list(verify_files(mirror, progress)):
        if problem.file:
            state = mirror.tables[problem.table]
            _drop(state, problem.file)
            again = "" if state.service else f"; `sedsql mirror {_brings_back(state)}` brings {problem.table} back"
            done.append(f"{problem.file} {problem.what}: it was dropped{again}")
    return done


def _keep(file: Path, name: Path) -> None:
    """Give a file a second name, which another file may have."""
    hidden(name).unlink(missing_ok=True)
    os.link(file, hidden(name))
    hidden(name).replace(name)
    hidden(name).unlink(missing_ok=True)  # it stays where both names were of this file already


def _brings_back(state: TableState) -> str:
    """The command that makes the rows of a table again, which came from no service."""
    if is_made(state):
        return "classify" if state.table.name == CLASSIFIED else "refresh"
    return "import --replace"


def _drop(state: TableState, path: str) -> None:
    """Forget a file, and the ranges that had rows in it."""
    file = state.files.pop(path)
    if is_made(state):
        for name in file.pieces:
            state.pieces.pop(name, None)
    if state.service is None:
        return
    lost = union(range_ for name in file.pieces if name in state.pieces for range_ in state.pieces[name].ranges)
    if state.order is not None and not (state.partitioning or {}).get("key"):
        pixel = int(Path(path).parent.name.removeprefix("Npix="))
        lost = common(lost, [cells_in(pixel, state.order)])
        rest = file.rows
        for name in file.pieces:
            if piece := state.pieces.get(name):
                rest -= _uncover(state, piece, lost, rest)
    else:
        # Rows of these pieces may be in any file: all of the table is fetched again.
        state.files.clear()
        state.pieces.clear()


def _uncover(state: TableState, piece: Piece, lost: Ranges, rows: int) -> int:
    """Take ranges from a piece, and at most `rows` rows; gives the number of rows that were taken."""
    left = minus(piece.ranges, lost)
    if not left:
        del state.pieces[piece.name]
        return piece.rows
    # It is not recorded which rows were lost, only how many in all; so the service's count no longer compares.
    gone = min(piece.rows, rows)
    state.pieces[piece.name] = replace(piece, ranges=left, rows=piece.rows - gone, count_query=None)
    return gone
