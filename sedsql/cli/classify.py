"""Define the `sedsql classify` command."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from sedsql import progress
from sedsql.cli.answers import to_file
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
    read_options,
    with_prior,
)
from sedsql.cli.pipes import READ_FORMATS, STANDARD, WRITTEN_FORMATS, input_file, output_file
from sedsql.cli.render import counted, say
from sedsql.cli.render_findings import print_findings
from sedsql.cli.render_mapping import print_mapping
from sedsql.files.atomic import new_file
from sedsql.files.json import to_json
from sedsql.inference.classify_table import classify_table
from sedsql.inference.model import SKY_MODEL

app = typer.Typer()


@app.command()
def classify(
    file: Annotated[
        Path,
        typer.Argument(
            help="A table: CSV, ECSV, VOTable, FITS, Parquet or Arrow, by the name's ending; NAME#2 or NAME#name is a "
            "table of a VOTable or FITS file that has several. - is standard input."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The classified table, in the format of its ending. - is standard output."),
    ],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NAME",
            help=f"The format of standard input, or of a file whose name does not say it: {READ_FORMATS}.",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"The format of the output: {WRITTEN_FORMATS}. Unless told, that of the ending of its name, or CSV.",
            show_default=False,
        ),
    ] = None,
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
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write a report too, one .html file: classes and how many are expected to be right, bands, SEDs, "
            "diagrams, and what to look at.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Add `sed_class`, `sed_probability`, `sed_path` and `sed_n_bands` to a table.

    Magnitudes, parallax and position are found by the names that archives, VizieR and others give their columns, and
    printed. The output keeps all rows and columns in order.

    Example: `sedsql classify cluster.vot -o classified.fits --map ks_m=K2mag --map ra=RA_deg --bands gaia,2mass`

    Example: `sedsql classify members.csv -o classified.csv --prior flat --missing -77 --unit FJ=mJy`

    Example: `curl -s 'https://...' | sedsql classify - --from votable -o - --format csv | head`
    """
    if not to_file(output) and as_json:
        raise typer.BadParameter("standard output has the table; name a file with -o FILE", param_hint="--json")
    options = read_options(column_map, unit, bands, missing, keep_sentinels)
    notes: list[str] = []

    def note(text: str) -> None:
        notes.append(text)
        progress.note(text)

    with (
        with_prior(model_named(model, models), prior) as (chosen, given),
        _report(report, force) as write,
        input_file(file, from_) as source,
        output_file(output, format, force) as target,
    ):
        with progress.bar("classifying") as update:
            found = classify_table(
                source,
                target,
                chosen,
                prior=given,
                options=options,
                force=force,
                whole=report is not None,
                progress=update,
                note=note,
            )
        name = "standard input" if file == STANDARD else file.name
        write(name, found.findings, found.mapping, found.provenance, notes)
    if as_json:
        print(
            to_json(
                {
                    "output": str(output),
                    "model": chosen.name,
                    "classes": {str(k): v for k, v in found.findings.counts.items()},
                    "findings": found.findings.as_object(),
                    "mapping": found.mapping,
                    "provenance": found.provenance,
                }
            )
        )
        return
    if not to_file(output):
        return
    print_mapping(found.mapping)
    print_findings(found.findings)
    say(f"{counted(found.findings.rows)} written to {output} (model {chosen.name})")
    if report is not None:
        say(f"Report written to {report}")


@contextmanager
def _report(path: Path | None, force: bool) -> Iterator[Callable[..., None]]:
    """Yield what writes the report, if one is wanted; it is refused before the work where it cannot be written."""
    if path is None:
        yield lambda *_: None
        return
    if path.suffix.lower() not in (".html", ".htm"):
        raise typer.BadParameter(f"a report is one .html file, not {path.name}", param_hint="--report")
    from sedsql.plot.report import write_report
    from sedsql.plot.style import pyplot

    pyplot()
    with new_file(path, force=force) as partial:
        yield lambda *found: write_report(partial, *found)
