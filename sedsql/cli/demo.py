"""Define the `sedsql demo` command: simulate a sky, query it, draw it, classify a table."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from sedsql import files, progress
from sedsql.cli.render import out, print_rows
from sedsql.dbapi.connection import Connection, connect
from sedsql.files.atomic import new_file
from sedsql.files.resources import folder as resource
from sedsql.inference.classify_table import ADDED, Prior, classify_table
from sedsql.inference.model import SKY_MODEL, find_models
from sedsql.mirror.database import open_mirror
from sedsql.mirror.manifest import MirrorError
from sedsql.photometry.bands import COLUMNS

app = typer.Typer()

EXAMPLES = ("classes", "young_stars", "stages", "archive_join", "hr_diagram")
PANEL_SOURCES = 400
"""The number of sources of each class in a panel of the SED page."""

_SED_PAGE = f"""
    SELECT class, magnitudes, sources FROM (
        SELECT p.class AS class, magnitudes, count(*) OVER (PARTITION BY p.class) AS sources,
               row_number() OVER (PARTITION BY p.class ORDER BY p.n_bands DESC, source_id) AS place
        FROM   (SELECT sed_predict(s, s.parallax, s.parallax_error, s.ra, s.dec, '{SKY_MODEL}') AS p, source_id,
                       [{", ".join(f"s.{c}" for c in COLUMNS)}] AS magnitudes
                FROM sed.photometry AS s)
        WHERE  p.class IS NOT NULL
    ) WHERE place <= {PANEL_SOURCES} ORDER BY class, place
"""

SOURCES = 300
"""The number of simulated sources of each class to classify, if no table is named."""

_SOURCES = f"""
    SELECT * EXCLUDE (place) FROM (
        SELECT t.class, s.*, row_number() OVER (PARTITION BY t.class ORDER BY s.source_id) AS place
        FROM   sed.photometry AS s JOIN sample.truth AS t USING (source_id)
    ) WHERE place <= {SOURCES} ORDER BY source_id
"""


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where everything goes.")] = Path("demo"),
    rows: Annotated[int, typer.Option(help="Sources of the sample sky.", min=1)] = 200_000,
    catalogue: Annotated[
        Path | None,
        typer.Option(
            help="A table to classify, better with labels; without one simulated sources are classified.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a sample sky, ask it what its sources are, and draw their SEDs.

    It has the proportions of Gaia DR3, so rare kinds are rare in it (`sedsql mirror sample --rich` has many of them).

    Example: `sedsql demo demo --rows 50000`
    """
    run_demo(folder, rows, catalogue, print_rows, lambda text: out().print(text, soft_wrap=True))


Print = Callable[[str], None]
PrintRows = Callable[[list[str], list], None]


def run_demo(folder: Path, rows: int, catalogue: Path | None, print_rows: PrintRows, say: Print) -> None:
    """Make a simulated sky in `folder`, run the example queries on it, and classify `catalogue` or simulated sources.

    Raises FileNotFoundError if there is no such catalogue.
    """
    if catalogue is not None and not catalogue.is_file():
        raise FileNotFoundError(
            f"There is no table {catalogue} to classify; leave --catalogue out to classify simulated sources."
        )
    sky = folder / "sky"
    _make_sky(sky, rows, say)
    with connect(sky) as con:
        for name in EXAMPLES:
            _run_example(con, name, print_rows, say)
        page = folder / "seds.png"
        _draw(con, page, say)
        table = catalogue or _write_sources(con, folder / "sources.csv")
    say(f"\n[bold]{'Your table' if catalogue else 'Simulated sources, as a table of your own'}[/bold]: {table}")
    # The rows of a catalogue are chosen, often because they are rare; those of the sky have the numbers of the prior.
    prior: Prior = "flat" if catalogue else "sky"
    _classify(table, folder / f"{table.stem}-classified.parquet", prior, print_rows, say)
    if catalogue is None:
        say("`sedsql models` has the figures for real sources.")
    else:
        say("If these rows trained the model, this is no test: `sedsql models --json` has figures for rows held out.")
    say(
        f"\n[bold]What to try next[/bold]\n"
        f'  sedsql query "SELECT TOP 5 s.source_id, sed_predict(s) FROM sed.photometry AS s" -m {sky}\n'
        f"  sedsql query {resource('sql')}/examples/stages.adql -m {sky}\n"
        f"  sedsql translate {resource('sql')}/examples/young_stars.adql -m {sky} --explain\n"
        f"  sedsql models\n"
        f"  sedsql classify YOUR_TABLE.vot -o classified.vot"
    )


