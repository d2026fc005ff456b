"""Define the `sedsql simulate` command, which simulates sources and compares them with real ones."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from sedsql import files, progress
from sedsql.cli.options import ColumnMap, Force, Json, needs_training, read_options
from sedsql.cli.render import print_rows, say
from sedsql.errors import did_you_mean
from sedsql.files.atomic import new_file, new_folder
from sedsql.files.json import to_json
from sedsql.photometry.bands import BANDS
from sedsql.simulate import POPULATIONS, Sample, simulate
from sedsql.simulate.frames import icrs

if TYPE_CHECKING:
    from astropy.table import Table

app = typer.Typer()

_PIECE = 50_000


@app.command("simulate")
def simulate_sources(
    name: Annotated[
        str | None, typer.Argument(metavar="CLASS", help=f"One of {', '.join(POPULATIONS)}.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The table of sources, or the folder of the comparison.", show_default=False
        ),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", "-n", help="Sources to simulate.", min=1, max=5_000_000)] = 1000,
    against: Annotated[
        Path | None,
        typer.Option(metavar="TABLE", help="Compare with the sources of this labelled table.", show_default=False),
    ] = None,
    label: Annotated[str, typer.Option(help="Its column of labels.")] = "class",
    band_map: ColumnMap = None,
    seed: Annotated[int, typer.Option(help="Of every random choice.", min=0)] = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Simulate sources of a class as a table, or compare simulated sources with real ones.

    The table has the magnitudes of ten bands and their errors under the archive's names, missing where a survey would
    not see the source, and the source's extinction, temperature and distance. With `--against`, the classes of a
    labelled table are compared with simulated ones of the same brightness, colour by colour and by a classifier, and
    drawn.

    Example: `sedsql simulate yso -n 5000 -o yso.parquet`

    Example: `sedsql simulate --against labelled.parquet --label class -o compared`
    """
    if name is not None and name not in POPULATIONS:
        raise typer.BadParameter(f"there is no class {name!r}; {did_you_mean(name, POPULATIONS)}")
    if output is None:
        raise typer.BadParameter("name what to write with -o: a table, or with --against a folder")
    if against is not None:
        _compare(name, output, against, label, read_options(band_map), seed, force, as_json)
        return
    if name is None:
        raise typer.BadParameter(f"name a class to simulate: {', '.join(POPULATIONS)}; or a table with --against")
    files.file_format(output)
    rng = np.random.default_rng(seed)
    pieces = []
    with new_file(output, force=force) as partial, progress.bar("simulating") as update:
        for start in range(0, rows, _PIECE):
            pieces.append(simulate(name, min(_PIECE, rows - start), rng))
            update(min(start + _PIECE, rows), rows)
        files.write_table(partial, sources(name, pieces))
    if as_json:
        print(to_json({"output": str(output), "class": name, "rows": rows, "seed": seed}))
        return
    say(f"{rows:,} simulated sources of class {name} written to {output}")


def sources(name: str, pieces: list[Sample]) -> Table:
    """Join samples of one class into a table; its column `origin` says that they are simulated."""
    import astropy.units as u
    from astropy.table import Table

    whole = {key: np.concatenate([getattr(piece, key) for piece in pieces]) for key in vars(pieces[0])}
    ra, dec = icrs(whole["glon"], whole["glat"])
    table = Table()
    table["origin"] = np.full(len(ra), "simulated")
    table["class"] = np.full(len(ra), name)
    table["ra"], table["dec"] = ra * u.deg, dec * u.deg
    for k, band in enumerate(BANDS):
        table[band.column] = whole["magnitudes"][:, k].astype(np.float32) * u.mag
    for k, band in enumerate(BANDS):
        if band.error_column is not None:
            table[band.error_column] = whole["errors"][:, k].astype(np.float32) * u.mag
    table["a_v"] = whole["a_v"] * u.mag
    table["teff"] = whole["teff"] * u.K
    table["distance_pc"] = whole["distance_pc"] * u.pc
    return table


def _compare(name, output, against, label, options, seed, force, as_json) -> None:
    with needs_training():
        from sedsql.learn import realism, realism_report
        from sedsql.learn.training import read_labelled
    labelled = read_labelled(against, label, options, least_rows=0)
    there = [one for one in POPULATIONS if one in labelled.labels]
    if not there:
        raise files.TableError(
            f"None of the labels in column {label} of {against.name} can be simulated; {', '.join(POPULATIONS)} can."
        )
    chosen = there if name is None else [name]
    folder = new_folder(output, what="comparison of simulated sources", mark=realism_report.REPORT, force=force)
    with folder as partial, progress.steps("comparing", len(chosen)) as step:
        found = []
        for one in chosen:
            step(one)
            found.append(realism.compare(labelled, one, seed))
        words = ["sedsql", "simulate", *([name] if name else []), "--against", against.name, "--label", label]
        realism_report.write(found, partial, against.name, shlex.join([*words, "-o", output.name]))
    if as_json:
        print(to_json({"table": labelled.about, "output": str(output), "classes": realism.figures(found)}))
        return
    print_rows(*realism_report.summary(found))
    say(f"Report written to {output / realism_report.REPORT}")
