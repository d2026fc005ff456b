"""Open Parquet files to write: an answer is compressed alike in a file and in a pipe."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sedsql.files.errors import TableError


def parquet_writer(target: Path | pa.NativeFile, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a file of these columns; TableError where Parquet has no such type."""
    # Floating-point numbers repeat too seldom: a dictionary of them takes longer to make than all else, and room.
    repeated = [field.name for field in schema if not pa.types.is_floating(field.type)]
    try:
        return pq.ParquetWriter(target, schema, compression="zstd", use_dictionary=repeated)
    except pa.ArrowNotImplementedError as error:
        raise TableError(f"Parquet cannot hold such columns: {error}.") from None
