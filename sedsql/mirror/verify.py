"""Whether a mirror still is what its manifest says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..tap.service import Service
from . import Progress, cells
from .layout import File, folder_of, on_disk, sha256
from .manifest import DATABASE, Manifest
from .store import unreadable
from .sweep import orphans


@dataclass(frozen=True)
class Problem:
    """What is wrong with a table, in words; `file` where it is one file's."""

    table: str
    what: str
    file: str | None = None


def verify(mirror: Path, manifest: Manifest, progress: Progress) -> Iterator[Problem]:
    """Read all of the database, hash and count every file again, and add up."""
    if why := unreadable(mirror):
        yield Problem(DATABASE, f"cannot be read: {why}; `sedsql mirror repair {mirror}` makes it anew")
    yield from verify_files(mirror, manifest, progress)
    tables = {folder_of(stored.table): name for name, stored in manifest.items()}
    for path in orphans(mirror, manifest):
        table = next(name for folder, name in tables.items() if path.startswith(f"{folder}/"))
        yield Problem(table, "is not in the manifest, but who reads the table's folder reads it as well", path)


def verify_files(mirror: Path, manifest: Manifest, progress: Progress) -> Iterator[Problem]:
    """What is wrong with the files that the manifest names, and with its sums."""
    done, total = 0, sum(stored.bytes for stored in manifest.values())
    for name, stored in manifest.items():
        for file in stored.files.values():
            if what := _wrong(on_disk(mirror, file), file):
                yield Problem(name, what, file.path)
            done += file.bytes
            progress("verifying", done, total)
        rows = sum(piece.rows for piece in stored.pieces.values())
        if stored.pieces and rows != stored.rows:
            yield Problem(name, f"its pieces have {rows:,} rows, its files {stored.rows:,}")
        if stored.missing:
            share = 100 * cells.size(stored.missing) / cells.size(stored.wanted)
            yield Problem(name, f"{share:.2g} % of it is not fetched yet")


def verify_remote(manifest: Manifest, open_service: Callable[[str], Service], progress: Progress) -> Iterator[Problem]:
    """Ask the services for the number of rows of every piece again."""
    asked = [(name, stored, piece) for name, stored in manifest.items() for piece in stored.pieces.values()]
    service_of = cache(open_service)
    for done, (name, stored, piece) in enumerate(asked):
        if stored.service and piece.count_query:
            rows = service_of(stored.service).count(piece.count_query)
            if rows != piece.remote_rows:
                yield Problem(
                    name,
                    f"{stored.service} now has {rows:,} rows in piece {piece.name}, and had "
                    f"{piece.remote_rows:,} when it was fetched, {piece.fetched}",
                )
        progress("asking the service", done + 1, len(asked))


def _wrong(path: Path, file: File) -> str | None:
    """What is wrong with a file; None if nothing is."""
    if not path.is_file():
        return "is gone"
    if path.stat().st_size != file.bytes:
        return f"has {path.stat().st_size:,} bytes instead of {file.bytes:,}"
    if file.sha256 and sha256(path) != file.sha256:
        return "has another content than when it was written (sha256)"
    try:
        rows = pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowInvalid) as error:
        return f"cannot be read: {error}"
    return None if rows == file.rows else f"has {rows:,} rows instead of {file.rows:,}"