def _make_sky(sky: Path, rows: int, say: Print) -> None:
    from sedsql.mirror.sample import write_sample

    try:
        with open_mirror(sky) as con:
            there = con.execute("SELECT count(*) FROM gaiadr3.gaia_source").fetchall()[0][0]
    except MirrorError:
        there = None
    if there == rows:
        say(f"A simulated sky of {rows:,} sources is already in {sky}.")
        return
    with progress.bar("simulating a sky") as update:
        write_sample(sky, rows, force=there is not None, progress=lambda done: update(done, rows))
    say(
        f"Made a simulated sky of {rows:,} sources in the proportions of Gaia DR3, with the Gaia Archive's table "
        f"names, in {sky}. `sedsql mirror sample --rich` makes one with many of the rare kinds."
    )


def _run_example(con: Connection, name: str, print_rows: PrintRows, say: Print) -> None:
    from rich.markup import escape

    text = (resource("sql") / "examples" / f"{name}.adql").read_text(encoding="utf-8")
    title, _, query = text.partition("\n")
    say(f"\n[bold]{title.removeprefix('-- ')}[/bold] (simulated sources)")
    say(f"[dim]{escape(query.rstrip())}[/dim]")
    cursor = con.execute(text)
    print_rows([column[0] for column in cursor.description or ()], cursor.fetchall())


def _draw(con: Connection, page: Path, say: Print) -> None:
    from rich.markup import escape

    from sedsql.plot import PlotError
    from sedsql.plot.page import sed_page

    cursor = con.execute(_SED_PAGE, lang="sql")
    magnitudes: dict[str, list] = {}
    counts: dict[str, int] = {}
    for name, values, sources in cursor.fetchall():
        magnitudes.setdefault(name, []).append(values)
        counts[name] = sources
    try:
        sed_page(
            page,
            {name: np.array(values, dtype=np.float64) for name, values in magnitudes.items()},
            counts,
            f"Simulated sources by the class that {SKY_MODEL} gives them (those with most bands)",
        )
        say(f"\nSEDs of each class are drawn in {page}.")
    except PlotError as error:
        say(f"\nNo picture: {escape(str(error))}")


def _classify(catalogue: Path, target: Path, prior: Prior, print_rows: PrintRows, say: Print) -> None:
    model = find_models()[SKY_MODEL]
    with progress.bar("classifying") as update:
        counts = classify_table(catalogue, target, model, prior=prior, force=True, progress=update).findings.counts
    say(f"Classified in {target} (prior: {prior}).")
    table = files.read_table(target)
    if "class" not in table.colnames:
        print_rows(["class", "sources"], sorted(counts.items(), key=lambda item: -item[1]))
        return
    label, found = np.asarray(table["class"]).astype(str), np.asarray(table[ADDED[0]]).astype(str)
    names = sorted(set(label) & set(model.classes))
    print_rows(
        ["label", "rows", "found as such", "classified so in all"],
        [
            (n, int((label == n).sum()), int(((label == n) & (found == n)).sum()), int((found == n).sum()))
            for n in names
        ],
    )


def _write_sources(con: Connection, path: Path) -> Path:
    answer = con.execute(_SOURCES, lang="sql").arrow()
    with new_file(path, force=True) as partial:
        files.write_pieces(partial, answer.schema, iter([answer]))
    return path
