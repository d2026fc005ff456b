"""The commands that write a model in another form: as SQL, or with another prior."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_options import Force, Json, ModelFolders, model_named, needs_training
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

    Example: `sedsql models export lite-2 --sql -o sed.duckdb`, and then in any DuckDB shell
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


@app.command()
def prior(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="A model that has a prior, such as sky-1.")],
    table: Annotated[Path, typer.Argument(help="The prior, a CSV: one row of shares, a column a class; or all cells.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The new model's folder, such as models/mine-1, which names it."),
    ],
    strength: Annotated[
        float | None,
        typer.Option(help="The power of the prior, 0 none, 1 as the table has it; the model's own unless told.", min=0),
    ] = None,
    force: Force = False,
    models: ModelFolders = None,
    as_json: Json = False,
) -> None:
    """Write a model whose prior is another: how many sources of each class there are where yours come from.

    Example: `sedsql models prior sky-1 cluster.csv -o models/cluster-1`, where cluster.csv is, say,

    `main_sequence,yso,giant` in the first line and `0.6,0.3,0.1` in the second
    """
    with needs_training():
        from .learn.prior_model import with_prior
    made = with_prior(model_named(name, models), table, output, strength=strength, force=force)
    if as_json:
        print(to_json(made.card))
    else:
        say(f"Model {made.name} written to {output}: {name} with the prior of {table}")
