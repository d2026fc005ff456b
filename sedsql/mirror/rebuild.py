"""A manifest made anew from the files of a mirror, which know what table they are of and which pieces they hold."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ..catalogue import Column, Table, table_of, tap_type
from .commit import cut_off
from .hats import SCHEMA_FILE
from .layout import File, number_of, on_disk, sha256
from .manifest import Manifest, Piece, Stored, replay


def from_files(mirror: Path) -> Manifest:
    """The manifest as the files tell it, each row once.

    A change that was cut off is taken for made if all that was to appear has appeared, or, where nothing was to, some
    rows that were to vanish are gone. Files that it does not name are not of the mirror any more.
    """
    manifest: Manifest = {}
    gone = _of_other_state(mirror)
    for folder in sorted(mirror.glob("*/*/dataset")):
        paths = [path for path in sorted(folder.rglob("*.parquet")) if not path.name.startswith(".")]
        files = {name: parquet for name, parquet in _read(mirror, paths) if name not in gone}
        stored = _table(folder / SCHEMA_FILE, files, (folder / SCHEMA_FILE).relative_to(mirror).as_posix() in gone)
        if stored is None:
            continue
        for name, parquet in files.items():
            _take(mirror, stored, name, parquet)
        manifest[stored.table.name.lower()] = stored
    replay(manifest, mirror, lambda file: on_disk(mirror, file).exists())
    for stored in manifest.values():
        # A piece of which some rows are gone is wanted still.
        stored.wanted = stored.covered
        _one_generation(stored)
    return manifest


def _of_other_state(mirror: Path) -> set[str]:
    """The files that a change which was cut off did away with, or that it had made and is taken back."""
    appear, vanish = cut_off(mirror)
    # Where nothing appears, as when a table is read elsewhere from now on, the rows that vanish tell.
    telling = appear or [path for path in vanish if path.endswith(".parquet")]
    seen = [(mirror / path).exists() for path in telling]
    is_made = all(seen) if appear else not all(seen)
    return set(vanish) - set(appear) if is_made else set(appear) - set(vanish)


def _read(mirror: Path, paths: list[Path]) -> Iterator[tuple[str, pq.ParquetFile]]:
    for path in paths:
        try:
            yield path.relative_to(mirror).as_posix(), pq.ParquetFile(path)
        except (OSError, pa.ArrowInvalid):
            continue


def _table(schema_file: Path, files: dict[str, pq.ParquetFile], is_gone: bool) -> Stored | None:
    """The table of a folder without its rows; None if it is none of sedsql's."""
    schemas = [parquet.schema_arrow for parquet in list(files.values())[:1]]
    settings = {}
    if schema_file.exists() and not is_gone:
        try:
            schema = pq.read_schema(schema_file)
        except (OSError, pa.ArrowInvalid):
            schema = None
        # It is that of another state where a change was cut off.
        if schema is not None and all(schema.equals(other) for other in schemas):
            schemas.insert(0, schema)
            settings = json.loads((schema.metadata or {}).get(b"sedsql.settings", b"{}"))
    if not schemas or b"table" not in (schemas[0].metadata or {}):
        return None
    return Stored(_described(schemas[0]), **settings)


def _described(schema: pa.Schema) -> Table:
    about = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    with duckdb.connect() as con:
        con.register("rows", schema.empty_table())
        described = con.execute("DESCRIBE SELECT * FROM rows").fetchall()
    columns = []
    for name, datatype, *_ in described:
        known = {key.decode(): value.decode() for key, value in (schema.field(name).metadata or {}).items()}
        columns.append(Column(name, tap_type(datatype), known.get("unit"), known.get("ucd"), known.get("description")))
    return table_of(about["table"], about.get("description"), columns)


def _take(mirror: Path, stored: Stored, name: str, parquet: pq.ParquetFile) -> None:
    path = mirror / name
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
    rows, names = parquet.metadata.num_rows, tuple(piece["name"] for piece in pieces)
    stored.files[name] = File(name, rows, path.stat().st_size, sha256(path), low, high, names)


def _one_generation(stored: Stored) -> None:
    """Keep of files with the same pieces those that have each row once; drop pieces of which some rows are gone."""
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
        if not pieces:
            continue
        rows = sum(stored.pieces[name].rows for name in pieces)
        files = [stored.files[path] for path in paths]
        kept = next((some for some in _generations(files) if sum(file.rows for file in some) == rows), None)
        for path in paths - {file.path for file in kept or ()}:
            del stored.files[path]
        if kept is None:
            for name in pieces:
                del stored.pieces[name]


def _generations(files: list[File]) -> Iterator[list[File]]:
    """Files that may be of one state: all of them, or as each compaction found or left them, the last one first."""
    yield files
    for number in sorted({number_of(file.path, "part") for file in files}, reverse=True):
        earlier = [file for file in files if number_of(file.path, "part") < number]
        new = [file for file in files if number_of(file.path, "part") == number]
        yield [*new, *(file for file in earlier if not any(_replaces(one, file) for one in new))]
        yield earlier


def _replaces(new: File, old: File) -> bool:
    """Whether a compaction that wrote the one had the rows of the other, earlier one."""
    here, there = Path(new.path).parent, Path(old.path).parent
    same_order = here.parts[:-2] == there.parts[:-2]
    return (here == there or not same_order) and set(old.pieces) <= set(new.pieces)
