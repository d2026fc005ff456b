"""Making a mirror what its manifest says, and a manifest that is lost or damaged anew."""

import os
from dataclasses import replace
from pathlib import Path

from . import Progress, cells
from .cells import ORDER
from .change import in_order
from .layout import hidden
from .manifest import DATABASE, LaterVersion, MirrorError, Piece, Stored
from .reach import measure
from .rebuild import from_files
from .store import DAMAGED, load, save, unreadable
from .sweep import sweep
from .verify import verify_files


def repair(mirror: Path, progress: Progress, *, wait: bool = False) -> list[str]:
    """Make the manifest say what is there, so that `resume` fetches the rest; gives what was done, in words.

    A manifest that cannot be read is made anew from the files, which know the pieces they hold.
    """
    with in_order(mirror, wait=wait):
        return _repair(mirror, progress)


def _repair(mirror: Path, progress: Progress) -> list[str]:
    try:
        manifest = load(mirror)
        anew = unreadable(mirror) is not None
    except LaterVersion:
        raise
    except MirrorError:
        manifest, anew = from_files(mirror), True
        done = [f"the manifest was made anew from {sum(len(s.files) for s in manifest.values())} files"]
        sweep(mirror, manifest)
    else:
        done = [f"{path} was removed: the manifest does not name it" for path in sweep(mirror, manifest)]
    for problem in list(verify_files(mirror, manifest, progress)):
        if problem.file:
            stored = manifest[problem.table]
            _drop(stored, problem.file)
            again = "" if stored.service else f"; `sedsql mirror import --replace` brings {problem.table} back"
            done.append(f"{problem.file} {problem.what}: it was dropped{again}")
    for name, stored in manifest.items():
        if measure(mirror, stored):
            done.append(f"how far the positions of {name} lie from its cells was measured")
    if anew and (mirror / DATABASE).exists():
        _keep(mirror / DATABASE, mirror / DAMAGED)
        done.append(f"{DATABASE} was made anew; what you had in it of your own is in {DAMAGED}, where it can be read")
    save(mirror, manifest, anew=anew)
    if anew:  # of which the one before cannot be asked for the files that are no longer needed
        sweep(mirror, manifest)
    return done


def _keep(file: Path, name: Path) -> None:
    """Give a file a second name, which another one may have."""
    hidden(name).unlink(missing_ok=True)
    os.link(file, hidden(name))
    hidden(name).replace(name)
    hidden(name).unlink(missing_ok=True)  # it stays where both names were of this file already


def _drop(stored: Stored, path: str) -> None:
    """Forget a file, and the ranges that had rows in it."""
    file = stored.files.pop(path)
    if stored.service is None:
        return
    lost = cells.union(range_ for name in file.pieces if name in stored.pieces for range_ in stored.pieces[name].ranges)
    if stored.order is not None and not (stored.slicing or {}).get("key"):
        pixel = int(Path(path).parent.name.removeprefix("Npix="))
        down = 2 * (ORDER - stored.order)
        lost = cells.common(lost, [(pixel << down, (pixel + 1) << down)])
        rest = file.rows
        for name in file.pieces:
            if piece := stored.pieces.get(name):
                rest -= _uncover(stored, piece, lost, rest)
    else:
        # Rows of these pieces may be in any file: all of the table is fetched again.
        stored.files.clear()
        stored.pieces.clear()


def _uncover(stored: Stored, piece: Piece, lost: cells.Ranges, rows: int) -> int:
    """Take ranges from a piece, and at most `rows` rows; gives how many."""
    left = cells.minus(piece.ranges, lost)
    if not left:
        del stored.pieces[piece.name]
        return piece.rows
    # Which of the rows were lost is in no record, only how many in all; the service can no longer be asked.
    gone = min(piece.rows, rows)
    stored.pieces[piece.name] = replace(piece, ranges=left, rows=piece.rows - gone, count_query=None)
    return gone
