"""Rows that have all bands of a set, seen with just these: what a model knows without help from what is missing."""

import numpy as np
from numpy.typing import NDArray

from ..bands import COLUMNS

SAME_BANDS = {
    "all ten bands": COLUMNS,
    "Gaia, 2MASS, W1, W2": COLUMNS[:8],
    "Gaia, 2MASS": COLUMNS[:6],
    "Gaia": COLUMNS[:3],
    "2MASS, WISE": COLUMNS[3:],
}


def with_same_bands(magnitudes: NDArray[np.float32]) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """By set: places of the rows that have all its bands, and their magnitudes, shape (m, 10), others taken away.

    Sets of which no row of the magnitudes, shape (n, 10), has all bands are left out.
    """
    result = {}
    for name, columns in SAME_BANDS.items():
        kept = np.isin(COLUMNS, columns)
        rows = np.flatnonzero(np.isfinite(magnitudes[:, kept]).all(axis=1))
        if rows.size:
            result[name] = (rows, np.where(kept, magnitudes[rows], np.float32(np.nan)))
    return result
