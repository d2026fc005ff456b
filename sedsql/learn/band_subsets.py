"""Reduce rows to the same set of bands, to measure a model that cannot learn from which bands are missing."""

import numpy as np
from numpy.typing import NDArray

from sedsql.photometry.bands import COLUMNS

SAME_BANDS = {
    "all ten bands": COLUMNS,
    "Gaia, 2MASS, W1, W2": COLUMNS[:8],
    "Gaia, 2MASS": COLUMNS[:6],
    "Gaia": COLUMNS[:3],
    "2MASS, WISE": COLUMNS[3:],
}


def with_same_bands(magnitudes: NDArray[np.float32]) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Select, for each set of bands, the rows of magnitudes, shape (n, 10), that have them all.

    Returns for each set the places of the rows, and their magnitudes, shape (m, 10), with all other bands missing.
    Sets without rows are left out.
    """
    result = {}
    for name, columns in SAME_BANDS.items():
        kept = np.isin(COLUMNS, columns)
        rows = np.flatnonzero(np.isfinite(magnitudes[:, kept]).all(axis=1))
        if rows.size:
            result[name] = (rows, np.where(kept, magnitudes[rows], np.float32(np.nan)))
    return result
