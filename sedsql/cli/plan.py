"""Define the `sedsql plan` command: what a large sky would take on some machines."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from sedsql import progress
from sedsql.cli.options import Json
from sedsql.cli.render import print_rows, say
from sedsql.files.atomic import new_file
from sedsql.files.json import to_json

if TYPE_CHECKING:
    from sedsql.plan.arithmetic import Plan, Step
    from sedsql.plan.rates import Rates

app = typer.Typer()

_UNITS = ((86_400 * 2, 86_400, "d"), (3600, 3600, "h"), (60, 60, "min"), (1, 1, "s"), (0, 1e-3, "ms"))
_BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (0, "kB"))


@app.command()
def plan(
    sources: Annotated[str, typer.Option(help="Sources of the sky, such as 1.8e9.")] = "1.8e9",
    machines: Annotated[int, typer.Option(help="Machines that share the sky.", min=1)] = 1,
    cores: Annotated[int, typer.Option(help="Cores of each machine.", min=1)] = 8,
    disk: Annotated[float, typer.Option(help="MB/s of a machine's disk; 0: it never holds anything up.", min=0)] = 500,
    network: Annotated[
        float, typer.Option(help="MB/s by which bulk files come to a machine; 0: they are there.", min=0)
    ] = 100,
    price: Annotated[
        float | None,
        typer.Option(help="What a core costs an hour, in any currency.", min=0, show_default=False),
    ] = None,
    rates: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Take the rates of this JSON file; where there is none, measure them and write it.",
            show_default=False,
        ),
    ] = None,
    sample: Annotated[int, typer.Option(help="Sources of the simulated sky that is measured.")] = 600_000,
    columns: Annotated[
        int, typer.Option(help="Columns of gaia_source in the bulk files that are measured.", min=37, max=152)
    ] = 152,
    as_json: Json = False,
) -> None:
    """Plan the import, the photometry, the classification and queries of a large sky: time, memory, disk and cost.

    All follows from rates that are measured on this machine, on a small simulated sky, in some four minutes. The
    assumptions are printed with the plan.

    Example: `sedsql plan --sources 1.8e9 --machines 8 --cores 16 --rates rates.json`
    """
    from sedsql.plan import arithmetic
    from sedsql.plan.assumptions import assumptions

    wanted = _number(sources)
    found = _rates(rates, sample, columns)
    cluster = arithmetic.Cluster(machines, cores, disk * 1e6 or None, network * 1e6 or None, price)
    planned = arithmetic.plan(found, wanted, cluster)
    said = assumptions(found, planned)
    if as_json:
        print(to_json(_figures(found, planned, said)))
        return
    _print(planned, found.machine)
    say("\nAssumptions")
    for text in said:
        say(f"- {text}")


def _number(text: str) -> float:
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        number = math.nan
    if not 1 <= number < 1e15:
        raise typer.BadParameter(f"--sources takes a number of 1 or more, such as 1.8e9, not {text!r}")
    return number


def _rates(path: Path | None, sample: int, columns: int) -> Rates:
    """Read rates from a file, or measure them and write it."""
    from sedsql.plan import rates

    if path is not None and path.exists():
        return rates.read(path)
    from sedsql.plan.measure import count_of_steps, measure

    # What cannot be written is told before minutes of measuring.
    with new_file(path, force=True) if path is not None else nullcontext() as target:
        with TemporaryDirectory(prefix="sedsql-plan-") as folder, progress.steps("measuring", count_of_steps()) as step:
            found = measure(sample, Path(folder), columns, step)
        if target is not None:
            rates.write(found, target)
    return found


def _print(planned: Plan, machine: str) -> None:
    from sedsql.plan.rates import BUILDING, QUERIES

    cluster = planned.cluster
    machines, cores = (
        f"{n:,} {word}{'' if n == 1 else 's'}" for n, word in ((cluster.machines, "machine"), (cluster.cores, "core"))
    )
    say(f"{planned.sources:,.0f} sources, {machines} of {cores}, by rates of {machine}\n")
    names = ["step", "time", "by", "core-hours", "memory", "reads", "stores", "in all"]
    lines = [_line(planned.steps[name]) for name in BUILDING]
    lines.append(
        [
            *("all three", _time(planned.seconds), "", _hours(planned.core_hours), "", ""),
            *(_size(planned.written), _size(planned.written * planned.working), planned.cost),
        ]
    )
    lines += [_line(planned.steps[name]) for name in QUERIES]
    if cluster.price is None:
        lines = [line[:-1] for line in lines]
    else:
        names.append("cost")
        lines = [[*line[:-1], f"{line[-1]:,.2f}"] for line in lines]
    print_rows(names, _to_the_right(names, lines, (1, *range(3, len(names)))))


def _line(step: Step) -> list:
    sizes = (_size(size) for size in (step.memory, step.read, step.written, step.written_in_all))
    return [step.step, _time(step.seconds), step.bound_by, _hours(step.core_hours), *sizes, step.cost]


def _to_the_right(names: list[str], lines: list[list], places: tuple[int, ...]) -> list[list]:
    """Pad figures with their units, so that they end below each other."""
    widths = {place: max(len(line[place]) for line in (names, *lines)) for place in places}
    for place, width in widths.items():
        names[place] = names[place].rjust(width)
    return [[word.rjust(widths.get(place, 0)) for place, word in enumerate(line)] for line in lines]


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def _time(seconds: float) -> str:
    unit = next((size, name) for least, size, name in _UNITS if seconds >= least)
    return f"{_figure(seconds / unit[0])} {unit[1]}"


def _size(size: float) -> str:
    if not size:
        return ""
    unit, name = next((unit or 1e3, name) for unit, name in _BYTES if size >= unit)
    return f"{_figure(size / unit)} {name}"


def _hours(hours: float) -> str:
    return _figure(hours) if hours >= 0.01 else "< 0.01"


def _figures(rates: Rates, planned: Plan, said: list[str]) -> dict:
    """Give the plan for machines: seconds, bytes, core-hours."""
    return {
        "sources": planned.sources,
        **asdict(planned.cluster),
        "partitions": planned.partitions,
        "working_machines": planned.working,
        "sources_on_a_machine": planned.rows,
        "steps": [asdict(step) for step in planned.steps.values()],
        "building": {
            "seconds": planned.seconds,
            "core_hours": planned.core_hours,
            "written": planned.written,
            "written_in_all": planned.written * planned.working,
            "cost": planned.cost,
        },
        "assumptions": said,
        "rates": asdict(rates),
    }
