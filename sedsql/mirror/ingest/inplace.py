"""Use a HATS catalogue, such as hats-import and LSDB write, where it lies (IVOA Note "HATS", 2025)."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sedsql.catalogue import CELL, Column, Table, table_of, tap_type
from sedsql.files import TableError
from sedsql.files.object_storage import duckdb_files
from sedsql.files.object_storage.addresses import address_of
from sedsql.mirror import Progress
from sedsql.mirror.ingest.catalogue_files import CatalogueFiles, files_at
from sedsql.mirror.reach import measure
from sedsql.mirror.table_state import File, TableState
from sedsql.sql_text import literal

_AT_ONCE = 32
"""Files on object storage whose metadata are read at the same time."""
_PARTITIONS = ("norder", "dir", "npix")
"""Columns that repeat the path of the file; older catalogues have them."""


def catalogue_at(place: Path, name: str, known: Table | None, progress: Progress) -> TableState:
    """The catalogue in a folder, or at an address, as the table `name` of a mirror; its files stay where they are.

    known : tells units, UCDs and descriptions, which HATS does not have

    Raises TableError where the folder is no catalogue of objects, or not all of its rows are there.
    """
    catalogue, properties = _properties(files_at(place))
    where = catalogue.place
    kind = properties.get("dataproduct_type", "object")
    if kind not in ("object", "source"):
        raise TableError(f"{where} is a HATS {kind}, which has no table of sources of its own")
    paths = catalogue.parquet(properties)
    if not paths:
        raise TableError(f"{where} has no Parquet files under dataset/Norder=*/Dir=*/Npix=*")
    table = _table(paths[0], name, known, properties)
    if not table.has_cells:
        raise TableError(f"{where} has no column {CELL} of HEALPix cells; files of it can be imported one by one")
    files = {}
    # Object storage answers after a while, however many ask.
    with ThreadPoolExecutor(_AT_ONCE if address_of(where) else 1) as at_once:
        for number, file in enumerate(at_once.map(lambda path: _file(path, table), paths)):
            files[file.path] = file
            progress("reading metadata", number + 1, len(paths))
    state = TableState(table, place=where, files=files)
    measure(Path(where), state)
    rows = properties.get("hats_nrows")
    if rows is not None and int(rows) != state.rows:
        raise TableError(f"{where} is not whole: its files have {state.rows:,} rows, its properties say {int(rows):,}")
    return state


def _properties(catalogue: CatalogueFiles) -> tuple[CatalogueFiles, dict[str, str]]:
    """The catalogue, which may be the main one of a collection, and its properties."""
    collection = _read(catalogue.text("collection.properties"))
    if collection is not None:
        catalogue = catalogue.inside(collection.get("hats_primary_table_url", ""))
    for file in ("hats.properties", "properties"):
        if (found := _read(catalogue.text(file))) is not None:
            return catalogue, found
    raise TableError(f"{catalogue.place} is no HATS catalogue: it has neither hats.properties nor properties")


def _read(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and line[0] not in "#!")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _table(path: str, name: str, known: Table | None, properties: dict[str, str]) -> Table:
    try:
        with duckdb.connect() as con:
            if path.startswith(duckdb_files.PREFIX):
                duckdb_files.register(con)
            found = con.execute(
                f"DESCRIBE SELECT * FROM read_parquet({literal(path)}, hive_partitioning = false)"
            ).fetchall()
        with duckdb_files.opened(path) as file:
            schema = pq.read_schema(file)
    except (duckdb.Error, OSError, pa.ArrowInvalid) as error:
        told = isinstance(error, duckdb.Error) and duckdb_files.sentence_of(error)
        raise TableError(told or f"{path} cannot be read as parquet: {' '.join(str(error).split())}") from None
    places = {
        properties.get("hats_col_ra"): "pos.eq.ra;meta.main",
        properties.get("hats_col_dec"): "pos.eq.dec;meta.main",
    }
    columns = []
    for column, datatype, *_ in found:
        if column.lower() in _PARTITIONS:
            continue
        theirs = schema.field(column).metadata or {}
        about = {key: theirs.get(key.encode(), b"").decode() or None for key in ("unit", "ucd", "description")}
        if mine := known and known.columns.get(column.lower()):
            about = {key: text or getattr(mine, key) for key, text in about.items()}
        columns.append(
            Column(column, tap_type(datatype), **about | ({"ucd": places[column]} if column in places else {}))
        )
    # Other columns may not claim to be the position.
    main = {ucd: column for column, ucd in places.items() if column in {c.name for c in columns}}
    columns = [replace(c, ucd=None) if c.ucd in main and main[c.ucd] != c.name else c for c in columns]
    description = known.description if known else properties.get("obs_title")
    return table_of(name, description, columns)


def _file(path: str, table: Table) -> File:
    try:
        with duckdb_files.opened(path) as file:
            size = file.seek(0, os.SEEK_END)
            metadata = pq.read_metadata(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise TableError(f"{path} cannot be read as parquet: {error}") from None
    low = high = None
    if table.sort_column in (CELL, "source_id"):
        names = [metadata.schema.column(place).path for place in range(metadata.num_columns)]
        place = names.index(table.sort_column)
        groups = [metadata.row_group(number).column(place).statistics for number in range(metadata.num_row_groups)]
        if groups and all(group is not None and group.has_min_max for group in groups):
            low = min(group.min for group in groups) >> table.cell_shift
            high = max(group.max for group in groups) >> table.cell_shift
    return File(path, metadata.num_rows, size, None, low, high)
