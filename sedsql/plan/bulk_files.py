"""Write simulated tables as the Gaia Archive's bulk files have them: gzipped ECSV, `null` for missing values."""

import gzip
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from sedsql.mirror import archive
from sedsql.mirror.columns import as_stored
from sedsql.mirror.database import open_mirror

COLUMNS = 152
"""Of gaiadr3.gaia_source (Gaia DR3 documentation, chapter 20, "Main source catalogue")."""

_KINDS = (("REAL", 62), ("SMALLINT", 28), ("BOOLEAN", 12), ("DOUBLE", 11), ("VARCHAR", 2))
"""About the types that the archive's gaia_source has besides the simulated columns, and how many of each."""

_ECSV = {"double": "float64", "float": "float32"} | {name: name for name in ("int64", "int16", "bool", "string")}

FILE_ROWS = 500_000
"""Rows of a file, about as many as the archive's have."""


def widened(rows: pa.Table, columns: int, seed: int) -> pa.Table:
    """Add columns of random values, a third of them missing, up to so many columns."""
    rng = np.random.default_rng(seed)
    kinds = [kind for kind, count in _KINDS for _ in range(count)]
    for number in range(rows.num_columns, columns):
        gone = rng.uniform(size=rows.num_rows) < 1 / 3
        values = _values(kinds[number % len(kinds)], rows.num_rows, rng)
        rows = rows.append_column(f"extra_{number}", pa.array(values, mask=gone))
    return rows


def _values(kind: str, rows: int, rng: np.random.Generator) -> np.ndarray:
    if kind == "BOOLEAN":
        return rng.uniform(size=rows) < 0.5
    if kind == "SMALLINT":
        return rng.integers(0, 200, rows).astype(np.int16)
    if kind == "VARCHAR":
        return np.array(["NOT_AVAILABLE", "VARIABLE"], dtype=object)[rng.integers(0, 2, rows)]
    return rng.standard_normal(rows).astype(np.float32 if kind == "REAL" else np.float64)


def write_bulk(path: Path, rows: pa.Table, level: int = 6) -> None:
    """Write an Arrow table as one bulk file."""
    header = [f"# - {{name: {field.name}, datatype: {_ECSV[str(field.type)]}}}" for field in rows.schema]
    lines = ["# %ECSV 1.0", "# ---", "# delimiter: ','", "# datatype:", *header, ""]
    plain = path.with_suffix(".partial")
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = false")
        con.register("part", rows)
        con.execute(f"COPY part TO '{plain}' (FORMAT csv, HEADER, NULLSTR 'null')")
    with gzip.open(path, "wb", compresslevel=level) as file, plain.open("rb") as source:
        file.write("\n".join(lines).encode())
        shutil.copyfileobj(source, file, 1 << 22)
    plain.unlink()


def write_tables(sample: Path, folder: Path, columns: int) -> None:
    """Write the six tables of a simulated mirror into a folder of files for each.

    columns : of gaia_source
    """
    with open_mirror(sample) as con:
        con.execute("SET enable_progress_bar = false")
        for name, table in archive.TABLES.items():
            order = as_stored(table).sort_column
            query = f"SELECT {', '.join(table.columns)} FROM {name} {f'ORDER BY {order}' if order else ''}"
            (folder / name).mkdir(parents=True)
            for number, batch in enumerate(con.sql(query).to_arrow_reader(FILE_ROWS)):
                rows = pa.Table.from_batches([batch])
                if name == archive.GAIA:
                    rows = widened(rows, columns, number)
                write_bulk(folder / name / f"part_{number:05}.csv.gz", rows, level=1)
