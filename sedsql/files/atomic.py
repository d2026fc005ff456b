"""Write files and folders that appear whole or not at all: beside their place, then renamed."""

import ctypes
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where a folder can be neither locked nor flushed
    fcntl = None  # type: ignore[assignment]


@contextmanager
def new_file(path: str | os.PathLike, *, force: bool = False) -> Iterator[Path]:
    """Give a file to write, which takes its name `path` only when the block ends well.

    Raises FileExistsError where `path` exists, unless `force`.
    """
    target = _free(path, "file", force)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {Path(path).parent}")
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file to write")
    # The name's ending stays, for it says the format.
    partial = target.with_name(f".partial-{os.getpid()}-{target.name}")
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def new_folder(path: str | os.PathLike, *, what: str, mark: str, force: bool = False) -> Iterator[Path]:
    """Give a folder to write into, which takes its name `path` only when the block ends well.

    The rest of the same folder that a killed process has left is removed.

    Raises FileExistsError where `path` exists, unless `force`: then a folder there is replaced at the end,
    if it has the file `mark` as well, which says that it is a `what`.
    """
    target = _free(path, "folder", force)
    if target.exists() and not (target / mark).is_file():
        raise FileExistsError(f"{path} exists and is not a {what}, so it is not replaced; name another folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_left(target)
    partial = _beside(target)
    partial.mkdir()
    claimed = _claim(partial)
    try:
        yield partial
        if target.exists():
            _exchange(partial, target)
        else:
            partial.rename(target)
        flush(target.parent)
    finally:
        # The folder that has not taken its name, or the one that was replaced.
        shutil.rmtree(partial, ignore_errors=True)
        if claimed is not None:
            os.close(claimed)


def remove_folder(path: Path) -> None:
    """Remove a folder and its contents; even a process that is killed meanwhile leaves nothing under its name."""
    path.rename(_beside(path))
    shutil.rmtree(_beside(path))


def flush(path: Path) -> None:
    """Have the disk keep a file, or the names in a folder, even if the machine fails."""
    if os.name == "nt" and path.is_dir():
        return
    file = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.partial")


def _claim(folder: Path) -> int | None:
    """Lock a folder that is being written; gives the file that unlocks it when closed.

    None where another process has it, or the system cannot lock a folder.
    """
    if fcntl is None:
        return None
    file = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # or the file system has no locks
        os.close(file)
        return None
    return file


def remove_left(target: Path) -> None:
    """Remove folders that were to take this name, or had it, and that no process writes to."""
    for path in target.parent.iterdir():
        is_one = re.fullmatch(rf"\.{re.escape(target.name)}\.\d+\.partial", path.name) and path.is_dir()
        if is_one and (claimed := _claim(path)) is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(claimed)


def _exchange(one: Path, other: Path) -> None:
    """Exchange the names of two folders, in one step where the system can (Linux: renameat2, macOS: renamex_np)."""
    paths, swap = (os.fsencode(one), os.fsencode(other)), 2
    system = ctypes.CDLL("kernel32" if os.name == "nt" else None, use_errno=True)
    if hasattr(system, "renameat2"):
        here = ctypes.c_int(-100)  # AT_FDCWD
        failed = system.renameat2(here, paths[0], here, paths[1], swap)
    else:
        failed = system.renamex_np(*paths, swap) if hasattr(system, "renamex_np") else -1
    if not failed:
        return
    between = one.with_name(f"{one.name}.replaced")
    other.rename(between)
    try:
        one.rename(other)
    except BaseException:
        between.rename(other)
        raise
    between.rename(one)


def _free(path: str | os.PathLike, kind: str, force: bool) -> Path:
    target = Path(path).absolute()
    if os.path.lexists(target) and not force:
        raise FileExistsError(f"{path} exists already; name another {kind}, or replace it with --force")
    return target
