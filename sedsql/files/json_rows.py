"""Write rows as JSON: a list with an object for each row, one a line."""

from collections.abc import Iterable
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from sedsql.files.errors import TableError
from sedsql.files.json import to_json
from sedsql.files.json_cells import json_cells
from sedsql.files.streams import Output
from sedsql.files.text import all_joined, text_scalar


def write(file: Output, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches; TableError where an object could not hold all columns."""
    if len(set(schema.names)) < len(schema):
        raise TableError("JSON holds a column's name once; name columns that are alike with AS.")
    before = b"["
    for batch in batches:
        if batch.num_rows:
            file.write(before + _objects(batch))
            before = b",\n"
    file.write(b"[]\n" if before == b"[" else b"]\n")


def _objects(batch: pa.RecordBatch) -> memoryview:
    names = [text_scalar(f"{', ' if k else '{'}{to_json(name)}: ") for k, name in enumerate(batch.schema.names)]
    parts = chain.from_iterable(zip(names, map(json_cells, batch.columns), strict=True))
    rows = pc.binary_join_element_wise(*parts, text_scalar("}"), text_scalar(""))
    return memoryview(all_joined(rows, ",\n"))
