"""Set up races: competitors that count the classes of the same sources, and the sizes of small and large runs.

Every competitor counts the rows of each class of a DuckDB table of simulated magnitudes: sedsql in SQL, libraries of
Python on a DataFrame that they fetch first. All labels are compared once, before anything is timed.
"""

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import peers
from .competitors import THREADS, Competitor
from .engines import ENGINES, Photometry, open_engines, photometry
from .measure import Section, Setting, machine, versions

Magnitudes = NDArray[np.float32]

ROW_GROUP = 122_880
"""The number of rows that a thread of DuckDB takes at a time; twice as many are shared evenly by two threads."""


@dataclass(frozen=True)
class Size:
    """The numbers of rows, of training rows, of iterations and leaves, of trees, and of repeats."""

    rows: int
    slow_rows: int
    training: int
    small: tuple[int, int]
    large: tuple[int, int] | None
    depth_trees: int
    repeats: int


FULL = Size(2 * ROW_GROUP, 24_576, 1500, (30, 16), (60, 31), 100, 3)
QUICK = Size(8192, 1024, 150, (4, 8), None, 20, 1)


@contextmanager
def races(title: str, setting: Setting, packages: Sequence[str]) -> Iterator[tuple[Section, Size, Magnitudes, Path]]:
    """Yield a section that tells what is measured, the size, the magnitudes of the sources, and a folder for models."""
    size = QUICK if setting.quick else FULL
    section = Section(title, quick=setting.quick)
    section.say(
        f"{machine()}; {versions(*packages)}.",
        f"Counting the classes of {size.rows:,} simulated sources in a DuckDB table (slow competitors: the first "
        f"{size.slow_rows:,}). Libraries of Python fetch the table as a DataFrame first, as their users do. "
        f"Competitors run in turns; times are medians of {size.repeats} runs or more.",
    )
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries warn of their own future
        yield section, size, photometry(size.rows), Path(folder)


def engine_competitors(
    opened: dict[str, Photometry], few: dict[str, Photometry], expression: str
) -> dict[str, Competitor]:
    """Make a competitor of each engine; plain SQL gets fewer rows, for one thread."""
    competitors = {}
    for engine, one in opened.items():
        asked = few.get(engine, one)
        threads = (1,) if asked is not one else THREADS
        count = partial(asked.counts, expression)
        competitors[ENGINES[engine]] = Competitor(partial(asked.labels, expression), count, asked.rows, threads)
    return competitors


def open_competitors(
    section: Section, magnitudes: NDArray[np.float32], models: list[Path] | None, name: str, size: Size
) -> tuple[dict[str, Competitor], list[Photometry]]:
    """Open the engines as competitors for a model; also return the connections to close afterwards."""
    expression = f"sed_class(s, '{name}')"
    opened = open_engines(magnitudes, models, name, lambda text: section.note(f"{name}, {text}"))
    few = {}
    if "sql" in opened:
        few["sql"] = Photometry("sql", magnitudes[: size.slow_rows], models, name)
    return engine_competitors(opened, few, expression), [*opened.values(), *few.values()]


def peer_competitors(
    found: dict[str, peers.Peer], magnitudes: NDArray[np.float32], classes: list[str], opened: list[Photometry]
) -> dict[str, Competitor]:
    """Make competitors of libraries, which fetch from the table of the first connection."""
    names = np.array(classes, dtype=object)
    source = opened[0]
    competitors = {}
    for name, ask in found.items():

        def count(threads: int, ask=ask):
            source.threads(threads)
            return np.unique(ask(source.fetched(), threads), return_counts=True)

        competitors[name] = Competitor(lambda ask=ask: names[ask(source.fetched(), 1)], count, len(magnitudes))
    return competitors


def close(opened: Sequence[Photometry]) -> None:
    for one in opened:
        one.close()
