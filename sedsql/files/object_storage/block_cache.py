"""Keep blocks of objects on disk, up to a limit; for all processes of a user at once.

A version of an object has a file of its own, named by address and ETag, so versions never mix. The file begins with an
index, the CRC-32 of each block, and then has the blocks at their places, with holes for those that did not come yet. A
block counts only if its CRC agrees. So no process waits for another: two that fetch the same block write the same
bytes, and what a process that was killed left half-written is fetched again.
"""

import hashlib
import os
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from sedsql.files.errors import StorageError
from sedsql.files.object_storage.store import Version

BLOCK = 4096
"""Bytes; what is read of an object begins and ends at a multiple."""
GAP = 16 * BLOCK
"""Bytes between two missing parts that are fetched again with them: a request takes longer than these."""
DEFAULT_GB = 10.0

Fetch = Callable[[int, int], bytes]


class BlockCache:
    """A folder of blocks.

    limit : bytes that it takes on disk; those that were not used for longest go first
    """

    def __init__(self, folder: Path, limit: int):
        self.folder, self.limit = folder, limit
        self._lock = threading.Lock()
        self._new = limit  # so that the first block that is written looks how full the folder is

    def read(self, version: Version, start: int, stop: int, fetch: Fetch) -> bytes:
        """The bytes `start` to `stop`, without the last, of a version; `fetch` gets what is not there."""
        stop = min(stop, version.size)
        if start >= stop:
            return b""
        try:
            file = self._open(version)
        except OSError:  # no folder to write to, or a full disk
            return fetch(start, stop)
        with file:
            first, end = start // BLOCK, -(-stop // BLOCK)
            found = bytearray(min(end * BLOCK, version.size) - first * BLOCK)
            lacking = list(self._fill(file, version, first, found))
            for low, high in _runs(lacking):
                low_byte, high_byte = low * BLOCK, min(high * BLOCK, version.size)
                new = fetch(low_byte, high_byte)
                found[low_byte - first * BLOCK : high_byte - first * BLOCK] = new
                with suppress(OSError):
                    self._store(file, version, low, new)
        return bytes(memoryview(found)[start - first * BLOCK : stop - first * BLOCK])

    def copy(self, version: Version, fetch: Fetch) -> Path:
        """A file on disk that has all bytes of a version, for who reads files alone."""
        path = self._path(version, "copies")
        if not path.is_file():
            part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                part.write_bytes(fetch(0, version.size))
                part.replace(path)
            except OSError as error:
                raise StorageError(
                    f"{version.address} cannot be copied to {self.folder}: {error.strerror}; SEDSQL_CACHE names "
                    "another folder"
                ) from None
            finally:
                with suppress(OSError):
                    part.unlink(missing_ok=True)
            self._count(version.size)
        with suppress(OSError):
            _touch(path)
        return path

    def _path(self, version: Version, kind: str) -> Path:
        told = f"{version.address}\n{version.etag or version.modified}\n{version.size}"
        name = hashlib.sha256(told.encode()).hexdigest()[:40]
        return self.folder / kind / name[:2] / name

    def _open(self, version: Version) -> BinaryIO:
        path = self._path(version, "blocks")
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        try:
            number = os.open(path, flags, 0o600)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            number = os.open(path, flags, 0o600)
        with suppress(OSError):  # removed meanwhile
            _touch(path)
        return os.fdopen(number, "r+b", buffering=0)

    def _fill(self, file: BinaryIO, version: Version, first: int, found: bytearray) -> Iterator[int]:
        """Read the blocks from `first` on that are there; gives the numbers of the others."""
        count = -(-len(found) // BLOCK)
        file.seek(4 * first)
        index = file.read(4 * count)
        if any(index):
            file.seek(_data_begins(version) + first * BLOCK)
            file.readinto(found)  # type: ignore[attr-defined]
        blocks = memoryview(found)
        for number in range(count):
            told = int.from_bytes(index[4 * number : 4 * number + 4], "little")
            if not told or told != _crc(blocks[number * BLOCK : (number + 1) * BLOCK]):
                yield first + number

    def _store(self, file: BinaryIO, version: Version, first: int, new: bytes) -> None:
        view = memoryview(new)
        file.seek(_data_begins(version) + first * BLOCK)
        file.write(new)
        crcs = [_crc(view[at : at + BLOCK]) for at in range(0, len(new), BLOCK)]
        file.seek(4 * first)
        file.write(b"".join(crc.to_bytes(4, "little") for crc in crcs))
        self._count(len(new))

    def _count(self, written: int) -> None:
        """Remove what was not used for longest, each time that a sixteenth of the limit was written."""
        with self._lock:
            self._new += written
            if self._new < self.limit // 16:
                return
            self._new = 0
        self.trim()

    def trim(self) -> None:
        """Remove the files that were not used for longest until the rest is below the limit."""
        files = []
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with suppress(OSError):
                    path = os.path.join(folder, name)
                    told = os.stat(path)
                    size = told.st_blocks * 512 if hasattr(told, "st_blocks") else told.st_size
                    files.append((max(told.st_atime, told.st_mtime), size, path))
        total = sum(size for _, size, _ in files)
        # Until the next look, a sixteenth of the limit is written.
        for _, size, path in sorted(files):
            if total <= self.limit - self.limit // 16:
                break
            with suppress(OSError):
                os.unlink(path)
            total -= size


def _crc(block: memoryview) -> int:
    """The CRC of a block; never 0, which stands for a block that is not there."""
    return zlib.crc32(block) or 1


def _data_begins(version: Version) -> int:
    blocks = -(-version.size // BLOCK)
    return -(-4 * blocks // BLOCK) * BLOCK


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Join numbers of blocks into ranges, the end not included, over gaps of `GAP` bytes."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and (number - runs[-1][1]) * BLOCK <= GAP:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs


def _touch(path: Path) -> None:
    """Note that a file is used, and leave the time when it was written, which tells it from others."""
    told = os.stat(path)
    os.utime(path, ns=(time.time_ns(), told.st_mtime_ns))


def cache_folder() -> Path:
    """The folder of the cache: SEDSQL_CACHE in the environment, or where the system has caches."""
    if told := os.environ.get("SEDSQL_CACHE"):
        return Path(told).expanduser().absolute() / "objects"
    if sys.platform == "darwin":
        base = Path("~/Library/Caches").expanduser()
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local").expanduser()
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return base / "sedsql" / "objects"


def cache_limit() -> int:
    """The bytes that the cache may take: SEDSQL_CACHE_GB in the environment, or 10 GB."""
    told = os.environ.get("SEDSQL_CACHE_GB") or str(DEFAULT_GB)
    try:
        size = float(told)
    except ValueError:
        size = 0.0
    if not 0 < size < 1e9:
        raise StorageError(f"SEDSQL_CACHE_GB is {told!r}; it is the cache's size in GB, such as 10 or 0.5")
    return int(size * 1e9)
