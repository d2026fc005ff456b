"""One writer at a time: a lock on DIR/.lock, which the system lets go however its holder ends.

Its holder's name stands in the file until its work is in order: one that stands there while nobody holds the lock is of
a process that was cut off.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sedsql.mirror.manifest import MirrorError

LOCK = ".lock"
_PAUSE = 0.1
"""Seconds between two attempts to lock a mirror that another process writes to."""

_held: list[str] = []
"""The folders that this process may write to."""


@contextmanager
def writing(mirror: Path, *, wait: bool = False) -> Iterator[TextIO]:
    """Hold the mirror for writing; while another process does, wait for it, or raise MirrorError.

    It gives the file, which the block empties when the mirror is in order.
    """
    with _locked(mirror, wait) as file:
        try:
            name = f"\n{Path(sys.argv[0]).name or 'python'} (process {os.getpid()})"
            os.write(file.fileno(), name.encode(errors="replace"))
            os.fsync(file.fileno())
        except OSError as error:
            raise MirrorError(f"{mirror} cannot be written to: {error.strerror}") from None
        with holding(mirror):
            yield file


@contextmanager
def holding(mirror: Path) -> Iterator[None]:
    """Let this process write to a folder that it has locked, or that no other knows of."""
    folder = os.path.realpath(mirror)
    _held.append(folder)
    try:
        yield
    finally:
        _held.remove(folder)


def require_lock(mirror: Path) -> None:
    """Raise MirrorError where this process does not hold the mirror: it would undo what another writes."""
    if os.path.realpath(mirror) not in _held:
        raise MirrorError(f"{mirror} is not locked for writing; change it within `with Mirror.change(...) as mirror:`")


def _locked(mirror: Path, wait: bool) -> TextIO:
    from portalocker import LockFlags, lock  # readers do without it
    from portalocker.exceptions import AlreadyLocked, LockException

    while True:
        try:
            file = open(mirror / LOCK, "a+", encoding="utf-8")  # noqa: SIM115 - who asked for it closes it
        except OSError as error:
            reason = "permission is denied" if isinstance(error, PermissionError) else error.strerror
            raise MirrorError(f"{mirror} cannot be written to: {reason}") from None
        try:
            lock(file, LockFlags.EXCLUSIVE | LockFlags.NON_BLOCKING)
            if os.path.exists(mirror / LOCK) and os.path.samestat(os.fstat(file.fileno()), os.stat(mirror / LOCK)):
                return file
            file.close()  # another mirror has taken the place of the one that was waited for
        except AlreadyLocked:
            who = _holder(file)
            file.close()
            if not wait:
                raise MirrorError(f"{who} is writing to {mirror}; try again when it is done, or add --wait") from None
            time.sleep(_PAUSE)
        except LockException as error:
            file.close()
            raise MirrorError(f"{mirror} cannot be locked for writing: {error}") from None
        except BaseException:
            file.close()
            raise


def _holder(file: TextIO) -> str:
    try:
        file.seek(0)
        return file.read().split("\n")[-1] or "another process"
    except OSError:  # Windows lets nobody else read a locked file
        return "another process"


def is_cut_off(mirror: Path) -> bool:
    """Whether a process may have been cut off that wrote to the mirror; also true while one writes."""
    try:
        return os.stat(mirror / LOCK).st_size > 0
    except OSError:
        return False
