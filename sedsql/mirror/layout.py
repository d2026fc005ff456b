"""The Parquet files of a table: HEALPix partitions, as in HATS, each sorted by the column that holds the cell.

DIR/<schema>/<table>/dataset/Norder=K/Dir=D/Npix=N/<piece>-<digest>.parquet
(HATS, IVOA Note 2025, Section 3: partitioning). A table without cells has its files in `dataset` itself.
A file's name ends with the first digits of its content's sha256: files of one name are the same in every mirror.
"""

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..catalogue import CELL, Column, Table
from ..output import flush
from .cells import ORDER, apart, fine_cells

ROW_GROUP = 100_000
PARTITION_ROWS = 3_000_000
"""Mean rows of a partition: DuckDB opens every file for a query, LSDB holds a whole one."""

PARTIAL = ".partial-"
"""The names of files begin so until they are of the mirror."""

ARROW_TYPES = {
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "SMALLINT": pa.int16(),
    "DOUBLE": pa.float64(),
    "REAL": pa.float32(),
    "VARCHAR": pa.string(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us"),
}


@dataclass(frozen=True)
class File:
    """A Parquet file of a table.

    path : relative to the mirror; absolute for a catalogue that is used where it lies
    sha256 : None for the latter
    low, high : the first and last cell of order 12 in it; None without cells
    pieces : names of the pieces that its rows came in
    reach : degrees, the largest distance of a position from the cell of its row; None where it is not known
    """

    path: str
    rows: int
    bytes: int
    sha256: str | None
    low: int | None
    high: int | None
    pieces: tuple[str, ...] = ()
    reach: float | None = None


def with_cells(table: Table) -> Table:
    """The table as it is stored: one with positions but without Gaia's source_id gets the column of HEALPix cells."""
    return table if table.has_cells or not table.position else celled(table)


def celled(table: Table) -> Table:
    """The table with a column of HEALPix cells."""
    about = "HEALPix cell of order 29 of the position, nested; added by sedsql"
    return table.adding(Column(CELL, "BIGINT", None, "pos.healpix", about))


def arrow_schema(table: Table, metadata: dict[str, str] | None = None) -> pa.Schema:
    """The Arrow schema of a table; each field's metadata has its unit, UCD and description."""
    return pa.schema(
        [pa.field(column.name, arrow_type(column), metadata=_about(column)) for column in table.columns.values()],
        metadata={"table": table.name, "description": table.description or "", **(metadata or {})},
    )


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type of a column; DuckDB's words for lists, such as DOUBLE[], are understood."""
    if column.datatype.endswith("[]"):
        return pa.list_(ARROW_TYPES[column.datatype[:-2]])
    return ARROW_TYPES[column.datatype]


def _about(column: Column) -> dict[str, str]:
    about = {"unit": column.unit, "ucd": column.ucd, "description": column.description}
    return {key: value for key, value in about.items() if value}


def partition_order(rows: int, sky: float = 1.0) -> int:
    """The HEALPix order at which partitions have PARTITION_ROWS or fewer on average.

    sky : the share of the sky that the rows come from
    """
    order = 0
    while order < 6 and rows > PARTITION_ROWS * max(1.0, sky * 12 * 4**order):
        order += 1
    return order


def folder_of(table: Table) -> str:
    """Where a table is in the mirror: in a folder of its own, within it, whatever the table is called."""
    return "/".join(map(_folder, table.parts)) + "/dataset"


def _folder(part: str) -> str:
    folder = re.sub(r"[^\w.+-]|^\.", "_", part[:60])
    if folder == part and not re.search(r"-[0-9a-f]{8}$", part):
        return part
    # Two names that differ in other signs alone, or beyond the end, are not to share a folder.
    return f"{folder}-{hashlib.sha256(part.encode()).hexdigest()[:8]}"


def sort_cells(table: Table, rows: pa.Table) -> pa.Table:
    """The rows in the order they are stored in, in the columns and types of the stored table."""
    stored = with_cells(table)
    if CELL in stored.columns and CELL not in rows.column_names:
        rows = rows.append_column(CELL, pa.array(fine_cells(*positions(table, rows))))
    rows = rows.select([column.name for column in stored.columns.values()])
    if column := stored.sort_column:
        values = rows[column].fill_null(0).to_numpy()
        if (values[1:] < values[:-1]).any():
            rows = rows.take(pa.array(np.argsort(values, kind="stable")))
    return rows


def hidden(path: Path) -> Path:
    """The name of a file that is whole and not yet of the mirror: who reads the folder passes over it."""
    return path.with_name(PARTIAL + path.name)


def on_disk(mirror: Path, file: File) -> Path:
    """Where a file is, be it hidden still or not."""
    path = mirror / file.path
    return found if (found := hidden(path)).exists() else path


def number_of(path: str, stem: str) -> int:
    """The number in a file's name that begins with `stem`, such as 3 in part-3-0a1b2c3d4e5f.parquet; 0 in others."""
    found = re.match(rf"{stem}-(\d+)-", Path(path).name)
    return int(found[1]) if found else 0


def distances(table: Table, rows: pa.Table) -> NDArray[np.float64] | None:
    """How far the position of each row lies from the cell in the table's column of cells, as `cells.apart` has it.

    None for a table without positions or cells.
    """
    column = table.sort_column
    if not table.position or column is None:
        return None
    cell = rows[column].fill_null(-1).to_numpy() >> table.cell_shift
    return apart(cell, *positions(table, rows))


def positions(table: Table, rows: pa.Table) -> list[NDArray[np.float64]]:
    """Right ascensions and declinations; NaN where there are none."""
    return [rows[name].cast(pa.float64()).fill_null(np.nan).to_numpy() for name in table.position or ()]


class TableWriter:
    """Writes rows into one file a partition; memory is bounded when they come nearly in the order of cells.

    They are hidden, and `store.save` gives them their names; none is left by a writer that is not closed well.

    order : of the partitions; None for a table without cells, which becomes one file
    name : of the files
    pieces : those that the rows came in, as a dictionary each, to be kept in the files
    in_order : the rows come in the order of cells, so that a partition is done when another begins
    """

    def __init__(
        self,
        mirror: Path,
        table: Table,
        order: int | None,
        name: str,
        metadata: dict[str, str] | None = None,
        pieces: list[dict] | None = None,
        *,
        in_order: bool = False,
    ):
        self.table = with_cells(table)
        about = {**(metadata or {}), "sedsql.pieces": json.dumps(pieces or [])}
        self.schema = arrow_schema(self.table, about)
        self._pieces = tuple(piece["name"] for piece in pieces or [])
        self._mirror, self._order, self._name = mirror, order, name
        self._in_order = in_order
        self._sort = self.table.sort_column if order is not None else None
        self._shift = self.table.cell_shift + 2 * (ORDER - (order or 0))
        self._open: dict[int, _OneFile] = {}

    def write(self, rows: pa.Table) -> None:
        """Append rows, which have the columns of `self.schema`, or lack the one of cells."""
        if not rows.num_rows:
            return
        rows = sort_cells(self.table, rows).cast(self.schema)
        if self._sort is None:
            self._file(0).append(rows)
            return
        partitions = np.maximum(rows[self._sort].fill_null(0).to_numpy(), 0) >> self._shift
        starts = np.flatnonzero(np.diff(partitions, prepend=partitions[0] - 1))
        apart = distances(self.table, rows)
        for start, end in zip(starts, [*starts[1:], len(partitions)], strict=True):
            part = rows.slice(start, end - start)
            file = self._file(int(partitions[start]))
            file.append(_copied(part) if 2 * part.num_rows < rows.num_rows else part)
            if apart is not None:
                file.reach = max(file.reach or 0.0, float(apart[start:end].max()))
        for partition, file in self._open.items():
            if partition < partitions[0]:
                file.close() if self._in_order else file.flush()

    def _file(self, partition: int) -> "_OneFile":
        if partition not in self._open:
            path = self._mirror / folder_of(self.table)
            if self._sort is not None:
                order = self._order or 0
                path = path / f"Norder={order}" / f"Dir={partition // 10_000 * 10_000}" / f"Npix={partition}"
            path.mkdir(parents=True, exist_ok=True)
            self._open[partition] = _OneFile(path / f"{self._name}.parquet", self.schema, self._sort)
        return self._open[partition]

    def close(self) -> list[File]:
        """Put the files on the disk, whole, and tell what they will be called."""
        files = []
        for one in self._open.values():
            one.close()
        for one in self._open.values():
            low, high = (None, None) if self._sort is None else (value >> self.table.cell_shift for value in one.ends)
            size, digest = one.partial.stat().st_size, sha256(one.partial)
            path = one.path.with_stem(f"{one.path.stem}-{digest[:12]}")
            flush(one.partial)
            name = path.relative_to(self._mirror).as_posix()
            files.append(File(name, one.rows, size, digest, low, high, self._pieces, one.reach))
            one.partial.replace(hidden(path))
        self._open = {}
        return files

    def abandon(self) -> None:
        """Remove what was written."""
        for one in self._open.values():
            one.abandon()
        self._open = {}

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        # One that was not closed in the block was left by an error.
        self.abandon()


def _copied(rows: pa.Table) -> pa.Table:
    """The rows in memory of their own: a slice, however small, keeps all of the table that it is of."""
    return rows.take(np.arange(rows.num_rows))


class _OneFile:
    """A Parquet file under a name beside its own, in row groups of ROW_GROUP whatever the pieces that come."""

    def __init__(self, path: Path, schema: pa.Schema, sort: str | None):
        self.path = path
        self.partial = hidden(path)
        self.schema = schema
        self.rows = 0
        self.ends = (0, 0)
        self.reach: float | None = None
        self._sort = sort
        self._waiting: list[pa.Table] = []
        self._held = 0
        words = [field.name for field in schema if field.type in (pa.string(), pa.int16(), pa.bool_())]
        # zstd takes a seventh less room, for numbers hardly compress, and twice the time of a scan from memory.
        self._writer: Any = pq.ParquetWriter(self.partial, schema, compression="snappy", use_dictionary=words)

    def append(self, rows: pa.Table) -> None:
        if self._sort:
            first, last = rows[self._sort][0].as_py() or 0, rows[self._sort][-1].as_py() or 0
            self.ends = (min(first, self.ends[0]), max(last, self.ends[1])) if self.rows else (first, last)
        self._waiting.append(rows)
        self._held += rows.num_rows
        self.rows += rows.num_rows
        if self._held >= ROW_GROUP:
            rows = pa.concat_tables(self._waiting)
            whole = self._held - self._held % ROW_GROUP
            self._writer.write_table(rows.slice(0, whole), row_group_size=ROW_GROUP)
            self._waiting = [_copied(rows.slice(whole))]
            self._held -= whole

    def flush(self, least: int = ROW_GROUP // 50) -> None:
        """Write what waits, unless it is little: more may come."""
        if self._held >= least:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=ROW_GROUP)
            self._waiting, self._held = [], 0

    def close(self) -> None:
        if self._writer:
            self.flush(1)
            self._writer.close()
            # It would keep the metadata of all row groups.
            self._writer = None

    def abandon(self) -> None:
        with suppress(OSError, pa.ArrowException):  # the disk may be full
            if self._writer:
                self._writer.close()
        self._writer = None
        self.partial.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
