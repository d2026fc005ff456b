"""The `sedsql` command: parses arguments and prints."""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import duckdb
import typer

from . import (
    __version__,
    cli_bench,
    cli_census,
    cli_classify,
    cli_compare,
    cli_learn,
    cli_mirror,
    cli_shell,
    cli_simulate,
    progress,
    tables,
)
from .cli_options import Force, Json, ModelFolders
from .db import connect
from .dbapi import sentence
from .demo import run_demo
from .errors import Error
from .jsontext import to_json
from .mirror.manifest import MirrorError
from .output import new_file
from .show import SHOWN_ROWS, out, print_rows, say

if TYPE_CHECKING:
    from astropy.table import Table

app = typer.Typer(
    help="Ask in SQL what the sources of a catalogue are, from the shape of their SEDs.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.add_typer(cli_mirror.app, name="mirror")
app.add_typer(cli_classify.app)
app.add_typer(cli_learn.app)
app.add_typer(cli_compare.app)
app.add_typer(cli_simulate.app)
app.add_typer(cli_census.app)
app.add_typer(cli_shell.app)
app.add_typer(cli_bench.app)

Query = Annotated[
    str,
    typer.Argument(help="The query, a file NAME.adql or NAME.sql that holds it, or - for standard input."),
]
Mirror = Annotated[
    Path | None,
    typer.Option("--mirror", "-m", envvar="SEDSQL_MIRROR", help="Folder of the mirror.", show_default=False),
]


@app.command()
def query(
    text: Query,
    mirror: Mirror = None,
    sql: Annotated[bool, typer.Option("--sql", help="The query is DuckDB SQL, not ADQL.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the answer to this file.", show_default=False)
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option(help="Draw the answer into -o FILE, .png or .pdf: sed, hr, colours, sky, or auto: what suits."),
    ] = None,
    force: Force = False,
    models: ModelFolders = None,
    as_json: Json = False,
) -> None:
    """Run a query on a mirror and print the answer.

    Example: `sedsql query "SELECT TOP 5 source_id, sed_class(s) FROM sed.photometry AS s" -m sky`,
    where `sky` is a mirror, such as `sedsql mirror sample sky` makes.
    """
    text, is_sql = _read_query(text, sql)
    if mirror is None and not is_sql:
        raise MirrorError("ADQL needs a mirror to ask: name one with -m DIR; `sedsql mirror sample DIR` makes one")
    if plot is not None and output is None:
        raise typer.BadParameter("a picture goes into a file: name it with -o FILE.png", param_hint="--plot")
    with connect(mirror, models=models) as con:
        cursor = con.execute(text, lang="sql" if is_sql else "adql")
        if cursor.description is None:
            return
        names = [column[0] for column in cursor.description]
        if output is not None and plot is not None:
            _draw(cursor.table(), plot, output, force)
            return
        if output is not None:
            tables.file_format(output)
            with new_file(output, force=force) as partial:
                answer = cursor.arrow()
                if tables.streams(output):
                    tables.write_pieces(partial, answer.schema, iter([answer]))
                else:
                    tables.write_table(partial, tables.from_arrow(answer))
            say(f"{answer.num_rows:,} rows written to {output}")
            return
        if as_json:
            if len(set(names)) < len(names):
                raise tables.TableError("JSON holds a column's name once; name columns that are alike with AS.")
            rows = cursor.fetchall()
            print(to_json([dict(zip(names, row, strict=True)) for row in rows]))
            return
        rows = cursor.fetchmany(SHOWN_ROWS + 1)
        print_rows(names, rows)


def _draw(answer: "Table", kind: str, output: Path, force: bool) -> None:
    from .plot import draw
    from .plot.style import save

    save(draw(answer, None if kind == "auto" else kind), output, force=force)
    say(f"{len(answer):,} rows drawn into {output}")


@app.command()
def translate(
    text: Query,
    mirror: Mirror = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what was rewritten, and why.")] = False,
) -> None:
    """Print the DuckDB SQL of an ADQL query.

    Without a mirror only the language is checked, not the names of tables and columns.

    Example: `sedsql translate "SELECT TOP 5 ra, dec FROM gaiadr3.gaia_source"`
    """
    from . import adql

    text, _ = _read_query(text, False)
    notes: list[str] = []
    if mirror is None:
        print(adql.translate(text, explain=notes))
    else:
        with connect(mirror) as con:
            print(con.translate(text, explain=notes))
    for note in notes if explain else ():
        print(f"-- {note}")


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where everything goes.")] = Path("demo"),
    rows: Annotated[int, typer.Option(help="Sources of the sample sky.", min=1)] = 200_000,
    catalogue: Annotated[Path, typer.Option(help="A labelled table to classify, if it is there.")] = Path(
        "../shared/catalogues/labelled.parquet"
    ),
) -> None:
    """Make a sample sky, ask it what its sources are, and draw their SEDs.

    It has the proportions of Gaia DR3, so rare kinds are rare in it (`sedsql mirror sample --rich` has many of them).

    Example: `sedsql demo demo --rows 50000`
    """
    run_demo(folder, rows, catalogue, print_rows, lambda text: out.print(text, soft_wrap=True))


@app.callback(invoke_without_command=True)
def _options(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"sedsql {__version__}, DuckDB {duckdb.__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command; a mistake of the user's ends in one sentence on standard error, never in a traceback."""
    os.environ.setdefault("MPLBACKEND", "Agg")  # pictures go into files, where there may be no screen
    signals = progress.stop_on_signals()
    try:
        app([_no_option(argument) for argument in sys.argv[1:]])
    except BaseException as error:
        if signals:
            progress.ignore_signals()
            print("Interrupted; nothing was left half-written.", file=sys.stderr)
            sys.exit(128 + signals[0])
        if not isinstance(error, Error | duckdb.Error | OSError | ValueError):
            raise
        print(f"Error: {_sentence(error)}", file=sys.stderr)
        sys.exit(1)


def _no_option(argument: str) -> str:
    """An argument that is no option but a query that begins with a comment, so that it is not taken for one."""
    return f" {argument}" if re.match(r"--[^\s=]*\s", argument) else argument


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, duckdb.Error):
        return sentence(error)
    return str(error).strip() or type(error).__name__


def _read_query(text: str, sql: bool) -> tuple[str, bool]:
    if text == "-":
        return sys.stdin.read(), sql
    if text.endswith((".adql", ".sql")) and not any(c.isspace() for c in text):
        return Path(text).read_text(encoding="utf-8"), sql or text.endswith(".sql")
    return text, sql
