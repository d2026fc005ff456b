"""What makes a table's folder a HATS catalogue, which LSDB reads (IVOA Note "HATS", 2025, Section 3)."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..catalogue import CELL, Table
from ..output import flush, new_file
from .cells import ORDER
from .layout import arrow_schema, folder_of, hidden, with_cells
from .manifest import Manifest, Stored

SCHEMA_FILE = "_common_metadata"
PROPERTIES = ("hats.properties", "partition_info.csv")


def owned(manifest: Manifest) -> set[str]:
    """The files that are the tables' own, relative to the mirror; some of those that are no rows may not be there."""
    files: set[str] = set()
    for stored in manifest.values():
        if stored.place is None:
            files |= {*stored.files, *besides(stored.table)}
    return files


def besides(table: Table) -> list[str]:
    """The files of a table that are no rows."""
    dataset = Path(folder_of(table))
    return [(dataset / SCHEMA_FILE).as_posix(), *((dataset.parent / name).as_posix() for name in PROPERTIES)]


def begin(mirror: Path, manifest: Manifest) -> list[str]:
    """Write the columns of tables that are new, in hidden files; gives their names. `repair` knows a table by it."""
    new = []
    for stored in manifest.values():
        path = mirror / folder_of(stored.table) / SCHEMA_FILE
        if stored.place is None and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_metadata(_schema(stored), hidden(path))
            flush(hidden(path))
            new.append(path.relative_to(mirror).as_posix())
    return new


def write(mirror: Path, manifest: Manifest) -> None:
    """Write what tells of the tables' rows beside them, where it is not as it should be."""
    for stored in manifest.values():
        if stored.place is None:
            schema_file, *properties = (mirror / path for path in besides(stored.table))
            _write_schema(schema_file, _schema(stored))
            if stored.table.position and stored.order is not None:
                _write_catalogue(properties[0].parent, stored)
            else:
                for path in properties:
                    path.unlink(missing_ok=True)


def _schema(stored: Stored) -> pa.Schema:
    settings = {"service": stored.service, "condition": stored.condition, "slicing": stored.slicing}
    return arrow_schema(with_cells(stored.table), {"sedsql.settings": json.dumps(settings)})


def _write_schema(path: Path, schema: pa.Schema) -> None:
    try:
        if pq.read_schema(path).equals(schema, check_metadata=True):
            return
    except (OSError, pa.ArrowInvalid):
        pass  # gone, or damaged
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path, force=True) as new:
        pq.write_metadata(schema, new)


def _write_catalogue(base: Path, stored: Stored) -> None:
    shift = 2 * (ORDER - (stored.order or 0))
    rows: dict[int, int] = {}
    for file in stored.files.values():
        pixel = (file.low or 0) >> shift
        rows[pixel] = rows.get(pixel, 0) + file.rows
    lines = [f"{stored.order},{pixel},{count}\n" for pixel, count in sorted(rows.items())]
    _write_text(base / "partition_info.csv", "".join(["Norder,Npix,num_rows\n", *lines]))
    ra, dec = stored.table.position or ("", "")
    properties = {
        "obs_collection": re.sub(r"\W", "_", stored.table.name),
        "obs_title": stored.table.description or stored.table.name,
        "dataproduct_type": "object",
        "hats_version": "v1.0",
        "hats_nrows": stored.rows,
        "hats_col_ra": ra,
        "hats_col_dec": dec,
        "hats_npix_suffix": "/",
        "hats_order": stored.order,
        "hats_builder": "sedsql",
    }
    if CELL in with_cells(stored.table).columns:
        properties |= {"hats_col_healpix": CELL, "hats_col_healpix_order": 29}
    _write_text(base / "hats.properties", "".join(f"{key}={value}\n" for key, value in properties.items()))


def _write_text(path: Path, text: str) -> None:
    if path.is_file() and path.read_bytes() == text.encode():
        return
    with new_file(path, force=True) as new:
        new.write_text(text, encoding="utf-8")
