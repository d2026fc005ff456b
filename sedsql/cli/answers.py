"""Write an answer where a user wants it: a table on the terminal, a format on standard output, or a file."""

import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
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


def _known(output: Path, format: str | None) -> str | None:
    """The format that is told, or JSON where the name ends so; None where the ending says another."""
    return "json" if format is None and output.suffix.lower() == ".json" else format


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
        return _rows(self._table.slice(0, size))

    def fetchall(self) -> list[tuple]:
        return _rows(self._table)


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
        rows = _write_file(answer.arrow, output, format, force)
        if as_json:
            print(to_json({"output": str(output), "rows": rows}))
        elif not quiet:
            say(f"{counted(rows)} written to {output}")
    elif format == "table" or (format is None and output is None and on_terminal()):
        print_rows(_names(answer), answer.fetchmany(SHOWN_ROWS + 1))
    elif format == "json":
        print(_json(_names(answer), answer.fetchall()))
    elif format in (None, "csv", "tsv"):
        reader = answer.batches()
        _write_text(reader.schema, reader, format)
    else:
        _write_bytes(answer.arrow(), format)


def check_output(output: Path | None, format: str | None) -> None:
    """Refuse what cannot be written, before any work."""
    if output is not None and to_file(output):
        format = _known(output, format)
        if format is None:
            files.file_format(output)
        elif format == "table":
            raise typer.BadParameter("a table is for a terminal; a file has another format", param_hint="--format")
    elif format in _BINARY and sys.stdout.isatty():
        raise typer.BadParameter(f"{format} is binary; name a file with -o FILE, or write into a pipe")


def _names(answer: "Cursor | Held") -> list[str]:
    return [column[0] for column in answer.description or ()]


def _rows(table: "pa.Table") -> list[tuple]:
    columns = [column.to_pylist() for column in table.columns]
    return list(zip(*columns, strict=True)) if columns else []


def _json(names: list[str], rows: list[tuple]) -> str:
    from sedsql.files import json_rows

    json_rows.check(names)
    return to_json([dict(zip(names, row, strict=True)) for row in rows])


def _write_text(schema: "pa.Schema", batches: "Iterable[pa.RecordBatch]", format: str | None) -> None:
    from sedsql.files import csv

    sys.stdout.flush()
    csv.write_rows(sys.stdout.buffer, schema, batches, "\t" if format == "tsv" else ",")
    sys.stdout.buffer.flush()


def _write_file(answer_of: "Callable[[], pa.Table]", output: Path, format: str | None, force: bool) -> int:
    check_output(output, format)
    format = _known(output, format)
    with new_file(output, force=force) as partial:
        answer = answer_of()
        _write(answer, partial, format)
    return answer.num_rows


def _write(answer: "pa.Table", partial: Path, format: str | None) -> None:
    """Write a file whose name need not have the ending of the format."""
    if format == "json":
        partial.write_text(_json(answer.column_names, _rows(answer)) + "\n", encoding="utf-8")
        return
    written = partial if format is None else partial.with_name(f"{partial.name}{ENDINGS[format]}")
    try:
        if files.in_pieces(written):
            files.write_pieces(written, answer.schema, iter([answer]))
        else:
            files.write_table(written, files.from_arrow(answer))
        if written != partial:
            written.replace(partial)
    finally:
        if written != partial:
            written.unlink(missing_ok=True)


def _write_bytes(answer: "pa.Table", format: str) -> None:
    """Write a format whose writers want a file to standard output."""
    from sedsql.files.arrow_ipc import STREAM

    with TemporaryDirectory(prefix="sedsql-") as folder:
        # A pipe gets Arrow's stream format, which is read while it is written.
        written = Path(folder) / f"answer{STREAM if format == 'arrow' else ENDINGS[format]}"
        _write(answer, written, None)
        with open(written, "rb") as file:
            sys.stdout.flush()
            shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()
