"""Read the rows of files as their authors meant them: positions in degrees, and NULL for what stands for no number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sedsql.catalogue import Column, Table
from sedsql.catalogue.datatypes import INTEGERS
from sedsql.files import Inputs, ReadOptions, TableError
from sedsql.files.columns import column_numbers
from sedsql.files.input_columns import InputColumn, remedy, units_said
from sedsql.files.input_notes import of_sentinels
from sedsql.files.names import columns_of
from sedsql.files.sentinels import PARALLAX_SENTINELS, Sentinels
from sedsql.files.units import scale_of
from sedsql.mirror.ingest.sources import Source
from sedsql.photometry.bands import BANDS, COLUMNS

_RA, _DEC = "pos.eq.ra;meta.main", "pos.eq.dec;meta.main"
_POSITION = ("ra", "dec")
_PARALLAX = ("parallax", "parallax_error")
_NUMBERS = (*INTEGERS, "REAL", "DOUBLE")
_DEGREES = ("", "deg", "degree", "degrees")


@dataclass(frozen=True)
class _Taken:
    """What is changed in the columns of a file.

    inputs : its bands, parallax and position
    position : the columns of right ascension and declination, if it has them
    in_degrees : whether they are numbers in degrees already
    from_text : columns of text that are to be numbers
    """

    inputs: Inputs
    position: tuple[str, str] | None
    in_degrees: bool
    from_text: dict[str, InputColumn]


class AsMeant:
    """Change the sources of an import, and tell what was changed.

    Columns keep their names, and their units but for those of a position.

    known : the table that they belong to, where its columns are known
    """

    def __init__(self, options: ReadOptions, known: Table | None):
        self._options, self._known = options, known
        self._notes: dict[str, None] = {}
        # By source and first row, for the rows of a source may be read more than once.
        self._found: dict[tuple[int, int], Sentinels] = {}
        self._sources = 0

    def source(self, source: Source) -> Source:
        """Change the columns and rows of a source. Raises TableError where the options do not suit it."""
        number, self._sources = self._sources, self._sources + 1
        names = [column.name for column in source.columns]
        said = units_said(names, self._options.units)
        columns = [replace(column, unit=said.get(column.name, column.unit)) for column in source.columns]
        taken = self._taken(names, columns)
        numeric = [c.name for c in columns if c.datatype in _NUMBERS or c.name in taken.from_text]

        def read(rows: pa.Table, first_row: int) -> pa.Table:
            try:
                return self._changed(rows, taken, numeric, number, first_row)
            except TableError as error:
                raise TableError(f"{source.path}: {error}") from None

        def batches() -> Iterator[pa.Table]:
            first_row = 1
            for rows in source.batches():
                yield read(rows, first_row)
                first_row += rows.num_rows

        def quick() -> pa.Table | None:
            rows = source.quick()
            return rows and read(rows, 1)

        return replace(source, columns=tuple(_described(columns, taken)), batches=batches, quick=quick)

    def notes(self) -> Iterator[str]:
        """Tell what was changed, a sentence each."""
        yield from self._notes
        whole = Sentinels()
        for found in self._found.values():
            whole.counts.update(found.counts)
        yield from of_sentinels(whole, self._options)

    def _taken(self, names: Sequence[str], columns: Sequence[Column]) -> _Taken:
        by_name = {column.name: column for column in columns}
        units = {column.name: column.unit or "" for column in columns}
        mapped = {**_no_magnitudes(names, units), **self._options.columns}
        if position := self._main_position(columns):
            mapped |= dict(zip(_POSITION, position, strict=True))
        inputs = Inputs(names, units, replace(self._options, columns=mapped))
        found = [inputs.columns[name].column for name in _POSITION if name in inputs.columns]
        position = (found[0], found[1]) if len(found) == len(_POSITION) else None
        ours = [one for name, one in inputs.columns.items() if name not in _POSITION]
        from_text = {one.column: one for one in ours if by_name[one.column].datatype == "VARCHAR"}
        in_degrees = all(by_name[n].datatype in _NUMBERS and units[n].lower() in _DEGREES for n in position or ())
        self._tell(inputs, position, in_degrees, units)
        return _Taken(inputs, position, in_degrees, from_text)

    def _main_position(self, columns: Sequence[Column]) -> tuple[str, str] | None:
        """The position that UCDs name, unless the user names another."""
        if any(name in self._options.columns for name in _POSITION):
            return None
        if self._known and self._known.position:
            there = {column.name for column in columns}
            known = (self._known.position[0].lower(), self._known.position[1].lower())
            return known if there.issuperset(known) else None
        by_ucd = {column.ucd: column.name for column in columns}
        return (by_ucd[_RA], by_ucd[_DEC]) if _RA in by_ucd and _DEC in by_ucd else None

    def _tell(self, inputs: Inputs, position: tuple[str, str] | None, in_degrees: bool, units: dict[str, str]) -> None:
        if position and not in_degrees:
            self._notes[f"Columns {position[0]} and {position[1]} are stored in degrees."] = None
        elif position and position != _POSITION and not self._known:
            way_out = "" if "ra" in self._options.columns else "; --map ra=COLUMN takes another"
            self._notes[f"The position of a row is that of {position[0]} and {position[1]}{way_out}."] = None
        for name in COLUMNS:
            if (one := inputs.columns.get(name)) and one.scale and one.scale.kind != "vega":
                self._notes[
                    f"Column {one.column} keeps its unit, {units[one.column]}; sed_class and other functions of models "
                    "take Vega magnitudes."
                ] = None

    def _changed(self, rows: pa.Table, taken: _Taken, numeric: Sequence[str], number: int, first_row: int) -> pa.Table:
        found = self._found[number, first_row] = Sentinels()
        for name, one in taken.from_text.items():
            try:
                numbers = column_numbers(rows[name], name, f"{one.name}", first_row)
            except TableError as error:
                raise TableError(f"{error} {remedy(one.name)}") from None
            rows = _with(rows, name, pa.array(numbers, from_pandas=True))
        for name in numeric:
            for value in self._options.missing:
                gone = _are(rows[name], value)
                if count := pc.sum(gone).as_py():
                    found.counts[name, value] += count
                    rows = _with(rows, name, _without(rows[name], gone))
        for name, gone in self._sentinels(rows, taken.inputs, found):
            if not self._options.keep_sentinels:
                rows = _with(rows, name, _without(rows[name], pa.array(gone)))
        if taken.position and not taken.in_degrees:
            degrees = taken.inputs.position(lambda name: rows[name].combine_chunks(), first_row)
            for name, numbers in zip(taken.position, degrees or (), strict=False):
                rows = _with(rows, name, pa.array(numbers, from_pandas=True))
        return rows

    def _sentinels(self, rows: pa.Table, inputs: Inputs, found: Sentinels) -> Iterator[tuple[str, np.ndarray]]:
        """The columns that have sentinels, and where."""
        ours = [inputs.columns[name] for name in COLUMNS if name in inputs.columns]
        bands = [one.column for one in ours if one.scale and one.scale.kind != "flux"]
        if bands:
            magnitudes = np.stack([_float(rows[name]) for name in bands], axis=1).astype(np.float32)
            where = found.find(magnitudes, bands)
            yield from ((name, where[:, k]) for k, name in enumerate(bands) if where[:, k].any())
        for one in (inputs.columns[name] for name in _PARALLAX if name in inputs.columns):
            where = found.find_values(_float(rows[one.column])[:, None], PARALLAX_SENTINELS, [one.column])
            if where.any():
                yield one.column, where[:, 0]


def _no_magnitudes(names: Sequence[str], units: dict[str, str]) -> dict[str, str]:
    """The bands whose columns have a unit that makes no magnitude: they are imported as they are."""
    found = {band.column: columns_of(names, band.column) for band in BANDS}
    return {band: "none" for band, some in found.items() if some and scale_of(units[some[0]]) is None}


def _described(columns: Sequence[Column], taken: _Taken) -> Iterator[Column]:
    """The columns as they are stored; UCDs say where the position is."""
    main = dict(zip(taken.position or (), (_RA, _DEC), strict=False))
    for column in columns:
        if column.name in taken.from_text:
            column = replace(column, datatype="DOUBLE")
        if ucd := main.get(column.name):
            column = replace(column, ucd=ucd)
            if not taken.in_degrees:
                column = replace(column, datatype="DOUBLE", unit="deg")
        elif main and column.ucd in (_RA, _DEC):
            column = replace(column, ucd=column.ucd.removesuffix(";meta.main"))
        yield column


def _with(rows: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, column)


def _without(column: pa.ChunkedArray, gone: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(gone, pa.scalar(None, column.type), column)


def _float(column: pa.ChunkedArray) -> np.ndarray:
    return column.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy()


def _are(column: pa.ChunkedArray, value: float) -> pa.ChunkedArray:
    """Tell where a number is the one that the user says is missing: a REAL is compared with its nearest."""
    if pa.types.is_integer(column.type):
        if not float(value).is_integer():
            return pc.equal(column, pa.scalar(None, column.type)).fill_null(False)
        return pc.equal(column.cast(pa.int64(), safe=False), pa.scalar(int(value), pa.int64())).fill_null(False)
    return pc.equal(column, pa.scalar(value, pa.float64()).cast(column.type)).fill_null(False)
