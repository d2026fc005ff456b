"""Write Arrow's stream format, the one for pipes."""

from collections.abc import Mapping

import pyarrow as pa

from sedsql.files.streams.limited import Limited
from sedsql.files.streams.sink import sink


def write(file, format: str, schema: pa.Schema, batches: Limited, infos: Mapping[str, str]) -> None:
    """Write the schema, with infos in its metadata, and the batches; the mark of the end comes only after the last."""
    described = schema.with_metadata({**(schema.metadata or {}), **infos} or None)
    with sink(file) as target:
        # As a context manager the writer would put the mark of the end after an error too.
        writer = pa.ipc.new_stream(target, described)
        for batch in batches:
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=described))
        writer.close()
