"""Sort rows by DuckDB, which puts on disk what memory does not hold."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from sedsql.mirror.manifest import MirrorError
from sedsql.sql_text import identifier

SCRATCH = ".sorting"
"""The folder in a mirror for what memory does not hold."""

BATCH = 65_536
_MEMORY = "300MB"


def sorted_by(column: str, batches: Iterable[pa.RecordBatch], schema: pa.Schema, scratch: Path) -> Iterator[pa.Table]:
    """Sort rows by a column; an error of `batches` is raised as it is, an error of sorting as MirrorError.

    scratch : a folder that is made when it is needed, and is gone afterwards
    """
    failed: list[BaseException] = []

    def watched() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except BaseException as error:  # DuckDB would change its message
            failed.append(error)
            raise

    try:
        with duckdb.connect() as con:
            con.execute(f"SET memory_limit = '{_MEMORY}'")
            # Each thread holds rows of its own: two take more than a third of a gigabyte more.
            con.execute("SET threads = 1")
            con.execute("SET temp_directory = ?", [str(scratch)])
            con.register("came", pa.RecordBatchReader.from_batches(schema, watched()))
            for batch in con.sql(f"SELECT * FROM came ORDER BY {identifier(column)}").to_arrow_reader(BATCH):
                yield pa.Table.from_batches([batch])
    except Exception as error:
        if failed:
            raise failed[0] from None
        if isinstance(error, duckdb.Error | OSError):
            raise MirrorError(f"The rows cannot be sorted: {str(error).splitlines()[0]}") from error
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
