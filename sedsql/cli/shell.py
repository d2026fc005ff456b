"""Define the `sedsql shell` command, which opens the DuckDB shell on a mirror."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from sedsql.cli.options import ModelFolders
from sedsql.cli.render import say
from sedsql.integrations.duckdb_shell import find_shell, open_shell, shell_lines

app = typer.Typer()


@app.command()
def shell(
    mirror: Annotated[
        Path | None, typer.Argument(envvar="SEDSQL_MIRROR", help="Folder of the mirror.", show_default=False)
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- OPTION...]", help="Options of the DuckDB shell itself.", show_default=False),
    ] = None,
    command: Annotated[
        str | None, typer.Option("--command", "-c", help="Run this SQL and end.", show_default=False)
    ] = None,
    models: ModelFolders = None,
    show: Annotated[
        bool, typer.Option("--print", help="Print the SQL that does the same in any other DuckDB client.")
    ] = False,
) -> None:
    """Open the DuckDB shell on a mirror, with the `sed_*` functions.

    Example: `sedsql shell sky -c "SELECT sed_class(s), count(*) FROM sed.photometry AS s GROUP BY 1"`

    Example: `sedsql translate -m sky young_stars.adql | sedsql shell sky -- -csv`

    Example: `sedsql shell sky --print > sky.sql`, and then `duckdb -unsigned -init sky.sql`
    """
    if show:
        lines = shell_lines(mirror, models)
        name = "sed.sql" if mirror is None else f"{mirror.name}.sql"
        print(f"-- Save this as {name} and run: duckdb -unsigned -init {shlex.quote(name)}")
        print("".join(f"{line};\n" for line in lines), end="")
        return
    if command is None and sys.stdin.isatty() and sys.stdout.isatty():
        find_shell()
        what = f"{mirror} is open, read-only, as `mirror`; " if mirror else ""
        say(f"{what}sed_class(s), sed_predict(s) ... take a row or ten magnitudes; .exit leaves")
    open_shell(mirror, [*(options or []), *(["-c", command] if command is not None else [])], models)
