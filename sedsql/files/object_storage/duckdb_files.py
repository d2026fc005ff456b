"""Let DuckDB read objects, through the cache, by addresses that begin with `cached+`, as cached+s3://bucket/object.

Of s3:// itself DuckDB knows that a request takes long, and reads small files whole and blocks of 2 MB around what it
needs. Of a file system that it does not know it reads what it would read from a disk.
"""

import os
import re
import threading
from contextlib import suppress
from functools import cache
from typing import Any, BinaryIO, cast

import duckdb

from sedsql.files.errors import StorageError
from sedsql.files.object_storage import objects, store
from sedsql.files.object_storage.addresses import address_of
from sedsql.files.object_storage.objects import ObjectFile

PREFIX = "cached+"
_SCHEMES = ("s3", "gs", "az", "http", "https")
_THREADS = 32
"""Of DuckDB that read: most of their time they wait for the storage."""


def register(con: duckdb.DuckDBPyConnection) -> None:
    """Let a connection, and all that share its database, read objects. StorageError where packages are missing."""
    if f"{PREFIX}s3" in con.list_filesystems():
        return
    store.check_packages()
    con.register_filesystem(_file_system())
    with suppress(duckdb.Error):  # an earlier DuckDB reads by the threads that compute
        con.execute(f"SET GLOBAL async_threads = {_THREADS}")


def read_from(folder: str | os.PathLike[str]) -> str:
    """The path by which DuckDB reads what is in a folder, or at an address."""
    address = address_of(folder)
    return f"{PREFIX}{address}" if address else os.path.abspath(folder)


def opened(path: str | os.PathLike[str], cached: bool = True) -> BinaryIO:
    """Open a file that DuckDB reads by this path, on object storage or on this machine."""
    text = os.fspath(path)
    return cast(BinaryIO, ObjectFile(_address(text), cached)) if text.startswith(PREFIX) else open(path, "rb")


def sentence_of(error: duckdb.Error) -> str | None:
    """The sentence of a StorageError that came through DuckDB, which makes of it the text of a traceback."""
    if f'match the pattern "{PREFIX}' in str(error):  # the connection reads no objects
        try:
            store.check_packages()
        except StorageError as lacking:
            return str(lacking)
    found = re.search(r"(?:StorageError|NoObjectError|ChangedError): (.*)", str(error))
    return found[1].strip() if found else None


def is_changed(error: duckdb.Error) -> bool:
    """Whether an object was replaced by another version while it was read."""
    return "ChangedError: " in str(error)


def _address(path: str) -> str:
    # The paths of views are escaped, as patterns.
    return re.sub(r"\[([*?\[])\]", r"\1", path.removeprefix(PREFIX))


class _File(ObjectFile):
    """An object as DuckDB reads it: threads share it, and each seeks and reads, so each has its own place in it."""

    def __init__(self, address: str):
        self._places = threading.local()
        super().__init__(address)

    @property
    def _at(self) -> int:
        return getattr(self._places, "at", 0)

    @_at.setter
    def _at(self, place: int) -> None:
        self._places.at = place

    def close(self) -> None:
        """Nothing: other threads may still read, and there is no connection to close."""


@cache
def _file_system() -> Any:
    from fsspec import AbstractFileSystem

    class CachedObjects(AbstractFileSystem):
        """What DuckDB asks of a file system."""

        protocol = tuple(f"{PREFIX}{scheme}" for scheme in _SCHEMES)
        cachable = False

        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            return path

        def unstrip_protocol(self, name: str) -> str:
            return name

        def open(self, path: str, mode: str = "rb", **_: Any) -> _File:
            if mode != "rb":
                raise StorageError(f"{_address(path)} is only read: nothing is written to object storage")
            return _File(_address(path))

        def glob(self, path: str, **_: Any) -> list[str]:
            return [f"{PREFIX}{_address(path)}"]

        def exists(self, path: str, **_: Any) -> bool:
            try:
                return bool(objects.version_of(_address(path)))
            except StorageError as error:
                if isinstance(error.__cause__, FileNotFoundError):
                    return False
                raise

        def info(self, path: str, **_: Any) -> dict[str, Any]:
            return {"name": path, "size": objects.version_of(_address(path)).size, "type": "file"}

        def modified(self, path: str) -> Any:
            return objects.version_of(_address(path)).modified

    return CachedObjects()
