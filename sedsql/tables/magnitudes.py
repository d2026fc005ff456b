"""The ten magnitudes in a table: which column holds each, and its numbers."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.table import Table
from numpy.typing import NDArray

from ..bands import BANDS
from .convert import plain, to_array
from .errors import TableError

_MISSING_TEXT = ("", "null", "NULL", "nan", "NaN", "NAN", "--", "none", "None", "N/A", "NA")
_NAMES_SHOWN = 40


def find_bands(names: Sequence[str], given: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """Which column of a table holds each band: by `given`, the archive's name or a common variant.

    `given` maps a band to a column's name, or to 'none' where the table has none: then it is missing
    in every row. Upper and lower case do not matter.
    """
    given = dict(given or {})
    found: dict[str, str | None] = {}
    missing = []
    for band in BANDS:
        asked = given.pop(band.column, None)
        if asked is not None:
            found[band.column] = given_column(names, band.column, asked)
            continue
        found[band.column] = find_column(names, (band.column, *band.synonyms))
        if found[band.column] is None:
            missing.append(band)
    if given:
        raise TableError(f"No band is called {next(iter(given))!r}; bands are {', '.join(b.column for b in BANDS)}.")
    if missing:
        wanted = ", ".join(f"{band.column} ({' or '.join(band.synonyms)} would do)" for band in missing)
        first = missing[0].column
        raise TableError(
            f"The table has no column for {wanted}. Name a column with --map {first}=COLUMN, "
            f"or say --map {first}=none if there is none; {_has(names)}."
        )
    return found


def given_column(names: Sequence[str], what: str, asked: str) -> str | None:
    """The column of a table that the user names for something; None where that is 'none'."""
    if asked.lower() == "none":
        return None
    column = find_column(names, (asked,))
    if column is None:
        raise TableError(f"The table has no column {asked!r} (--map {what}={asked}); {_has(names)}.")
    return column


def find_column(names: Sequence[str], candidates: Sequence[str]) -> str | None:
    """The first of the candidates that a table has, as it is written or in upper or lower case."""
    folded = {name.strip().lower(): name for name in reversed(names)}
    exact = (name for name in candidates if name in names)
    return next(exact, None) or next((folded[n.lower()] for n in candidates if n.lower() in folded), None)


def _has(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return f"it has {', '.join(names[:_NAMES_SHOWN])}{more}"


def magnitudes(
    rows: int, column_of: Callable[[str], object], bands: Mapping[str, str | None], first_row: int = 1
) -> NDArray[np.float32]:
    """The ten magnitudes of a piece of a table, shape (rows, 10), NaN = missing.

    `column_of` gives a column by name, an Arrow or an astropy one; `first_row` is the number of the
    piece's first row in its file, for messages.
    """
    matrix = np.full((rows, len(bands)), np.nan, np.float32)
    for place, (band, name) in enumerate(bands.items()):
        if name is not None:
            with np.errstate(over="ignore"):
                matrix[:, place] = column_numbers(column_of(name), name, f"the magnitude {band}", first_row)
    matrix[np.isinf(matrix)] = np.nan
    return matrix


def numbers(table: Table, name: str, what: str, first_row: int = 1) -> NDArray[np.float64]:
    """A column of numbers by its name, upper or lower case, shape (rows,); NaN = missing, as where there is none.

    `what` the column should hold and `first_row` are for messages.
    """
    column = find_column(table.colnames, (name,))
    return np.full(len(table), np.nan) if column is None else column_numbers(table[column], column, what, first_row)


def column_numbers(column, name: str, what: str, first_row: int = 1) -> NDArray[np.float64]:
    """The same of an Arrow or astropy column, whose name is for messages too."""
    values = plain(column if isinstance(column, pa.Array | pa.ChunkedArray) else to_array(column))
    if pa.types.is_string(values.type):
        values = _parsed(values, name, what, first_row)
    kind = values.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind) or kind == pa.null()):
        raise TableError(f"Column {name} should hold {what}, but its type is {kind}.")
    return pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False)


def _parsed(values, name: str, what: str, first_row: int):
    text = pc.utf8_trim_whitespace(values)
    text = pc.if_else(pc.is_in(text, pa.array(_MISSING_TEXT)), pa.scalar(None, pa.string()), text)
    try:
        return pc.cast(text, pa.float64())
    except pa.ArrowInvalid:
        row, word = next((row, word) for row, word in enumerate(text) if not _is_number(word))
        raise TableError(
            f"Column {name} should hold {what}, but row {first_row + row} has the text {str(word)!r}."
        ) from None


def _is_number(word: pa.Scalar) -> bool:
    try:
        word.cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True
