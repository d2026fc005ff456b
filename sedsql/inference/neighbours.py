"""Find the labelled sources that are most like a source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sedsql import files
from sedsql.files import TableError
from sedsql.photometry.bands import COLUMNS

MISSING_MAG = 0.7
"""The difference that a band counts as which one SED has and the other lacks."""

MIN_BANDS = 3
"""With fewer a source tells too little."""


class Neighbour(NamedTuple):
    """A labelled source near another.

    row : its row in the labelled table, from 1
    label : its class
    distance : root of the mean square of the differences in the bands that both have, after both are brought to the
        same brightness, in mag; a band that the neighbour lacks counts as a difference of MISSING_MAG
    """

    row: int
    label: str
    distance: float


class LabelledSeds:
    """Labelled sources, among which those nearest to a source are found.

    Magnitudes have the shape (n, 10), NaN = missing; labels and the numbers of rows (n,).
    """

    def __init__(self, magnitudes: NDArray[np.float32], labels: NDArray[np.str_], rows: NDArray[np.int64]):
        self._labels, self._rows = labels, rows
        self._seds = magnitudes - np.nanmean(magnitudes, axis=1, keepdims=True)

    @classmethod
    def read(cls, path: Path, label: str, options: files.ReadOptions | None = None) -> LabelledSeds:
        """Read a table with a column of labels.

        Rows without a label or with fewer than MIN_BANDS bands are left out.
        """
        table = files.read_table(path)
        labels = labels_of(table, path, label)
        inputs = files.Inputs.find(table, options)
        inputs.require(MIN_BANDS, who="a labelled table")
        magnitudes = inputs.read(len(table), table.__getitem__)[:, : len(COLUMNS)]
        kept = np.flatnonzero((np.isfinite(magnitudes).sum(axis=1) >= MIN_BANDS) & (labels != ""))
        if not kept.size:
            raise TableError(f"{path.name} has no row with {MIN_BANDS} bands and a label in its column {label}.")
        return cls(np.ascontiguousarray(magnitudes[kept]), labels[kept], kept + 1)

    def nearest(self, magnitudes: NDArray[np.float32], count: int = 5) -> list[Neighbour]:
        """Find the `count` sources that are nearest to one with magnitudes of shape (10,)."""
        squares = squared_distances(magnitudes[None], self._seds)[0]
        distance = np.sqrt(np.maximum(squares, 0) / max(np.isfinite(magnitudes).sum() - 1, 1))
        first = np.argsort(distance, kind="stable")[:count]
        return [Neighbour(int(self._rows[k]), str(self._labels[k]), float(distance[k])) for k in first]


def labels_of(table: Any, path: Path, label: str) -> NDArray[np.str_]:
    """Return the labels of an astropy table that was read from a file, '' where there is none, shape (rows,)."""
    names: Sequence[str] = table.colnames
    if label not in names:
        raise TableError(f"{path.name} has no column {label!r} to take labels from; it has {', '.join(names)}.")
    found: NDArray[np.str_] = np.ma.filled(np.ma.asarray(table[label]).astype(str), "")
    return found


def squared_distances(magnitudes: NDArray, seds: NDArray) -> NDArray:
    """Sum squared differences, mag^2, of magnitudes (n, bands) from each of the SEDs (k, bands): shape (n, k)."""
    there = np.isfinite(magnitudes).astype(np.float32)
    count = there.sum(axis=1, keepdims=True)
    m = np.nan_to_num(magnitudes)
    m = (m - m.sum(axis=1, keepdims=True) / np.maximum(count, 1)) * there
    has = np.isfinite(seds).astype(np.float32)
    c = np.nan_to_num(seds)
    common = there @ has.T
    first = m @ has.T - there @ c.T
    second = (m * m) @ has.T - 2 * (m @ c.T) + there @ (c * c).T
    return second - first * first / np.maximum(common, 1) + MISSING_MAG**2 * (count - common)
