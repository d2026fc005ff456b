"""Find the columns of a table that hold what models take, by their names, their units and what the user says."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sedsql.files.errors import TableError
from sedsql.files.names import FURTHER, NAMES, Further, columns_of, find_column, listed
from sedsql.files.units import Scale, scale_of
from sedsql.photometry.bands import BANDS, COLUMNS, SURVEYS, Band

INPUTS: tuple[Band | Further, ...] = (*BANDS, *FURTHER)
"""All that models take, in order."""


@dataclass(frozen=True)
class ReadOptions:
    """What a user says of a table that its names and units do not tell.

    Attributes
    ----------
    columns : the column that holds a band or one of FURTHER, by its archive's name; 'none' for what is not there
    units : of columns that do not say theirs, or a wrong one
    bands : the only surveys whose bands are taken, of SURVEYS; all unless told
    missing : numbers that stand for a missing one, besides SENTINELS
    keep_sentinels : whether SENTINELS are magnitudes like others
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    bands: Collection[str] | None = None
    missing: Sequence[float] = ()
    keep_sentinels: bool = False

    @classmethod
    def of(
        cls,
        columns: Mapping[str, str] | None = None,
        units: Mapping[str, str] | None = None,
        bands: str | Collection[str] | None = None,
        missing: float | Sequence[float] = (),
        keep_sentinels: bool = False,
    ) -> "ReadOptions":
        """Take what a caller may leave out, or give as one name or number."""
        return cls(
            dict(columns or {}),
            dict(units or {}),
            bands.split(",") if isinstance(bands, str) else bands,
            (missing,) if isinstance(missing, int | float) else tuple(missing),
            keep_sentinels,
        )


@dataclass
class InputColumn:
    """The column of a table that holds a band or one of FURTHER, and what was read of it.

    Attributes
    ----------
    name : the archive's name of the band or of one of FURTHER
    column : the table's name of it
    unit : what the column says, '' for nothing
    scale : of a band
    others : columns that could be the same
    rows, missing : that were read, and those of them without a value
    least, most : the range of the values that were read, as models take them
    refused : fluxes that are not above zero
    strange : magnitudes that no source has
    """

    name: str
    column: str
    unit: str
    scale: Scale | None = None
    others: Sequence[str] = ()
    rows: int = 0
    missing: int = 0
    least: float = np.nan
    most: float = np.nan
    refused: int = 0
    strange: int = 0

    def as_object(self) -> dict[str, Any]:
        """Describe it for JSON."""
        return {
            "name": self.name,
            "column": self.column,
            "unit": self.unit or None,
            "missing": round(self.missing / self.rows, 6) if self.rows else None,
            "range": None if np.isnan(self.least) else [round(self.least, 6), round(self.most, 6)],
        }


def find_columns(
    names: Sequence[str], units: Mapping[str, str], options: ReadOptions
) -> tuple[dict[str, InputColumn], frozenset[str]]:
    """Find the columns by the archive's names of bands and of FURTHER, and what is not taken because the user says so.

    units : of the columns that say one
    """
    units = {**units, **units_said(names, options.units)}
    if unknown := [name for name in options.columns if name not in NAMES]:
        raise TableError(
            f"No band is called {unknown[0]!r} (--map {unknown[0]}={options.columns[unknown[0]]}); bands are "
            f"{', '.join(COLUMNS)}, and besides there are {', '.join(one.column for one in FURTHER)}."
        )
    left_out = _left_out(options.bands) - set(options.columns)
    columns = {}
    for one in INPUTS:
        if one.column not in left_out and (found := _found(one, names, units, options)):
            columns[one.column] = found
    by_column: dict[str, str] = {}
    for name, found in columns.items():
        other = by_column.setdefault(found.column, name)
        if other != name:
            moved = name if other in options.columns else other
            raise TableError(
                f"Column {found.column} is taken for both {other} and {name}; say --map {moved}=COLUMN, or "
                f"--map {moved}=none."
            )
    return columns, frozenset(left_out | {name for name in options.columns if name not in columns})


def _found(
    one: Band | Further, names: Sequence[str], units: Mapping[str, str], options: ReadOptions
) -> InputColumn | None:
    """Find the column of a band or of one of FURTHER, and check its unit."""
    asked = options.columns.get(one.column)
    if asked is not None and asked.lower() == "none":
        return None
    if asked is not None:
        column, others = find_column(names, (asked,)), []
        if column is None:
            raise TableError(f"The table has no column {asked!r} (--map {one.column}={asked}); {listed(names)}.")
    else:
        found = columns_of(names, one.column)
        if not found:
            return None
        column, others = found[0], [name for name in found[1:] if one.column not in ("ra", "dec")]
    unit = units.get(column, "")
    source = InputColumn(one.column, column, unit, others=others)
    if isinstance(one, Band):
        source.scale = scale_of(unit)
        if source.scale is None:
            raise TableError(
                f"Column {column} should hold the magnitude {one.column}, but its unit is {unit}, and only Vega "
                f"and AB magnitudes and flux densities such as mJy are converted. {remedy(one.column)} Where the "
                f"table is wrong, say the unit with --unit {column}=mag."
            )
    return source


def units_said(names: Sequence[str], units: Mapping[str, str]) -> dict[str, str]:
    """The units that the user says, by the table's own names of columns."""
    found = {}
    for name, unit in units.items():
        column = find_column(names, (name,))
        if column is None:
            raise TableError(f"The table has no column {name!r} (--unit {name}={unit}); {listed(names)}.")
        found[column] = unit
    return found


def _left_out(surveys: Collection[str] | None) -> set[str]:
    """The bands of other surveys than those that are asked for."""
    if surveys is None:
        return set()
    if unknown := [name for name in surveys if name.lower() not in SURVEYS]:
        raise TableError(f"There is no survey {unknown[0]!r} (--bands); there are {', '.join(SURVEYS)}.")
    taken = {band for name in surveys for band in SURVEYS[name.lower()]}
    return set(COLUMNS) - taken


def remedy(name: str) -> str:
    return f"Name another column with --map {name}=COLUMN, or none with --map {name}=none."
