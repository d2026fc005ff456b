"""Holding a mirror to change it: made if there is none, locked, and cleared of what was cut off."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .compact import sweep
from .lock import writing
from .manifest import Manifest, MirrorError
from .store import DATABASE, load, new_mirror, save


@contextmanager
def changing(path: str | os.PathLike, *, wait: bool = False) -> Iterator[tuple[Path, Manifest]]:
    """The mirror at `path` and its manifest, under the mirror's lock; the block saves what it changes.

    A mirror that was made for the block, and is still empty after it, goes again.
    """
    mirror = Path(path).absolute()
    is_new = not mirror.exists()
    if is_new:
        with new_mirror(mirror) as folder:
            save(folder, {})
    elif not (mirror / DATABASE).is_file():
        raise MirrorError(f"{mirror} exists and is no mirror (it has no {DATABASE}); name another folder")
    with writing(mirror, wait=wait):
        manifest = load(mirror)
        sweep(mirror, manifest)
        # What a journal has goes into the database first: its last line may be torn.
        save(mirror, manifest)
        try:
            yield mirror, manifest
        finally:
            if is_new and not manifest:
                shutil.rmtree(mirror)
