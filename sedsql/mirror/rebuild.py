"""Make the manifest from the files of a mirror, which know their table and the pieces that they hold."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sedsql.catalogue import Column, Table, table_of, tap_type
from sedsql.mirror import journal
from sedsql.mirror.commit import cut_off
from sedsql.mirror.hats import SCHEMA_FILE
from sedsql.mirror.layout import number_of, on_disk
from sedsql.mirror.stored import is_made
from sedsql.mirror.table_state import File, Piece, Tables, TableState
from sedsql.mirror.writer import sha256


def from_files(folder: Path) -> Tables:
    """The tables of the mirror in a folder as the files tell them, each row once.

    A change that was cut off counts as made if all its new files have appeared, or, where it has none, if some of the
    rows that were to vanish are gone. Then the files that it removes do not belong to the mirror any more.
    """
    tables: Tables = {}
    gone = _of_other_state(folder)
    for dataset in sorted(folder.glob("*/*/dataset")):
        paths = [path for path in sorted(dataset.rglob("*.parquet")) if not path.name.startswith(".")]
        files = {name: parquet for name, parquet in _read(folder, paths) if name not in gone}
        state = _table(dataset / SCHEMA_FILE, files, (dataset / SCHEMA_FILE).relative_to(folder).as_posix() in gone)
        if state is None:
            continue
        for name, parquet in files.items():
            _take(folder, state, name, parquet)
        tables[state.table.name.lower()] = state
    for name, piece, noted in journal.entries(folder):
        if name in tables and all(on_disk(folder, file).exists() for file in noted):
            tables[name].add(piece, noted)
    for state in tables.values():
        # A piece that has lost some rows is still wanted.
        state.wanted = [] if is_made(state) else state.covered
        _one_generation(state)
    return tables


def _of_other_state(folder: Path) -> set[str]:
    """The files that a change which was cut off removes, if it counts as made; otherwise those that it adds."""
    appear, vanish = cut_off(folder)
    # Where nothing appears, as when a table is read elsewhere from now on, the rows that vanish tell.
    telling = appear or [path for path in vanish if path.endswith(".parquet")]
    seen = [(folder / path).exists() for path in telling]
    was_made = all(seen) if appear else not all(seen)
    return set(vanish) - set(appear) if was_made else set(appear) - set(vanish)


def _read(folder: Path, paths: list[Path]) -> Iterator[tuple[str, pq.ParquetFile]]:
    for path in paths:
        try:
            yield path.relative_to(folder).as_posix(), pq.ParquetFile(path)
        except (OSError, pa.ArrowInvalid):
            continue


def _table(schema_file: Path, files: dict[str, pq.ParquetFile], is_gone: bool) -> TableState | None:
    """The table of a folder without its rows; None if sedsql did not write it."""
    schemas = [parquet.schema_arrow for parquet in list(files.values())[:1]]
    settings = {}
    if schema_file.exists() and not is_gone:
        try:
            schema = pq.read_schema(schema_file)
        except (OSError, pa.ArrowInvalid):
            schema = None
        # Where a change was cut off, the columns may be those of another state.
        if schema is not None and all(schema.equals(other) for other in schemas):
            schemas.insert(0, schema)
            settings = json.loads((schema.metadata or {}).get(b"sedsql.settings", b"{}"))
            settings["partitioning"] = settings.pop("slicing", None)
    if not schemas or b"table" not in (schemas[0].metadata or {}):
        return None
    return TableState(_described(schemas[0]), **settings)


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


def _take(folder: Path, state: TableState, name: str, parquet: pq.ParquetFile) -> None:
    path = folder / name
    metadata = parquet.schema_arrow.metadata or {}
    pieces = json.loads(metadata.get(b"sedsql.pieces", b"[]"))
    for piece in pieces:
        piece["ranges"] = [(low, high) for low, high in piece["ranges"]]
        state.pieces.setdefault(piece["name"], Piece(**piece))
    low = high = None
    if column := state.table.sort_column:
        place = parquet.schema_arrow.get_field_index(column)
        groups = [parquet.metadata.row_group(k).column(place).statistics for k in range(parquet.num_row_groups)]
        low = min(group.min for group in groups) >> state.table.cell_shift
        high = max(group.max for group in groups) >> state.table.cell_shift
        if path.parent.name.startswith("Npix="):
            state.order = int(path.parents[2].name.removeprefix("Norder="))
    rows, names = parquet.metadata.num_rows, tuple(piece["name"] for piece in pieces)
    state.files[name] = File(name, rows, path.stat().st_size, sha256(path), low, high, names)


def _one_generation(state: TableState) -> None:
    """Of files with the same pieces keep those that have each row once; drop pieces that have lost some rows."""
    for pieces, paths in _groups(state.files):
        if not pieces:
            continue
        rows = sum(state.pieces[name].rows for name in pieces)
        files = [state.files[path] for path in paths]
        kept = next((some for some in _generations(files) if sum(file.rows for file in some) == rows), None)
        for path in paths - {file.path for file in kept or ()}:
            del state.files[path]
        if kept is None:
            for name in pieces:
                del state.pieces[name]


def _groups(files: dict[str, File]) -> list[tuple[set[str], set[str]]]:
    """The pieces and the paths of files that have pieces in common."""
    groups: list[tuple[set[str], set[str]]] = []
    for path, file in files.items():
        pieces, paths = set(file.pieces), {path}
        apart = []
        for group in groups:
            if group[0] & pieces:
                pieces, paths = pieces | group[0], paths | group[1]
            else:
                apart.append(group)
        groups = [*apart, (pieces, paths)]
    return groups


def _generations(files: list[File]) -> Iterator[list[File]]:
    """Files that may make up one state: all of them, or as each compaction found or left them, the last one first."""
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
