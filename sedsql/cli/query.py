"""Define the `sedsql query` and `sedsql translate` commands."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sedsql.cli.answers import Csv, Format, Output, check_output, chosen_format, to_file, write_answer
from sedsql.cli.options import Force, Json, Mirror, ModelFolders, pairs
from sedsql.cli.render import counted, say
from sedsql.dbapi.connection import Connection, connect
from sedsql.files.json import to_json
from sedsql.files.place import at_home
from sedsql.mirror.manifest import MirrorError

if TYPE_CHECKING:
    from astropy.table import Table

app = typer.Typer()

Query = Annotated[
    str,
    typer.Argument(help="The query, @FILE or NAME.adql or NAME.sql that holds it, or - for standard input."),
]
Uploads = Annotated[
    list[str] | None,
    typer.Option(
        "--upload",
        metavar="NAME=FILE",
        help="A table in a file, which the query names TAP_UPLOAD.NAME; several are given one by one.",
        show_default=False,
    ),
]


@app.command()
def query(
    text: Query,
    mirror: Mirror = None,
    sql: Annotated[bool, typer.Option("--sql", help="The query is DuckDB SQL, not ADQL.")] = False,
    output: Output = None,
    format: Format = None,
    as_csv: Csv = False,
    as_json: Json = False,
    upload: Uploads = None,
    plot: Annotated[
        str | None,
        typer.Option(
            help="Draw the answer into -o FILE (.png or .pdf), as sed, hr, colours or sky; auto chooses by its columns."
        ),
    ] = None,
    force: Force = False,
    models: ModelFolders = None,
) -> None:
    """Run a query on a mirror and print the answer.

    On a terminal it is a table of the first rows. In a pipe it is CSV of all rows, for other programs.

    Example: `sedsql query "SELECT TOP 5 source_id, sed_class(s) FROM sed.photometry AS s" -m sky`,
    where `sky` is a mirror, such as `sedsql mirror sample sky` makes.

    Example: `sedsql query @near.adql -m sky --upload mine=targets.vot -o near.fits`
    """
    text, is_sql = read_query(text, sql)
    chosen = chosen_format(format, as_csv, as_json and not to_file(output))
    if plot is not None and not to_file(output):
        raise typer.BadParameter("a picture goes into a file: name it with -o FILE.png", param_hint="--plot")
    if plot is None:
        check_output(output, chosen)
    with open_with_uploads(mirror, is_sql, models, upload) as con:
        cursor = con.execute(text, lang="sql" if is_sql else "adql")
        if cursor.description is None:
            return
        if plot is not None and output is not None:
            _draw(cursor.table(), plot, output, force)
        else:
            write_answer(cursor, output, chosen, force, as_json=as_json)


@contextmanager
def open_with_uploads(
    mirror: Path | None, is_sql: bool, models: list[Path] | None, uploads: list[str] | None
) -> Iterator[Connection]:
    """Connect to a mirror, with tables of files to be named TAP_UPLOAD.name."""
    given = pairs(uploads, "--upload")
    if mirror is None and not is_sql and not given:
        raise MirrorError("ADQL needs a mirror to ask: name one with -m DIR; `sedsql mirror sample DIR` makes one")
    with connect(mirror, models=models) as con:
        for name, file in given.items():
            con.upload(name, at_home(file))
        yield con


def _draw(answer: "Table", kind: str, output: Path, force: bool) -> None:
    from sedsql.plot import draw
    from sedsql.plot.style import save

    save(draw(answer, None if kind == "auto" else kind), output, force=force)
    say(f"A picture of {counted(len(answer))} is in {output}")


@app.command()
def translate(
    text: Query,
    mirror: Mirror = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what was rewritten, and why.")] = False,
    as_json: Json = False,
) -> None:
    """Print the DuckDB SQL of an ADQL query.

    Without a mirror only the language is checked, not the names of tables and columns.

    Example: `sedsql translate "SELECT TOP 5 ra, dec FROM gaiadr3.gaia_source"`
    """
    from sedsql import adql

    text, _ = read_query(text, False)
    notes: list[str] = []
    if mirror is None:
        written = adql.translate(text, explain=notes)
    else:
        with connect(mirror) as con:
            written = con.translate(text, explain=notes)
    if as_json:
        print(to_json({"sql": written, "rewrites": notes}))
        return
    print(written)
    for note in notes if explain else ():
        print(f"-- {note}")


def read_query(text: str, sql: bool) -> tuple[str, bool]:
    """Read the query's text, and whether it is DuckDB SQL."""
    if text == "-":
        return sys.stdin.read(), sql
    if text.startswith("@"):
        path = at_home(text[1:])
        return path.read_text(encoding="utf-8"), sql or path.suffix == ".sql"
    if text.endswith((".adql", ".sql")) and not any(c.isspace() for c in text):
        return Path(text).read_text(encoding="utf-8"), sql or text.endswith(".sql")
    return text, sql
