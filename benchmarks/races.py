"""What the benchmarks of functions share: how large they are, and sides that count the classes of the same sources.

Everybody counts the rows of each class of a DuckDB table of simulated magnitudes: sedsql in SQL, libraries of Python on
a DataFrame that they fetch first. All labels are compared once, before anything is timed.
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
from .engines import ENGINES, Photometry, open_engines, photometry
from .measure import Section, Setting, machine, versions
from .sides import THREADS, Side

Magnitudes = NDArray[np.float32]

ROW_GROUP = 122_880
"""Rows that DuckDB's threads take at a time: two of them, an even share for two threads."""


@dataclass(frozen=True)
class Size:
    """How large the whole is."""

    rows: int
    slow_rows: int
    training: int
    small: tuple[int, int]
    large: tuple[int, int] | None
    depth_trees: int
    repeats: int


FULL = Size(2 * ROW_GROUP, 24_576, 1500, (30, 16), (60, 31), 100, 3)
QUICK = Size(8192, 1024, 150, (4, 8), None, 20, 1)
"""Iterations and leaves of small and large models."""


@contextmanager
def races(title: str, setting: Setting, packages: Sequence[str]) -> Iterator[tuple[Section, Size, Magnitudes, Path]]:
    """A part that says what is done and with which packages, how large it is, its sources, and a folder for models."""
    size = QUICK if setting.quick else FULL
    section = Section(title, quick=setting.quick)
    section.say(
        f"{machine()}; {versions(*packages)}.",
        f"Counting the classes of {size.rows:,} simulated sources in a DuckDB table (slow sides: the first "
        f"{size.slow_rows:,}). Libraries of Python fetch the table as a DataFrame first, as their users do. Sides in "
        f"turns; median of {size.repeats} runs or more.",
    )
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries, about their own future
        yield section, size, photometry(size.rows), Path(folder)


def engine_sides(opened: dict[str, Photometry], few: dict[str, Photometry], expression: str) -> dict[str, Side]:
    """A side for each engine; plain SQL is asked about fewer rows, which are one thread's."""
    sides = {}
    for engine, one in opened.items():
        asked = few.get(engine, one)
        threads = (1,) if asked is not one else THREADS
        count = partial(asked.counts, expression)
        sides[ENGINES[engine]] = Side(partial(asked.labels, expression), count, asked.rows, threads)
    return sides


def open_sides(
    section: Section, magnitudes: NDArray[np.float32], models: list[Path] | None, name: str, size: Size
) -> tuple[dict[str, Side], list[Photometry]]:
    """The sides of the engines for a model, and what is to be closed after them."""
    expression = f"sed_class(s, '{name}')"
    opened = open_engines(magnitudes, models, name, lambda text: section.note(f"{name}, {text}"))
    few = {}
    if "sql" in opened:
        few["sql"] = Photometry("sql", magnitudes[: size.slow_rows], models, name)
    return engine_sides(opened, few, expression), [*opened.values(), *few.values()]


def peer_sides(
    found: dict[str, peers.Peer], magnitudes: NDArray[np.float32], classes: list[str], opened: list[Photometry]
) -> dict[str, Side]:
    """Sides of libraries, which fetch from the table of the first connection."""
    names = np.array(classes, dtype=object)
    source = opened[0]
    sides = {}
    for name, ask in found.items():

        def count(threads: int, ask=ask):
            source.threads(threads)
            return np.unique(ask(source.fetched(), threads), return_counts=True)

        sides[name] = Side(lambda ask=ask: names[ask(source.fetched(), 1)], count, len(magnitudes))
    return sides


def close(opened: Sequence[Photometry]) -> None:
    for one in opened:
        one.close()
