"""Define the `sedsql compare` command."""

import re
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from sedsql import progress
from sedsql.cli.options import ColumnMap, Force, Json, Label, Simulated, needs_training, read_options, simulated_rows
from sedsql.cli.render import print_rows, say
from sedsql.errors import did_you_mean
from sedsql.files.json import to_json

app = typer.Typer()

_UNITS = {"": 60, "s": 1, "m": 60, "h": 3600}


@app.command()
def compare(
    table: Annotated[Path, typer.Argument(help="A table with a label for each source, in any format of `classify`.")],
    label: Label,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the report; it also keeps finished pieces.")
    ],
    budget: Annotated[
        str, typer.Option(metavar="TIME", help="Time to take, e.g. 20m or 2h; more time, more rows and settings.")
    ] = "20m",
    algorithms: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Only these algorithms.", show_default=False)
    ] = None,
    simulated: Simulated = None,
    band_map: ColumnMap = None,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Compare algorithms on a labelled table, each on sky that it has not seen, and write a report with pictures.

    After an interruption the same command continues the comparison. If the budget does not suffice for all, fewer rows
    are taken at random, the slowest algorithms and other parts are left out, and the report says so; if there is time
    left, it is used to try settings.

    Example: `sedsql compare labelled.parquet --label class -o compared --budget 20m`
    """
    begun = time.monotonic()
    with needs_training():
        from sedsql.learn import simulated as simulating
        from sedsql.learn import training
        from sedsql.learn.algorithms import ALGORITHMS
        from sedsql.learn.comparison import compare as comparing
        from sedsql.learn.comparison import report
    names = [name.strip() for name in algorithms.split(",")] if algorithms else list(ALGORITHMS)
    for name in names:
        if name not in ALGORITHMS:
            raise typer.BadParameter(f"there is no algorithm {name!r}; {did_you_mean(name, ALGORITHMS)}")
    chosen = [some for name, some in ALGORITHMS.items() if name in names]
    seconds, rows, options = _seconds(budget), simulated_rows(simulated), read_options(band_map)
    with progress.steps("comparing", comparing.steps(chosen)) as step:
        labelled = training.read_labelled(table, label, options)
        labelled = simulating.add_simulated(labelled, rows, seed)
        left = max(seconds - (time.monotonic() - begun), 0)  # to read the table is a part of the time to take
        found = comparing.compare(labelled, output, chosen, budget=left, seed=seed, force=force, step=step)
    report.write(found, output, _command(sys.argv[1:], table, output))
    if as_json:
        print(to_json(found))
        return
    print_rows(*report.summary(found))
    say(f"Report written to {output / 'report.html'}")


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if not match:
        raise typer.BadParameter(f"--budget takes a time such as 90s, 20m or 2h, not {text!r}")
    return float(match[1]) * _UNITS[match[2]]


def _command(arguments: list[str], *paths: Path) -> str:
    """Write the command as it was given, but table and folder without their paths, which do not belong in a report."""
    places = {str(path): path.name for path in paths}
    return shlex.join(["sedsql", *(places.get(text, text) for text in arguments)])
