"""What models take from a table, by the names that catalogues have for it: magnitudes, parallax, position."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import astropy.units as u
import numpy as np
import pyarrow as pa
from astropy.table import Table
from numpy.typing import NDArray

from ..bands import COLUMNS
from .errors import TableError
from .magnitudes import column_numbers, find_bands, find_column, given_column, magnitudes


@dataclass(frozen=True)
class Further:
    """What a model may take besides magnitudes.

    Attributes
    ----------
    column : the archive's name of the column
    unit : of the numbers; a column that says another is converted
    synonyms : names of the same in VizieR's and others' catalogues, those that are degrees for certain first
    """

    column: str
    unit: str
    synonyms: tuple[str, ...]


FURTHER: tuple[Further, ...] = (
    Further("parallax", "mas", ("Plx",)),
    Further("parallax_error", "mas", ("e_Plx",)),
    Further("ra", "deg", ("RA_ICRS", "_RAJ2000", "_RA", "_RA_icrs", "RAdeg", "RAJ2000")),
    Further("dec", "deg", ("DE_ICRS", "_DEJ2000", "_DE", "_DE_icrs", "DEdeg", "DEJ2000")),
)
"""In the order in which models take it. Positions are ICRS, or J2000, which is the same to 0.02 arcsec."""

_BY_COLUMN = {one.column: one for one in FURTHER}


@dataclass(frozen=True)
class Inputs:
    """Which columns of a table hold what a model takes.

    Attributes
    ----------
    bands : by the archive's names of the ten magnitudes; None for one that is not there
    further : the same of FURTHER
    declined : which of FURTHER are not there because the user says so
    units : of the columns that say one
    """

    bands: dict[str, str | None]
    further: dict[str, str | None]
    declined: frozenset[str]
    units: Mapping[str, str]

    @classmethod
    def find(cls, table: Table | pa.Schema, given: Mapping[str, str] | None = None) -> "Inputs":
        """By names of columns, and by `given`, which maps a band or one of FURTHER to a column, or to 'none'."""
        names = table.names if isinstance(table, pa.Schema) else table.colnames
        given = dict(given or {})
        asked = {one.column: given.pop(one.column) for one in FURTHER if one.column in given}
        if unknown := [name for name in given if name not in COLUMNS]:
            raise TableError(
                f"No band is called {unknown[0]!r} (--map {unknown[0]}={given[unknown[0]]}); bands are "
                f"{', '.join(COLUMNS)}, and besides there are {', '.join(one.column for one in FURTHER)}."
            )
        further = {one.column: _column(names, one, asked.get(one.column)) for one in FURTHER}
        declined = frozenset(name for name in asked if further[name] is None)
        return cls(find_bands(names, given), further, declined, _units(table))

    def lacking(self, wanted: Sequence[str]) -> list[str]:
        """Which of some of FURTHER the table has no column for, though the user did not say so."""
        return [name for name in wanted if self.further[name] is None and name not in self.declined]

    def read(
        self, rows: int, column_of: Callable[[str], Any], wanted: Sequence[str], first_row: int = 1
    ) -> NDArray[np.float32]:
        """Magnitudes and what is `wanted` of FURTHER, shape (rows, 10 + len(FURTHER)); NaN = missing.

        `column_of` gives a column by name, an Arrow or an astropy one; `first_row` is the number of the piece's first
        row in its file, for messages.
        """
        matrix = np.full((rows, len(COLUMNS) + len(FURTHER)), np.nan, np.float32)
        matrix[:, : len(COLUMNS)] = magnitudes(rows, column_of, self.bands, first_row)
        for place, one in enumerate(FURTHER, len(COLUMNS)):
            name = self.further[one.column]
            if one.column in wanted and name is not None:
                matrix[:, place] = _read(column_of(name), name, one, self.units.get(name), first_row)
        return matrix


def would_do(names: Sequence[str]) -> str:
    """Some of FURTHER, with the names that are looked for besides, for messages."""
    return ", ".join(f"{name} ({' or '.join(_BY_COLUMN[name].synonyms)} would do)" for name in names)


def further(table: Table, names: Sequence[str]) -> NDArray[np.float32]:
    """Some of FURTHER, by a table's names of columns, shape (rows, names); NaN = missing."""
    found = np.full((len(table), len(names)), np.nan, np.float32)
    units = _units(table)
    for place, name in enumerate(names):
        column = _column(table.colnames, _BY_COLUMN[name])
        if column is not None:
            found[:, place] = _read(table[column], column, _BY_COLUMN[name], units.get(column))
    return found


def _column(names: Sequence[str], one: Further, asked: str | None = None) -> str | None:
    if asked is None:
        return find_column(names, (one.column, *one.synonyms))
    return given_column(names, one.column, asked)


def _units(table: Table | pa.Schema) -> dict[str, str]:
    if isinstance(table, pa.Schema):
        found = {field.name: (field.metadata or {}).get(b"unit", b"").decode() for field in table}
    else:
        found = {name: str(getattr(table[name], "unit", None) or "") for name in table.colnames}
    return {name: unit for name, unit in found.items() if unit}


def _read(values: Any, column: str, one: Further, unit: str | None, first_row: int = 1) -> NDArray[np.float32]:
    try:
        numbers = column_numbers(values, column, f"{one.column}, in {one.unit}", first_row)
    except TableError as error:
        raise TableError(f"{error} {_remedy(one)}") from None
    with np.errstate(over="ignore"):
        read = (numbers * _factor(unit, column, one)).astype(np.float32)
    read[np.isinf(read)] = np.nan
    return read


def _factor(unit: str | None, column: str, one: Further) -> float:
    """From the unit that a column says, if it is one that astropy knows, to that of the model's input."""
    known = u.Unit(unit or one.unit, parse_strict="silent")
    if isinstance(known, u.UnrecognizedUnit):
        return 1.0
    try:
        return float(known.to(u.Unit(one.unit)))
    except u.UnitConversionError:
        raise TableError(
            f"Column {column} should hold {one.column}, in {one.unit}, but its unit is {unit}. {_remedy(one)}"
        ) from None


def _remedy(one: Further) -> str:
    return f"Name another column with --map {one.column}=COLUMN, or none with --map {one.column}=none."
