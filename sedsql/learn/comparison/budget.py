"""Plan a comparison so that it ends within its budget: which algorithms it tries, on how many rows."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sedsql.learn.algorithms import Algorithm, Shipped
from sedsql.learn.comparison import diagnosis, leaks
from sedsql.learn.crossvalidation import FOLDS
from sedsql.learn.training import LabelledTable

LEAST_ROWS = 600
"""A comparison on fewer rows says nothing."""
LEAST_OF_A_CLASS = 30
LEAST_ALGORITHMS = 2
SHARE = 0.7
"""The part of a budget for what must be done; times are guessed from small fits, and the rest tries settings."""
TRIAL_SHARE = 0.25
"""The part of a budget after which no further algorithm is tried out."""

_LEAK_FITS = len(leaks.SEEN) * len(leaks.SPLITS) * leaks.FOLDS
_MOST_GROWTH = 2.0
"""The greatest power of the rows by which the time of a fit may grow: that of support vectors."""

_Candidates = Sequence[Algorithm | Shipped]


def plan(budget: float, table: LabelledTable, chosen: _Candidates, seed: int) -> dict[str, Any]:
    """Plan a comparison for a `budget` in seconds, of which a part is spent on fits to a few rows.

    Returns
    -------
    rows : places of the rows to take; all of them if there is time
    algorithms : names of the algorithms to try; the slowest are left out where the fewest rows take too long
    reserved : a guess of the seconds for all that is not a fit of an algorithm to a fold
    leak : a guess of the seconds of one of the fits for the leaks, to all of its folds
    seconds : a guess of the seconds of a fit, by the algorithms' names
    """
    if len(table) <= LEAST_ROWS:
        names = [one.name for one in chosen]
        return {"rows": np.arange(len(table)), "algorithms": names, "reserved": 0.0, "leak": 0.0, "seconds": {}}
    leak, paces = _paces(TRIAL_SHARE * budget, table, chosen, seed)

    def rest(rows: int) -> float:
        curve = (max(pace(share * rows) for pace in paces.values()) for share in diagnosis.SHARES)
        return _LEAK_FITS * leak(rows) + sum(curve)

    def whole(rows: int) -> float:
        return FOLDS * sum(pace(rows) for pace in paces.values()) + rest(rows)

    while len(paces) > LEAST_ALGORITHMS and whole(LEAST_ROWS) > SHARE * budget:
        del paces[max(paces, key=lambda name: paces[name](LEAST_ROWS))]
    rows = most_rows(whole, SHARE * budget, len(table))
    places = np.arange(rows) if rows == len(table) else _drawn(table, rows, seed)
    seconds = {name: pace(rows) for name, pace in paces.items()}
    one_leak = leaks.FOLDS * leak(rows)
    return {
        "rows": places,
        "algorithms": list(paces),
        "reserved": rest(rows),
        "leak": one_leak,
        "seconds": seconds,
    }


def most_rows(seconds: Callable[[int], float], limit: float, of: int) -> int:
    """Find, to 50, the greatest number of rows, from LEAST_ROWS to `of`, that takes at most `limit` seconds."""
    low, high = LEAST_ROWS, of
    if seconds(high) <= limit:
        return high
    while high - low > 50:
        middle = (low + high) // 2
        low, high = (middle, high) if seconds(middle) <= limit else (low, middle)
    return low


_Pace = Callable[[float], float]
"""A guess of the seconds of a fit to a number of rows."""


def _paces(limit: float, table: LabelledTable, chosen: _Candidates, seed: int) -> tuple[_Pace, dict[str, _Pace]]:
    """Time fits for the leaks and of each algorithm, in their order, until the time is up."""
    begun = time.monotonic()
    some = [table[_drawn(table, rows, seed)] for rows in (LEAST_ROWS // 3, LEAST_ROWS)]
    leak = _pace(partial(_fit_for_leaks, table.columns, seed), some)
    paces: dict[str, _Pace] = {}
    for one in chosen:
        if len(paces) >= LEAST_ALGORITHMS and time.monotonic() - begun > limit:
            break
        paces[one.name] = _pace(partial(_fit, one, table.columns, seed), some)
    return leak, paces


def _fit_for_leaks(columns: Sequence[str], seed: int, table: LabelledTable) -> None:
    leaks.fitted(leaks.SEEN[1], table, columns, seed)


def _fit(algorithm: Algorithm | Shipped, columns: Sequence[str], seed: int, table: LabelledTable) -> None:
    algorithm.fit(table, columns, seed, algorithm.settings[0])


def _pace(fit: Callable[[LabelledTable], None], some: Sequence[LabelledTable]) -> _Pace:
    """Time fits to two tables; the seconds grow by a power of the rows."""
    seconds = []
    for table in some:
        begun = time.monotonic()
        fit(table)
        seconds.append(time.monotonic() - begun)
    known = len(some[1])
    power = float(np.clip(np.log(seconds[1] / seconds[0]) / np.log(known / len(some[0])), 0, _MOST_GROWTH))
    return lambda rows: seconds[1] * (rows / known) ** power


def _drawn(table: LabelledTable, rows: int, seed: int) -> NDArray[np.int64]:
    """Draw about so many rows, of each class its share, but not fewer than LEAST_OF_A_CLASS."""
    rng = np.random.default_rng(seed)
    share = rows / len(table)
    drawn = []
    for label in np.unique(table.labels):
        places = rng.permutation(np.flatnonzero(table.labels == label))
        drawn.append(places[: max(round(share * len(places)), LEAST_OF_A_CLASS)])
    return np.sort(np.concatenate(drawn))
