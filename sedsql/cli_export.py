"""The command that writes models in another form."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_options import Force, Json, ModelFolders
from .jsontext import to_json
from .output import new_file
from .show import say

app = typer.Typer()

DATABASES = (".duckdb", ".db")
"""Endings of a DuckDB database; any other is of a file of SQL."""


@app.command()
def export(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Models; the first answers unless one is named.")
    ],
    sql: Annotated[bool, typer.Option("--sql", help="As macros of plain SQL.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A file of SQL, or NAME.duckdb: a database to make or to add to."),
    ] = None,
    mirror: Annotated[Path | None, typer.Option("--mirror", "-m", help="A mirror to put the macros into.")] = None,
    force: Force = False,
    models: ModelFolders = None,
    as_json: Json = False,
) -> None:
    """Write models as SQL that any DuckDB runs: no Python, no extension. Without -o and -m it is printed.

    Example: `sedsql models export lite-1 --sql -o sed.duckdb`, and then in any DuckDB shell
    `duckdb sed.duckdb "SELECT sed_class(s) FROM 'sources.parquet' AS s"`
    """
    from .macrofile import add_to_mirror, macro_script, write_database

    if not sql:
        raise typer.BadParameter("say --sql; a model's ONNX graph and its card are in its folder as they are")
    if output is not None and mirror is not None:
        raise typer.BadParameter("name a file with -o, or a mirror with -m")
    made = macro_script(list(dict.fromkeys(names)), models)
    if mirror is not None:
        add_to_mirror(mirror, made)
    elif output is None:
        print(made, end="")
        return
    elif output.suffix in DATABASES:
        write_database(output, made)
    else:
        with new_file(output, force=force) as partial:
            partial.write_text(made, encoding="utf-8")
    if as_json:
        print(to_json({"models": names, "written": str(mirror or output), "bytes": len(made)}))
    else:
        say(f"{mirror or output} has sed_class(s), sed_proba(s, label), sed_predict(s) ... of {', '.join(names)}")
