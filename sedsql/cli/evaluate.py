"""Define the `sedsql evaluate` command."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sedsql import progress
from sedsql.cli.options import (
    Clean,
    ColumnMap,
    Json,
    KeepSentinels,
    LabelledTables,
    Missing,
    ModelFolders,
    Surveys,
    Units,
    model_named,
    needs_training,
    pairs,
    read_options,
    with_prior,
)
from sedsql.cli.render import say
from sedsql.cli.render_evaluation import print_origins, print_ruled_out, print_scores
from sedsql.cli.render_mapping import print_mapping, print_readings, tell
from sedsql.files.json import to_json
from sedsql.inference.model import DEFAULT_MODEL, Model

if TYPE_CHECKING:
    from sedsql.files import ReadOptions

app = typer.Typer()


@app.command()
def evaluate(
    tables: LabelledTables,
    label: Annotated[
        str | None,
        typer.Option(help="The column of labels; leave it out for sources without labels.", show_default=False),
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
            help="With --cross-validate: `sky` leaves out a fifth of the sky at a time; `origin` leaves out a "
            "catalogue (the column `origin`)."
        ),
    ] = "sky",
    prior: Annotated[
        str | None,
        typer.Option(
            metavar="sky|flat|FILE",
            help="The share of each class to expect, as `sedsql classify` takes it: sky, as on the whole sky at the "
            "source's position and magnitude; flat, the same for each class; or a CSV file of your own.",
            show_default="flat",
        ),
    ] = None,
    clean: Clean = False,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=VALUE", help="Without --label: only rows that have this value.", show_default=False
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw the confusion matrix and the reliability diagram into this folder."),
    ] = None,
    column_map: ColumnMap = None,
    unit: Units = None,
    bands: Surveys = None,
    missing: Missing = None,
    keep_sentinels: KeepSentinels = False,
    as_json: Json = False,
) -> None:
    """Tell how good a model is on a labelled table: precision, recall, F1, calibration, coverage.

    Without labels, on sources with parallaxes: how many answers their absolute magnitudes rule out.

    Example: `sedsql evaluate members.vot --label class --model shape-2 --plot figures`

    Example: `sedsql evaluate members.vot --label class --model sky-1 --prior sky`

    Example: `sedsql evaluate labelled.parquet --label class --cross-validate --by origin`

    Example: `sedsql evaluate field.parquet --model luminosity-2 --where tic_gaiaqflag=1`
    """
    with needs_training():
        from sedsql.learn import evaluate_model, training
    if by not in evaluate_model.SPLITS:
        raise typer.BadParameter(f"--by takes {' or '.join(evaluate_model.SPLITS)}, not {by!r}")
    if by != evaluate_model.SKY and not cross_validate:
        raise typer.BadParameter(f"--by {by} goes with --cross-validate")
    if prior is not None and (cross_validate or label is None):
        raise typer.BadParameter(
            "--prior is for a model as it is, on a table with labels: --cross-validate tests with a flat prior, and "
            "without --label each row's position is used"
        )
    chosen = model_named(model, models)
    options = read_options(column_map, unit, bands, missing, keep_sentinels)
    if label is None:
        if cross_validate or plot or clean or len(tables) > 1:
            raise typer.BadParameter(
                "without labels one table is looked at, by its parallaxes alone; name the column of labels with --label"
            )
        _report_ruled_out(chosen, tables[0], options, pairs(where, "--where"), as_json)
        return
    if where:
        raise typer.BadParameter("--where is for tables without labels")
    labelled = training.read_labelled(tables, label, options, clean=clean, least_rows=0)
    tell(labelled.readings)
    steps = evaluate_model.steps(labelled, by) if cross_validate else evaluate_model.STEPS
    look = partial(_draw, plot, chosen.name) if plot else lambda *_: None
    with progress.steps("evaluating", steps) as step:
        if cross_validate:
            metrics = evaluate_model.cross_validated(chosen, labelled, step, look, by=by)
        else:
            with with_prior(chosen, prior or "flat") as (chosen, given):
                metrics = evaluate_model.evaluate_model(chosen, labelled, step, look, prior=given or "flat")
    if as_json:
        print(to_json({"model": chosen.name, "table": labelled.about, "mapping": labelled.mapping, **metrics}))
        return
    print_readings(labelled.readings)
    _print(metrics)
    if plot:
        say(f"Confusion and reliability drawn into {plot}")


def _report_ruled_out(model: Model, table: Path, options: "ReadOptions", where: dict[str, str], as_json: bool) -> None:
    from sedsql.learn import ruled_out

    field = ruled_out.read_field(table, options, where)
    for text in field.notes:
        progress.note(text)
    found = ruled_out.ruled_out(model, field)
    if as_json:
        print(to_json({"model": model.name, "mapping": field.mapping, **found}))
    else:
        print_mapping(field.mapping)
        print_ruled_out(model.name, found)


def _print(metrics: dict[str, Any]) -> None:
    if "by_origin" in metrics:
        print_origins(metrics)
    print_scores(metrics)
    for note in metrics.get("notes", ()):
        say(note, style="yellow")


def _draw(target: Path, model: str, truth, found, probability) -> None:
    from sedsql.plot import confusion, reliability
    from sedsql.plot.style import save

    figures = {
        "confusion": confusion(truth, found, model=model),
        "reliability": reliability(truth, found, probability, model=model),
    }
    target.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        save(figure, target / f"{name}.png", force=True)
