"""Define the `sedsql match` command."""

from pathlib import Path
from typing import Annotated

import typer

from sedsql import files, progress
from sedsql.cli.answers import Csv, Format, Held, Output, check_output, chosen_format, to_file, write_answer
from sedsql.cli.options import Force, Json, Mirror, ModelFolders, Units, pairs
from sedsql.cli.render import counted, say
from sedsql.dbapi.connection import connect
from sedsql.files.json import to_json
from sedsql.mirror.manifest import MirrorError

app = typer.Typer()


@app.command()
def match(
    file: Annotated[Path, typer.Argument(help="A table with positions, in any format of `classify`.")],
    mirror: Mirror = None,
    radius: Annotated[float, typer.Option(help="Arcseconds.")] = 1.0,
    every: Annotated[
        bool, typer.Option("--all", help="Every source within the radius, not the nearest alone.")
    ] = False,
    classes: Annotated[bool, typer.Option("--classes", help="Add what the model says of each source.")] = False,
    columns: Annotated[
        str | None, typer.Option(help="Only these columns of the mirror, separated by commas.", show_default=False)
    ] = None,
    table: Annotated[str, typer.Option(help="The table of the mirror.")] = "sed.photometry",
    column_map: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="NAME=COLUMN", help="The column that holds ra or dec.", show_default=False),
    ] = None,
    unit: Units = None,
    output: Output = None,
    format: Format = None,
    as_csv: Csv = False,
    as_json: Json = False,
    force: Force = False,
    models: ModelFolders = None,
) -> None:
    """Match a table by position with a mirror, and keep all its rows.

    Each row comes out with `separation` (arcseconds), `n_matches` (sources within the radius) and the columns of the
    nearest source, which are empty where there is none.

    Example: `sedsql match mine.vot -m sky --radius 1 --classes -o matched.fits`

    Example: `sedsql match mine.csv -m sky --map ra=alpha --map dec=delta --columns source_id,parallax`
    """
    from sedsql.dbapi.position_match import match as match_positions
    from sedsql.files.positions import doubts, read_positions

    chosen = chosen_format(format, as_csv, as_json and not to_file(output))
    check_output(output, chosen)
    if mirror is None:
        raise MirrorError("A match needs a mirror: name one with -m DIR; `sedsql mirror sample DIR` makes one")
    mine = files.arrow_of(file)
    ra, dec = read_positions(mine, pairs(column_map, "--map"), pairs(unit, "--unit"))
    wanted = [name.strip() for name in columns.split(",")] if columns else None
    with connect(mirror, models=models) as con:
        found = match_positions(con, mine, ra, dec, radius, table=table, columns=wanted, classes=classes, every=every)
    for text in (doubtful := doubts(ra, dec, found.matched)):
        progress.note(text)
    write_answer(Held(found.table), output, chosen, force, quiet=as_json)
    if not to_file(output):
        return
    about = {
        "output": str(output),
        "rows": found.rows,
        "matched": found.matched,
        "several": found.several,
        "without_position": found.without_position,
        "median_separation_arcsec": found.median,
        "doubts": doubtful,
    }
    if as_json:
        print(to_json(about))
        return
    say(f'{found.matched:,} of {counted(found.rows)} have a source within {radius:g}", {found.several:,} more than one')
    if found.without_position:
        say(f"No position: {counted(found.without_position)}")
