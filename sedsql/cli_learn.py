"""The commands for models: train one, see how good it is, list them."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from . import cli_export, progress
from .bands import COLUMNS
from .cli_options import (
    BandMap,
    ColumnMap,
    Force,
    Json,
    ModelFolders,
    Sentinels,
    Simulated,
    model_named,
    needs_training,
    pairs,
    simulated_rows,
)
from .inference.model import DEFAULT_MODEL, SKY_MODEL, Model, ModelError, find_models
from .inference.session import Session
from .jsontext import to_json
from .show import print_models, print_scores, print_why, say

app = typer.Typer()
app.add_typer(cli_export.app, name="models")

Table = Annotated[Path, typer.Argument(help="A table with a label for each source, in any format of `classify`.")]
Label = Annotated[str, typer.Option(help="The column of labels.")]


@app.command()
def train(
    tables: Annotated[
        list[Path],
        typer.Argument(
            metavar="TABLE...", help="A table with a label for each source, in any format of `classify`; or several."
        ),
    ],
    label: Label,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The model's folder, e.g. models/mine-1; its name becomes the model's."),
    ],
    recipe: Annotated[
        str,
        typer.Option(
            help="shape: colours only. luminosity: the column `parallax` too. sky: that, and the prior of the sky. "
            "lite: shape, small and quick."
        ),
    ] = "shape",
    clean: Annotated[
        bool, typer.Option("--clean", help="Mend labels by the rules for the shipped models' classes (docs/models.md).")
    ] = False,
    simulated: Simulated = None,
    band_map: BandMap = None,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Train a model on a labelled table.

    It is tested by cross-validation on sky that it has not seen, and written with a card that says how well it does.

    Example: `sedsql train labelled.parquet --label class -o models/mine-1`

    Example: `sedsql train old.parquet new.parquet --label class --recipe sky --simulated all=3000 -o models/mine-sky-1`
    """
    with needs_training():
        from .learn import build, patterns, recipes, training
        from .learn import simulated as simulating
    if recipe not in recipes.RECIPES:
        raise typer.BadParameter(f"there is no recipe {recipe!r}; there are {', '.join(recipes.RECIPES)}")
    rows = simulated_rows(simulated)
    with progress.steps("training", build.STEPS) as step:
        labelled = training.read_labelled(tables, label, pairs(band_map, "--map"), clean=clean)
        labelled = simulating.add_simulated(labelled, rows, seed)
        model = build.build_model(labelled, output, recipes.RECIPES[recipe], seed=seed, force=force, step=step)
    if as_json:
        print(to_json(model.card))
        return
    print_scores(model.card["metrics"])
    told = model.card["training"]["told_by_bands"]
    if told > patterns.TELLING:
        say(
            f"Which bands a source has tells {told:.0%} of its class in this table, whatever its colours: the model will "
            "have learnt which catalogue a row comes from. Add rows of the classes that lack bands, or simulated ones "
            "(--simulated all=3000).",
            style="yellow",
        )
    say(f"Model {model.name} written to {output}")


@app.command()
def evaluate(
    table: Table,
    label: Label,
    model: Annotated[str, typer.Option(help="Name of the model.")] = DEFAULT_MODEL,
    models: ModelFolders = None,
    cross_validate: Annotated[
        bool,
        typer.Option(
            "--cross-validate",
            help="Train the model's recipe anew on four fifths of the sky and test on the fifth, five times.",
        ),
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw what is taken for what, and how true probabilities are, into this folder."),
    ] = None,
    band_map: BandMap = None,
    as_json: Json = False,
) -> None:
    """How good a model is on a labelled table: precision, recall, F1, calibration, coverage.

    Example: `sedsql evaluate members.vot --label class --model shape-1 --plot figures`
    """
    with needs_training():
        from .learn import judge, training
    chosen = model_named(model, models)
    work, count = (judge.cross_validated, judge.STEPS) if cross_validate else (judge.judged, judge.LOOKS)
    with progress.steps("evaluating", 1 + count) as step:
        step(f"reading {table.name}")
        labelled = training.read_labelled(table, label, pairs(band_map, "--map"), least_rows=0)
        metrics = work(chosen, labelled, step, partial(_draw, plot) if plot else lambda *_: None)
    if as_json:
        print(to_json({"model": chosen.name, "table": labelled.about, **metrics}))
        return
    print_scores(metrics)
    for note in metrics.get("notes", ()):
        say(note, style="yellow")
    if plot:
        say(f"Confusion and reliability drawn into {plot}")


def _draw(target: Path, truth, found, probability) -> None:
    from .plot import confusion, reliability
    from .plot.style import save

    figures = {"confusion": confusion(truth, found), "reliability": reliability(truth, found, probability)}
    target.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        save(figure, target / f"{name}.png", force=True)


@app.command()
def explain(
    table: Annotated[Path, typer.Argument(help="A table of sources, in any format of `classify`.")],
    row: Annotated[int, typer.Option(help="The source's row in the table, from 1.", min=1)] = 1,
    model: Annotated[str, typer.Option(help="Name of the model.")] = SKY_MODEL,
    models: ModelFolders = None,
    training: Annotated[
        Path | None,
        typer.Option(help="The labelled table to show the nearest sources of.", show_default=False),
    ] = None,
    label: Annotated[str, typer.Option(help="Its column of labels.")] = "class",
    column_map: ColumnMap = None,
    sentinels: Sentinels = False,
    as_json: Json = False,
) -> None:
    """Why a source has its class: what each band, parallax and position add, and the labelled sources most like it.

    Example: `sedsql explain cluster.vot --row 12 --training labelled.parquet --label class`
    """
    from .why import why

    mapped = pairs(column_map, "--map")
    neighbours = None
    if training:
        with needs_training():
            from .learn import neighbours as near
            from .learn.training import read_labelled
        # Another table may have other names for its columns, but a band that the source lacks is of no use in it.
        bands = {band: column for band, column in mapped.items() if band in COLUMNS}
        lacking = {band: column for band, column in bands.items() if column.lower() == "none"}
        labelled = read_labelled(training, label, bands if training == table else lacking, least_rows=0)

        def neighbours(magnitudes):
            return near.nearest(magnitudes, labelled)

    found = why(table, row, model_named(model, models), mapped, neighbours, sentinels=sentinels)
    if as_json:
        print(to_json(found))
    else:
        print_why(found)


@cli_export.app.callback(invoke_without_command=True)
def list_models(ctx: typer.Context, models: ModelFolders = None, as_json: Json = False) -> None:
    """List the models and check each file against its card; `export` writes them as SQL.

    Example: `sedsql models --json`
    """
    if ctx.invoked_subcommand:
        return
    found = find_models(models)
    broken = {name: problem for name, model in found.items() if (problem := _problem(model))}
    if as_json:
        print(to_json({name: {"verified": name not in broken, "card": model.card} for name, model in found.items()}))
    else:
        print_models(found, broken)
    for problem in broken.values():
        print(f"Error: {problem}", file=sys.stderr)
    if broken:
        raise typer.Exit(1)


def _problem(model: Model) -> str:
    try:
        Session(model)
    except ModelError as error:
        return str(error)
    return ""
