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
from .inference.boundsfile import read_bounds
from .inference.model import DEFAULT_MODEL, SKY_MODEL, Model, ModelError, find_models
from .inference.session import Session
from .jsontext import to_json
from .show import print_models, print_scores, print_why, say
from .show_honest import print_origins, print_ruled_out

app = typer.Typer()
app.add_typer(cli_export.app, name="models")

Table = Annotated[Path, typer.Argument(help="A table with a label for each source, in any format of `classify`.")]
Tables = Annotated[
    list[Path],
    typer.Argument(
        metavar="TABLE...", help="A table with a label for each source, in any format of `classify`; or several."
    ),
]
Clean = Annotated[
    bool, typer.Option("--clean", help="Mend labels by the rules for the shipped models' classes (docs/models.md).")
]
Label = Annotated[str, typer.Option(help="The column of labels.")]


@app.command()
def train(
    tables: Tables,
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
    clean: Clean = False,
    simulated: Simulated = None,
    band_map: BandMap = None,
    sentinels: Sentinels = False,
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
        labelled = training.read_labelled(tables, label, pairs(band_map, "--map"), clean=clean, sentinels=sentinels)
        labelled = simulating.add_simulated(labelled, rows, seed)
        model = build.build_model(labelled, output, recipes.RECIPES[recipe], seed=seed, force=force, step=step)
    if as_json:
        print(to_json(model.card))
        return
    print_scores(model.card["metrics"])
    told = model.card["training"]["told_by_bands"]
    if told > patterns.TELLING:
        say(
            f"Which bands a source has tells {told:.0%} of its class in this table, whatever its colours: the model "
            "has learnt which catalogue a row comes from. Add rows of the classes that lack bands, or simulated ones "
            "(--simulated all=3000).",
            style="yellow",
        )
    say(f"Model {model.name} written to {output}")


@app.command()
def evaluate(
    tables: Tables,
    label: Annotated[
        str | None, typer.Option(help="The column of labels; a field may have none.", show_default=False)
    ] = None,
    model: Annotated[str, typer.Option(help="Name of the model.")] = DEFAULT_MODEL,
    models: ModelFolders = None,
    cross_validate: Annotated[
        bool,
        typer.Option(
            "--cross-validate",
            help="Train the model's recipe anew on four fifths of the sky and test on the fifth, five times.",
        ),
    ] = False,
    by: Annotated[
        str,
        typer.Option(
            help="With --cross-validate, what is left out: sky, or origin: a catalogue (the column `origin`)."
        ),
    ] = "sky",
    clean: Clean = False,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=VALUE", help="Without --label: only rows that have this value.", show_default=False
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw what is taken for what, and how true probabilities are, into this folder."),
    ] = None,
    band_map: BandMap = None,
    sentinels: Sentinels = False,
    as_json: Json = False,
) -> None:
    """How good a model is on a labelled table: precision, recall, F1, calibration, coverage.

    Without labels, on sources with parallaxes: how many answers their absolute magnitudes rule out.

    Example: `sedsql evaluate members.vot --label class --model shape-2 --plot figures`

    Example: `sedsql evaluate labelled.parquet --label class --cross-validate --by origin`

    Example: `sedsql evaluate field.parquet --model luminosity-2 --where tic_gaiaqflag=1`
    """
    with needs_training():
        from .learn import judge, ruled_out, training
    if by not in judge.SPLITS:
        raise typer.BadParameter(f"--by takes {' or '.join(judge.SPLITS)}, not {by!r}")
    if by != judge.SKY and not cross_validate:
        raise typer.BadParameter(f"--by {by} goes with --cross-validate")
    chosen, mapped = model_named(model, models), pairs(band_map, "--map")
    if label is None:
        if cross_validate or plot or clean or len(tables) > 1:
            raise typer.BadParameter(
                "without labels one table is looked at, by its parallaxes alone; name the column of labels with --label"
            )
        field = ruled_out.read_field(tables[0], mapped, pairs(where, "--where"), sentinels=sentinels)
        found = ruled_out.ruled_out(chosen, field)
        if as_json:
            print(to_json({"model": chosen.name, **found}))
        else:
            print_ruled_out(chosen.name, found)
        return
    if where:
        raise typer.BadParameter("--where is for tables without labels")
    look = partial(_draw, plot) if plot else lambda *_: None
    labelled = training.read_labelled(tables, label, mapped, clean=clean, sentinels=sentinels, least_rows=0)
    with progress.steps("evaluating", judge.steps(labelled, by) if cross_validate else judge.LOOKS) as step:
        if cross_validate:
            metrics = judge.cross_validated(chosen, labelled, step, look, by=by)
        else:
            metrics = judge.judged(chosen, labelled, step, look)
    if as_json:
        print(to_json({"model": chosen.name, "table": labelled.about, **metrics}))
        return
    if "by_origin" in metrics:
        print_origins(metrics)
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
        read_bounds(model)
    except ModelError as error:
        return str(error)
    return ""
