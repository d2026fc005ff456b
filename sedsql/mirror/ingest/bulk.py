"""Read CSV and ECSV, such as the Gaia Archive's bulk files, in the types that the header gives."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from csv import reader
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import duckdb
import pyarrow as pa
import pyarrow.csv as pacsv
from astropy.table.meta import get_header_from_yaml

from sedsql.catalogue import Column
from sedsql.catalogue.datatypes import arrow_type, of_arrow
from sedsql.files import csv
from sedsql.files.errors import TableError
from sedsql.sql_text import identifier, literal

BATCH = 65_536
"""Rows that are held at a time."""

_HEAD = 1 << 18
"""Bytes at the beginning of a file, from which the kind and number of its rows are estimated."""

_BLOCK = 1 << 22
"""Bytes read at a time, and the longest row."""

_MISSING = ("", "null", "NULL")
_ECSV_NUMBERS = ("bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)))
_ECSV_NUMBERS += ("float16", "float32", "float64")
_ECSV_TYPES = {"string": "VARCHAR"} | {word: of_arrow(pa.type_for_alias(word)) or "" for word in _ECSV_NUMBERS}
"""ECSV 1.0 (APE 6), datatypes."""


@dataclass(frozen=True)
class Head:
    """The lines before the rows of a CSV or ECSV file.

    names : of the columns, as written
    lines : how many lines there are before the rows
    columns : by the header of ECSV; None for CSV
    rows : estimated, from the length of the first ones
    """

    path: Path
    names: list[str]
    lines: int
    delimiter: str
    newline: str
    columns: list[Column] | None
    rows: int


def head_of(path: Path) -> Head:
    """Read the lines before the rows. Raises TableError where they are no header."""
    zipped = path.name.lower().endswith(".gz")
    try:
        with (gzip.open if zipped else open)(path, "rt", encoding="utf-8-sig", newline="") as text:
            comments, line = [], text.readline()
            while line.startswith("#"):
                comments.append(line[1:].strip("\r\n").removeprefix(" "))
                line = text.readline()
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TableError(f"{path} cannot be read: {error}") from None
    header = _yaml(path, comments)
    delimiter = header.get("delimiter", " ") if header else csv.delimiter_of(path, line)
    names = next(reader([line], delimiter=delimiter), [])
    if not any(names):
        raise TableError(f"{path} is empty: it has no line of column names")
    columns = [_column(path, about) for about in header["datatype"]] if header else None
    if columns is not None and [column.name for column in columns] != names:
        raise TableError(f"{path} cannot be read as ECSV: its header and its line of names have other columns")
    newline = "\\r\\n" if line.endswith("\r\n") else "\\n"
    lines = len(comments) + 1
    rows = round((_beginning(path).count(b"\n") - lines) * max(1.0, path.stat().st_size / _HEAD))
    return Head(path, names, lines, delimiter, newline, columns, max(rows, 0))


def _yaml(path: Path, comments: list[str]) -> dict:
    if not comments or not comments[0].startswith("%ECSV"):
        return {}
    try:
        header = get_header_from_yaml(comments[1:])
        return header if header["datatype"] else {}
    except Exception as error:  # whatever YAML finds wrong
        raise TableError(f"{path} cannot be read as ECSV: {' '.join(str(error).split())}") from None


def _column(path: Path, about: dict) -> Column:
    name, kind, subtype = about["name"], about.get("datatype"), about.get("subtype")
    if kind not in _ECSV_TYPES or subtype:
        raise TableError(f"{path}: column {name} is of ECSV's type {subtype or kind}, which is not imported")
    known = {**(about.get("meta") or {}), **about}
    unit, ucd, text = (str(known[key]) if known.get(key) else None for key in ("unit", "ucd", "description"))
    return Column(name, _ECSV_TYPES[kind], unit, ucd, text)


def _beginning(path: Path) -> bytes:
    """The first lines of a file, whole ones if there are more."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    text = io.BytesIO()
    try:
        source = gzip.GzipFile(fileobj=io.BytesIO(head)) if path.name.lower().endswith(".gz") else io.BytesIO(head)
        while block := source.read(1 << 16):
            text.write(block)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        pass  # reading all of it will raise the error
    found = text.getvalue()
    return found if path.stat().st_size <= _HEAD else found[: found.rfind(b"\n") + 1]


def first_rows(head: Head, types: dict[str, str]) -> pa.Table | None:
    """Read some rows from the beginning; None where there are none, or they are wrong."""
    lines = _beginning(head.path).split(b"\n", head.lines)
    try:
        reader = _reader(io.BytesIO(lines[-1]), head, types)
        return pa.Table.from_batches([reader.read_next_batch()]) if len(lines) > head.lines and lines[-1] else None
    except (pa.ArrowInvalid, StopIteration):
        return None


