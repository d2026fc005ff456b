"""The command that compares algorithms on a user's table."""

import re
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from . import progress
from .cli_learn import Label, Table
from .cli_options import BandMap, Force, Json, Simulated, needs_training, pairs, simulated_rows
from .errors import did_you_mean
from .jsontext import to_json
from .show import print_rows, say

app = typer.Typer()

_UNITS = {"": 60, "s": 1, "m": 60, "h": 3600}


@app.command()
def compare(
    table: Table,
    label: Label,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the report; what is finished is kept in it.")
    ],
    budget: Annotated[
        str, typer.Option(metavar="TIME", help="For all fits together, e.g. 20m or 2h: more time, more settings tried.")
    ] = "20m",
    algorithms: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Only these algorithms.", show_default=False)
    ] = None,
    simulated: Simulated = None,
    band_map: BandMap = None,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Compare algorithms on a labelled table, each on sky that it has not seen, and write a report with pictures.

    Interrupted, it goes on where it ended when it is started again. Every algorithm is fitted once a fold, however
    small the budget; what is left of it goes into settings.

    Example: `sedsql compare labelled.parquet --label class -o compared --budget 20m`
    """
    with needs_training():
        from .learn import simulated as simulating
        from .learn import training
        from .learn.algorithms import ALGORITHMS
        from .learn.comparison import compare as comparing
        from .learn.comparison import report
    names = [name.strip() for name in algorithms.split(",")] if algorithms else list(ALGORITHMS)
    for name in names:
        if name not in ALGORITHMS:
            raise typer.BadParameter(f"there is no algorithm {name!r}; {did_you_mean(name, ALGORITHMS)}")
    chosen = [some for name, some in ALGORITHMS.items() if name in names]
    seconds, rows, columns = _seconds(budget), simulated_rows(simulated), pairs(band_map, "--map")
    with progress.steps("comparing", comparing.steps(chosen)) as step:
        labelled = training.read_labelled(table, label, columns)
        labelled = simulating.add_simulated(labelled, rows, seed)
        found = comparing.compare(labelled, output, chosen, budget=seconds, seed=seed, force=force, step=step)
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
    """The command as it was given, table and folder by their names alone: where they lie is no part of a report."""
    places = {str(path): path.name for path in paths}
    return shlex.join(["sedsql", *(places.get(text, text) for text in arguments)])
