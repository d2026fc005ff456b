"""Define the `sedsql models` commands: list the models, write them as SQL, or give one another prior."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from sedsql.cli.options import Force, Json, ModelFolders, model_named, needs_training
from sedsql.cli.render import say
from sedsql.cli.render_evaluation import print_models
from sedsql.files.atomic import new_file
from sedsql.files.json import to_json
from sedsql.inference.bounds_file import BoundsFile
from sedsql.inference.model import Model, ModelError, find_models
from sedsql.inference.session import Session

app = typer.Typer()

DATABASES = (".duckdb", ".db")
"""Endings of a DuckDB database; a file with any other ending gets SQL."""


@app.callback(invoke_without_command=True)
def list_models(ctx: typer.Context, models: ModelFolders = None, as_json: Json = False) -> None:
    """List the models and check each file against its card; `export` writes them as SQL.

    Example: `sedsql models --json`
    """
    if ctx.invoked_subcommand:
        return
    found = find_models(models)
    broken = {name: problem for name, model in found.items() if (problem := _problem(model))}
    if as_json:
        cards = {name: model.card.as_object() for name, model in found.items()}
        print(to_json({name: {"verified": name not in broken, "card": card} for name, card in cards.items()}))
    else:
        print_models(found, broken)
    for problem in broken.values():
        print(f"Error: {problem}", file=sys.stderr)
    if broken:
        raise typer.Exit(1)


def _problem(model: Model) -> str:
    try:
        Session(model)
        BoundsFile.read(model)
    except ModelError as error:
        return str(error)
    return ""


@app.command()
def export(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Models; the first is the default of the functions.")
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
    """Write models as SQL that any DuckDB runs without Python or an extension. Without -o and -m the SQL is printed.

    Example: `sedsql models export lite-2 --sql -o sed.duckdb`, and then in any DuckDB shell
    `duckdb sed.duckdb "SELECT sed_class(s) FROM 'sources.parquet' AS s"`
    """
    from sedsql.integrations.sql_macros import add_to_mirror, macro_script, write_database

    if not sql:
        raise typer.BadParameter(
            "say --sql; there is no other format. A model's folder has its ONNX graph and its card"
        )
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
    table: Annotated[Path, typer.Argument(help="The prior, a CSV: a column of shares for each class.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder of the new model, e.g. models/mine-1; the model takes its name."),
    ],
    strength: Annotated[
        float | None,
        typer.Option(
            help="The power of the prior: 1 for the table's shares, 0 for no prior; without it, the model's own.", min=0
        ),
    ] = None,
    force: Force = False,
    models: ModelFolders = None,
    as_json: Json = False,
) -> None:
    """Write a copy of a model with another prior: the share of each class where your sources come from.

    Example: `sedsql models prior sky-1 cluster.csv -o models/cluster-1`, where cluster.csv is, say,

    `main_sequence,yso,giant` in the first line and `0.6,0.3,0.1` in the second
    """
    with needs_training():
        from sedsql.learn.prior_model import with_prior
    made = with_prior(model_named(name, models), table, output, strength=strength, force=force)
    if as_json:
        print(to_json(made.card.as_object()))
    else:
        say(f"Model {made.name} written to {output}: {name} with the prior of {table}")
