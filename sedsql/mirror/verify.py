"""Check that a mirror agrees with its manifest, and with the services that it came from."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sedsql.files.errors import StorageError
from sedsql.files.object_storage.addresses import address_of
from sedsql.files.object_storage.duckdb_files import PREFIX, opened, read_from
from sedsql.mirror import Progress
from sedsql.mirror.database import unreadable
from sedsql.mirror.layout import folder_of, on_disk
from sedsql.mirror.manifest import DATABASE
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.ranges import size
from sedsql.mirror.table_state import File
from sedsql.mirror.writer import sha256
from sedsql.tap.service import Service

_PART = 16 << 20
"""Bytes of an object that are hashed at a time."""


@dataclass(frozen=True)
class Problem:
    """A fault of a table, in words; `file` where it is the fault of one file."""

    table: str
    what: str
    file: str | None = None


def verify(mirror: Mirror, progress: Progress) -> Iterator[Problem]:
    """Read all of the database, hash and count every file again, and add up."""
    if why := unreadable(mirror.folder):
        yield Problem(DATABASE, f"cannot be read: {why}; `sedsql mirror repair {mirror.folder}` makes it anew")
    yield from verify_files(mirror, progress)
    tables = {folder_of(state.table): name for name, state in mirror.tables.items()}
    for path in mirror.orphans():
        table = next(name for folder, name in tables.items() if path.startswith(f"{folder}/"))
        yield Problem(table, "is not in the manifest, but readers of the table's folder read it as well", path)


def verify_files(mirror: Mirror, progress: Progress) -> Iterator[Problem]:
    """Check the files that the manifest names, and its sums."""
    done, total = 0, sum(state.bytes for state in mirror.tables.values())
    for name, state in mirror.tables.items():
        for file in state.files.values():
            path = f"{read_from(mirror.folder)}/{file.path}" if address_of(mirror.folder) else file.path
            is_object = path.startswith(PREFIX)
            if what := _wrong_object(path, file) if is_object else _wrong(on_disk(mirror.folder, file), file):
                yield Problem(name, what, file.path)
            done += file.bytes
            progress("verifying", done, total)
        rows = sum(piece.rows for piece in state.pieces.values())
        if state.pieces and rows != state.rows:
            yield Problem(name, f"its pieces have {rows:,} rows, its files {state.rows:,}")
        if state.missing:
            share = 100 * size(state.missing) / size(state.wanted)
            yield Problem(name, f"{share:.2g} % of it is not fetched yet")


def verify_remote(mirror: Mirror, open_service: Callable[[str], Service], progress: Progress) -> Iterator[Problem]:
    """Ask the services for the number of rows of every piece again."""
    asked = [(name, state, piece) for name, state in mirror.tables.items() for piece in state.pieces.values()]
    service_of = cache(open_service)
    for done, (name, state, piece) in enumerate(asked):
        if state.service and piece.count_query:
            rows = service_of(state.service).count(piece.count_query)
            if rows != piece.remote_rows:
                yield Problem(
                    name,
                    f"{state.service} now has {rows:,} rows in piece {piece.name}, and had "
                    f"{piece.remote_rows:,} when it was fetched, {piece.fetched}",
                )
        progress("asking the service", done + 1, len(asked))


def _wrong_object(path: str, file: File) -> str | None:
    """Say what is wrong with a file on object storage; a StorageError of another kind says nothing of the file."""
    try:
        with opened(path) as read:
            size, rows = read.seek(0, os.SEEK_END), pq.read_metadata(read).num_rows
            digest = _sha256(path) if file.sha256 else None
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return "is gone"
        raise
    except pa.ArrowInvalid as error:
        return f"cannot be read: {error}"
    if size != file.bytes:
        return f"has {size:,} bytes instead of {file.bytes:,}"
    if digest != file.sha256:
        return "has changed since it was written (sha256)"
    return None if rows == file.rows else f"has {rows:,} rows instead of {file.rows:,}"


def _sha256(path: str) -> str:
    """Hash an object, none of which is taken from the cache."""
    with opened(path, cached=False) as read:
        digest = hashlib.sha256()
        while part := read.read(_PART):
            digest.update(part)
    return digest.hexdigest()


def _wrong(path: Path, file: File) -> str | None:
    """Say what is wrong with a file; None if nothing is."""
    if not path.is_file():
        return "is gone"
    if path.stat().st_size != file.bytes:
        return f"has {path.stat().st_size:,} bytes instead of {file.bytes:,}"
    if file.sha256 and sha256(path) != file.sha256:
        return "has changed since it was written (sha256)"
    try:
        rows = pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowInvalid) as error:
        return f"cannot be read: {error}"
    return None if rows == file.rows else f"has {rows:,} rows instead of {file.rows:,}"
