"""Read what models take from a table, as its author meant it: magnitudes, parallax and position."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import astropy.units as u
import numpy as np
import pyarrow as pa
from astropy.table import Table
from numpy.typing import NDArray

from sedsql.files.columns import arrow_column, column_numbers, no_number, text_of
from sedsql.files.errors import TableError
from sedsql.files.input_columns import INPUTS, InputColumn, ReadOptions, find_columns, remedy
from sedsql.files.input_notes import near_hints, of_names, of_numbers
from sedsql.files.names import FURTHER, NAMES, Further, listed, would_do
from sedsql.files.sentinels import PARALLAX_SENTINELS, Sentinels
from sedsql.files.sexagesimal import HOURS, degrees, is_sexagesimal
from sedsql.photometry.bands import BANDS, BRIGHTEST, COLUMNS, FAINTEST

_DEC = [one.column for one in INPUTS].index("dec")
_PARALLAX = slice(len(BANDS), len(BANDS) + 2)
POLE = 90.0
"""A declination beyond it, in degrees, is none."""


class Inputs:
    """The columns of a table that hold what models take.

    Several threads may read pieces of one table.

    Attributes
    ----------
    columns : by the archive's name of a band or of one of FURTHER, those that are there
    declined : what is not taken because the user says so
    """

    def __init__(self, names: Sequence[str], units: Mapping[str, str], options: ReadOptions):
        self._names, self._options = names, options
        self.columns, self.declined = find_columns(names, units, options)
        self._lock = threading.Lock()
        self._sentinels, self._nowhere = Sentinels(), 0

    @classmethod
    def find(cls, table: Table | pa.Schema, options: ReadOptions | None = None) -> "Inputs":
        """Find the columns of a table by their names and what the user says."""
        if isinstance(table, pa.Schema):
            names = table.names
            units = {one.name: (one.metadata or {}).get(b"unit", b"").decode() for one in table}
        else:
            names = table.colnames
            units = {name: str(getattr(table[name], "unit", None) or "") for name in names}
        return cls(names, units, options or ReadOptions())

    @property
    def bands(self) -> dict[str, str | None]:
        """The column of each band; None where there is none."""
        return {band: self.columns[band].column if band in self.columns else None for band in COLUMNS}

    def lacking(self, wanted: Sequence[str]) -> list[str]:
        """Which of some bands or of FURTHER the table has no column for, though the user did not say so."""
        return [name for name in wanted if name not in self.columns and name not in self.declined]

    def require(self, least: int, bands: Sequence[str] = COLUMNS, who: str = "this") -> None:
        """Raise TableError if the table has columns for fewer than `least` of some bands, which `who` needs."""
        there = [band for band in bands if band in self.columns]
        if len(there) >= least:
            return
        absent = self.lacking(bands) or [band for band in bands if band not in there]
        hints = near_hints(self._names, self.columns, absent)
        found = f"columns for {len(there)} of the bands" if there else "no column for a band by a name that is known"
        raise TableError(
            f"The table has {found}, and {who} needs {least}: none for {', '.join(map(would_do, absent))}. "
            f"Name a column with --map {absent[0]}=COLUMN{hints}; {listed(self._names)}."
        )

    def read(
        self, rows: int, column_of: Callable[[str], Any], wanted: Sequence[str] = (), first_row: int = 1
    ) -> NDArray[np.float32]:
        """Read Vega magnitudes and what is `wanted` of FURTHER, shape (rows, 10 + len(FURTHER)); NaN = missing.

        `column_of` gives a column by name, an Arrow or an astropy one; `first_row` is the number of the piece's first
        row in its file, for messages.
        """
        matrix = np.full((rows, len(INPUTS)), np.nan, np.float32, order="F")
        found, refused = Sentinels(), np.zeros(len(BANDS), int)
        fluxes, ab = {}, {}
        for place, band in enumerate(BANDS):
            if source := self.columns.get(band.column):
                numbers = self._without_missing(_magnitudes(column_of, source, first_row), source, found)
                if source.scale is None or source.scale.kind == "vega":
                    _fill(matrix, place, numbers if source.scale is None else source.scale.vega(numbers, 1.0))
                elif source.scale.kind == "ab":
                    ab[place] = (numbers, source.scale)
                    _fill(matrix, place, numbers)
                else:
                    fluxes[place] = (numbers, source.scale)
        magnitudes = matrix[:, : len(BANDS)]
        names = [self.columns[band].column if band in self.columns else None for band in COLUMNS]
        sentinel = found.find(magnitudes, names)
        if not self._options.keep_sentinels:
            magnitudes[sentinel] = np.nan
        for place, (numbers, scale) in ab.items():
            vega = scale.vega(numbers, BANDS[place].zero_point_jy)
            _fill(matrix, place, np.where(np.isnan(magnitudes[:, place]), np.nan, vega))
        for place, (numbers, scale) in fluxes.items():
            refused[place] = (numbers <= 0).sum()
            _fill(matrix, place, scale.vega(numbers, BANDS[place].zero_point_jy))
        strange = (((magnitudes < BRIGHTEST) | (magnitudes > FAINTEST)) & ~sentinel).sum(axis=0)
        nowhere = self._read_further(matrix, column_of, wanted, first_row, found)
        self._count(matrix, found, refused, strange, nowhere)
        return matrix

    def position(
        self, column_of: Callable[[str], Any], first_row: int = 1
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Read right ascension and declination in degrees, more exactly than `read`; None if the table has none.

        NaN stands for both where one is missing, or the declination is beyond the pole.
        """
        found = self.coordinates(column_of, first_row)
        if found is None:
            return None
        ra, dec = found
        nowhere = ~(np.abs(dec) <= POLE) | ~np.isfinite(ra)
        return np.where(nowhere, np.nan, ra), np.where(nowhere, np.nan, dec)

    def coordinates(
        self, column_of: Callable[[str], Any], first_row: int = 1
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Read both as the table has them, whether they are a position or not."""
        found = []
        for one in FURTHER[2:]:
            source = self.columns.get(one.column)
            if source is None:
                return None
            found.append(self._further(column_of(source.column), source, one, first_row, Sentinels()))
        ra, dec = found
        return ra, dec

    def _read_further(self, matrix, column_of, wanted: Sequence[str], first_row: int, found: Sentinels) -> int:
        """Fill in what is wanted of FURTHER; return the number of rows whose declination is beyond the pole."""
        for place, one in enumerate(FURTHER, len(BANDS)):
            source = self.columns.get(one.column)
            if source and one.column in wanted:
                numbers = self._further(column_of(source.column), source, one, first_row, found)
                _fill(matrix, place, numbers)
        nowhere = np.abs(matrix[:, _DEC]) > POLE
        matrix[nowhere, _DEC] = np.nan
        return int(nowhere.sum())

    def _further(self, column, source: InputColumn, one: Further, first_row: int, found: Sentinels) -> NDArray:
        try:
            what = f"{one.column}, in {one.unit}"
            values = arrow_column(column, source.column, what)
            if one.unit == "deg" and pa.types.is_string(values.type) and is_sexagesimal(text := text_of(values)):
                numbers, wrong = degrees(text, is_ra=one.column == "ra", unit=source.unit)
                if wrong.any():
                    raise no_number(text, int(wrong.argmax()), source.column, what, first_row)
                return numbers
            numbers = column_numbers(values, source.column, what, first_row)
        except TableError as error:
            raise TableError(f"{error} {remedy(one.column)}") from None
        numbers = self._without_missing(numbers, source, found)
        if one.unit == "mas" and not self._options.keep_sentinels:
            numbers = _erased(numbers, found.find_values(numbers[:, None], PARALLAX_SENTINELS, [source.column])[:, 0])
        with np.errstate(over="ignore"):
            return numbers * _factor(source, one)

    def _without_missing(self, numbers: NDArray, source: InputColumn, found: Sentinels) -> NDArray:
        """Make the numbers that the user says are missing NaN."""
        if not self._options.missing:
            return numbers
        return _erased(numbers, found.find_values(numbers[:, None], self._options.missing, [source.column])[:, 0])

    def _count(self, matrix: NDArray, found: Sentinels, refused: NDArray, strange: NDArray, nowhere: int) -> None:
        missing = np.isnan(matrix).sum(axis=0)
        least, most = np.fmin.reduce(matrix, axis=0, initial=np.nan), np.fmax.reduce(matrix, axis=0, initial=np.nan)
        with self._lock:
            self._sentinels.counts.update(found.counts)
            self._nowhere += nowhere
            for place, one in enumerate(INPUTS):
                if source := self.columns.get(one.column):
                    source.rows += len(matrix)
                    source.missing += int(missing[place])
                    source.least = float(np.fmin(source.least, least[place]))
                    source.most = float(np.fmax(source.most, most[place]))
                    if place < len(BANDS):
                        source.refused += int(refused[place])
                        source.strange += int(strange[place])

    def mapping(self, wanted: Sequence[str] = tuple(NAMES)) -> list[dict[str, Any]]:
        """Describe what was read of some bands and of FURTHER: name, column, unit, share that is missing, range."""
        return [source.as_object() for name, source in self.columns.items() if name in wanted]

    def notes(self, wanted: Sequence[str] = COLUMNS) -> Iterator[str]:
        """Tell, a sentence each, what of the bands and others that are wanted may have been meant otherwise."""
        columns = {name: source for name, source in self.columns.items() if name in wanted}
        absent = self.lacking([band for band in COLUMNS if band in wanted])
        yield from of_names(self._names, columns, absent, self._options)
        yield from of_numbers(columns, self._sentinels, self._nowhere, self._options)


def _fill(matrix: NDArray[np.float32], place: int, numbers: NDArray) -> None:
    """Write numbers into a column; what is infinite in float32 is missing."""
    with np.errstate(over="ignore"):
        matrix[:, place] = numbers
    column = matrix[:, place]
    if (beyond := np.isinf(column)).any():
        column[beyond] = np.nan


def _erased(numbers: NDArray, found: NDArray[np.bool_]) -> NDArray:
    return np.where(found, np.nan, numbers) if found.any() else numbers


def _factor(source: InputColumn, one: Further) -> float:
    """From the unit that a column says, if it is one that astropy knows, to that of the model's input."""
    unit = source.unit.strip("\"'")
    if one.column == "ra" and unit.lower() in HOURS:
        return 15.0
    known = u.Unit(unit or one.unit, parse_strict="silent")
    if isinstance(known, u.UnrecognizedUnit):
        return 1.0
    try:
        return float(known.to(u.Unit(one.unit)))
    except u.UnitConversionError:
        raise TableError(
            f"Column {source.column} should hold {one.column}, in {one.unit}, but its unit is {source.unit}. "
            f"{remedy(one.column)}"
        ) from None


def _magnitudes(column_of: Callable[[str], Any], source: InputColumn, first_row: int) -> NDArray[np.float64]:
    try:
        return column_numbers(column_of(source.column), source.column, f"the magnitude {source.name}", first_row)
    except TableError as error:
        raise TableError(f"{error} {remedy(source.name)}") from None
