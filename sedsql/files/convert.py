"""Convert between Arrow's and astropy's tables, with units and descriptions."""

import json

import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.table import Column, MaskedColumn, Table
from astropy.table.meta import get_header_from_yaml
from numpy.typing import NDArray

from sedsql.files.errors import TableError
from sedsql.files.json import to_json
from sedsql.files.mixins import without_mixins
from sedsql.files.provenance import PROVENANCE
from sedsql.files.text import as_text, plain

_ABOUT = ("unit", "ucd", "description")
"""Keys of an Arrow field's metadata that describe a column; the Parquet files of a mirror have them too."""


def without_yaml(schema: pa.Schema) -> pa.Schema:
    """Remove astropy's own header from a Parquet schema; its units and descriptions go to the fields.

    astropy refuses a file with a column that this header does not list.
    """
    metadata = dict(schema.metadata or {})
    header = metadata.pop(b"table_meta_yaml", None)
    if header is None:
        return schema
    about = {column["name"]: column for column in get_header_from_yaml(header.decode().splitlines())["datatype"]}
    fields = []
    for field in schema:
        known = {key: str(about[field.name][key]) for key in _ABOUT if about.get(field.name, {}).get(key)}
        fields.append(field.with_metadata({**(field.metadata or {}), **known}))
    return pa.schema(fields, metadata)


def from_arrow(table: pa.Table) -> Table:
    """Convert an Arrow table to an astropy one; NULL is masked."""
    names = table.column_names
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise TableError(f"The table has two columns {twice!r}, which only CSV and Parquet can hold; rename one.")
    result = Table()
    for field, column in zip(table.schema, table.columns, strict=True):
        values, mask = values_of(column.combine_chunks())
        new = MaskedColumn(values, mask=mask) if mask.any() else Column(values)
        about = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        new.description = about.get("description")
        if "unit" in about:
            new.unit = u.Unit(about["unit"], parse_strict="silent")
        if "ucd" in about:
            new.meta["ucd"] = about["ucd"]
        result[field.name] = new
    if said := (table.schema.metadata or {}).get(PROVENANCE.encode()):
        result.meta[PROVENANCE] = json.loads(said)
    return result


def values_of(array: pa.Array) -> tuple[NDArray, NDArray[np.bool_]]:
    """Values and mask, of shape (rows, ...)."""
    array = plain(array)
    kind = array.type
    mask = array.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_decimal(kind):
        return values_of(_decimals(array))
    if (width := _width(array)) is not None:
        values, inner = values_of(array.flatten())
        return values.reshape(-1, width, *values.shape[1:]), inner.reshape(-1, width, *inner.shape[1:])
    if pa.types.is_floating(kind):
        return array.to_numpy(zero_copy_only=False), mask
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return array.fill_null(False if pa.types.is_boolean(kind) else 0).to_numpy(zero_copy_only=False), mask
    words = as_text(array).fill_null("").to_numpy(zero_copy_only=False)
    return words.astype(str), mask


def _decimals(array: pa.Array) -> pa.Array:
    """Convert decimals to numbers: DuckDB's sums of integers come as decimals of 38 digits."""
    if array.type.scale == 0:
        try:
            return pc.cast(array, pa.int64())
        except pa.ArrowInvalid:
            pass
    return pc.cast(array, pa.float64())


def _width(array: pa.Array) -> int | None:
    """The length of the lists, where all are of one length, and of numbers."""
    kind = array.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        return None
    inner = kind.value_type
    while hasattr(inner, "value_type") and not pa.types.is_dictionary(inner):
        inner = inner.value_type
    lengths = pc.unique(pc.list_value_length(array)).to_pylist()
    if not pa.types.is_primitive(inner) or pa.types.is_temporal(inner) or len(lengths) != 1:
        return None
    return lengths[0] or None


def to_arrow(table: Table) -> pa.Table:
    """Convert an astropy table to an Arrow one; masked is NULL, and columns such as SkyCoord become several columns."""
    table = without_mixins(table)
    fields, arrays = [], []
    for column in table.columns.values():
        array = to_array(column)
        fields.append(pa.field(column.name, array.type, metadata=_about(column)))
        arrays.append(array)
    about = {str(key): str(value) for key, value in table.meta.items() if isinstance(value, str | int | float)}
    if PROVENANCE in table.meta:
        about[PROVENANCE] = to_json(table.meta[PROVENANCE])
    return pa.table(arrays, schema=pa.schema(fields, about or None))


def _about(column: Column) -> dict[str, str] | None:
    found = {"unit": column.unit, "ucd": column.meta.get("ucd"), "description": column.description}
    return {key: str(found[key]) for key in _ABOUT if found[key]} or None


def to_array(column: Column) -> pa.Array:
    """Convert an astropy column to an Arrow array; more dimensions become lists, and bytes become strings."""
    values, mask = np.asarray(column), np.ma.getmaskarray(column)
    if values.dtype.kind == "c":
        raise TableError(
            f"Column {column.name} holds complex numbers, which Parquet and CSV cannot; leave it out, or write FITS."
        )
    if values.dtype.kind == "O":
        return _objects([None if gone else value for value, gone in zip(values, mask, strict=True)])
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.byteorder not in "=|":
        values = values.astype(values.dtype.newbyteorder("="))
    array = pa.array(values.ravel(), mask=mask.ravel() if mask.any() else None)
    for length in reversed(values.shape[1:]):
        array = pa.FixedSizeListArray.from_arrays(array, length)
    return array


def _objects(values: list) -> pa.Array:
    """Convert text of any length, arrays of different lengths, or a mixture, which becomes text."""
    values = [value.tolist() if isinstance(value, np.ndarray | np.generic) else value for value in values]
    values = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values]
    try:
        array = pa.array(values)
        return pc.cast(array, pa.string()) if array.type == pa.null() else array
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else str(value) for value in values])
