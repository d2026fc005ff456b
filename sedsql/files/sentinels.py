"""Find and count numbers that stand for a missing value, such as -999."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SENTINELS = tuple(sign * size for size in (99, 99.9, 99.99, 99.999, 999, 9999) for sign in (1, -1))
"""No survey has sources of such magnitudes. Zero is a sentinel where all bands of a row have it."""

PARALLAX_SENTINELS = tuple(value for value in SENTINELS if value < 0 or value >= 999)
"""No star has such parallaxes; some have 99 mas."""

_LEAST = 98.0
"""No sentinel is nearer to zero, apart from zero itself."""

_ALL = "all bands"


class Sentinels:
    """The sentinels of a table, which may come in pieces.

    Attributes
    ----------
    counts : rows by the column, or 'all bands' for zero, and the number
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, float]] = Counter()

    def find(self, magnitudes: NDArray[np.float32], names: Sequence[str | None]) -> NDArray[np.bool_]:
        """Find and count the sentinels in the next magnitudes, shape (n, bands); `names` are their columns."""
        with np.errstate(invalid="ignore"):
            found = np.abs(magnitudes) >= _LEAST
        if found.any():
            rows, places = np.nonzero(found)
            found[rows, places] = np.isin(magnitudes[rows, places], np.array(SENTINELS, np.float32))
            self._count(magnitudes, found, names)
        zero = magnitudes == 0
        if zero.any():
            there = np.isfinite(magnitudes) & ~found
            zeros = (there.sum(axis=1) > 1) & (zero | ~there).all(axis=1)
            if zeros.any():
                self.counts[_ALL, 0.0] += int(zeros.sum())
                found |= there & zeros[:, None]
        return found

    def find_values(
        self, numbers: NDArray[np.floating], values: Sequence[float], names: Sequence[str | None]
    ) -> NDArray[np.bool_]:
        """Find and count the numbers that the user says are missing, shape (n, columns)."""
        found = np.zeros(numbers.shape, bool)
        for value in values:
            found |= numbers.astype(np.float32, copy=False) == np.float32(value)
        self._count(numbers, found, names)
        return found

    def _count(self, numbers: NDArray[np.floating], found: NDArray[np.bool_], names: Sequence[str | None]) -> None:
        for place in np.flatnonzero(found.any(axis=0)).tolist():
            values, rows = np.unique(numbers[found[:, place], place], return_counts=True)
            for value, count in zip(values, rows, strict=True):
                self.counts[names[place] or "", float(value)] += int(count)

    def __str__(self) -> str:
        """Describe the sentinels, such as 'Jmag -99 in 2 rows'."""
        each = sorted(self.counts.items(), key=lambda item: -item[1])
        return ", ".join(f"{column} {value:g} in {n:,} row{'s' if n > 1 else ''}" for (column, value), n in each)
