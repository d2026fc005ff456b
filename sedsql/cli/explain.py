"""Define the `sedsql explain` command."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sedsql import progress
from sedsql.cli.options import (
    ColumnMap,
    Json,
    KeepSentinels,
    Mirror,
    Missing,
    ModelFolders,
    Surveys,
    Units,
    model_named,
    read_options,
)
from sedsql.cli.render_evaluation import print_explanation
from sedsql.files.json import to_json
from sedsql.files.object_storage.addresses import place_of
from sedsql.inference.model import SKY_MODEL
from sedsql.photometry.bands import COLUMNS

app = typer.Typer()


@app.command()
def explain(
    source: Annotated[
        str,
        typer.Argument(
            metavar="TABLE|SOURCE_ID",
            help="A table of sources, in any format of `classify`; or with -m the source_id of a source of a mirror.",
        ),
    ],
    row: Annotated[int, typer.Option(help="The source's row in the table, from 1.", min=1)] = 1,
    mirror: Mirror = None,
    model: Annotated[str, typer.Option(help="Name of the model.")] = SKY_MODEL,
    models: ModelFolders = None,
    training: Annotated[
        Path | None,
        typer.Option(help="A labelled table, to list its sources that are most like this one.", show_default=False),
    ] = None,
    label: Annotated[str, typer.Option(help="The column of labels in that table.")] = "class",
    column_map: ColumnMap = None,
    unit: Units = None,
    bands: Surveys = None,
    missing: Missing = None,
    keep_sentinels: KeepSentinels = False,
    as_json: Json = False,
) -> None:
    """Explain the class of a source: what each band, parallax and position add, and the labelled sources most like it.

    Example: `sedsql explain cluster.vot --row 12 --training labelled.parquet --label class`

    Example: `sedsql explain 3017364127743313152 -m sky`
    """
    from sedsql.files import ReadOptions
    from sedsql.inference.explain_source import explain_row, explain_source

    options = read_options(column_map, unit, bands, missing, keep_sentinels)
    is_row = not source.isdecimal() or Path(source).exists()
    neighbours = None
    if training:
        from sedsql.inference.neighbours import LabelledSeds

        # Another table may have other names for its columns, but a band that the source lacks is of no use in it.
        lacking = {name: "none" for name, column in options.columns.items() if column.lower() == "none"}
        others = ReadOptions(columns={name: none for name, none in lacking.items() if name in COLUMNS})
        same = training == Path(source)
        neighbours = LabelledSeds.read(training, label, options if same else others).nearest

    chosen = model_named(model, models)
    if is_row:
        found = explain_source(Path(source), row, chosen, options, neighbours)
    else:
        found = explain_row(_of_mirror(mirror, source), chosen, options, neighbours)
    if as_json:
        print(to_json(found))
        return
    for text in found["notes"]:
        progress.note(text)
    print_explanation(found)


def _of_mirror(mirror: Path | None, source_id: str) -> Any:
    """Read the SED of a source of a mirror, as an astropy table of one row."""
    from sedsql.dbapi.connection import connect
    from sedsql.mirror.manifest import MirrorError

    if mirror is None:
        raise MirrorError(f"There is no table {source_id}; for a source_id, name the mirror that has it with -m DIR.")
    with connect(mirror) as con:
        table = con.execute("SELECT * FROM sed.photometry WHERE source_id = ?", [int(source_id)]).table()
    if not len(table):
        raise MirrorError(f"The mirror {place_of(mirror)} has no source {source_id} in sed.photometry.")
    return table[:1]
