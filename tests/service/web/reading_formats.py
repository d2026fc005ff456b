"""Read the rows of an answer in each format, by others' readers, and what they are to be by an Arrow table."""

import csv
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
from astropy.io import fits, votable

EXACT = ("arrow", "parquet")
"""Formats whose tables are compared as such."""


def rows_of(name: str, data: bytes, schema: pa.Schema) -> list[tuple] | pa.Table:
    """The rows that a format has: Arrow tables of EXACT; else of each cell what `cell` makes of it."""
    if name == "arrow":
        return pa.ipc.open_stream(data).read_all()
    if name == "parquet":
        return pq.ParquetFile(io.BytesIO(data)).read()  # which takes two columns of one name
    read = {"csv": _csv, "tsv": _csv, "json": _json, "fits": _fits}.get(name, _votable)
    return [tuple(map(cell, row, schema.types)) for row in read(data, "\t" if name == "tsv" else ",")]


def rows_of_array(array: np.ma.MaskedArray, schema: pa.Schema) -> list[tuple]:
    """The rows of a table that astropy has of a VOTable, as `rows_of` gives them."""
    return [tuple(map(cell, row, schema.types)) for row in _rows_of_array(array)]


def expected(name: str, table: pa.Table) -> list[tuple] | pa.Table:
    """What `rows_of` is to give."""
    if name in EXACT:
        return table
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return [tuple(map(cell, row, table.schema.types)) for row in rows]


def same(found: list[tuple] | pa.Table, wanted: list[tuple] | pa.Table) -> bool:
    """Whether rows are the same, in any order."""
    if isinstance(found, pa.Table):
        return found.schema.equals(wanted.schema) and sorted(map(repr, _rows(found))) == sorted(
            map(repr, _rows(wanted))
        )
    return sorted(map(repr, found)) == sorted(map(repr, wanted))


def _rows(table: pa.Table) -> list[tuple]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def cell(value, kind: pa.DataType):
    """A value as all formats have it: nothing is NULL, NaN or infinite; numbers are of their column's precision.

    Lists are text in some formats, and of numbers alone; one of nothing but NULL is none in BINARY.
    """
    if isinstance(value, bytes):
        value = value.decode()
    if value is None or value is np.ma.masked or (isinstance(value, str) and not value):
        return None
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        value = json.loads(value) if isinstance(value, str) else value
        items = tuple(cell(item, kind.value_type) for item in value)
        return items if any(item is not None for item in items) else None
    if pa.types.is_boolean(kind):
        return {"true": True, "false": False}[value] if isinstance(value, str) else bool(value)
    if pa.types.is_integer(kind):
        return int(value)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        number = float(np.float32(value) if kind == pa.float32() else value)
        return number if np.isfinite(number) else None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if isinstance(value, str) else str(value)


def _csv(data: bytes, delimiter: str):
    width = len(next(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter)))
    names = [str(place) for place in range(width)]
    table = arrow_csv.read_csv(
        pa.py_buffer(data),
        arrow_csv.ReadOptions(column_names=names, skip_rows=1),
        arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False),
        arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True),
    )
    return _rows(table)


def _json(data: bytes, _: str):
    return json.loads(data)["data"]


def _votable(data: bytes, _: str):
    return _rows_of_array(votable.parse(io.BytesIO(data), verify="ignore").get_first_table().array)


def _rows_of_array(array: np.ma.MaskedArray) -> list[tuple]:
    columns = [array[name].tolist() for name in array.dtype.names]
    return list(zip(*columns, strict=True))


def _fits(data: bytes, _: str):
    with fits.open(io.BytesIO(data)) as found:
        table = found[1]
        columns = []
        for place, column in enumerate(table.columns):
            values = table.data.field(place).tolist()
            columns.append([None if value == column.null and column.null is not None else value for value in values])
    return list(zip(*columns, strict=True))
