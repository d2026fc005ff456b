"""Write CSV (RFC 4180, but with line feeds) and TSV: NULL is nothing, and empty text is quoted."""

from collections.abc import Mapping

import pyarrow as pa

from sedsql.files import csv
from sedsql.files.streams.limited import Limited


def write(file, format: str, schema: pa.Schema, batches: Limited, infos: Mapping[str, str]) -> None:
    """Write a line of names, then the rows; there is no place for infos, nor for units."""
    csv.write_rows(file, schema, batches.pieces(), "\t" if format == "tsv" else ",")
