"""One writer at a time: a lock on DIR/.lock, which the system lets go however its holder ends."""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .manifest import MirrorError

LOCK = ".lock"


@contextmanager
def writing(mirror: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the mirror for writing; while another process does, wait for it, or raise MirrorError."""
    try:
        file = open(mirror / LOCK, "a+", encoding="utf-8")  # noqa: SIM115 - it is closed below
    except PermissionError:
        raise MirrorError(f"{mirror} cannot be written to: permission is denied") from None
    except OSError as error:
        raise MirrorError(f"{mirror} cannot be written to: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.seek(0)
            who = file.read().strip() or "another process"
            raise MirrorError(f"{who} is writing to {mirror}; try again when it is done, or add --wait") from None
        file.truncate(0)
        file.write(f"{Path(sys.argv[0]).name or 'python'} (process {os.getpid()})")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
