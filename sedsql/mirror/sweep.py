"""Remove the files of a mirror that nobody needs: the rest of a process that was cut off, and unknown Parquet files."""

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from sedsql.files.atomic import remove_left
from sedsql.mirror.commit import CHANGE, cut_off, remove_empty
from sedsql.mirror.layout import PARTIAL
from sedsql.mirror.manifest import DATABASE
from sedsql.mirror.sort import SCRATCH


def sweep(folder: Path, needed: Collection[str], orphans: Collection[str]) -> None:
    """Remove from the mirror in a folder, and beside it, what a process that was cut off has left, and the orphans.

    The caller holds the lock.

    needed : paths of the files that belong to the mirror, relative to the folder
    orphans : of other files to remove
    """
    gone = {*orphans, *(path for paths in cut_off(folder) for path in paths if path not in needed)}
    for path in _hidden(folder):
        whole = path.with_name(path.name.removeprefix(PARTIAL))
        # The rows that a download has noted in the journal stay hidden until they are saved.
        if path.suffix != ".parquet" or whole.exists() or whole.relative_to(folder).as_posix() not in needed:
            gone.add(path.relative_to(folder).as_posix())
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / SCRATCH, ignore_errors=True)
    folders = [path for pattern in ("*", "*/*", "*/*/dataset/**") for path in folder.glob(pattern) if path.is_dir()]
    remove_empty(folder, {path.relative_to(folder) for path in folders})
    remove_left(folder)
    (folder / CHANGE).unlink(missing_ok=True)


def _hidden(folder: Path) -> Iterator[Path]:
    """Files that were to take their name later."""
    # A user's own files in the mirror's folder may have such names as well.
    for name in (f"{DATABASE}*", CHANGE):
        yield from folder.glob(PARTIAL + name)
    for pattern in ("*/*", "*/*/dataset/**"):
        yield from folder.glob(f"{pattern}/{PARTIAL}*")
