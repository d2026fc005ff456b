"""Time competitors in turns, compare their answers, and write tables in Markdown: shared by all benchmarks."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sedsql.processors import processor

Key = TypeVar("Key")

PEAK_MB = r'int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) / 1024'
"""Python code for the peak memory of the process that runs it; getrusage's figure is inherited by a child."""

ENOUGH_SECONDS = 1.0
MOST_RUNS = 15


@dataclass(frozen=True)
class Setting:
    """How to run benchmarks.

    Attributes
    ----------
    quick : use small sizes, to see that everything runs; the figures mean little
    folder : keeps samples of the sky from one run to the next
    url : a TAP service to ask instead of one on this machine
    mirror : a mirror of that service's rows
    rows : sizes of the benchmarks `plan`, `scaling` and `spark` in the place of their own; of `spark` the first one
    """

    quick: bool = False
    folder: Path = Path("demo/bench")
    url: str | None = None
    mirror: Path | None = None
    rows: tuple[int, ...] = ()

    def sample(self, rows: int) -> Path:
        """Return a mirror of the simulated sky with `rows` sources; write it if it does not exist yet."""
        from sedsql.mirror.sample import write_sample

        path = self.folder / f"sample-{rows}"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            write_sample(path, rows, rich=True)
        return path


@dataclass
class Section:
    """The results of a benchmark, as a part of RESULTS.md.

    Attributes
    ----------
    title : its heading
    quick : whether the sizes were small, so that aims do not apply
    lines : its text, in Markdown
    figures : the same for machines
    differ : a sentence for each pair of answers that do not agree
    heading : the heading of the part that is being written
    """

    title: str
    quick: bool = False
    lines: list[str] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)
    differ: list[str] = field(default_factory=list)
    heading: str = ""

    def head(self, heading: str) -> None:
        """Begin a part with a heading of its own."""
        self.heading = heading
        self.lines += [f"### {heading}", ""]

    def say(self, *paragraphs: str) -> None:
        self.lines += [line for text in paragraphs for line in (text, "")]

    def table(self, names: Sequence[str], rows: Iterable[Sequence[object]], text_columns: int = 1) -> None:
        """Add a table; all columns but the first `text_columns` are numbers."""
        marks = ["---" if place < text_columns else "---:" for place in range(len(names))]
        for row in (names, marks, *rows):
            self.lines.append(f"| {' | '.join(map(str, row))} |")
        self.lines.append("")

    def note(self, text: str) -> None:
        """Add an item to a list; the next paragraph or table ends the list."""
        if self.lines and self.lines[-1] == "" and len(self.lines) > 1 and self.lines[-2].startswith("- "):
            self.lines.pop()
        self.lines += [f"- {text}", ""]

    def aim(self, what: str, value: float, *, least: float | None = None, most: float | None = None) -> None:
        """Add a figure and whether it meets its aim; at quick sizes only the figure."""
        met = (least is None or value >= least) and (most is None or value <= most)
        aim = f"at least {least:,g}" if least is not None else f"at most {most:,g}"
        self.note(f"{what}: {figure(value)}" + ("" if self.quick else f" (aim: {aim}{'' if met else '; MISSED'})"))
        self.figures.append({"what": what, "value": value, "least": least, "most": most, "met": met})

    def agree(self, what: str, problems: Iterable[str] = ()) -> None:
        """Add whether the answers of `what` are the same; every problem is one sentence."""
        found = list(problems)
        self.differ += found
        self.note(f"{what}: {'NO: ' + '; '.join(found) if found else 'yes'}")

    def markdown(self) -> str:
        return "\n".join([f"## {self.title}", "", *self.lines]).rstrip() + "\n"


@dataclass(frozen=True)
class Times:
    """The seconds of one competitor's runs."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """Return the slowest minus the quickest run, as a fraction of the median."""
        return (max(self.seconds) - min(self.seconds)) / self.median


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turns(
    competitors: Mapping[Key, Callable[[], object]],
    repeats: int = 3,
    *,
    patience: float = 30.0,
    enough: float = ENOUGH_SECONDS,
) -> dict[Key, Times]:
    """Run the competitors one after the other, `repeats` times round, forwards and backwards in turn.

    A fast competitor is run again until it has had `enough` seconds; one that takes longer than `patience` seconds is
    run once. The caller warms up whatever should be warm.
    """
    times: dict[Key, list[float]] = {key: [] for key in competitors}
    for turn in range(MOST_RUNS):
        for key in list(competitors) if turn % 2 == 0 else reversed(list(competitors)):
            had = times[key]
            if (turn < repeats or sum(had) < enough) and not (had and max(had) > patience):
                had.append(seconds(competitors[key]))
    return {key: Times(tuple(had)) for key, had in times.items()}


def child(module: str, *arguments: object) -> str:
    """Run a module of the benchmarks in a process of its own, and return what it prints."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"{module} failed")
    return done.stdout


def different(name: str, found: Sequence, other: str, expected: Sequence) -> list[str]:
    """Return a sentence if two lists of labels differ, else nothing."""
    if len(found) != len(expected):
        return [f"{name} gives {len(found):,} rows, {other} {len(expected):,}"]
    places = np.flatnonzero(np.asarray(found, dtype=object) != np.asarray(expected, dtype=object))
    if not len(places):
        return []
    first = places[0]
    return [
        f"{name} and {other} differ in {len(places):,} of {len(found):,} rows, first in row {first + 1:,}: "
        f"{found[first]!r} and {expected[first]!r}"
    ]


def figure(value: float) -> str:
    """Write a number with three significant digits."""
    if value == 0 or not np.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{digits}f}"


def machine() -> str:
    """Describe the processor, its cores and the memory."""
    return f"{processor()}, {os.cpu_count()} cores{_memory()}, {platform.system()}"


def versions(*packages: str) -> str:
    """List the versions of Python and of installed packages."""
    found = [f"Python {platform.python_version()}"]
    for package in ("sedsql", "duckdb", *packages):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _memory() -> str:
    if sys.platform == "win32":
        return ""
    return f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB"