def rows_of(head: Head, types: dict[str, str]) -> Iterator[pa.Table]:
    """Read the rows, in the order of the file; a gzip file is checked against its checksum meanwhile.

    types : by the names as written
    """
    try:
        with _opened(head) as file:
            for batch in _reader(file, head, types):
                for start in range(0, batch.num_rows, BATCH):
                    yield pa.Table.from_batches([batch.slice(start, BATCH)])
    except (pa.ArrowInvalid, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TableError(_sentence(head, types, error)) from None


@contextmanager
def _opened(head: Head) -> Iterator[BinaryIO]:
    """The file where its rows begin."""
    with cast(
        BinaryIO, gzip.open(head.path) if head.path.name.lower().endswith(".gz") else head.path.open("rb")
    ) as file:
        for _ in range(head.lines):
            file.readline()
        # Arrow takes no file without a byte.
        yield file if file.peek(1) else io.BytesIO(b"\n")  # type: ignore[attr-defined]


def _reader(file: BinaryIO, head: Head, types: dict[str, str], *, threads: bool = True) -> pacsv.CSVStreamingReader:
    return pacsv.open_csv(
        file,
        pacsv.ReadOptions(column_names=head.names, block_size=_BLOCK, use_threads=threads),
        pacsv.ParseOptions(delimiter=head.delimiter, newlines_in_values=True),
        pacsv.ConvertOptions(
            column_types={name: arrow_type(kind) for name, kind in types.items()},
            null_values=_MISSING,
            strings_can_be_null=True,
            true_values=["True", "true", "TRUE", "T", "t", "1"],
            false_values=["False", "false", "FALSE", "F", "f", "0"],
        ),
    )


def _sentence(head: Head, types: dict[str, str], error: Exception) -> str:
    """Say what is wrong with a file, and where: without threads Arrow tells the row."""
    if isinstance(error, pa.ArrowInvalid):
        try:
            with _opened(head) as file:
                for _ in _reader(file, head, types, threads=False):
                    pass
        except (pa.ArrowInvalid, EOFError, gzip.BadGzipFile, zlib.error) as again:
            error = again
    text = " ".join(str(error).split())
    row, column = re.search(r"Row #(\d+): ", text), re.search(r"In CSV column #(\d+): ", text)
    where = f", line {int(row[1]) + head.lines}" if row else ""
    where += f", column {head.names[int(column[1])]}" if column else ""
    for found in (row, column):
        text = text.replace(found[0], "") if found else text
    return f"{head.path} cannot be read{where}: {text}"


def infer(heads: Sequence[Head], wanted: Sequence[str]) -> dict[str, str]:
    """Find the types of columns that headers do not tell: those that every value in all files has.

    Digits that a number would change, such as 007, make a column text.
    """
    tests = {
        "BOOLEAN": "bool_and(lower({c}) IN ('true', 'false'))",
        "BIGINT": "bool_and(regexp_full_match({c}, '-?(0|[1-9][0-9]*)') AND TRY_CAST({c} AS BIGINT) IS NOT NULL)",
        "DOUBLE": "bool_and(TRY_CAST({c} AS DOUBLE) IS NOT NULL AND NOT "
        "regexp_full_match({c}, '[+-]?(0[0-9]+|[0-9]{{16,}})'))",
    }
    asked = ", ".join(test.format(c=identifier(name)) for name in wanted for test in tests.values())
    with duckdb.connect() as con:
        con.execute("SET memory_limit = '500MB'")
        try:
            read = _read(heads, dict.fromkeys(heads[0].names, "VARCHAR"))
            answers = con.execute(f"SELECT {asked} FROM {read}").fetchone() or ()
        except duckdb.Error as error:
            # What follows are DuckDB's options.
            text = " ".join(str(error).partition("Possible fixes")[0].split())
            raise TableError(f"{heads[0].path} cannot be read: {text}") from None
    types = {}
    for place, name in enumerate(wanted):
        mine = answers[len(tests) * place : len(tests) * (place + 1)]
        types[name] = next((kind for kind, all_ in zip(tests, mine, strict=True) if all_), "VARCHAR")
    return types


def _read(heads: Sequence[Head], types: dict[str, str]) -> str:
    first = heads[0]
    columns = ", ".join(f"{literal(name)}: {literal(types[name])}" for name in first.names)
    files = ", ".join(literal(head.path) for head in heads)
    return (
        f"read_csv([{files}], auto_detect = false, header = false, skip = {first.lines}, columns = {{{columns}}}, "
        f"delim = {literal(first.delimiter)}, new_line = '{first.newline}', quote = '\"', escape = '\"', "
        f"nullstr = [{', '.join(map(literal, _MISSING))}])"
    )
