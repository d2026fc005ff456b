"""Compare competitors that give every row a label: check their labels, time them in turns, and report both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from .measure import Section, Times, different, figure, in_turns

THREADS = (1, 2)


@dataclass
class Competitor:
    """One way to label the rows of a table.

    Attributes
    ----------
    labels : returns the label of every row; None for a competitor that only fetches
    count : counts the rows of each label, with a given number of threads
    rows : the number of rows that it labels, the first ones of the table
    threads : the numbers of threads for which it is timed
    """

    labels: Callable[[], Sequence] | None
    count: Callable[[int], object]
    rows: int
    threads: tuple[int, ...] = THREADS


def compare(section: Section, competitors: dict[str, Competitor], repeats: int) -> dict[tuple[str, int], float]:
    """Check that all competitors give the labels of the first one, time them in turns, and report both.

    Returns the seconds per row for each competitor and number of threads.
    """
    if not competitors:
        return {}
    (first, one), *others = competitors.items()
    expected = one.labels()
    problems = []
    for name, competitor in others:
        if competitor.labels:
            problems += different(name, competitor.labels(), first, expected[: competitor.rows])
    works = {
        (name, n): partial(competitor.count, n) for name, competitor in competitors.items() for n in competitor.threads
    }
    times = in_turns(works, repeats, enough=0.05 if section.quick else 1.0)
    row = {key: one.median / competitors[key[0]].rows for key, one in times.items()}
    section.table(
        ["", "threads", "µs a row", "spread", "rows a second", f"{first} is quicker by"],
        [_line(key, one, row, first) for key, one in sorted(times.items(), key=lambda item: item[0][1])],
    )
    section.figures += [
        {
            "comparison": section.heading,
            "competitor": name,
            "threads": n,
            "rows": competitors[name].rows,
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
