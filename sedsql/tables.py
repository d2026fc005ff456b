"""Tables in files: CSV, ECSV, VOTable, FITS and Parquet, read and written in pieces where the format allows it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from astropy.table import MaskedColumn, Table
from numpy.typing import NDArray

from .bands import BANDS
from .errors import Error

PIECE = 65_536
"""Rows that are held at a time."""

_FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "csv",
    ".ecsv": "ascii.ecsv",
    ".ecsv.gz": "ascii.ecsv",
    ".fits": "fits",
    ".fit": "fits",
    ".fits.gz": "fits",
    ".vot": "votable",
    ".vot.gz": "votable",
    ".votable": "votable",
    ".xml": "votable",
}
_MISSING_TEXT = ("", "null", "NULL", "nan", "NaN", "NAN", "--", "none", "None", "N/A")


class TableError(Error, ValueError):
    """A file that is no table of a known format, or lacks a column, or holds text where numbers belong."""


def file_format(path: Path) -> str:
    """'parquet', 'csv', 'ascii.ecsv', 'fits' or 'votable', by the name of the file."""
    name = path.name.lower()
    for ending in sorted(_FORMATS, key=len, reverse=True):
        if name.endswith(ending):
            return _FORMATS[ending]
    raise TableError(f"{path.name}: the format is taken from the ending, which may be {', '.join(_FORMATS)}.")


def streams(path: Path) -> bool:
    """Whether the format can be read and written in pieces."""
    return file_format(path) in ("parquet", "csv")


@dataclass
class Pieces:
    """A table as a stream of Arrow tables; `rows` is None where only reading to the end would tell."""

    schema: pa.Schema
    rows: int | None
    pieces: Iterator[pa.Table]


def read_pieces(path: Path, *, as_text: bool = False) -> Pieces:
    """A Parquet or CSV file in pieces of at most PIECE rows, in order.

    `as_text` leaves every CSV value as it is written in the file.
    """
    try:
        if file_format(path) == "parquet":
            file = pq.ParquetFile(path)
            batches = file.iter_batches(PIECE)
            schema = file.schema_arrow
            return Pieces(schema, file.metadata.num_rows, (pa.Table.from_batches([b], schema) for b in batches))
        con = duckdb.connect()
        options = "all_varchar = true" if as_text else "sample_size = -1, nullstr = ['', 'null']"
        result = con.execute(f"SELECT * FROM read_csv($1, header = true, {options})", [str(path)])
        reader = result.to_arrow_reader(PIECE)
        return Pieces(reader.schema, None, _read_on(reader, con))
    except (duckdb.Error, pa.ArrowInvalid) as error:
        raise TableError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None


def _read_on(reader, con):
    # The connection has to live as long as its reader.
    for batch in reader:
        yield pa.Table.from_batches([batch])
    con.close()


def read_table(path: Path) -> Table:
    """The whole file as an astropy Table, with units and descriptions where it has them."""
    kind = file_format(path)
    try:
        if kind in ("parquet", "csv"):
            stream = read_pieces(path)
            return from_arrow(pa.concat_tables([stream.schema.empty_table(), *stream.pieces]))
        return Table.read(path, format=kind)
    except (OSError, Error):
        raise
    except Exception as error:  # each of astropy's readers has exceptions of its own
        raise TableError(f"{path} cannot be read as {kind}: {error}") from None


def from_arrow(table: pa.Table) -> Table:
    """An Arrow table as an astropy one; NULL is masked, or NaN among floating-point numbers."""
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        if pa.types.is_floating(kind):
            columns[name] = column.to_numpy()
        elif column.null_count or not (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
            fill = "" if pa.types.is_string(kind) or pa.types.is_large_string(kind) else 0
            values = [fill if value is None else value for value in column.to_pylist()]
            columns[name] = MaskedColumn(values, mask=column.is_null().to_numpy())
        else:
            columns[name] = column.to_numpy()
    return Table(columns)


def write_pieces(path: Path, schema: pa.Schema, pieces: Iterator[pa.Table], like: Path) -> None:
    """Write a stream of Arrow tables as Parquet or CSV, by the ending of the name `like`."""
    if file_format(like) == "parquet":
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for piece in pieces:
                writer.write_table(piece)
        return
    batches = (batch for piece in pieces for batch in piece.to_batches())
    delimiter = "\t" if ".tsv" in like.suffixes else ","
    compression = "gzip" if like.suffix == ".gz" else "none"
    with duckdb.connect() as con:
        con.register("pieces", pa.RecordBatchReader.from_batches(schema, batches))
        con.execute(
            f"COPY (FROM pieces) TO '{str(path).replace(chr(39), chr(39) * 2)}' "
            f"(FORMAT csv, HEADER, DELIMITER '{delimiter}', COMPRESSION {compression})"
        )


def write_table(path: Path, table: Table, like: Path) -> None:
    """Write an astropy Table in the format of the name `like`."""
    kind = file_format(like)
    if kind == "csv":
        delimiter = "\t" if ".tsv" in like.suffixes else ","
        table.write(path, format="ascii.csv", delimiter=delimiter, overwrite=True)
    else:
        table.write(path, format=kind, overwrite=True)


def find_bands(names: list[str], given: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """Which column of a table holds each band: by `given`, the archive's name or a common variant.

    `given` maps a band to a column's name, or to 'none' where the table has none: then it is missing
    in every row. Upper and lower case do not matter.
    """
    lower = {name.lower(): name for name in reversed(names)}
    given = dict(given or {})
    found: dict[str, str | None] = {}
    for band in BANDS:
        asked = given.pop(band.column, None)
        candidates = (band.column, *band.synonyms) if asked is None else (asked,)
        if asked is not None and asked.lower() == "none":
            found[band.column] = None
            continue
        column = next((lower[name.lower()] for name in candidates if name.lower() in lower), None)
        if column is None:
            missing = f"no column {asked!r}" if asked else f"no column for {band.column}"
            raise TableError(
                f"The table has {missing}: {' or '.join((band.column, *band.synonyms))} would do, or name it with "
                f"--map {band.column}=COLUMN (--map {band.column}=none if there is none). "
                f"It has {', '.join(names)}."
            )
        found[band.column] = column
    if given:
        raise TableError(f"No band is called {next(iter(given))!r}; bands are {', '.join(b.column for b in BANDS)}.")
    return found


def magnitudes(
    rows: int, column_of: Callable[[str], object], bands: Mapping[str, str | None], first_row: int = 1
) -> NDArray[np.float32]:
    """The ten magnitudes of a piece of a table, shape (rows, 10), NaN = missing.

    `column_of` gives a column by name, an Arrow or an astropy one; `first_row` is the number of the
    piece's first row in its file, for messages.
    """
    matrix = np.full((rows, len(bands)), np.nan, np.float32)
    for place, (band, name) in enumerate(bands.items()):
        if name is not None:
            matrix[:, place] = _numbers(column_of(name), name, band, first_row)
    matrix[np.isinf(matrix)] = np.nan
    return matrix


def _numbers(column, name: str, band: str, first_row: int) -> NDArray[np.float32]:
    if isinstance(column, pa.Array | pa.ChunkedArray):
        values = column
    elif column.dtype.kind in "fiu":
        numbers = np.asarray(column, dtype=np.float32)
        return np.where(np.ma.getmaskarray(column), np.float32(np.nan), numbers)
    else:
        values = pa.array(np.ma.filled(column, "").astype(str).ravel())
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        text = pc.utf8_trim_whitespace(values)
        missing = pc.is_in(text, pa.array(_MISSING_TEXT, text.type))
        text = pc.if_else(missing, pa.scalar(None, text.type), text)
        try:
            values = pc.cast(text, pa.float64())
        except pa.ArrowInvalid:
            row, word = next((i, word) for i, word in enumerate(text.to_pylist()) if not _is_number(word))
            raise TableError(
                f"Column {name} should hold the magnitude {band}, but row {first_row + row} has the text {word!r}."
            ) from None
    try:
        return pc.cast(values, pa.float32(), safe=False).to_numpy()
    except pa.ArrowNotImplementedError:
        raise TableError(f"Column {name} should hold the magnitude {band}, but its type is {values.type}.") from None


def _is_number(word: str | None) -> bool:
    try:
        float(word or 0)
    except ValueError:
        return False
    return True
