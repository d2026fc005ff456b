"""Reading and writing tables: the ending of a file's name says its format."""

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Table

from . import csv
from .convert import from_arrow, nan_masked, storable, to_arrow, without_yaml, write_as
from .errors import TableError

PIECE = 65_536
"""Rows that are held at a time."""

_FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "csv",
    ".tsv.gz": "csv",
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
_READ_OPTIONS = {"fits": {"mask_invalid": False}, "votable": {"use_names_over_ids": True}}
"""Empty text in FITS is not masked; a VOTable's columns have their names, not their XML ids."""


def file_format(path: Path) -> str:
    """'parquet', 'csv', 'ascii.ecsv', 'fits' or 'votable', by the name of the file."""
    name = path.name.lower()
    for ending in sorted(_FORMATS, key=len, reverse=True):
        if name.endswith(ending):
            return _FORMATS[ending]
    raise TableError(f"{path}: the ending of the name says the format, and may be {', '.join(_FORMATS)}.")


def refuse_pipe(path: Path) -> None:
    """Raise TableError for what is neither a file nor a folder: a pipe gives its rows once, and may never end."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise TableError(f"{path} is a pipe or a device, and a table is read more than once; write it to a file first")


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
    with _reading(path):
        if file_format(path) == "parquet":
            file = pq.ParquetFile(path)
            return Pieces(
                without_yaml(file.schema_arrow), file.metadata.num_rows, _pieces(path, file.iter_batches(PIECE))
            )
        schema, batches = csv.read_text(path) if as_text else csv.typed(lambda: csv.read_text(path))
        return Pieces(schema, None, _pieces(path, batches))


def _pieces(path: Path, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    with _reading(path):
        for batch in batches:
            for start in range(0, batch.num_rows, PIECE):
                yield pa.Table.from_batches([batch.slice(start, PIECE)])


def read_table(path: Path) -> Table:
    """The whole file as an astropy Table, with units and descriptions where it has them."""
    if streams(path):
        stream = read_pieces(path)
        return from_arrow(pa.concat_tables([stream.schema.empty_table(), *stream.pieces]))
    kind = file_format(path)
    with _reading(path), _quiet():
        table = Table.read(path, format=kind, **_READ_OPTIONS.get(kind, {}))
    return nan_masked(table) if kind == "fits" else table


def write_pieces(path: Path, schema: pa.Schema, pieces: Iterator[pa.Table]) -> None:
    """Write a stream of Arrow tables as Parquet or CSV."""
    if file_format(path) == "csv":
        csv.write(path, schema, pieces)
        return
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for piece in pieces:
            writer.write_table(piece)


def write_table(path: Path, table: Table) -> None:
    """Write an astropy Table."""
    kind = file_format(path)
    if streams(path):
        rows = to_arrow(table)
        write_pieces(path, rows.schema, iter([rows]))
        return
    try:
        with _quiet():
            _write_astropy(path, storable(table, kind) if kind != "ascii.ecsv" else table, kind)
    except (OSError, TableError):
        raise
    except Exception as error:  # each of astropy's writers has exceptions of its own
        raise TableError(f"The table cannot be written as {kind}: {_one_line(error)}") from None


def _write_astropy(path: Path, table: Table, kind: str) -> None:
    if path.suffix != ".gz":
        write_as(kind, table, path)
        return
    whole = path.with_suffix("")
    try:
        write_as(kind, table, whole)
        with open(whole, "rb") as source, csv.zipped(path) as target:
            shutil.copyfileobj(source, target)
    finally:
        whole.unlink(missing_ok=True)


@contextmanager
def _reading(path: Path):
    """Whatever a reader raises for a broken file, as one sentence about it."""
    refuse_pipe(path)
    try:
        yield
    except (TableError, FileNotFoundError, PermissionError, IsADirectoryError, GeneratorExit):
        raise
    except UnicodeDecodeError:
        raise TableError(f"{path} cannot be read: it is not UTF-8 text.") from None
    except Exception as error:  # astropy's readers have exceptions of their own, and Arrow's errors are OSErrors too
        kind = file_format(path).removeprefix("ascii.")
        raise TableError(f"{path} cannot be read as {kind}: {_one_line(error)}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def _quiet():
    """astropy warns of units and of words that do not follow the standards; they are kept as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
