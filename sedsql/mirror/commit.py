"""Make one change of a mirror as a whole: files appear, the database takes its name, and files vanish.

DIR/mirror.duckdb decides: the files that it names belong to the mirror, and no others. Files that are written for a
change stay hidden until it is ready, and files that it removes stay until it is made. A process that is killed between
leaves DIR/change.json, which lists both: the next writer removes those that the database does not name.
"""

import json
from collections.abc import Collection, Iterable
from pathlib import Path

from sedsql.files.atomic import flush
from sedsql.mirror.layout import hidden

CHANGE = "change.json"
"""This file is in a mirror's folder while names change, for milliseconds, and after a process was killed meanwhile."""


def commit(written: Path, database: Path, appear: Collection[str], vanish: Collection[str]) -> None:
    """Give a new database and hidden files their names, and remove other files. All of it is done, or nothing.

    written : the database, whole and on the disk
    appear, vanish : paths of files, relative to the mirror

    Files appear before the database does, so that no reader of the views misses one. Readers of the folders have rows
    twice where files are replaced, until the last of the old files is removed.
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
    """Write down the change before it is made."""
    partial = hidden(mirror / CHANGE)
    partial.write_text(json.dumps({"appear": sorted(appear), "vanish": sorted(vanish)}), encoding="utf-8")
    flush(partial)
    partial.replace(mirror / CHANGE)
    flush(mirror)


def cut_off(mirror: Path) -> tuple[list[str], list[str]]:
    """The files that appear and that vanish in a change that was cut off; none if no change was."""
    try:
        change = json.loads((mirror / CHANGE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [], []
    return change["appear"], change["vanish"]


def remove_empty(mirror: Path, folders: Iterable[Path]) -> None:
    """Remove those of the folders, relative to the mirror, that are empty."""
    for folder in sorted(set(folders) - {Path()}, reverse=True):
        if (mirror / folder).is_dir() and not any((mirror / folder).iterdir()):
            (mirror / folder).rmdir()
