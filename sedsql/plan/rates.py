"""Hold what the steps took on this machine, in a file if wanted."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from sedsql.files.atomic import new_file
from sedsql.plan import PlanError

VERSION = 2
"""Of the form of the file, and of what is measured."""

IMPORT, PHOTOMETRY, CLASSIFICATION = "import", "photometry", "classification"
CONE, COUNT, ON_THE_FLY = "cone", "count by class", "classes on the fly"
SEARCH = "search"
"""Looking through all of a match table for the rows of one part of the sky; it is a part of PHOTOMETRY."""

BUILDING = (IMPORT, PHOTOMETRY, CLASSIFICATION)
QUERIES = (CONE, COUNT, ON_THE_FLY)


@dataclass(frozen=True)
class Run:
    """What one step took.

    rows : sources of the sky
    work : what its time grows with: the sources, or for a cone those in it
    threads : processors that it had
    seconds, processor : by the clock, and of all its threads together
    memory : bytes, the peak of its process
    read, written : bytes on disk of what it reads, and of what it leaves
    """

    step: str
    rows: int
    work: float
    threads: int
    seconds: float
    processor: float
    memory: float
    read: float = 0.0
    written: float = 0.0


@dataclass(frozen=True)
class Rates:
    """What the steps took on a machine.

    columns : of gaia_source in the files that were imported
    """

    machine: str
    columns: int
    runs: tuple[Run, ...]

    def of(self, step: str) -> list[Run]:
        """Give the runs of a step, those with least work first. Raises PlanError where there is none."""
        found = sorted((run for run in self.runs if run.step == step), key=lambda run: (run.work, run.threads))
        if not found:
            raise PlanError(f"The rates have no run of the step {step!r}; measure them again")
        return found

    @property
    def threads(self) -> int:
        """The most processors that a step had."""
        return max(run.threads for run in self.runs)


def write(rates: Rates, path: Path) -> None:
    """Write rates to a JSON file."""
    with new_file(path, force=True) as partial:
        text = json.dumps({"sedsql_plan": VERSION, **asdict(rates)}, indent=1)
        partial.write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> Rates:
    """Read rates from a JSON file. Raises PlanError where it is none, or one of another version."""
    again = "move it away, and the rates are measured again"
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise PlanError(f"{path} is no JSON, so it has no rates; {again}") from None
    if not isinstance(held, dict) or "sedsql_plan" not in held:
        raise PlanError(f"{path} has no rates of `sedsql plan`; {again}")
    if held["sedsql_plan"] != VERSION:
        raise PlanError(
            f"{path} has rates of version {held['sedsql_plan']}, and this sedsql takes version {VERSION}; {again}"
        )
    try:
        runs = tuple(Run(**run) for run in held["runs"])
        _must_be_numbers(runs)
        return Rates(str(held["machine"]), int(held["columns"]), runs)
    except (KeyError, TypeError, ValueError):
        raise PlanError(f"{path} lacks some of the rates, or has others than numbers; {again}") from None


def _must_be_numbers(runs: Iterable[Run]) -> None:
    runs = list(runs)
    for run in runs:
        figures = (run.rows, run.work, run.threads, run.seconds, run.processor, run.memory, run.read, run.written)
        if not all(float(figure) >= 0 for figure in figures) or run.rows < 1 or run.threads < 1 or run.work <= 0:
            raise ValueError
    if {*BUILDING, *QUERIES, SEARCH} - {run.step for run in runs}:
        raise ValueError
