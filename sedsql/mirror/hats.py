"""Write the files that make a table's folder a HATS catalogue, which LSDB reads (IVOA Note "HATS", 2025, Section 3)."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sedsql.catalogue import CELL, Table
from sedsql.catalogue.healpix import FINEST, ORDER
from sedsql.files.atomic import flush, new_file
from sedsql.mirror.columns import arrow_schema, as_stored
from sedsql.mirror.layout import folder_of, hidden
from sedsql.mirror.table_state import Tables, TableState

SCHEMA_FILE = "_common_metadata"
PROPERTIES = ("hats.properties", "partition_info.csv")


def owned(tables: Tables) -> set[str]:
    """The files that belong to the tables, relative to the mirror; some beside the rows may not be there."""
    files: set[str] = set()
    for state in tables.values():
        if state.place is None:
            files |= {*state.files, *besides(state.table)}
    return files


def besides(table: Table) -> list[str]:
    """The files of a table that have no rows."""
    dataset = Path(folder_of(table))
    return [(dataset / SCHEMA_FILE).as_posix(), *((dataset.parent / name).as_posix() for name in PROPERTIES)]


def begin(folder: Path, state: TableState) -> list[str]:
    """Write the columns of a table that is new to the mirror in a hidden file; gives its name. `repair` reads it."""
    path = folder / folder_of(state.table) / SCHEMA_FILE
    if path.exists():
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_metadata(_schema(state), hidden(path))
    flush(hidden(path))
    return [path.relative_to(folder).as_posix()]


def write(folder: Path, state: TableState) -> None:
    """Write the files that describe a table's rows, where they are not right already."""
    schema_file, *properties = (folder / path for path in besides(state.table))
    _write_schema(schema_file, _schema(state))
    if state.table.position and state.order is not None:
        _write_catalogue(properties[0].parent, state)
    else:
        for path in properties:
            path.unlink(missing_ok=True)


def _schema(state: TableState) -> pa.Schema:
    settings = {"service": state.service, "condition": state.condition, "slicing": state.partitioning}
    return arrow_schema(as_stored(state.table), {"sedsql.settings": json.dumps(settings)})


def _write_schema(path: Path, schema: pa.Schema) -> None:
    try:
        if pq.read_schema(path).equals(schema, check_metadata=True):
            return
    except (OSError, pa.ArrowInvalid):
        pass  # gone, or damaged
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path, force=True) as new:
        pq.write_metadata(schema, new)


def _write_catalogue(base: Path, state: TableState) -> None:
    shift = 2 * (ORDER - (state.order or 0))
    rows: dict[int, int] = {}
    for file in state.files.values():
        pixel = (file.low or 0) >> shift
        rows[pixel] = rows.get(pixel, 0) + file.rows
    lines = [f"{state.order},{pixel},{count}\n" for pixel, count in sorted(rows.items())]
    _write_text(base / "partition_info.csv", "".join(["Norder,Npix,num_rows\n", *lines]))
    ra, dec = state.table.position or ("", "")
    properties = {
        "obs_collection": re.sub(r"\W", "_", state.table.name),
        "obs_title": state.table.description or state.table.name,
        "dataproduct_type": "object",
        "hats_version": "v1.0",
        "hats_nrows": state.rows,
        "hats_col_ra": ra,
        "hats_col_dec": dec,
        "hats_npix_suffix": "/",
        "hats_order": state.order,
        "hats_builder": "sedsql",
    }
    if CELL in as_stored(state.table).columns:
        properties |= {"hats_col_healpix": CELL, "hats_col_healpix_order": FINEST}
    _write_text(base / "hats.properties", "".join(f"{key}={value}\n" for key, value in properties.items()))


def _write_text(path: Path, text: str) -> None:
    if path.is_file() and path.read_bytes() == text.encode():
        return
    with new_file(path, force=True) as new:
        new.write_text(text, encoding="utf-8")
