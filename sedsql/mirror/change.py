"""Holding a mirror to change it: made if there is none, locked, and cleared of what was cut off."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import duckdb

from ..errors import Error
from ..output import remove_folder
from . import hats
from .lock import is_cut_off, writing
from .manifest import DATABASE, JOURNAL, Manifest, MirrorError
from .store import load, new_mirror, save
from .sweep import sweep


@contextmanager
def changing(path: str | os.PathLike, *, wait: bool = False, whole: bool = False) -> Iterator[tuple[Path, Manifest]]:
    """The mirror at `path` and its manifest, under the mirror's lock; the block saves what it changes.

    A mirror that was made for the block, and is still empty after it, goes again.

    whole : a new mirror takes its name only when the block ends well; until then it is elsewhere
    """
    mirror = Path(path).absolute()
    is_new = not mirror.exists()
    with ExitStack() as stack:
        folder = mirror
        if is_new and whole:
            folder = stack.enter_context(new_mirror(mirror))
            save(folder, {})
        elif is_new:
            with new_mirror(mirror) as new:
                save(new, {})
        elif not (mirror / DATABASE).is_file():
            raise MirrorError(f"{mirror} exists and is no mirror (it has no {DATABASE}); name another folder")
        manifest = stack.enter_context(held(folder, wait=wait))
        try:
            yield folder, manifest
        finally:
            if is_new and not whole and not manifest:
                remove_folder(mirror)


@contextmanager
def held(mirror: Path, *, wait: bool = False) -> Iterator[Manifest]:
    """The manifest of a mirror, under the mirror's lock, with what was cut off before finished or undone."""
    with in_order(mirror, wait=wait):
        manifest, _ = settle(mirror)
        yield manifest


@contextmanager
def in_order(mirror: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the mirror's lock for a block that leaves the mirror in order if it ends well."""
    with writing(mirror, wait=wait) as lock:
        try:
            yield
        except BaseException:
            # What an error leaves goes at once; where that fails too, the lock's file tells the next one of it.
            with suppress(Error, OSError, duckdb.Error):
                settle(mirror)
                lock.truncate(0)
            raise
        lock.truncate(0)


def settle(mirror: Path) -> tuple[Manifest, list[str]]:
    """Finish or undo what a process that was cut off began; gives the manifest, and orphans that were removed.

    The caller holds the lock.
    """
    manifest = load(mirror)
    removed = sweep(mirror, manifest)
    if (mirror / JOURNAL).exists():
        save(mirror, manifest)
    else:
        hats.write(mirror, manifest)
    return manifest, removed


def settle_if_cut_off(path: str | os.PathLike) -> None:
    """Settle a mirror that is going to be read, if a process was cut off, and this one may write and need not wait.

    Its views are right in any case: it is for those who read the folders.
    """
    mirror = Path(path).absolute()
    if is_cut_off(mirror) and (mirror / DATABASE).is_file():
        with suppress(Error, OSError, duckdb.Error), held(mirror):
            pass
