"""Files and folders that appear whole or not at all: written beside, then renamed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_file(path: str | os.PathLike, *, force: bool = False) -> Iterator[Path]:
    """A file to write; it takes its name `path` only when the block ends well.

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
    """A folder to write into; it takes its name `path` only when the block ends well.

    Raises FileExistsError where `path` exists, unless `force`: then a folder there is replaced at the end,
    if it has the file `mark` that says it is a `what` as well.
    """
    target = _free(path, "folder", force)
    if target.exists() and not (target / mark).is_file():
        raise FileExistsError(f"{path} exists and is not a {what}, so it is not replaced; name another folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    replaced = target.with_name(f".{target.name}.{os.getpid()}.replaced")
    partial.mkdir()
    try:
        yield partial
        if target.exists():
            target.rename(replaced)
        partial.rename(target)
    except BaseException:
        if replaced.exists() and not target.exists():
            replaced.rename(target)
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(replaced, ignore_errors=True)


def _free(path: str | os.PathLike, kind: str, force: bool) -> Path:
    target = Path(path).absolute()
    if os.path.lexists(target) and not force:
        raise FileExistsError(f"{path} exists already; name another {kind}, or replace it with --force")
    return target
