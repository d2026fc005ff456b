"""Read and write Arrow's own files in pieces: the file format, which is Feather, and the stream format for pipes."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

STREAM = ".arrows"
"""The ending of the stream format's files; other names are of the file format, and either is read under any name."""

_FILE_MARK = b"ARROW1"


def read(path: Path) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Read the schema, and the batches."""
    with open(path, "rb") as file:
        is_file = file.read(len(_FILE_MARK)) == _FILE_MARK
    if is_file:
        reader = pa.ipc.open_file(pa.OSFile(str(path)))
        return reader.schema, map(reader.get_batch, range(reader.num_record_batches))
    stream = pa.ipc.open_stream(pa.OSFile(str(path)))
    return stream.schema, iter(stream)


def write(path: Path, schema: pa.Schema, pieces: Iterator[pa.Table]) -> None:
    """Write pieces, without compression, so that every reader can map them into memory."""
    new = pa.ipc.new_stream if path.name.lower().endswith(STREAM) else pa.ipc.new_file
    with new(str(path), schema) as writer:
        for piece in pieces:
            writer.write_table(piece)
