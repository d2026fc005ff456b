"""One change of a mirror as a whole: files appear, the database takes its name, and files vanish.

DIR/mirror.duckdb is what decides: what it names is there, what it does not name is nobody's. Files that are written for
a change are hidden until it is ready, and those that it does away with stay until it is made. Who is killed between
leaves DIR/change.json, which lists both: whoever may write next removes of them what the database does not name.
"""

import json
from collections.abc import Collection, Iterable
from pathlib import Path

from ..output import flush
from .layout import hidden

CHANGE = "change.json"
"""In a mirror's folder while names change, which takes milliseconds, and after one who was killed meanwhile."""


def commit(written: Path, database: Path, appear: Collection[str], vanish: Collection[str]) -> None:
    """Give a new database its name, and with it hidden files theirs; remove others. All of it is done, or nothing.

    written : the database, whole and on the disk
    appear, vanish : paths of files, relative to the mirror

    Files appear before the database does, so that no reader of the views misses one; who reads the folders then has
    rows twice where files are replaced, until the last of the old ones is removed.
    """
    mirror = database.parent
    new = [path for path in appear if not (mirror / path).exists()]
    try:
        if appear or vanish:
            _note(mirror, appear, vanish)
        for path in appear:
            hidden(mirror / path).replace(mirror / path)
        for folder in {(mirror / path).parent for path in appear}:
            flush(folder)
        written.replace(database)
    except BaseException:
        if written.exists():  # else it was stopped a moment after the change was made
            for path in new:
                if (mirror / path).exists():
                    (mirror / path).replace(hidden(mirror / path))
            (mirror / CHANGE).unlink(missing_ok=True)
        raise
    flush(mirror)
    for path in vanish:
        (mirror / path).unlink(missing_ok=True)
    remove_empty(mirror, {folder for path in vanish for folder in Path(path).parents})
    (mirror / CHANGE).unlink(missing_ok=True)


def _note(mirror: Path, appear: Iterable[str], vanish: Iterable[str]) -> None:
    """Write what is going to be done, before it is."""
    partial = hidden(mirror / CHANGE)
    partial.write_text(json.dumps({"appear": sorted(appear), "vanish": sorted(vanish)}), encoding="utf-8")
    flush(partial)
    partial.replace(mirror / CHANGE)
    flush(mirror)


def cut_off(mirror: Path) -> tuple[list[str], list[str]]:
    """The files that appear and that vanish in a change that was cut off; none if there was no such."""
    try:
        change = json.loads((mirror / CHANGE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [], []
    return change["appear"], change["vanish"]


def remove_empty(mirror: Path, folders: Iterable[Path]) -> None:
    """Remove folders, relative to the mirror, in which there is nothing."""
    for folder in sorted(set(folders) - {Path()}, reverse=True):
        if (mirror / folder).is_dir() and not any((mirror / folder).iterdir()):
            (mirror / folder).rmdir()
