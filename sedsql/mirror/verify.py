"""Whether a mirror still is what its manifest says, and making it so again."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ..catalogue import Column, table_of, tap_type
from ..tap.service import Service
from . import Progress, cells
from .cells import ORDER
from .hats import SCHEMA_FILE, write_catalogues
from .layout import File, sha256
from .manifest import LaterVersion, Manifest, MirrorError, Piece, Stored
from .reach import measure
from .store import DATABASE, load, save


@dataclass(frozen=True)
class Problem:
    """What is wrong with a table, in words; `file` where it is one file's."""

    table: str
    what: str
    file: str | None = None


def verify(mirror: Path, manifest: Manifest, progress: Progress) -> Iterator[Problem]:
    """Hash and count every file again, and add up."""
    done, total = 0, sum(stored.bytes for stored in manifest.values())
    for name, stored in manifest.items():
        for file in stored.files.values():
            if what := _wrong(mirror / file.path, file):
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


def repair(mirror: Path, progress: Progress) -> list[str]:
    """Make the manifest say what is there, so that `resume` fetches the rest; gives what was done, in words.

    A manifest that cannot be read is made anew from the files, which know the pieces they hold. The caller
    holds the lock.
    """
    done = []
    try:
        manifest = load(mirror)
    except LaterVersion:
        raise
    except MirrorError:
        manifest = _from_files(mirror)
        (mirror / DATABASE).unlink(missing_ok=True)
        done.append(f"the manifest was made anew from {sum(len(s.files) for s in manifest.values())} files")
    for problem in list(verify(mirror, manifest, progress)):
        if problem.file:
            stored = manifest[problem.table]
            _drop(mirror, stored, problem.file)
            again = "" if stored.service else f"; `sedsql mirror import --replace` brings {problem.table} back"
            done.append(f"{problem.file} {problem.what}: it was dropped{again}")
    for name, stored in manifest.items():
        if measure(mirror, stored):
            done.append(f"how far the positions of {name} lie from its cells was measured")
    save(mirror, manifest)
    write_catalogues(mirror, manifest)
    return done


def _drop(mirror: Path, stored: Stored, path: str) -> None:
    """Forget a file, and the ranges that had rows in it."""
    file = stored.files.pop(path)
    if stored.service is None:
        return
    lost = cells.union(range_ for name in file.pieces if name in stored.pieces for range_ in stored.pieces[name].ranges)
    if stored.order is not None and not (stored.slicing or {}).get("key"):
        pixel = int(Path(path).parent.name.removeprefix("Npix="))
        down = 2 * (ORDER - stored.order)
        lost = cells.common(lost, [(pixel << down, (pixel + 1) << down)])
        rest = file.rows
        for name in file.pieces:
            if piece := stored.pieces.get(name):
                rest -= _uncover(stored, piece, lost, rest)
    else:
        # Rows of these pieces may be in any file: all of the table is fetched again.
        for other in stored.files.values():
            (mirror / other.path).unlink(missing_ok=True)
        stored.files.clear()
        stored.pieces.clear()
    (mirror / path).unlink(missing_ok=True)


def _uncover(stored: Stored, piece: Piece, lost: cells.Ranges, rows: int) -> int:
    """Take ranges from a piece, and at most `rows` rows; gives how many."""
    left = cells.minus(piece.ranges, lost)
    if not left:
        del stored.pieces[piece.name]
        return piece.rows
    # Which of the rows were lost is in no record, only how many in all; the service can no longer be asked.
    gone = min(piece.rows, rows)
    stored.pieces[piece.name] = replace(piece, ranges=left, rows=piece.rows - gone, count_query=None)
    return gone


def _from_files(mirror: Path) -> Manifest:
    """The manifest as the files tell it."""
    manifest: Manifest = {}
    for path in sorted(mirror.glob(f"*/*/dataset/{SCHEMA_FILE}")):
        schema = pq.read_schema(path)
        about = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
        if "table" not in about:
            continue
        with duckdb.connect() as con:
            described = con.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
        columns = []
        for name, datatype, *_ in described:
            known = {key.decode(): value.decode() for key, value in (schema.field(name).metadata or {}).items()}
            columns.append(
                Column(name, tap_type(datatype), known.get("unit"), known.get("ucd"), known.get("description"))
            )
        settings = json.loads(about.get("sedsql.settings", "{}"))
        stored = Stored(table_of(about["table"], about.get("description"), columns), **settings)
        for file in sorted(path.parent.rglob("*.parquet")):
            _take(mirror, stored, file)
        stored.wanted = stored.covered
        _drop_torn(mirror, stored)
        manifest[about["table"].lower()] = stored
    return manifest


def _drop_torn(mirror: Path, stored: Stored) -> None:
    """Drop pieces of which a file is gone: their files have fewer rows than they had together."""
    groups: list[tuple[set[str], set[str]]] = []
    for path, file in stored.files.items():
        pieces, paths = set(file.pieces), {path}
        apart = []
        for group in groups:
            if group[0] & pieces:
                pieces, paths = pieces | group[0], paths | group[1]
            else:
                apart.append(group)
        groups = [*apart, (pieces, paths)]
    for pieces, paths in groups:
        if pieces and sum(stored.pieces[name].rows for name in pieces) != sum(stored.files[p].rows for p in paths):
            for path in paths:
                del stored.files[path]
                (mirror / path).unlink()
            for name in pieces:
                del stored.pieces[name]


def _take(mirror: Path, stored: Stored, path: Path) -> None:
    try:
        parquet = pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid):
        return
    metadata = parquet.schema_arrow.metadata or {}
    pieces = json.loads(metadata.get(b"sedsql.pieces", b"[]"))
    for piece in pieces:
        piece["ranges"] = [(low, high) for low, high in piece["ranges"]]
        stored.pieces.setdefault(piece["name"], Piece(**piece))
    low = high = None
    if column := stored.table.sort_column:
        place = parquet.schema_arrow.get_field_index(column)
        groups = [parquet.metadata.row_group(k).column(place).statistics for k in range(parquet.num_row_groups)]
        low = min(group.min for group in groups) >> stored.table.cell_shift
        high = max(group.max for group in groups) >> stored.table.cell_shift
        if path.parent.name.startswith("Npix="):
            stored.order = int(path.parents[2].name.removeprefix("Norder="))
    name = path.relative_to(mirror).as_posix()
    rows, names = parquet.metadata.num_rows, tuple(piece["name"] for piece in pieces)
    stored.files[name] = File(name, rows, path.stat().st_size, sha256(path), low, high, names)
