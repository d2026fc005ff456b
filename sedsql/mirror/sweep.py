"""What nobody needs in a mirror: what a process that was cut off has left, and what the manifest does not name."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from ..output import remove_left
from . import hats
from .commit import CHANGE, cut_off, remove_empty
from .layout import PARTIAL, folder_of
from .manifest import DATABASE, Manifest
from .sort import SCRATCH


def orphans(mirror: Path, manifest: Manifest) -> Iterator[str]:
    """Parquet files in the folders of the mirror's tables that the manifest does not name.

    Who reads a table's folder has their rows besides the table's.
    """
    for stored in manifest.values():
        if stored.place is None:
            for path in sorted((mirror / folder_of(stored.table)).rglob("*.parquet")):
                name = path.relative_to(mirror).as_posix()
                if name not in stored.files and not path.name.startswith("."):
                    yield name


def sweep(mirror: Path, manifest: Manifest) -> list[str]:
    """Remove what a process that was cut off has left in and beside the mirror, and orphans; gives the
    orphans' names. The caller holds the lock."""
    needed = hats.owned(manifest)
    found = [*orphans(mirror, manifest)]
    gone = {*found, *(path for paths in cut_off(mirror) for path in paths if path not in needed)}
    for path in _hidden(mirror):
        name = path.relative_to(mirror).as_posix()
        whole = path.with_name(path.name.removeprefix(PARTIAL))
        # Of what a download has noted, the rows are hidden until they are saved.
        if path.suffix != ".parquet" or whole.exists() or whole.relative_to(mirror).as_posix() not in needed:
            gone.add(name)
    for name in gone:
        (mirror / name).unlink(missing_ok=True)
    shutil.rmtree(mirror / SCRATCH, ignore_errors=True)
    folders = [path for pattern in ("*", "*/*", "*/*/dataset/**") for path in mirror.glob(pattern) if path.is_dir()]
    remove_empty(mirror, {path.relative_to(mirror) for path in folders})
    remove_left(mirror)
    (mirror / CHANGE).unlink(missing_ok=True)
    return found


def _hidden(mirror: Path) -> Iterator[Path]:
    """Files that were to take their name later."""
    # In the mirror's folder itself, what is not sedsql's may have such a name as well.
    for name in (f"{DATABASE}*", CHANGE):
        yield from mirror.glob(PARTIAL + name)
    for folder in ("*/*", "*/*/dataset/**"):
        yield from mirror.glob(f"{folder}/{PARTIAL}*")
