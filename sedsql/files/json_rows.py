"""Write rows as JSON: a list with an object for each row, one a line."""

from collections.abc import Iterator, Sequence
from typing import TextIO

import pyarrow as pa

from sedsql.files.errors import TableError
from sedsql.files.json import to_json


def check(names: Sequence[str]) -> None:
    """Raise TableError where an object could not hold all columns."""
    if len(set(names)) < len(names):
        raise TableError("JSON holds a column's name once; name columns that are alike with AS.")


def write(file: TextIO, schema: pa.Schema, pieces: Iterator[pa.Table]) -> None:
    """Write pieces into an open file."""
    check(schema.names)
    before = "["
    for piece in pieces:
        columns = [column.to_pylist() for column in piece.columns]
        for row in zip(*columns, strict=True):
            file.write(before + to_json(dict(zip(schema.names, row, strict=True))))
            before = ",\n"
    file.write("[]\n" if before == "[" else "]\n")
