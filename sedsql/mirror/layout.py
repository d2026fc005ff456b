"""Name the folders and files of a table: HEALPix partitions, as in HATS, of files sorted by the column of cells.

DIR/<schema>/<table>/dataset/Norder=K/Dir=D/Npix=N/<piece>-<digest>.parquet
(HATS, IVOA Note 2025, Section 3: partitioning). A table without cells has its files in `dataset` itself.
A file's name ends with the first digits of its content's sha256: files of one name are the same in every mirror.
"""

import hashlib
import os
import re
from pathlib import Path

from sedsql.catalogue import Table
from sedsql.catalogue.healpix import number_of_cells
from sedsql.files.object_storage.duckdb_files import PREFIX
from sedsql.mirror.table_state import File

PARTITION_ROWS = 3_000_000
"""Mean rows of a partition: DuckDB opens every file for a query, LSDB holds a whole one."""

PARTIAL = ".partial-"
"""The names of files begin so until the files belong to the mirror."""


def partition_order(rows: int, sky: float = 1.0) -> int:
    """Choose the lowest HEALPix order at which partitions have PARTITION_ROWS or fewer on average.

    sky : the share of the sky that the rows come from
    """
    order = 0
    while order < 6 and rows > PARTITION_ROWS * max(1.0, sky * number_of_cells(order)):
        order += 1
    return order


def folder_of(table: Table) -> str:
    """The folder of a table's files, relative to the mirror and within it, whatever the table is called."""
    return "/".join(map(_folder, table.parts)) + "/dataset"


def _folder(part: str) -> str:
    folder = re.sub(r"[^\w.+-]|^\.", "_", part[:60])
    if folder == part and not re.search(r"-[0-9a-f]{8}$", part):
        return part
    # Two names that differ only in other signs, or beyond the end, must not share a folder.
    return f"{folder}-{hashlib.sha256(part.encode()).hexdigest()[:8]}"


def hidden(path: Path) -> Path:
    """The name of a file that does not belong to the mirror yet: readers of the folder pass over it."""
    return path.with_name(PARTIAL + path.name)


def on_disk(folder: Path, file: File) -> Path:
    """The path of a file of the mirror in a folder, whether it is still hidden or not."""
    path = folder / file.path
    return found if (found := hidden(path)).exists() else path


def read_as(folder: Path, file: File) -> str:
    """The path of a file, which may be on object storage, as DuckDB reads it."""
    return escaped(file.path if file.path.startswith(PREFIX) else on_disk(folder, file))


def number_of(path: str, stem: str) -> int:
    """The number in a file's name that begins with `stem`, such as 3 in part-3-0a1b2c3d4e5f.parquet; 0 in others."""
    found = re.match(rf"{stem}-(\d+)-", Path(path).name)
    return int(found[1]) if found else 0


def escaped(path: str | os.PathLike) -> str:
    """Write a path so that DuckDB takes it letter by letter, and not for a pattern."""
    return re.sub(r"[*?\[]", r"[\g<0>]", os.fspath(path))
