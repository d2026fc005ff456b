"""Write rows of a result in a format of files, with the units, UCDs and descriptions of their columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import duckdb
import pyarrow as pa

from sedsql.files.streams import Output, StreamFormat, Written, write_stream

_ROWS = 30_000
"""Rows of a batch, which is a few MB of a table as wide as Gaia's."""


def export(
    con: duckdb.DuckDBPyConnection,
    query: str,
    known: pa.Schema,
    file: Output,
    format: StreamFormat,
    infos: Mapping[str, str] | None = None,
) -> Written:
    """Write the rows of a query of DuckDB's SQL.

    known : fields whose metadata columns of the same name get; its own metadata are the answer's
    infos : what else the answer says of itself
    """
    reader = con.execute(query).to_arrow_reader(_ROWS)
    assert reader
    schema = described(reader.schema, known)
    batches: Iterator[pa.RecordBatch] = (pa.RecordBatch.from_arrays(one.columns, schema=schema) for one in reader)
    return write_stream(file, format, schema, batches, infos=infos)


def described(schema: pa.Schema, known: pa.Schema) -> pa.Schema:
    """Give fields the metadata that those of the same name have elsewhere, and the schema its metadata."""
    about = {field.name: field.metadata for field in known}
    fields = [field.with_metadata(about.get(field.name)) for field in schema]
    return pa.schema(fields, known.metadata)
