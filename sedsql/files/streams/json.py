"""Write JSON as the Gaia Archive does: {"metadata": [an object a column], "data": [a list a row]}."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from sedsql.files.json import to_json
from sedsql.files.json_cells import json_cells
from sedsql.files.streams.fields import field_of
from sedsql.files.streams.limited import Limited
from sedsql.files.text import all_joined, text_scalar


def write(file, format: str, schema: pa.Schema, batches: Limited, infos: Mapping[str, str]) -> None:
    """Write the columns with VOTable's types, units, UCDs and descriptions; the rows; and how the query went.

    NaN and infinities are null, for JSON has no such numbers.
    """
    columns = [field_of(one).attributes() for one in schema]
    file.write(f'{{"metadata": {to_json(columns)},\n"infos": {to_json(infos)},\n"data": ['.encode())
    before = b"\n"
    for batch in batches.pieces():
        file.write(before)
        file.write(_rows(batch))
        before = b",\n"
    status = "OVERFLOW" if batches.overflow else "OK"
    file.write(f'\n],\n"query_status": "{status}"}}\n'.encode())


def _rows(batch: pa.RecordBatch) -> bytes:
    rows = pc.binary_join_element_wise(*map(json_cells, batch.columns), text_scalar(","))
    return b"[" + memoryview(all_joined(rows, "],\n[")) + b"]"
