"""Read sources from the rows that a user wants drawn: magnitudes with errors, positions, parallaxes, classes."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Row, Table
from numpy.typing import NDArray

from sedsql import files
from sedsql.dbapi.cursor import Cursor
from sedsql.inference.model import DEFAULT_MODEL, SKY_MODEL, ModelError, find_model
from sedsql.inference.session import Session
from sedsql.photometry.bands import BANDS
from sedsql.plot.style import PlotError

Rows = Any
"""A cursor, a row of an astropy table, or any of `files.Rows`."""

CLASS_COLUMNS = ("class", "sed_class")
PROBABILITY_COLUMNS = ("class_probability", "probability", "sed_probability")
NAME_COLUMNS = ("name", "designation", "source_id")


def table_of(rows: Rows) -> Table:
    """Convert rows to an astropy table.

    Raises PlotError if `rows` is none of `Rows`, or is empty.
    """
    table = _table_of(rows)
    if not len(table):
        raise PlotError("There are no rows to draw.")
    return table


def _table_of(rows: Rows) -> Table:
    if isinstance(rows, Cursor):
        return rows.table()
    if isinstance(rows, Row):
        return rows.table[rows.index : rows.index + 1]
    if isinstance(rows, Table):
        return rows
    try:
        return files.from_arrow(files.arrow_of(rows))
    except files.TableError as error:
        raise PlotError(str(error)) from None


def magnitudes(table: Table) -> NDArray[np.float64]:
    """Return the ten magnitudes, shape (n, 10), NaN = missing; a band without a column is missing."""
    return _inputs(table)[:, : len(BANDS)].astype(np.float64)


def _inputs(table: Table, wanted: Sequence[str] = ()) -> NDArray[np.float32]:
    """Read magnitudes and what a model takes besides, as `files.Inputs.read` does."""
    inputs = files.Inputs.find(table)
    if not any(inputs.bands.values()):
        raise PlotError(
            f"The rows have no magnitudes; those of sed.photometry are {', '.join(b.column for b in BANDS)}."
        )
    return inputs.read(len(table), table.__getitem__, wanted)


def errors(table: Table) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return errors of the magnitudes in mag, NaN where unknown, and which magnitudes are limits, shapes (n, 10).

    2MASS and AllWISE leave the error out where they give a limit (Explanatory Supplements, Section II.2.a, II.1.a).
    """
    found = np.full((len(table), len(BANDS)), np.nan)
    limits = np.zeros(found.shape, bool)
    for place, band in enumerate(BANDS):
        column = find(table, (band.error_column or f"{band.column}_error",))
        if column:
            found[:, place] = files.numbers(table, column, f"the error of {band.column}")
            limits[:, place] = band.error_column is not None and np.isnan(found[:, place])
    return found, limits


def column(table: Table, name: str) -> NDArray[np.float64]:
    """Return a column of numbers, shape (n,), NaN = missing.

    Raises PlotError if the table has no such column.
    """
    if not find(table, (name,)):
        raise PlotError(f"The rows have no column {name}; they have {', '.join(table.colnames)}.")
    return files.numbers(table, name, "numbers")


def names(table: Table) -> list[str]:
    """Return a name for each source."""
    found = find(table, NAME_COLUMNS)
    return [str(name) for name in table[found]] if found else [f"row {row}" for row in range(1, len(table) + 1)]


def classes(table: Table) -> NDArray[np.str_] | None:
    """Return the classes in the column `class` or `sed_class`, '' where there is none; None without such a column."""
    found = find(table, CLASS_COLUMNS)
    return None if found is None else np.ma.filled(np.ma.asarray(table[found]).astype(str), "")


def predicted(
    table: Table, model: str | None, models: Iterable[str | Path] | None = None
) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """Return class, '' with too few bands, and probability of each source: from columns, or else from a model."""
    labels, column_of_p = classes(table), find(table, PROBABILITY_COLUMNS)
    if labels is not None:
        unknown = np.full(len(table), np.nan)
        return labels, unknown if column_of_p is None else files.numbers(table, column_of_p, "probabilities")
    if model is None:
        model = SKY_MODEL if find(table, ("ra",)) and find(table, ("dec",)) else DEFAULT_MODEL
    try:
        found = find_model(model, models)
    except ModelError as error:
        raise PlotError(str(error)) from None
    prediction = Session(found, threads=0).predict(_inputs(table, found.extra))
    told = np.array([*found.classes, ""])  # the place -1 is that of the empty one
    return told[prediction.class_index], prediction.probabilities.max(axis=1).astype(np.float64)


def find(table: Table, candidates: Sequence[str]) -> str | None:
    """Find the first of the candidates that the table has."""
    return files.find_column(table.colnames, candidates)
