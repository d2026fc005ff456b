"""What makes a table's folder a HATS catalogue, which LSDB reads (IVOA Note "HATS", 2025, Section 3)."""

import json
import re
from pathlib import Path

import pyarrow.parquet as pq

from ..catalogue import CELL
from ..output import new_file
from .cells import ORDER
from .layout import arrow_schema, folder_of, with_cells
from .manifest import Manifest, Stored

SCHEMA_FILE = "_common_metadata"


def write_schema(mirror: Path, stored: Stored) -> None:
    """Write the file that has a table's columns and no rows, if it is not there as it should be."""
    if stored.place is not None:
        return
    path = mirror / folder_of(stored.table) / SCHEMA_FILE
    settings = {"service": stored.service, "condition": stored.condition, "slicing": stored.slicing}
    schema = arrow_schema(with_cells(stored.table), {"sedsql.settings": json.dumps(settings)})
    if path.exists() and pq.read_schema(path).equals(schema, check_metadata=True):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path, force=True) as new:
        pq.write_metadata(schema, new)


def write_catalogues(mirror: Path, manifest: Manifest) -> None:
    """Write hats.properties and partition_info.csv of each table that has positions."""
    for stored in manifest.values():
        if stored.table.position and stored.order is not None and stored.place is None:
            _write_catalogue(mirror, stored)


def _write_catalogue(mirror: Path, stored: Stored) -> None:
    base = (mirror / folder_of(stored.table)).parent
    shift = 2 * (ORDER - (stored.order or 0))
    rows: dict[int, int] = {}
    for file in stored.files.values():
        pixel = (file.low or 0) >> shift
        rows[pixel] = rows.get(pixel, 0) + file.rows
    with new_file(base / "partition_info.csv", force=True) as new:
        lines = [f"{stored.order},{pixel},{count}\n" for pixel, count in sorted(rows.items())]
        new.write_text("".join(["Norder,Npix,num_rows\n", *lines]), encoding="utf-8")
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
    with new_file(base / "hats.properties", force=True) as new:
        new.write_text("".join(f"{key}={value}\n" for key, value in properties.items()), encoding="utf-8")
