"""CSV (RFC 4180) in pieces: values stay the text that they are in the file, until their column's type is known."""

import csv
import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from .convert import as_text, plain
from .errors import TableError

_BLOCK = 1 << 22
"""Bytes read at a time, and the longest row."""

_NO_NUMBER = ("", "null", "NULL", "None", "NA", "N/A", "--")
_INTEGER = r"^-?(0|[1-9][0-9]*)$"
_CODE = r"^[+-]?(0[0-9]+|[0-9]{16,})$"
"""Digits that a DOUBLE would change: leading zeros, or more than it holds."""


@dataclass
class _Layout:
    names: list[str]
    delimiter: str
    header_lines: int
    empty: bool


def is_tsv(path: Path) -> bool:
    return path.name.lower().endswith((".tsv", ".tsv.gz"))


def read_text(path: Path) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """All values as text; what is not there, and not quoted, is NULL."""
    layout = _layout(path)
    schema = pa.schema([pa.field(name, pa.string()) for name in layout.names])
    return schema, iter(()) if layout.empty else _batches(path, layout, schema)


def _layout(path: Path) -> _Layout:
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        comments, line = 0, file.readline()
        while line.startswith("#"):  # as the Gaia Archive's bulk files have them: ECSV under the name of CSV
            comments, line = comments + 1, file.readline()
        delimiter = "\t" if is_tsv(path) else max(",;\t|", key=line.count)
        reader = csv.reader(chain([line], file), delimiter=delimiter)
        names = next(reader, [])
        header_lines = comments + reader.line_num
        if not names:
            raise TableError(f"{path} is empty: it has no line of column names.")
        return _Layout(names, delimiter, header_lines, empty=next(reader, None) is None)


def _batches(path: Path, layout: _Layout, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    places = [str(place) for place in range(len(layout.names))]  # names may be there twice
    reader = pacsv.open_csv(
        str(path),
        pacsv.ReadOptions(skip_rows=layout.header_lines, column_names=places, block_size=_BLOCK),
        pacsv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True),
        pacsv.ConvertOptions(
            column_types=dict.fromkeys(places, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
            quoted_strings_can_be_null=False,
        ),
    )
    for batch in reader:
        yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def typed(read: Callable[[], tuple[pa.Schema, Iterator[pa.RecordBatch]]]) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The columns as BIGINT or DOUBLE, where each of their values is such a number; the file is read twice for it."""
    schema, batches = read()
    possible = [[pa.int64(), pa.float64()] for _ in schema]
    numbers = [False] * len(schema)
    for batch in batches:
        for place, column in enumerate(batch.columns):
            present = _number_text(column).drop_null()
            numbers[place] |= len(present) > 0
            possible[place] = [kind for kind in possible[place] if _is_all(present, kind)]
    kinds = [found[0] if found and any_ else pa.string() for found, any_ in zip(possible, numbers, strict=True)]
    schema = pa.schema([pa.field(field.name, kind) for field, kind in zip(schema, kinds, strict=True)])

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


def write(path: Path, schema: pa.Schema, pieces: Iterator[pa.Table]) -> None:
    """Write pieces as CSV; quotes only where they are needed, NULL as nothing, empty text as ""."""
    delimiter = "\t" if is_tsv(path) else ","
    with zipped(path) if path.name.lower().endswith(".gz") else open(path, "wb") as file:
        names = _quoted(pa.array(schema.names, pa.string()), delimiter)
        file.write((delimiter.join(names.to_pylist()) + "\n").encode())
        for piece in pieces:
            for batch in piece.to_batches():
                if batch.num_rows:
                    file.write(_lines(batch, delimiter))
                    file.write(b"\n")


@contextmanager
def zipped(path: Path) -> Iterator[gzip.GzipFile]:
    """A gzip file without the name and the time of its writing in it."""
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        yield file


def _lines(batch: pa.RecordBatch, delimiter: str) -> pa.Buffer:
    columns = [_words(column, delimiter) for column in batch.columns]
    rows = pc.binary_join_element_wise(*columns, delimiter, null_handling="replace", null_replacement="")
    return pc.binary_join(pa.ListArray.from_arrays([0, len(rows)], rows), "\n")[0].as_buffer()


def _words(column, delimiter: str):
    words = as_text(column)
    kind = plain(column).type
    if pa.types.is_primitive(kind) and not pa.types.is_temporal(kind):
        return words
    return _quoted(words, delimiter)


def _quoted(words, delimiter: str):
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(words, '"', '""'), '"', "")
    needed = pc.or_(pc.match_substring_regex(words, f'["\r\n{delimiter}]'), pc.equal(words, ""))
    return pc.if_else(needed, quoted, words)
