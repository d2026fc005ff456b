"""Read and write CSV (RFC 4180) in pieces; values stay text until the type of their column is known."""

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from sedsql.files.errors import TableError
from sedsql.files.names import NAMES
from sedsql.files.text import all_joined, as_text, plain, text_scalar
from sedsql.files.times import is_time, time_text

_BLOCK = 1 << 22
"""Bytes read at a time, and the longest row."""

_NO_NUMBER = ("", "null", "NULL", "None", "NA", "N/A", "--")
_INTEGER = r"^-?(0|[1-9][0-9]*)$"
_CODE = r"^[+-]?(0[0-9]+|[0-9]{16,})$"
"""Digits that a DOUBLE would change: leading zeros, or more than it holds."""

_KNOWN = frozenset(name.lower() for names in NAMES.values() for name in names)
"""Names of bands, parallaxes and positions."""

_VIZIER_COLUMN = re.compile(r"#Column\t([^\t]+)\t\([^\t]*\)\t(.*?)(?:\t?\[ucd=([^\]]*)\])?\s*")
"""How VizieR describes a column, before the line of names."""


@dataclass
class _Layout:
    """Where the rows of a file begin; `about` has what VizieR says of each column: unit, description, UCD."""

    names: list[str]
    delimiter: str
    header_lines: int
    empty: bool
    about: list[dict[str, str]] = field(default_factory=list)


def is_tsv(path: Path) -> bool:
    return path.name.lower().endswith((".tsv", ".tsv.gz"))


def is_vizier(path: Path) -> bool:
    """Tell whether a file has VizieR's lines of units and dashes between the names and the rows."""
    try:
        return bool(_layout(path).about)
    except UnicodeDecodeError:
        raise TableError(f"{path} cannot be read: it is not UTF-8 text.") from None
    except (EOFError, gzip.BadGzipFile, zlib.error):  # who reads the rows tells it
        return False


