"""What is handed in to be drawn, as sources: magnitudes with errors, positions, parallaxes, classes."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Row, Table
from numpy.typing import NDArray

from .. import tables
from ..bands import BANDS
from ..cursor import Cursor
from ..inference.model import find_models
from ..inference.session import Session
from .style import PlotError

Rows = Any
"""A cursor, a row of an astropy table, or what `tables.Rows` are."""

CLASS_COLUMNS = ("class", "sed_class")
PROBABILITY_COLUMNS = ("class_probability", "probability", "sed_probability")
NAME_COLUMNS = ("name", "designation", "source_id")


def table_of(rows: Rows) -> Table:
    """The rows as an astropy table.

    Raises PlotError where it is none of `Rows`, or has no rows.
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
        return tables.from_arrow(tables.arrow_of(rows))
    except tables.TableError as error:
        raise PlotError(str(error)) from None


def magnitudes(table: Table) -> NDArray[np.float64]:
    """The ten magnitudes, shape (n, 10), NaN = missing; a band that has no column is missing."""
    names = {band.column: "none" for band in BANDS if not find(table, (band.column, *band.synonyms))}
    if len(names) == len(BANDS):
        raise PlotError(
            f"The rows have no magnitudes; those of sed.photometry are {', '.join(b.column for b in BANDS)}."
        )
    bands = tables.find_bands(table.colnames, names)
    return tables.magnitudes(len(table), table.__getitem__, bands).astype(np.float64)


def errors(table: Table) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Errors of the magnitudes in mag, NaN where not known; and which magnitudes are upper limits, shapes (n, 10).

    2MASS and AllWISE leave the error out where they give a limit (Explanatory Supplements, Section II.2.a, II.1.a).
    """
    found = np.full((len(table), len(BANDS)), np.nan)
    limits = np.zeros(found.shape, bool)
    for place, band in enumerate(BANDS):
        column = find(table, (band.error_column or f"{band.column}_error",))
        if column:
            found[:, place] = tables.numbers(table, column, f"the error of {band.column}")
            limits[:, place] = band.error_column is not None and np.isnan(found[:, place])
    return found, limits


def column(table: Table, name: str) -> NDArray[np.float64]:
    """A column of numbers, shape (n,), NaN = missing.

    Raises PlotError where there is none.
    """
    if not find(table, (name,)):
        raise PlotError(f"The rows have no column {name}; they have {', '.join(table.colnames)}.")
    return tables.numbers(table, name, "numbers")


def names(table: Table) -> list[str]:
    """What each source is called."""
    found = find(table, NAME_COLUMNS)
    return [str(name) for name in table[found]] if found else [f"row {row}" for row in range(1, len(table) + 1)]


def classes(table: Table) -> NDArray[np.str_] | None:
    """The classes of the column `class` or `sed_class`, '' where there is none; None without such a column."""
    found = find(table, CLASS_COLUMNS)
    return None if found is None else np.ma.filled(np.ma.asarray(table[found]).astype(str), "")


def predicted(
    table: Table, model: str, models: Iterable[str | Path] | None = None
) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """Class, '' with too few bands, and probability of each source: as columns have them, else as a model says."""
    labels, column_of_p = classes(table), find(table, PROBABILITY_COLUMNS)
    if labels is not None:
        unknown = np.full(len(table), np.nan)
        return labels, unknown if column_of_p is None else tables.numbers(table, column_of_p, "probabilities")
    found = find_models(models)
    if model not in found:
        raise PlotError(f"No model {model!r}; there are {', '.join(found)}.")
    inputs = np.hstack([magnitudes(table), tables.further(table, found[model].extra)]).astype(np.float32)
    prediction = Session(found[model], threads=0).predict(inputs)
    told = np.array([*found[model].classes, ""])  # the place -1 is that of the empty one
    return told[prediction.class_index], prediction.probabilities.max(axis=1).astype(np.float64)


def find(table: Table, candidates: Sequence[str]) -> str | None:
    """The first of the candidates that the table has."""
    return tables.find_column(table.colnames, candidates)
