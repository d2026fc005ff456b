"""Read objects through the cache, as files."""

import io
import time
from functools import cache, partial
from pathlib import Path

from sedsql.files.errors import StorageError
from sedsql.files.object_storage import store
from sedsql.files.object_storage.block_cache import BlockCache, cache_folder, cache_limit
from sedsql.files.object_storage.store import ChangedError, Version

AGE = 10.0
"""Seconds for which the version of an object is believed; what is read is of that version at any time, or an error."""

_seen: dict[str, tuple[Version, float]] = {}


@cache
def _cache() -> BlockCache:
    return BlockCache(cache_folder(), cache_limit())


def version_of(address: str, age: float = AGE) -> Version:
    """The version of an object, as it was at most `age` seconds ago."""
    known = _seen.get(address)
    if known is None or time.monotonic() - known[1] > age:
        known = _seen[address] = store.head(address), time.monotonic()
    return known[0]


def note(version: Version) -> None:
    """Note the version of an object that was just listed."""
    _seen[version.address] = version, time.monotonic()


def read(version: Version, start: int, stop: int) -> bytes:
    """Read the bytes `start` to `stop`, without the last, from the cache where they are there."""
    return _cache().read(version, start, stop, partial(_fetched, version))


def copy_of(address: str, age: float = AGE) -> Path:
    """A file on this machine that is a copy of an object, as it was at most `age` seconds ago."""
    for _ in range(3):
        version = version_of(address, age)
        try:
            return _cache().copy(version, partial(_fetched, version))
        except ChangedError:
            continue
    raise StorageError(f"{address} changes again and again; try again when it is left alone")


def _fetched(version: Version, low: int, high: int) -> bytes:
    try:
        return store.read(version, low, high)
    except StorageError:
        _seen.pop(version.address, None)
        raise


class ObjectFile(io.RawIOBase):
    """One version of an object as a file to read.

    cached : whether what is read is kept in the cache; not worth it where all of the object is read once
    """

    def __init__(self, address: str, cached: bool = True):
        self.version, self._cached, self._at = version_of(address), cached, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.version.size}[whence]
        self._at = begin + offset
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        end = self.version.size if size is None or size < 0 else min(self._at + size, self.version.size)
        found = (read if self._cached else _fetched)(self.version, self._at, end) if self._at < end else b""
        self._at += len(found)
        return found

    def readinto(self, buffer, /) -> int:
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)
