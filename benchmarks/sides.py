"""Sides of a comparison that give every row a label: checked against each other, timed in turns, and written down."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from .measure import Section, Times, different, figure, in_turns

THREADS = (1, 2)


@dataclass
class Side:
    """One of those that are compared.

    Attributes
    ----------
    labels : gives the label of every row; None for what only fetches
    count : counts the rows of each label, with a number of threads
    rows : how many it is asked about: the first ones of the table
    threads : the numbers of threads that it is timed with
    """

    labels: Callable[[], Sequence] | None
    count: Callable[[int], object]
    rows: int
    threads: tuple[int, ...] = THREADS


def compare(section: Section, sides: dict[str, Side], repeats: int) -> dict[tuple[str, int], float]:
    """Check that all sides give the labels of the first one, time them in turns, and write both down.

    Gives the seconds a row of each side and number of threads.
    """
    if not sides:
        return {}
    (first, one), *others = sides.items()
    expected = one.labels()
    problems = []
    for name, side in others:
        if side.labels:
            problems += different(name, side.labels(), first, expected[: side.rows])
    works = {(name, n): partial(side.count, n) for name, side in sides.items() for n in side.threads}
    times = in_turns(works, repeats, enough=0.05 if section.quick else 1.0)
    row = {key: one.median / sides[key[0]].rows for key, one in times.items()}
    section.table(
        ["", "threads", "µs a row", "spread", "rows a second", f"{first} is quicker by"],
        [_line(key, one, row, first) for key, one in sorted(times.items(), key=lambda item: item[0][1])],
    )
    section.figures += [
        {
            "comparison": section.heading,
            "side": name,
            "threads": n,
            "rows": sides[name].rows,
            "seconds": list(one.seconds),
        }
        for (name, n), one in times.items()
    ]
    if others:
        section.agree("Same labels in every row", problems)
    return row


def _line(key: tuple[str, int], one: Times, row: dict[tuple[str, int], float], first: str) -> list[str]:
    name, threads = key
    ratio = row[key] / row[first, threads] if (first, threads) in row else np.nan
    shown = "" if name == first or np.isnan(ratio) else f"{figure(ratio)}x"
    return [name, str(threads), figure(row[key] * 1e6), f"{one.spread:.0%}", f"{1 / row[key]:,.0f}", shown]
