"""Few files instead of many: the pieces of each partition become one file, sorted."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from . import Progress, cells, layout
from .layout import File, TableWriter
from .manifest import Manifest, Stored
from .sort import BATCH, SCRATCH, sorted_by
from .store import save


def compact_small(mirror: Path, manifest: Manifest, progress: Progress) -> None:
    """Compact the tables that have many files a partition."""
    for stored in manifest.values():
        partitions = {Path(path).parent for path in stored.files}
        if stored.place is None and len(stored.files) > 2 * len(partitions) + 6:
            compact(mirror, manifest, stored, progress)


def compact(mirror: Path, manifest: Manifest, stored: Stored, progress: Progress) -> tuple[int, int]:
    """Rewrite the table in partitions of the size that its rows ask for; gives the numbers of files before and after.

    What is read meanwhile are the old files; all the new ones take their place at once.
    """
    before = len(stored.files)
    order = _order(stored)
    if order != stored.order:
        groups = [list(stored.files.values())]
    else:
        by_folder: dict[Path, list[File]] = {}
        for file in stored.files.values():
            by_folder.setdefault(Path(file.path).parent, []).append(file)
        groups = [files for files in by_folder.values() if len(files) > 1]
    if not groups:
        return before, before
    number = max((layout.number_of(path, "part") for path in stored.files), default=0) + 1
    done, total = 0, sum(file.rows for files in groups for file in files)
    for files in groups:
        pieces = {name: stored.pieces[name] for file in files for name in file.pieces if name in stored.pieces}
        of_pieces = [{"name": piece.name, "ranges": piece.ranges, "rows": piece.rows} for piece in pieces.values()]
        about = {"source": stored.service or ""}
        with TableWriter(mirror, stored.table, order, f"part-{number}", about, of_pieces) as writer:
            for rows in _sorted(mirror, files, stored.table.sort_column):
                writer.write(rows)
                done += rows.num_rows
                progress(f"compacting {stored.table.name}", done, total)
            new = writer.close()
        for file in files:
            del stored.files[file.path]
        stored.files |= {file.path: file for file in new}
    stored.order = order
    save(mirror, manifest)
    return before, len(stored.files)


def _order(stored: Stored) -> int | None:
    """The order of partitions that the rows there are ask for."""
    if stored.order is None:
        return None
    ranges = stored.covered or cells.union((file.low or 0, (file.high or 0) + 1) for file in stored.files.values())
    return layout.partition_order(stored.rows, cells.size(ranges) / cells.size(cells.SKY))


def _sorted(mirror: Path, files: list[File], column: str | None) -> Iterator[pa.Table]:
    """The rows of the files in the order of the column; files that come one after the other are read as they are."""
    files = sorted(files, key=lambda file: (file.low or 0, file.high or 0))
    apart = all((one.high or 0) < (other.low or 0) for one, other in pairwise(files))
    batches = _batches([mirror / file.path for file in files])
    if column is None or apart:
        return (pa.Table.from_batches([batch]) for batch in batches)
    schema = pq.read_schema(mirror / files[0].path)
    return sorted_by(column, batches, schema.remove_metadata(), mirror / SCRATCH)


def _batches(paths: list[Path]) -> Iterator[pa.RecordBatch]:
    for path in paths:
        with pq.ParquetFile(path) as parquet:
            for batch in parquet.iter_batches(BATCH):
                yield batch.replace_schema_metadata(None)
