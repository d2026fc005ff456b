"""Measure what the steps take on this machine, on a small simulated sky."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from sedsql.mirror.mirror import Mirror
from sedsql.mirror.sample import write_sample
from sedsql.mirror.stored import is_made
from sedsql.plan import PlanError
from sedsql.plan.bulk_files import write_tables
from sedsql.plan.rates import Rates, Run
from sedsql.processors import cores, processor

IMPORT, STORED = ("import",), ("photometry", "classification", "queries")
PARTS = (8, 1)
"""Skies with such a part of the sources: far apart, because a step takes seconds before its first row."""

LEAST_ROWS = 2_000
"""With fewer sources, what comes before the first row is all that is measured."""


def thread_counts() -> list[int]:
    """One and all; all alone where the system cannot hold a process to one processor."""
    every = cores()
    return sorted({1, every}) if hasattr(os, "sched_setaffinity") else [every]


def measure(
    rows: int,
    folder: Path,
    columns: int,
    step: Callable[[str], None] = lambda text: None,
    *,
    threads: Sequence[int] | None = None,
    rich: bool = False,
) -> Rates:
    """Measure all steps on skies of up to `rows` sources, each step on two, with one thread and with all.

    Parameters
    ----------
    rows : sources of the simulated sky
    folder : for files, which are removed in the end
    columns : of gaia_source in the files that are imported
    step : called with the name of each step as it begins, `count_of_steps()` times
    threads : how many the steps have, one after the other; one and all unless told
    rich : whether the sky has many of the rare kinds, not the proportions of Gaia DR3

    Raises
    ------
    PlanError
        Where there are too few rows, or a step fails.
    """
    if rows < LEAST_ROWS:
        raise PlanError(f"Rates are measured with {LEAST_ROWS:,} simulated sources or more, not {rows:,}")
    runs: list[Run] = []
    for part in PARTS:
        size = rows // part
        step(f"simulating {size:,} sources")
        sample = folder / f"sky-{size}"
        write_sample(sample, size, rich=rich, stores=False)
        runs += run_steps(sample, folder / f"work-{size}", IMPORT + STORED, columns, threads, step)
        shutil.rmtree(sample)
    return Rates(describe_machine(), columns, tuple(runs))


def count_of_steps() -> int:
    """How many steps `measure` has."""
    return len(PARTS) * (2 + len(IMPORT + STORED) * len(thread_counts()))


def run_steps(
    sample: Path,
    folder: Path,
    steps: Sequence[str],
    columns: int,
    threads: Sequence[int] | None = None,
    step: Callable[[str], None] = lambda text: None,
) -> Iterator[Run]:
    """Run steps on a simulated mirror, once for each number of threads.

    folder : for files; it must not be there, and is removed in the end
    columns : of gaia_source in the files that are imported
    """
    every = cores()
    folder.mkdir(parents=True)
    try:
        if "import" in steps:
            step("writing bulk files")
            write_tables(sample, folder / "files", columns)
        for count in threads or thread_counts():
            for name in steps:
                step(f"{name}, {count} {'thread' if count == 1 else 'threads'}")
                mirror = folder / ("imported" if name == "import" else "mirror")
                if name != "import" and not mirror.exists():
                    _copy(sample, mirror)
                yield from _run(name, mirror, folder / "files", None if count == every else count, every)
            for done in ("imported", "mirror"):
                shutil.rmtree(folder / done, ignore_errors=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(sample: Path, target: Path) -> None:
    """Copy a mirror without what sedsql made of its tables. Files of Parquet, which never change, are linked."""
    shutil.copytree(sample, target, copy_function=_link)
    with Mirror.change(target) as mirror:
        made = [name for name, state in mirror.tables.items() if is_made(state)]
        for name in made:
            del mirror.tables[name]
        if made:
            mirror.save()


def _link(source: str, target: str) -> None:
    if source.endswith(".parquet"):
        with suppress(OSError):  # on another disk
            os.link(source, target)
            return
    shutil.copy2(source, target)


def _run(name: str, mirror: Path, files: Path, threads: int | None, every: int) -> list[Run]:
    """Run a step in a process of its own."""
    task = {"step": name, "mirror": str(mirror), "files": str(files), "threads": threads, "cores": every}
    done = subprocess.run([sys.executable, "-m", "sedsql.plan.steps", json.dumps(task)], capture_output=True, text=True)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"its process ended with {done.returncode}"]
        raise PlanError(f"The step {name} could not be measured: {last[0]}")
    return [Run(**one) for one in json.loads(done.stdout.splitlines()[-1])]


def describe_machine() -> str:
    """Name the processor, its cores and the system."""
    return f"{processor()}, {cores()} cores, {platform.system()}"
