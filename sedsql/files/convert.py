"""Convert between Arrow's and astropy's tables, with units and descriptions, and into what each format can hold."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.io.votable.tree import Info, VOTableFile
from astropy.table import Column, MaskedColumn, Table
from astropy.table.meta import get_header_from_yaml
from numpy.typing import NDArray

from sedsql.files.errors import TableError
from sedsql.files.json import to_json
from sedsql.files.mixins import without_mixins
from sedsql.files.provenance import PROVENANCE
from sedsql.files.text import as_text, plain

_votable_writer = Lock()
"""Held while astropy's choice of a writer of VOTables is changed, which all threads share."""

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
        values, mask = _values(column.combine_chunks())
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


def _values(array: pa.Array) -> tuple[NDArray, NDArray[np.bool_]]:
    """Values and mask, of shape (rows, ...)."""
    array = plain(array)
    kind = array.type
    mask = array.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_decimal(kind):
        return _values(_decimals(array))
    if (width := _width(array)) is not None:
        values, inner = _values(array.flatten())
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


def nan_masked(table: Table) -> Table:
    """Mask NaN, which in FITS stands for a missing floating-point number."""
    for name, column in list(table.columns.items()):
        if isinstance(column, Column) and column.dtype.kind == "f" and np.isnan(column).any():
            table.replace_column(name, _like(column, column, np.isnan(np.ma.getdata(column))))
    return table


def write_as(kind: str, table: Table, target: Path | BinaryIO) -> None:
    """Write the table as astropy does, in place of a file of that name; a VOTable's rows in TABLEDATA.

    What PROVENANCE says goes into a VOTable's INFO elements and a FITS header's cards.
    """
    if kind == "votable":
        with _votable_writer_in_python():
            place = str(target) if isinstance(target, Path) else target
            to_votable(table).to_xml(place, tabledata_format="tabledata")
        return
    if kind == "fits":
        table, about = _apart(table)
        table.meta.update((_CARDS[key], _card(_text(value))) for key, value in about.items() if key in _CARDS)
    table.write(target, format=kind, overwrite=True)


def to_votable(table: Table) -> VOTableFile:
    """Convert an astropy table to a VOTable that is written as BINARY2, with INFO elements for what PROVENANCE says.

    Of astropy's writers that of TABLEDATA, which is in C, writes past the end of its memory (astropy issue 20419).
    """
    table, about = _apart(table)
    written = _Binary2.from_table(table)
    written.infos.extend(provenance_infos(about))
    return written


class _Binary2(VOTableFile):
    """A VOTable that is written as BINARY2; before astropy 7.2 `set_all_tables_format` knows no such format here."""

    def to_xml(self, fd, compressed=False, tabledata_format="binary2", **options):
        return super().to_xml(fd, compressed=compressed, tabledata_format=tabledata_format, **options)


def _apart(table: Table) -> tuple[Table, Mapping]:
    """Take apart a table without PROVENANCE, and what that says."""
    about = table.meta.get(PROVENANCE)
    if not isinstance(about, dict):
        return table, {}
    table = table.copy(copy_data=False)
    table.meta = {key: value for key, value in table.meta.items() if key != PROVENANCE}
    return table, about


def _card(text: str) -> str:
    """Write a text in what a card of a FITS header can hold: ASCII in one line."""
    return " ".join(text.split()).encode("ascii", "backslashreplace").decode()


_CARDS = {
    **{"model": "SEDMODEL", "model_sha256": "SEDSHA", "prior": "SEDPRIOR"},
    **{"sedsql": "SEDSQL", "time": "SEDTIME", "columns": "SEDCOLS", "query": "SEDQUERY"},
}
"""Keywords of FITS for what PROVENANCE says."""


def provenance_infos(about: Mapping) -> list[Info]:
    """Describe where classes come from in INFO elements of a VOTable."""
    return [Info(name=f"sedsql_{key}", value=_text(value)) for key, value in about.items()]


def _text(value) -> str:
    return value if isinstance(value, str) else to_json(value)


@contextmanager
def _votable_writer_in_python() -> Iterator[None]:
    """Write VOTables without astropy's writer in C: see `to_votable`."""
    from astropy.io.votable import tree

    with _votable_writer:
        before = tree._has_c_tabledata_writer
        tree._has_c_tabledata_writer = False
        try:
            yield
        finally:
            tree._has_c_tabledata_writer = before


def storable(table: Table, kind: str) -> Table:
    """Change the columns that 'fits' or 'votable' cannot hold as they are."""
    table = table.copy(copy_data=False) if kind == "fits" else without_mixins(table).copy(copy_data=False)
    for name, column in list(table.columns.items()):
        if not isinstance(column, Column):
            continue
        if column.dtype.kind == "M":
            column = _like(column, *_values(to_array(column)))
        if column.dtype.kind == "O":
            column = _like(column, *_values(to_array(column)))
        if kind == "fits":
            column = _for_fits(column)
        elif column.dtype.kind in "iu" and column.dtype.name in _WIDER:
            column = _like(column, column.astype(_WIDER[column.dtype.name]))
        elif column.dtype == np.uint64:
            fits = len(column) == 0 or column.max() is np.ma.masked or column.max() < 1 << 63
            column = _like(column, column.astype(np.int64 if fits else str))
        if isinstance(column, MaskedColumn) and column.dtype.kind in "iu":
            column = _with_null_value(column)
        if column is not table[name]:
            table.replace_column(name, column)
    return table


_WIDER = {"int8": np.int16, "uint16": np.int32, "uint32": np.int64}
"""VOTable has no such types; these hold their values."""


def _for_fits(column: Column) -> Column:
    if column.dtype.kind == "b" and np.ma.is_masked(column):
        return _like(column, column.astype(np.int16))  # astropy writes a masked truth value as true
    if column.dtype.kind == "U":
        try:
            np.char.encode(np.ma.filled(column, ""), "ascii")
        except UnicodeEncodeError as error:
            raise TableError(
                f"Column {column.name} has the text {error.object!r}, and FITS holds ASCII only; "
                "write ECSV, VOTable or Parquet."
            ) from None
    return column


def _with_null_value(column: MaskedColumn) -> MaskedColumn:
    """Choose a fill value that no value of a column has: FITS and VOTable write it for masked values."""
    if not np.ma.is_masked(column):
        return column
    limits = np.iinfo(column.dtype)
    there = np.unique(column.compressed())
    smallest, largest = int(limits.min), int(limits.max)
    candidates = chain([int(column.fill_value)], range(smallest, largest + 1) if smallest else range(largest, -1, -1))
    unused = next((value for value in candidates if smallest <= value <= largest and value not in there), None)
    if unused is None:
        return _with_null_value(_like(column, column.astype(np.int32)))
    column = column.copy()
    column.fill_value = unused
    return column


def _like(column: Column, values, mask=None) -> Column:
    """Make a column of other values with the name, unit and description of `column`."""
    about: Mapping = {name: getattr(column, name) for name in ("name", "unit", "description", "meta")}
    mask = np.ma.getmaskarray(column) if mask is None else mask
    return MaskedColumn(values, mask=mask, **about) if mask.any() else Column(np.ma.getdata(values), **about)
