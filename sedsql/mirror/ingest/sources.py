"""Open files of any format as streams of rows, with the columns' types, units, UCDs and descriptions."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import astropy.units as u
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits
from astropy.table import Table as AstropyTable

from sedsql.catalogue import Column, Table
from sedsql.catalogue.datatypes import INTEGERS, of_arrow
from sedsql.files import TableError, csv, file_and_part, file_format, read_pieces, read_table, to_arrow
from sedsql.files.convert import without_yaml
from sedsql.files.formats import refuse_part
from sedsql.files.parts import Part, chosen
from sedsql.mirror.ingest import bulk
from sedsql.mirror.ingest.bulk import BATCH, Head

_SIZES = {
    "csv": 0.25,
    "csv.gz": 0.6,
    "fits": 0.5,
    "fits.gz": 0.8,
    "votable": 0.2,
    "votable.gz": 0.5,
    "parquet": 0.8,
    "arrow": 0.3,
}
"""Bytes in the mirror for a byte of the file, at least, as measured with gaia_source."""


@dataclass(frozen=True)
class Source:
    """A file.

    columns : with lower-case names, as archives have them
    rows : their number, or an estimate
    batches : reads them, as Arrow tables with the names of `columns`
    quick : reads some of the first ones, where that takes less time than starting to read them all
    """

    path: Path
    columns: tuple[Column, ...]
    rows: int
    batches: Callable[[], Iterator[pa.Table]]
    quick: Callable[[], pa.Table | None] = lambda: None

    @property
    def first(self) -> pa.Table | None:
        """Some of the first rows; None if there are none."""
        return self.quick() or next(self.batches(), None)

    @property
    def stored_bytes(self) -> int:
        """About how much room its rows take in a mirror, at least."""
        kind = "csv" if file_format(self.path) == "ascii.ecsv" else file_format(self.path)
        zipped = ".gz" if self.path.name.lower().endswith(".gz") and kind != "parquet" else ""
        return int(self.path.stat().st_size * _SIZES[kind + zipped])


def open_sources(paths: Sequence[Path], known: Table | None) -> list[Source]:
    """The files, in their order; raises TableError, naming the file, where one is no table.

    known : tells the types of columns in CSV files, which cannot say it themselves
    """
    for path in paths:
        if file_format(path) not in ("fits", "votable"):
            refuse_part(path)
        if file_format(path) == "json":
            raise TableError(f"{path}: JSON is not imported; CSV, Parquet and others are")
    from_vizier = {path for path in paths if file_format(path) == "csv" and csv.is_vizier(path)}
    texts = [path for path in paths if file_format(path) in ("csv", "ascii.ecsv") and path not in from_vizier]
    heads = {path: bulk.head_of(path) for path in texts}
    for head in heads.values():
        _lower(head.path, head.names)
    plain = [head for head in heads.values() if head.columns is None]
    types = _types(plain, known)

    def opened(path: Path) -> Source:
        if path in from_vizier:
            return _of_pieces(path, known)
        return _of_csv(heads[path], types) if path in heads else _READERS[file_format(path)](path)

    return [opened(path) for path in paths]


def _types(heads: Sequence[Head], known: Table | None) -> dict[str, str]:
    """The types of CSV columns by lower-case name."""
    types = {key: column.datatype for key, column in known.columns.items()} if known else {}
    groups: dict[tuple, list[Head]] = {}
    for head in heads:
        groups.setdefault((tuple(head.names), head.delimiter, head.newline, head.lines), []).append(head)
    found: dict[str, str] = {}
    for (names, *_), some in groups.items():
        if unknown := [name for name in names if name.lower() not in types]:
            for name, kind in bulk.infer(some, unknown).items():
                found[name.lower()] = wider(found.get(name.lower(), kind), kind) or "VARCHAR"
    return found | types


def wider(one: str, other: str) -> str | None:
    """The type that holds the values of both; None if only text does."""
    for chain in (INTEGERS, ("REAL", "DOUBLE"), ("SMALLINT", "INTEGER", "DOUBLE")):
        if one in chain and other in chain:
            return max(one, other, key=chain.index)
    return one if one == other else None


def _source(path: Path, names: Sequence[str], columns: Sequence[Column], rows: int, batches) -> Source:
    lower = _lower(path, names)

    def read() -> Iterator[pa.Table]:
        for batch in batches():
            yield batch.rename_columns(lower)

    described = tuple(replace(c, name=n) for c, n in zip(columns, lower, strict=True))
    return Source(file_and_part(path)[0], described, rows, read)


def _lower(path: Path, names: Sequence[str]) -> list[str]:
    """The names in lower case, in which no two may be alike."""
    lower = [name.lower() for name in names]
    seen: set[str] = set()
    for name in lower:
        if name in seen:
            raise TableError(f"{path} has two columns {name!r}; upper and lower case do not tell columns apart")
        seen.add(name)
    return lower


def _of_csv(head: Head, known: dict[str, str]) -> Source:
    columns = head.columns or [Column(name, known[name.lower()]) for name in head.names]
    types = {column.name: column.datatype for column in columns}
    source = _source(head.path, head.names, columns, head.rows, lambda: bulk.rows_of(head, types))

    def quick() -> pa.Table | None:
        rows = bulk.first_rows(head, types)
        return rows and rows.rename_columns([column.name for column in source.columns])

    return replace(source, quick=quick)


def _of_pieces(path: Path, known: Table | None = None) -> Source:
    """An Arrow file; or a CSV or TSV as VizieR writes it, in which a first line of rows has the units."""
    stream = read_pieces(path)
    columns = [_column(path, field) for field in stream.schema]
    types = {key: column.datatype for key, column in known.columns.items()} if known else {}
    columns = [replace(column, datatype=types.get(column.name.lower(), column.datatype)) for column in columns]
    rows = sum(len(piece) for piece in stream.pieces)
    return _source(path, stream.schema.names, columns, rows, lambda: read_pieces(path).pieces)


def _of_parquet(path: Path) -> Source:
    try:
        file = pq.ParquetFile(path)
        schema = without_yaml(file.schema_arrow)
    except (OSError, pa.ArrowInvalid) as error:
        raise TableError(f"{path} cannot be read as parquet: {error}") from None

    def batches() -> Iterator[pa.Table]:
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(BATCH):
                    yield pa.Table.from_batches([batch])
        except (OSError, pa.ArrowInvalid) as error:
            raise TableError(f"{path} cannot be read as parquet: {error}") from None

    columns = [_column(path, field) for field in schema]
    return _source(path, schema.names, columns, file.metadata.num_rows, batches)


def _of_fits(path: Path) -> Source:
    with _opened(path) as hdu:
        header, rows = hdu.header, hdu.header["NAXIS2"]
        first = _fits_rows(hdu, 0, 1)
    columns = [
        replace(
            _column(path, field),
            unit=header.get(f"TUNIT{number}") or None,
            ucd=header.get(f"TUCD{number}") or None,
            description=header.get(f"TCOMM{number}") or None,
        )
        for number, field in enumerate(first.schema, 1)
    ]

    def batches() -> Iterator[pa.Table]:
        with _opened(path) as hdu:
            for start in range(0, rows, BATCH):
                yield _fits_rows(hdu, start, start + BATCH)

    return _source(path, first.column_names, columns, rows, batches)


@contextmanager
def _opened(path: Path) -> Iterator:
    """Open the table of a FITS file, or NAME#PART of several; errors of astropy become TableError."""
    path, part = file_and_part(path)
    try:
        with fits.open(path, memmap=True) as file:
            tables = [k for k, hdu in enumerate(file) if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
            if not tables:
                raise TableError(f"{path} has no table in it, only images")
            parts = [Part(k, file[k].name, file[k].header["NAXIS2"]) for k in tables]
            hdu = file[tables[chosen(path, parts, part)]]
            rows = hdu.header["NAXIS1"] * hdu.header["NAXIS2"] + hdu.header.get("PCOUNT", 0)
            size, end = path.stat().st_size, hdu.fileinfo()["datLoc"] + rows
            if path.suffix.lower() != ".gz" and size < end:
                raise TableError(f"{path} cannot be read as fits: it has {size:,} bytes instead of {end:,}")
            yield hdu
    except (TableError, FileNotFoundError, PermissionError, GeneratorExit):
        raise
    except Exception as error:  # astropy's readers have exceptions of their own
        raise TableError(f"{path} cannot be read as fits: {' '.join(str(error).split())}") from None


def _fits_rows(hdu, start: int, end: int) -> pa.Table:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        part = type(hdu)(hdu.data[start:end], header=hdu.header)
        return to_arrow(_without_complex(AstropyTable.read(part, format="fits", mask_invalid=False)))


def _of_votable(path: Path) -> Source:
    rows = to_arrow(_without_complex(read_table(path)))
    columns = [_column(path, field) for field in rows.schema]
    columns = [replace(column, unit=_vounit(column.unit)) for column in columns]
    return _source(path, rows.column_names, columns, rows.num_rows, lambda: iter(_parts(rows)))


def _without_complex(table: AstropyTable) -> AstropyTable:
    for column in table.itercols():
        if getattr(column, "dtype", None) is not None and column.dtype.kind == "c":
            raise TableError(f"Column {column.name} holds complex numbers, which a mirror cannot; leave it out.")
    return table


def _parts(rows: pa.Table) -> list[pa.Table]:
    return [rows.slice(start, BATCH) for start in range(0, rows.num_rows, BATCH)]


def _vounit(text: str | None) -> str | None:
    """A unit as VOTables write it, which differs from astropy's own format."""
    try:
        return u.Unit(text).to_string("vounit") if text else None
    except ValueError:
        return text


_READERS = {"parquet": _of_parquet, "fits": _of_fits, "votable": _of_votable, "arrow": _of_pieces}


def _column(path: Path, field: pa.Field) -> Column:
    about = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    datatype = of_arrow(field.type)
    if datatype is None or datatype.endswith("[][]"):
        raise TableError(f"{path}: column {field.name} is of the type {field.type}, which is not imported")
    return Column(field.name, datatype, about.get("unit"), about.get("ucd"), about.get("description"))
