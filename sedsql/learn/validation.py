"""Refuse columns that cannot be magnitudes: fluxes, errors, or the same value in every row."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from sedsql.files import TableError
from sedsql.photometry.bands import BRIGHTEST, FAINTEST

LEAST_ROWS = 20
"""Columns with fewer values are not checked, because few values tell nothing."""


def check_columns(table: str, magnitudes: NDArray[np.float32], bands: Mapping[str, str | None]) -> None:
    """Raise TableError for the first column of `table` that cannot be the magnitudes, shape (n, 10), of its band."""
    usual = _usual_brightness(magnitudes)
    for place, (band, column) in enumerate(bands.items()):
        values = magnitudes[:, place]
        known = np.isfinite(values)
        if column is None or known.sum() < LEAST_ROWS:
            continue
        wrong = _wrong(values[known], usual[known])
        if wrong:
            raise TableError(
                f"Column {column} of {table}, taken as the magnitude {band}, {wrong}. "
                f"Name the right column with --map {band}=COLUMN, or none with --map {band}=none."
            )


def _wrong(values, usual) -> str | None:
    if values.min() == values.max():
        return f"has one value, {values[0]:g}, in every row"
    if np.quantile(values, 0.02) >= 0 and np.quantile(values, 0.98) < 1.5:
        return f"has values about {np.median(values):g} (are they errors, or fluxes?)"
    outside = (values < BRIGHTEST) | (values > FAINTEST)
    if outside.mean() > 0.001:
        strange, times = np.unique(values[outside], return_counts=True)
        if len(strange) == 1 and times[0] > 1:
            return (
                f"has {strange[0]:g} in {times[0]:,} rows (if that stands for a missing value, say so with "
                f"--missing {strange[0]:g})"
            )
        return f"has {outside.sum():,} values that no magnitude has, such as {values[outside][0]:g} (are they fluxes?)"
    both = np.isfinite(usual)
    if both.sum() >= LEAST_ROWS and _rank_correlation(values[both], usual[both]) < -0.3:
        return "runs against the other bands, larger where they are brighter (is it a flux?)"
    return None


def _usual_brightness(magnitudes):
    """Return the median of each row's magnitudes, NaN for rows with fewer than three."""
    enough = np.isfinite(magnitudes).sum(axis=1) >= 3
    usual = np.full(len(magnitudes), np.nan)
    usual[enough] = np.nanmedian(magnitudes[enough], axis=1)
    return usual


def _rank_correlation(a, b) -> float:
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])
