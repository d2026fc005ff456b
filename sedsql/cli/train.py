"""Define the `sedsql train` command."""

from pathlib import Path
from typing import Annotated

import typer

from sedsql import progress
from sedsql.cli.options import (
    Clean,
    ColumnMap,
    Force,
    Json,
    KeepSentinels,
    Label,
    LabelledTables,
    Missing,
    Simulated,
    Surveys,
    Units,
    needs_training,
    read_options,
    simulated_rows,
)
from sedsql.cli.render import say
from sedsql.cli.render_evaluation import print_scores
from sedsql.cli.render_mapping import print_readings, tell
from sedsql.files.json import to_json

app = typer.Typer()


@app.command()
def train(
    tables: LabelledTables,
    label: Label,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder of the new model, e.g. models/mine-1; the model takes its name."),
    ],
    recipe: Annotated[
        str,
        typer.Option(
            help="shape: colours only. luminosity: the column `parallax` too. sky: also the position, and a prior for "
            "it. lite: as shape, but small and quick."
        ),
    ] = "shape",
    clean: Clean = False,
    simulated: Simulated = None,
    column_map: ColumnMap = None,
    unit: Units = None,
    bands: Surveys = None,
    missing: Missing = None,
    keep_sentinels: KeepSentinels = False,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Train a model on a labelled table.

    The model is tested by cross-validation on parts of the sky that it has not seen. Its card says how good it is.

    Example: `sedsql train labelled.parquet --label class -o models/mine-1`

    Example: `sedsql train old.parquet new.parquet --label class --recipe sky --simulated all=3000 -o models/mine-sky-1`
    """
    with needs_training():
        from sedsql.learn import build, patterns, recipes, training
        from sedsql.learn.simulated import add_simulated
    if recipe not in recipes.RECIPES:
        raise typer.BadParameter(f"there is no recipe {recipe!r}; there are {', '.join(recipes.RECIPES)}")
    rows = simulated_rows(simulated)
    options = read_options(column_map, unit, bands, missing, keep_sentinels)
    labelled = training.read_labelled(tables, label, options, clean=clean)
    tell(labelled.readings)
    readings, mapping = labelled.readings, labelled.mapping
    with progress.steps("training", build.STEPS) as step:
        labelled = add_simulated(labelled, rows, seed)
        model = build.build_model(labelled, output, recipes.RECIPES[recipe], seed=seed, force=force, step=step)
    if as_json:
        print(to_json({**model.card.as_object(), "mapping": mapping}))
        return
    print_readings(readings)
    print_scores(model.card.metrics)
    told = model.card.training["told_by_bands"]
    if told > patterns.TELLING:
        say(
            f"In this table, which bands a source has tells {told:.0%} of its class, whatever its colours: the model "
            "has learnt which catalogue a row comes from. Add rows of the classes that lack bands, or simulated ones "
            "(--simulated all=3000).",
            style="yellow",
        )
    say(f"Model {model.name} written to {output}")
