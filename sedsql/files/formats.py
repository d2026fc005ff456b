"""Read and write tables in files; the ending of a file's name says its format."""

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits, votable
from astropy.table import Table

from sedsql.files import arrow_ipc, csv, json_rows
from sedsql.files.convert import from_arrow, to_arrow, without_yaml
from sedsql.files.errors import TableError
from sedsql.files.fits_tables import write_fits
from sedsql.files.parquet import parquet_writer
from sedsql.files.parts import Part, chosen, file_and_part
from sedsql.files.storable import nan_masked, storable
from sedsql.files.streams import FORMATS, write_stream
from sedsql.files.streams.limited import Limited
from sedsql.files.votables import write_votable

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
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".json": "json",
}


def file_format(path: Path) -> str:
    """'parquet', 'arrow', 'csv', 'ascii.ecsv', 'fits', 'votable' or 'json', by the name of the file."""
    name = file_and_part(path)[0].name.lower()
    for ending in sorted(_FORMATS, key=len, reverse=True):
        if name.endswith(ending):
            return _FORMATS[ending]
    raise TableError(f"{path}: the ending of the name says the format, and may be {', '.join(_FORMATS)}.")


def refuse_pipe(path: Path) -> None:
    """Raise TableError for a pipe or device, which gives its rows once and may never end."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise TableError(f"{path} is a pipe or a device, and a table is read more than once; write it to a file first")


def in_pieces(path: Path) -> bool:
    """Whether the format is read and written in pieces."""
    return file_format(path) in ("parquet", "csv", "arrow", "json")


def written_in_pieces(path: Path) -> bool:
    """Whether the format is written in pieces: all but ECSV are."""
    return file_format(path) != "ascii.ecsv"


@dataclass
class Pieces:
    """A table as a stream of Arrow tables; `rows` is None where only reading to the end would tell."""

    schema: pa.Schema
    rows: int | None
    pieces: Iterator[pa.Table]


def read_pieces(path: Path, *, as_text: bool = False) -> Pieces:
    """Read a Parquet, Arrow or CSV file in pieces of at most PIECE rows, in order.

    as_text : leave every CSV value as it is written in the file
    """
    refuse_part(path)
    with _reading(path):
        if file_format(path) == "parquet":
            file = pq.ParquetFile(path)
            return Pieces(
                without_yaml(file.schema_arrow), file.metadata.num_rows, _pieces(path, file.iter_batches(PIECE))
            )
        if file_format(path) == "arrow":
            schema, batches = arrow_ipc.read(path)
            return Pieces(without_yaml(schema), None, _pieces(path, batches))
        if file_format(path) == "json":
            raise TableError(f"{path}: tables are written as JSON, but not read; CSV, Parquet and others are.")
        schema, batches = csv.read_text(path) if as_text else csv.typed(lambda: csv.read_text(path))
        return Pieces(schema, None, _pieces(path, batches))


def _pieces(path: Path, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    with _reading(path):
        for batch in batches:
            for start in range(0, batch.num_rows, PIECE):
                yield pa.Table.from_batches([batch.slice(start, PIECE)])


def read_table(path: Path) -> Table:
    """Read a whole file as an astropy Table, with units and descriptions where it has them.

    Of a VOTable or FITS file with several tables, NAME#2 or NAME#name says which: in a VOTable they count from 1, in
    FITS by extension.
    """
    if in_pieces(path):
        stream = read_pieces(path)
        return from_arrow(pa.concat_tables([stream.schema.empty_table(), *stream.pieces]))
    kind = file_format(path)
    file, part = file_and_part(path)
    with _reading(file), _quiet():
        if kind == "votable":
            return _read_votable(file, part)
        if kind == "fits":
            return _read_fits(file, part)
        refuse_part(path)
        return Table.read(file, format=kind)


def _read_votable(path: Path, part: str | None) -> Table:
    tables = [one for one in votable.parse(path).iter_tables() if len(one.fields)]
    parts = [Part(k, one.name or one.ID or "", len(one.array)) for k, one in enumerate(tables, 1)]
    return tables[chosen(path, parts, part)].to_table(use_names_over_ids=True)


def _read_fits(path: Path, part: str | None) -> Table:
    with fits.open(path) as hdus:
        numbers = [k for k, hdu in enumerate(hdus) if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
        parts = [Part(k, hdus[k].name, hdus[k].header["NAXIS2"]) for k in numbers]
        number = numbers[chosen(path, parts, part)]
        times = _has_times(hdus[number])
    # Empty text is not masked.
    return nan_masked(Table.read(path, format="fits", hdu=number, mask_invalid=False, astropy_native=times))


def _has_times(hdu: fits.BinTableHDU | fits.TableHDU) -> bool:
    """Tell whether astropy has written a Time column: two numbers a row, with a scale."""
    header = hdu.header
    return any(
        f"TCTYP{k}" in header and header.get(f"TDIM{k}") == "(2)" for k in range(1, header.get("TFIELDS", 0) + 1)
    )


def refuse_part(path: Path) -> None:
    """Raise TableError for NAME#PART of a format whose files hold one table."""
    file, part = file_and_part(path)
    if part is not None:
        raise TableError(f"{file} holds one table; leave #{part} out.")


def write_pieces(path: Path, schema: pa.Schema, pieces: Iterator[pa.Table]) -> None:
    """Write a stream of Arrow tables in any format but ECSV."""
    kind = file_format(path)
    if kind == "arrow":
        arrow_ipc.write(path, schema, pieces)
    elif kind == "parquet":
        with parquet_writer(path, schema) as writer:
            for piece in pieces:
                writer.write_table(piece)
    else:
        batches = (batch for piece in pieces for batch in piece.to_batches())
        with csv.zipped(path) if path.name.lower().endswith(".gz") else open(path, "wb") as file:
            if kind == "csv":
                csv.write_rows(file, schema, Limited(batches).pieces(), "\t" if csv.is_tsv(path) else ",")
            elif kind == "json":
                json_rows.write(file, schema, Limited(batches).pieces())
            else:
                write_stream(file, FORMATS[kind], schema, batches)


def write_table(path: Path, table: Table) -> None:
    """Write an astropy Table."""
    kind = file_format(path)
    if in_pieces(path):
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
        _write_whole(path, table, kind)
        return
    whole = path.with_suffix("")
    try:
        _write_whole(whole, table, kind)
        with open(whole, "rb") as source, csv.zipped(path) as target:
            shutil.copyfileobj(source, target)
    finally:
        whole.unlink(missing_ok=True)


def _write_whole(path: Path, table: Table, kind: str) -> None:
    if kind == "votable":
        write_votable(table, path)
    elif kind == "fits":
        write_fits(table, path)
    else:
        table.write(path, format=kind, overwrite=True)


@contextmanager
def _reading(path: Path):
    """Turn any error of a reader into one sentence about the broken file."""
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
    """Ignore astropy's warnings of units and words that do not follow the standards; they are kept as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