def read_text(path: Path) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Read all values as text; an empty value without quotes is NULL."""
    layout = _layout(path)
    about = layout.about or [{}] * len(layout.names)
    schema = pa.schema(
        [pa.field(name, pa.string(), metadata=one or None) for name, one in zip(layout.names, about, strict=True)]
    )
    return schema, iter(()) if layout.empty else _batches(path, layout, schema)


def _layout(path: Path) -> _Layout:
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        comments: list[str] = []
        line = file.readline()
        # The Gaia Archive's bulk files have comments (ECSV under the name of CSV), and VizieR's empty lines after them.
        while line.startswith("#") or (comments and line and not line.strip()):
            comments.append(line)
            line = file.readline()
        delimiter = delimiter_of(path, line)
        reader = csv.reader(chain([line], file), delimiter=delimiter)
        names = next(reader, [])
        header_lines = len(comments) + reader.line_num
        if not names:
            raise TableError(f"{path} is empty: it has no line of column names.")
        rows = list(islice(reader, 3))
        if len(rows) < 2 or len(rows[0]) != len(names) or not _are_dashes(rows[1], len(names)):
            return _Layout(names, delimiter, header_lines, empty=not rows)
        described = {match[1].strip(): match for match in map(_VIZIER_COLUMN.fullmatch, comments) if match}
        about = [_about(described.get(name.strip()), unit) for name, unit in zip(names, rows[0], strict=True)]
        names = [name.strip() for name in names]
        return _Layout(names, delimiter, header_lines + 2, empty=not any(rows[2:]), about=about)


def delimiter_of(path: Path, line: str) -> str:
    """Tell what divides the names in a line: a space only between names that are known, for others may have spaces."""
    if is_tsv(path) and ("\t" in line or ";" not in line):
        return "\t"
    found = max(",;\t|", key=line.count)
    if found in line or not _KNOWN.intersection(line.lower().split()):
        return found
    return " "


def _are_dashes(cells: list[str], width: int) -> bool:
    """Tell whether a line is the one that VizieR draws between names and rows."""
    return len(cells) == width and all(cell and not cell.strip("-") for cell in map(str.strip, cells))


def _about(match: re.Match | None, unit: str) -> dict[str, str]:
    description, ucd = (match[2], match[3]) if match else (None, None)
    found = {"unit": unit.strip(), "ucd": ucd, "description": description}
    return {key: value for key, value in found.items() if value}


def _batches(path: Path, layout: _Layout, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    places = [str(place) for place in range(len(layout.names))]  # names may be there twice
    tables = []

    def invalid(row: pacsv.InvalidRow) -> str:
        if row.text.startswith(("#Table", "#RESOURCE")):
            tables.append(row.text)
        return "skip" if tables or row.text.startswith("#") else "error"

    reader = pacsv.open_csv(
        str(path),
        pacsv.ReadOptions(skip_rows=layout.header_lines, column_names=places, block_size=_BLOCK),
        pacsv.ParseOptions(
            delimiter=layout.delimiter,
            newlines_in_values=True,
            invalid_row_handler=invalid if layout.about else None,
        ),
        pacsv.ConvertOptions(
            column_types=dict.fromkeys(places, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
            quoted_strings_can_be_null=False,
        ),
    )
    for batch in reader:
        if tables:
            raise TableError(f"{path} has several tables one after the other; save each from VizieR as a file.")
        yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def typed(read: Callable[[], tuple[pa.Schema, Iterator[pa.RecordBatch]]]) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Read columns as BIGINT or DOUBLE where each value is such a number; this reads the file twice."""
    schema, batches = read()
    possible = [[pa.int64(), pa.float64()] for _ in schema]
    numbers = [False] * len(schema)
    for batch in batches:
        for place, column in enumerate(batch.columns):
            present = _number_text(column).drop_null()
            numbers[place] |= len(present) > 0
            possible[place] = [kind for kind in possible[place] if _is_all(present, kind)]
    kinds = [found[0] if found and any_ else pa.string() for found, any_ in zip(possible, numbers, strict=True)]
    schema = pa.schema([one.with_type(kind) for one, kind in zip(schema, kinds, strict=True)])

    def convert():
        for batch in read()[1]:
            columns = [
                column if kind == pa.string() else pc.cast(_number_text(column), kind)
                for column, kind in zip(batch.columns, kinds, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return schema, convert()


def _number_text(column):
    text = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.is_in(text, pa.array(_NO_NUMBER)), pa.scalar(None, pa.string()), text)


def _is_all(present, kind) -> bool:
    if pa.types.is_integer(kind):
        if not pc.all(pc.match_substring_regex(present, _INTEGER), min_count=0).as_py():
            return False
    elif pc.any(pc.match_substring_regex(present, _CODE), min_count=0).as_py():
        return False
    try:
        pc.cast(present, kind)
    except pa.ArrowInvalid:
        return False
    return True


def write_rows(
    file: BinaryIO | gzip.GzipFile, schema: pa.Schema, batches: Iterable[pa.RecordBatch], delimiter: str
) -> None:
    """Write a line of names and rows, with quotes only where they are needed, NULL as nothing, and empty text as ""."""
    file.write((delimiter.join(_name(name, delimiter) for name in schema.names) + "\n").encode())
    for batch in batches:
        if batch.num_rows:
            file.write(_lines(batch, delimiter))
            file.write(b"\n")


@contextmanager
def zipped(path: Path) -> Iterator[gzip.GzipFile]:
    """Open a gzip file to write, without its name and time in it."""
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        yield file


def _lines(batch: pa.RecordBatch, delimiter: str) -> memoryview:
    columns = [_words(column, delimiter) for column in batch.columns]
    rows = pc.binary_join_element_wise(*columns, text_scalar(delimiter), null_handling="replace", null_replacement="")
    return memoryview(all_joined(rows, "\n"))


def _name(name: str, delimiter: str) -> str:
    """Quote a name of a column as values are quoted."""
    needed = not name or any(letter in name for letter in ('"', "\r", "\n", delimiter))
    return '"{}"'.format(name.replace('"', '""')) if needed else name


def _words(column, delimiter: str):
    if is_time(column.type):
        return time_text(column)
    words = as_text(column)
    kind = plain(column).type
    if pa.types.is_primitive(kind) and not pa.types.is_temporal(kind):
        return words
    return _quoted(words, delimiter)


def _quoted(words, delimiter: str):
    quote, nothing = text_scalar('"'), text_scalar("")
    quoted = pc.binary_join_element_wise(quote, pc.replace_substring(words, '"', '""'), quote, nothing)
    needed = pc.or_(pc.match_substring_regex(words, f'["\r\n{delimiter}]'), pc.equal(words, nothing))
    return pc.if_else(needed, quoted, words)
