"""Write an answer where a user wants it: a table on the terminal, a format on standard output, or a file."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sedsql import files
from sedsql.cli.render import SHOWN_ROWS, counted, on_terminal, print_rows, say
from sedsql.errors import did_you_mean
from sedsql.files.atomic import new_file
from sedsql.files.json import to_json

if TYPE_CHECKING:
    import pyarrow as pa

    from sedsql.dbapi.cursor import Cursor

ENDINGS = {
    "csv": ".csv",
    "tsv": ".tsv",
    "votable": ".vot",
    "parquet": ".parquet",
    "arrow": ".arrow",
    "fits": ".fits",
    "ecsv": ".ecsv",
    "json": ".json",
    "table": "",
}
"""The endings of files in each format."""

_BINARY = ("parquet", "arrow", "fits")

Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help=f"The format of the answer: {', '.join(ENDINGS)}. Unless told, that of the ending of -o FILE, "
        f"a table of {SHOWN_ROWS} rows on a terminal, and CSV of all rows in a pipe.",
        show_default=False,
    ),
]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV, as --format csv does.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write the answer to this file; - is standard output.", show_default=False),
]


def to_file(output: Path | None) -> bool:
    """Tell whether the answer goes into a file."""
    return output is not None and str(output) != "-"


def chosen_format(name: str | None, as_csv: bool, as_json: bool) -> str | None:
    """The one format that the options ask for; None where they ask for none."""
    asked = {*([name.lower()] if name else []), *(["csv"] if as_csv else []), *(["json"] if as_json else [])}
    if len(asked) > 1:
        raise typer.BadParameter(f"an answer has one format, and {' and '.join(sorted(asked))} are asked for")
    found = next(iter(asked), None)
    if found is not None and found not in ENDINGS:
        raise typer.BadParameter(f"no format is called {found!r}; {did_you_mean(found, ENDINGS)}")
    return found


class Held:
    """An Arrow table in the place of a cursor."""

    def __init__(self, table: "pa.Table"):
        self._table = table
        self.description = [(name,) for name in table.column_names]

    def arrow(self) -> "pa.Table":
        return self._table

    def batches(self) -> "pa.RecordBatchReader":
        return self._table.to_reader()

    def fetchmany(self, size: int) -> list[tuple]:
        return list(zip(*(column.to_pylist() for column in self._table.slice(0, size).columns), strict=True))


def write_answer(
    answer: "Cursor | Held",
    output: Path | None,
    format: str | None,
    force: bool,
    *,
    as_json: bool = False,
    quiet: bool = False,
) -> None:
    """Write an answer in a format, to a file if one is named, else to standard output.

    as_json, quiet : how it is told that a file was written: for machines, or not at all
    """
    if output is not None and to_file(output):
        rows = _write_file(answer, output, format, force)
        if as_json:
            print(to_json({"output": str(output), "rows": rows}))
        elif not quiet:
            say(f"{counted(rows)} written to {output}")
    elif format == "table" or (format is None and output is None and on_terminal()):
        print_rows(_names(answer), answer.fetchmany(SHOWN_ROWS + 1))
    else:
        sys.stdout.flush()
        _write_pipe(answer, format or "csv")
        sys.stdout.buffer.flush()


def check_output(output: Path | None, format: str | None) -> None:
    """Refuse what cannot be written, before any work."""
    if output is not None and to_file(output):
        if format is None:
            files.file_format(output)
        elif format == "table":
            raise typer.BadParameter("a table is for a terminal; a file has another format", param_hint="--format")
    elif format in _BINARY and sys.stdout.isatty():
        raise typer.BadParameter(f"{format} is binary; name a file with -o FILE, or write into a pipe")


def _names(answer: "Cursor | Held") -> list[str]:
    return [column[0] for column in answer.description or ()]


def _write_file(answer: "Cursor | Held", output: Path, format: str | None, force: bool) -> int:
    """Write a file, whose name need not have the ending of the format, and count its rows."""
    check_output(output, format)
    with new_file(output, force=force) as partial:
        written = partial if format is None else partial.with_name(f"{partial.name}{ENDINGS[format]}")
        try:
            rows = _write_named(answer, written)
            if written != partial:
                written.replace(partial)
        finally:
            if written != partial:
                written.unlink(missing_ok=True)
    return rows


def _write_named(answer: "Cursor | Held", path: Path) -> int:
    import pyarrow as pa

    if not files.written_in_pieces(path):
        table = answer.arrow()
        files.write_table(path, files.from_arrow(table))
        return table.num_rows
    reader, rows = answer.batches(), 0

    def pieces() -> Iterator[pa.Table]:
        nonlocal rows
        for batch in reader:
            rows += batch.num_rows
            yield pa.Table.from_batches([batch])

    files.write_pieces(path, reader.schema, pieces())
    return rows


def _write_pipe(answer: "Cursor | Held", format: str) -> None:
    from sedsql.files import json_rows
    from sedsql.files.streams import FORMATS, write_stream
    from sedsql.files.streams.limited import Limited

    pipe = sys.stdout.buffer
    if format == "ecsv":
        files.from_arrow(answer.arrow()).write(sys.stdout, format="ascii.ecsv")
        return
    reader = answer.batches()
    if format == "json":  # a list of objects, as in a file; a service has other JSON
        json_rows.write(pipe, reader.schema, Limited(reader).pieces())
    else:
        write_stream(pipe, FORMATS[format], reader.schema, reader)
