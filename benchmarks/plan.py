"""Check `sedsql plan` against runs: rates of a small sky, followed to larger ones, beside what these take.

The steps are those of the plan, each in a process of its own, with one thread and with all. Times by the clock count on
a quiet machine; processor time is hardly disturbed by others.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from sedsql.mirror import archive
from sedsql.plan import arithmetic, measure
from sedsql.plan.arithmetic import Cluster
from sedsql.plan.cost import Cost
from sedsql.plan.rates import BUILDING, CONE, QUERIES, Rates, Run

from .measure import Section, Setting, figure, machine, versions

FULL, QUICK = (1_000_000, 10_000_000), (4_000,)
RATES_ROWS, QUICK_RATES_ROWS = 600_000, 2_000
MOST_IMPORTED = 10_000_000
"""Larger skies are not written to bulk files, which take more room than most disks have to spare."""

FACTOR = 1.5
"""The aim: what is planned and what is measured differ by this factor at most."""

COLUMNS = len(archive.TABLES[archive.GAIA].columns)


def run(setting: Setting) -> Section:
    section = Section("Plans against runs", quick=setting.quick)
    sizes = setting.rows or (QUICK if setting.quick else FULL)
    rows = QUICK_RATES_ROWS if setting.quick else RATES_ROWS
    section.say(
        f"{machine()}; {versions()}.",
        f"Rates of simulated skies of up to {rows:,} sources, by `sedsql plan`; gaia_source has {COLUMNS} columns.",
    )
    threads = measure.thread_counts()[-1:] if setting.quick else measure.thread_counts()
    setting.folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=setting.folder) as scratch:
        # The sky that rates are compared with has many of the rare kinds, so theirs has too.
        rates = measure.measure(rows, Path(scratch), COLUMNS, threads=threads, rich=True)
        for size in sizes:
            steps = [*measure.IMPORT * (size <= MOST_IMPORTED), *measure.STORED]
            runs = measure.run_steps(setting.sample(size), Path(scratch) / "runs", steps, COLUMNS, threads)
            _compare(section, rates, size, list(runs))
    return section


def _compare(section: Section, rates: Rates, rows: int, runs: list[Run]) -> None:
    section.head(f"{rows:,} sources")
    lines = []
    for name in (*BUILDING, *QUERIES):
        for run in _of(runs, name):
            planned = arithmetic.plan(rates, rows, Cluster(cores=run.threads)).steps[name]
            processor = _processor(rates, run)
            by_clock, by_processor = planned.seconds / run.seconds, processor / run.processor
            memory = planned.memory / run.memory
            lines.append(
                (
                    name,
                    run.threads,
                    *map(figure, (planned.seconds, run.seconds, by_clock, processor, run.processor, by_processor)),
                    *map(figure, (planned.memory / 1e6, run.memory / 1e6, memory)),
                )
            )
            section.figures.append(
                {
                    "step": name,
                    "rows": rows,
                    "threads": run.threads,
                    "planned": planned.seconds,
                    "measured": run.seconds,
                    "processor_planned": processor,
                    "processor_measured": run.processor,
                    "memory_planned": planned.memory,
                    "memory_measured": run.memory,
                }
            )
    names = ("step", "threads", "planned, s", "measured, s", "ratio", "processor, planned", "measured", "ratio")
    section.table((*names, "memory, planned, MB", "measured", "ratio"), lines)
    mine = [one for one in section.figures if one.get("rows") == rows]
    for what, planned, measured in (
        ("the clock", "planned", "measured"),
        ("processor time", "processor_planned", "processor_measured"),
    ):
        apart = {f"{one['step']}, {one['threads']}": one[planned] / one[measured] for one in mine}
        worst = max(apart, key=lambda name: max(apart[name], 1 / apart[name]))
        value = max(apart[worst], 1 / apart[worst])
        section.aim(f"{rows:,} sources, by {what}: the furthest apart ({worst}), as a factor", value, most=FACTOR)


def _of(runs: list[Run], name: str) -> list[Run]:
    """Give the runs of a step; of cones only the smallest, as a plan has them."""
    mine = [run for run in runs if run.step == name]
    least = min((run.work for run in mine), default=0.0)
    return [run for run in mine if name != CONE or run.work == least]


def _processor(rates: Rates, run: Run) -> float:
    """Plan the processor time of a step with the threads of a run, of which rates were measured."""
    cost = Cost.of(rates.of(run.step), lambda one: one.processor)
    return (cost.single if run.threads == 1 else cost.several).at(run.work)
