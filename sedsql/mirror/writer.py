"""Write the rows of a table into Parquet files, one for each partition."""

import hashlib
import json
from collections.abc import Collection
from contextlib import suppress
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sedsql.catalogue import Table
from sedsql.catalogue.healpix import ORDER
from sedsql.files.atomic import flush
from sedsql.mirror.columns import arrow_schema, as_stored
from sedsql.mirror.layout import folder_of, hidden
from sedsql.mirror.rows import distances, sort_cells
from sedsql.mirror.table_state import File

ROW_GROUP = 100_000
PAGE = 32_768
"""Bytes of a page, 4,096 large numbers: where DuckDB 2.0 seeks a few rows, it reads the pages that have them."""


class TableWriter:
    """Write rows into one file a partition; memory is bounded when they come nearly in the order of cells.

    The files are hidden until `Mirror.save` gives them their names. A writer that is not closed leaves none.

    folder : of the mirror
    order : of the partitions; None for a table without cells, which becomes one file
    name : of the files
    pieces : those that the rows came in, as a dictionary each, to be kept in the files
    in_order : the rows come in the order of cells, so that a partition is done when another begins
    sought : columns of few values; each row group tells which it has, so that readers skip those without a rare one
    """

    def __init__(
        self,
        folder: Path,
        table: Table,
        order: int | None,
        name: str,
        metadata: dict[str, str] | None = None,
        pieces: list[dict] | None = None,
        *,
        in_order: bool = False,
        sought: Collection[str] = (),
    ):
        self.table = as_stored(table)
        about = {**(metadata or {}), "sedsql.pieces": json.dumps(pieces or [])}
        self.schema = arrow_schema(self.table, about)
        self._pieces = tuple(piece["name"] for piece in pieces or [])
        self._folder, self._order, self._name = folder, order, name
        self._in_order, self._sought = in_order, sought
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
            path = self._folder / folder_of(self.table)
            if self._sort is not None:
                order = self._order or 0
                path = path / f"Norder={order}" / f"Dir={partition // 10_000 * 10_000}" / f"Npix={partition}"
            path.mkdir(parents=True, exist_ok=True)
            self._open[partition] = _OneFile(path / f"{self._name}.parquet", self.schema, self._sort, self._sought)
        return self._open[partition]

    def close(self) -> list[File]:
        """Put the files on the disk, whole, and give their future names."""
        files = []
        for one in self._open.values():
            one.close()
        for one in self._open.values():
            low, high = (None, None) if self._sort is None else (value >> self.table.cell_shift for value in one.ends)
            size, digest = one.partial.stat().st_size, sha256(one.partial)
            path = one.path.with_stem(f"{one.path.stem}-{digest[:12]}")
            flush(one.partial)
            name = path.relative_to(self._folder).as_posix()
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
    """Copy the rows: a slice, however small, keeps all of its table in memory."""
    return rows.take(np.arange(rows.num_rows))


class _OneFile:
    """A hidden Parquet file, in row groups of ROW_GROUP whatever the size of the pieces that come."""

    def __init__(self, path: Path, schema: pa.Schema, sort: str | None, sought: Collection[str]):
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
        self._writer: Any = pq.ParquetWriter(
            self.partial,
            schema,
            compression="snappy",
            use_dictionary=words,
            data_page_size=PAGE,
            write_page_index=True,
            **_filters(sought),
        )

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
        """Write the rows that wait, unless they are few: more may come."""
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


def _filters(columns: Collection[str]) -> dict[str, Any]:
    """Ask for Bloom filters of columns of some dozen values, 200 bytes each; an earlier pyarrow writes none."""
    if not columns or "bloom_filter_options" not in signature(pq.ParquetWriter.__init__).parameters:
        return {}
    return {"bloom_filter_options": {name: {"ndv": 128, "fpp": 0.01} for name in columns}}


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
