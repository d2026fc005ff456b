"""`sedsql demo`: the main job from end to end, on a sky made for it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.markup import escape

from . import progress, tables
from .bands import COLUMNS
from .classify import ADDED, classify_file
from .db import Connection, connect
from .inference.model import SKY_MODEL, find_models
from .mirror.manifest import MirrorError
from .mirror.sample import write_sample
from .mirror.store import open_mirror
from .plot import PlotError
from .plot.page import sed_page
from .resources import folder as resource

EXAMPLES = ("classes", "young_stars", "stages", "archive_join", "hr_diagram")
PANEL_SOURCES = 400
"""Sources of each class that a panel of the SED page is drawn from."""

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

Print = Callable[[str], None]
PrintRows = Callable[[list[str], list], None]


def run_demo(folder: Path, rows: int, catalogue: Path, print_rows: PrintRows, say: Print) -> None:
    """Make a simulated sky in `folder`, run the example queries on it, classify `catalogue` if it is there."""
    sky = folder / "sky"
    _make_sky(sky, rows, say)
    with connect(sky) as con:
        for name in EXAMPLES:
            _run_example(con, name, print_rows, say)
        page = folder / "seds.png"
        _draw(con, page, say)
    if catalogue.is_file():
        _classify(catalogue, folder / f"{catalogue.stem}-classified.parquet", print_rows, say)
    say(
        f"\n[bold]What to try next[/bold]\n"
        f'  sedsql query "SELECT TOP 5 s.source_id, sed_predict(s) FROM sed.photometry AS s" -m {sky}\n'
        f"  sedsql query {resource('sql')}/examples/stages.adql -m {sky}\n"
        f"  sedsql translate {resource('sql')}/examples/young_stars.adql -m {sky} --explain\n"
        f"  sedsql models\n"
        f"  sedsql classify YOUR_TABLE.vot -o classified.vot"
    )


def _make_sky(sky: Path, rows: int, say: Print) -> None:
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
    text = (resource("sql") / "examples" / f"{name}.adql").read_text(encoding="utf-8")
    title, _, query = text.partition("\n")
    say(f"\n[bold]{title.removeprefix('-- ')}[/bold] (simulated sources)")
    say(f"[dim]{escape(query.rstrip())}[/dim]")
    cursor = con.execute(text)
    print_rows([column[0] for column in cursor.description or ()], cursor.fetchall())


def _draw(con: Connection, page: Path, say: Print) -> None:
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


def _classify(catalogue: Path, target: Path, print_rows: PrintRows, say: Print) -> None:
    model = find_models()[SKY_MODEL]
    with progress.bar("classifying") as update:
        counts = classify_file(catalogue, target, model, prior="flat", force=True, progress=update)
    say(f"\n[bold]Real sources[/bold]: {catalogue.name}, classified in {target} (flat prior: they were chosen as rare)")
    table = tables.read_table(target)
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
    say(
        "Most of these rows trained the model, so this is no test: "
        "`sedsql models --json` has the figures for rows held out."
    )
