"""Write Parquet with the metadata of VOParquet (IVOA Note "Parquet in the VO" 1.0, Section 2.2)."""

from collections.abc import Iterator, Mapping

import pyarrow as pa

from sedsql.files.parquet import parquet_writer
from sedsql.files.streams.document import after_rows, before_rows
from sedsql.files.streams.fields import field_of
from sedsql.files.streams.limited import Limited
from sedsql.files.streams.sink import sink
from sedsql.files.text import as_text

_GROUP = 122_880
_GROUP_BYTES = 1 << 26
"""A row group has so many rows, or fewer of about so many bytes: they are held in memory."""


def write(file, format: str, schema: pa.Schema, batches: Limited, infos: Mapping[str, str]) -> None:
    """Write row groups as the rows come, and at the end the metadata, a VOTable without rows among them.

    Intervals and unions, which Parquet has not, become text.
    """
    fields = [one.with_type(pa.string()) if _is_no_parquet(one.type) else one for one in schema]
    described = pa.schema(fields, {**(schema.metadata or {}), **infos} or None)
    with sink(file) as target:
        writer = parquet_writer(target, described)
        for group in _groups(batches, described):
            writer.write_table(group)
        votable = before_rows(schema, map(field_of, fields), infos) + after_rows(batches.overflow)
        writer.add_key_value_metadata({"IVOA.VOTable-Parquet.version": "1.0", "IVOA.VOTable-Parquet.content": votable})
        writer.close()


def _is_no_parquet(kind: pa.DataType) -> bool:
    return pa.types.is_interval(kind) or pa.types.is_union(kind)


def _groups(batches: Limited, schema: pa.Schema) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for piece in batches.pieces():
        columns = [as_text(one) if _is_no_parquet(one.type) else one for one in piece.columns]
        waiting.append(pa.RecordBatch.from_arrays(columns, schema=schema))
        rows, size = rows + piece.num_rows, size + piece.nbytes
        if rows >= _GROUP or size >= _GROUP_BYTES:
            yield pa.Table.from_batches(waiting)
            waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.Table.from_batches(waiting)
