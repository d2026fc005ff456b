"""Numbers that stand for a missing magnitude, such as -999: found, counted and told."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from ..bands import COLUMNS

SENTINELS = tuple(sign * size for size in (99, 99.9, 99.99, 99.999, 999, 9999) for sign in (1, -1))
"""Of no survey's sources the magnitude. Zero is one where all bands of a row have it."""

_ALL = "all bands"


class Sentinels:
    """Those of a table, which may come in pieces.

    Attributes
    ----------
    counts : rows by the band, or 'all bands' for zero, and the number
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, float]] = Counter()

    def find(self, magnitudes: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Where sentinels are in the next magnitudes, shape (n, 10), which are counted too."""
        found = np.isin(magnitudes, np.array(SENTINELS, np.float32))
        for place in np.flatnonzero(found.any(axis=0)):
            values, rows = np.unique(magnitudes[found[:, place], place], return_counts=True)
            for value, count in zip(values, rows, strict=True):
                self.counts[COLUMNS[place], float(value)] += int(count)
        there = np.isfinite(magnitudes) & ~found
        zeros = (there.sum(axis=1) > 1) & ((magnitudes == 0) | ~there).all(axis=1)
        if zeros.any():
            self.counts[_ALL, 0.0] += int(zeros.sum())
        return found | (there & zeros[:, None])

    def erase(self, magnitudes: NDArray[np.float32]) -> None:
        """Make them NaN, in place."""
        magnitudes[self.find(magnitudes)] = np.nan

    def __str__(self) -> str:
        """Such as 'j_m -99 in 2 rows'."""
        each = sorted(self.counts.items(), key=lambda item: -item[1])
        return ", ".join(f"{band} {value:g} in {n:,} row{'s' if n > 1 else ''}" for (band, value), n in each)
