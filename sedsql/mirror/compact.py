"""Merge the many small files of each partition into one sorted file."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sedsql.mirror import Progress, layout
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.ranges import SKY, size, union
from sedsql.mirror.sort import BATCH, SCRATCH, sorted_by
from sedsql.mirror.stored import is_made
from sedsql.mirror.stored.upkeep import Unchanged
from sedsql.mirror.table_state import File, TableState
from sedsql.mirror.writer import TableWriter


def compact_small(mirror: Mirror, progress: Progress) -> None:
    """Compact the tables that have many files a partition."""
    for state in list(mirror.tables.values()):
        partitions = {Path(path).parent for path in state.files}
        is_merged = state.place is None and not is_made(state)
        if is_merged and len(state.files) > 2 * len(partitions) + 6:
            compact(mirror, state, progress)


def compact(mirror: Mirror, state: TableState, progress: Progress) -> tuple[int, int]:
    """Rewrite a table of the mirror in partitions that suit its number of rows; gives the files before and after.

    Readers meanwhile have the old files; all new ones take their place at once.
    """
    before = len(state.files)
    order = _order(state)
    groups = _groups(state, order)
    if not groups:
        return before, before
    unchanged = Unchanged(mirror)
    number = max((layout.number_of(path, "part") for path in state.files), default=0) + 1
    done, total = 0, sum(file.rows for files in groups for file in files)
    for files in groups:
        pieces = {name: state.pieces[name] for file in files for name in file.pieces if name in state.pieces}
        of_pieces = [{"name": piece.name, "ranges": piece.ranges, "rows": piece.rows} for piece in pieces.values()]
        about = {"source": state.service or ""}
        with TableWriter(mirror.folder, state.table, order, f"part-{number}", about, of_pieces) as writer:
            for rows in _sorted(mirror.folder, files, state.table.sort_column):
                writer.write(rows)
                done += rows.num_rows
                progress(f"compacting {state.table.name}", done, total)
            new = writer.close()
        for file in files:
            del state.files[file.path]
        state.files |= {file.path: file for file in new}
    state.order = order
    unchanged.rename()
    mirror.save()
    return before, len(state.files)


def _order(state: TableState) -> int | None:
    """Choose the order of partitions that suits the rows."""
    if state.order is None:
        return None
    ranges = state.covered or union((file.low or 0, (file.high or 0) + 1) for file in state.files.values())
    return layout.partition_order(state.rows, size(ranges) / size(SKY))


def _groups(state: TableState, order: int | None) -> list[list[File]]:
    """The files that are to be merged with one another: all if the order changes, or else those of each partition."""
    if order != state.order:
        return [list(state.files.values())]
    by_folder: dict[Path, list[File]] = {}
    for file in state.files.values():
        by_folder.setdefault(Path(file.path).parent, []).append(file)
    return [files for files in by_folder.values() if len(files) > 1]


def _sorted(folder: Path, files: list[File], column: str | None) -> Iterator[pa.Table]:
    """Read the rows of files in the order of the column; files that do not overlap are read one after the other."""
    files = sorted(files, key=lambda file: (file.low or 0, file.high or 0))
    apart = all((one.high or 0) < (other.low or 0) for one, other in pairwise(files))
    batches = _batches([folder / file.path for file in files])
    if column is None or apart:
        return (pa.Table.from_batches([batch]) for batch in batches)
    schema = pq.read_schema(folder / files[0].path)
    return sorted_by(column, batches, schema.remove_metadata(), folder / SCRATCH)


def _batches(paths: list[Path]) -> Iterator[pa.RecordBatch]:
    for path in paths:
        with pq.ParquetFile(path) as parquet:
            for batch in parquet.iter_batches(BATCH):
                yield batch.replace_schema_metadata(None)
