"""Define the `sedsql classify` command."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from sedsql import progress
from sedsql.cli.options import (
    ColumnMap,
    Force,
    Json,
    KeepSentinels,
    Missing,
    ModelFolders,
    Surveys,
    Units,
    model_named,
    needs_training,
    read_options,
)
from sedsql.cli.render import counted, print_rows, say
from sedsql.cli.render_mapping import print_mapping
from sedsql.files.json import to_json
from sedsql.inference.classify_table import Prior, classify_table
from sedsql.inference.model import SKY_MODEL, Model

app = typer.Typer()


@app.command()
def classify(
    file: Annotated[
        Path,
        typer.Argument(
            help="A table: CSV, ECSV, VOTable, FITS or Parquet, by the name's ending; NAME#2 or NAME#name is a table "
            "of a VOTable or FITS file that has several."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The classified table, in the format of its ending.")],
    model: Annotated[str, typer.Option(help="Name of the model.")] = SKY_MODEL,
    models: ModelFolders = None,
    prior: Annotated[
        str | None,
        typer.Option(
            metavar="sky|flat|FILE",
            help="The share of each class to expect: sky, as on the whole sky at the source's position and magnitude; "
            "flat, the same for each class; or a CSV file of your own (docs/classify.md).",
            show_default="sky where there is a position",
        ),
    ] = None,
    column_map: ColumnMap = None,
    unit: Units = None,
    bands: Surveys = None,
    missing: Missing = None,
    keep_sentinels: KeepSentinels = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Add `sed_class`, `sed_probability`, `sed_path` and `sed_n_bands` to a table.

    Magnitudes, parallax and position are found by the names that archives, VizieR and others give their columns, and
    printed. The output keeps all rows and columns in order.

    Example: `sedsql classify cluster.vot -o classified.fits --map ks_m=K2mag --map ra=RA_deg --bands gaia,2mass`

    Example: `sedsql classify members.csv -o classified.csv --prior flat --missing -77 --unit FJ=mJy`
    """
    options = read_options(column_map, unit, bands, missing, keep_sentinels)
    with _with_prior(model_named(model, models), prior) as (chosen, given), progress.bar("classifying") as update:
        found = classify_table(
            file, output, chosen, prior=given, options=options, force=force, progress=update, note=progress.note
        )
    if as_json:
        print(
            to_json(
                {
                    "output": str(output),
                    "model": chosen.name,
                    "classes": {str(k): v for k, v in found.counts.items()},
                    "mapping": found.mapping,
                    "provenance": found.provenance,
                }
            )
        )
        return
    print_mapping(found.mapping)
    rows = sorted(found.counts.items(), key=lambda item: -item[1])
    expected = [found.expected[name] / count if name in found.expected else None for name, count in rows]
    print_rows(
        ["class", "sources", "right, by the model's probabilities"],
        [(name, n, "" if share is None else f"{share:.0%}") for (name, n), share in zip(rows, expected, strict=True)],
    )
    say(f"{counted(sum(found.counts.values()))} written to {output} (model {chosen.name})")


@contextmanager
def _with_prior(model: Model, prior: str | None) -> Iterator[tuple[Model, Prior | None]]:
    """Yield the model, with the prior of a file if one is given, and the prior to choose in it."""
    given: dict[str | None, Prior | None] = {None: None, "sky": "sky", "flat": "flat"}
    if prior in given:
        yield model, given[prior]
        return
    assert prior is not None
    with needs_training():
        from sedsql.learn.prior_model import with_prior
    with TemporaryDirectory() as folder:
        file = Path(prior)
        yield with_prior(model, file, Path(folder) / f"{model.name}-{file.stem}"), "sky"
