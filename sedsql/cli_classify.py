"""The command that classifies a table."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from . import progress
from .classify import Given, classify_file
from .cli_options import ColumnMap, Force, Json, ModelFolders, Sentinels, model_named, needs_training, pairs
from .inference.model import SKY_MODEL, Model
from .jsontext import to_json
from .show import print_rows, say

app = typer.Typer()


@app.command()
def classify(
    file: Annotated[Path, typer.Argument(help="CSV, ECSV, VOTable, FITS or Parquet, by the name's ending.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The classified table; its ending says the format.")],
    model: Annotated[str, typer.Option(help="Name of the model.")] = SKY_MODEL,
    models: ModelFolders = None,
    prior: Annotated[
        str | None,
        typer.Option(
            metavar="sky|flat|FILE",
            help="How many sources of each class to expect: sky, as the whole sky has them at the source's place and "
            "magnitude; flat, as many of each; or a CSV of your own (docs/classify.md).",
            show_default="sky where there is a position",
        ),
    ] = None,
    column_map: ColumnMap = None,
    sentinels: Sentinels = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Add `sed_class`, `sed_probability`, `sed_path` and `sed_n_bands` to a table.

    Magnitudes, parallax and position are found by the archive's column names or common variants such as Gmag, Plx,
    RA_ICRS. All rows and columns come out as they were, in order.

    Example: `sedsql classify cluster.vot -o classified.fits --map ks_m=K2mag --map w4mpro=none --map ra=RA_deg`

    Example: `sedsql classify members.csv -o classified.csv --prior flat --sentinels`
    """
    with _with_prior(model_named(model, models), prior) as (chosen, given), progress.bar("classifying") as update:
        counts = classify_file(
            file,
            output,
            chosen,
            prior=given,
            column_map=pairs(column_map, "--map"),
            sentinels=sentinels,
            force=force,
            progress=update,
            note=progress.note,
        )
    if as_json:
        print(
            to_json(
                {
                    "output": str(output),
                    "model": chosen.name,
                    "classes": {str(k): v for k, v in counts.items()},
                }
            )
        )
        return
    print_rows(["class", "sources"], sorted(counts.items(), key=lambda item: -item[1]))
    say(f"{sum(counts.values()):,} rows written to {output} (model {chosen.name})")


@contextmanager
def _with_prior(model: Model, prior: str | None) -> Iterator[tuple[Model, Given | None]]:
    """The model, for as long as the block lasts with a file's prior, and what is left to say of its prior."""
    given: dict[str | None, Given | None] = {None: None, "sky": "sky", "flat": "flat"}
    if prior in given:
        yield model, given[prior]
        return
    assert prior is not None
    with needs_training():
        from .learn.prior_model import with_prior
    with TemporaryDirectory() as folder:
        file = Path(prior)
        yield with_prior(model, file, Path(folder) / f"{model.name}-{file.stem}"), "sky"
