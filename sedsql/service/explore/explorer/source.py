"""Tell what is known of one source of a result: its SED, what to compare it with, its class and why."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sedsql import errors
from sedsql.catalogue import PHOTOMETRY
from sedsql.dbapi.connection import Connection
from sedsql.dbapi.cursor import Cursor
from sedsql.inference.answering import given_extra
from sedsql.inference.card import EXTRA
from sedsql.inference.macros import ERROR_COLUMNS
from sedsql.inference.neighbours import LabelledSeds
from sedsql.photometry import sed
from sedsql.photometry.bands import BANDS, COLUMNS
from sedsql.service.explore.explorer.links import links
from sedsql.service.explore.explorer.model_answers import ModelAnswers
from sedsql.simulate import POPULATIONS, curves

Array = NDArray[np.float64]
Numbers = dict[str, float | None]

_DEX = 0.4 * math.log(10)
_WANTED = (*COLUMNS, *ERROR_COLUMNS, *EXTRA)
"""What is told of a source by numbers of these names, which are those of `sed.photometry`."""


class Column(Protocol):
    """A column of a result."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str | None: ...


class Sources:
    """The sources of a result, of which one after another can be asked for.

    What a result lacks is looked up in `sed.photometry` by its source_id: all of it where one of the ten magnitudes is
    not there, so that magnitudes that a query has changed are not mixed with others.
    """

    def __init__(
        self,
        cursor: Cursor,
        columns: Iterable[Column],
        models: Collection[str] = (),
        *,
        by_row: bool = False,
        labelled: LabelledSeds | None = None,
    ):
        """Prepare for a result.

        cursor : asks for one source after another
        models : that the query of the result asks; if it is one, it answers here too
        by_row : whether classes come from the columns of the result alone
        labelled : sources among which the nearest are found
        """
        self._cursor, self._by_row, self._labelled = cursor, by_row, labelled
        connection: Connection = cursor.connection
        units = {column.name.lower(): column.unit for column in columns}
        self._is_whole = all(band in units for band in COLUMNS)
        self._usable = given_extra(units)
        self._is_known = "source_id" in units and PHOTOMETRY in connection.catalogue.tables
        answering = connection.answering
        there = self._usable if self._is_whole or not self._is_known else {*EXTRA}
        (model,) = models if len(models) == 1 else [answering.of_row(there)]
        self._answers = ModelAnswers(cursor.duckdb, answering.models[model])

    def tell(self, values: Mapping[str, Any], without: Collection[str] = ()) -> dict[str, Any]:
        """Tell all of a source.

        values : of its row, by the names of the columns
        without : magnitudes that count as missing, by their names in `sed.photometry`
        """
        if unknown := [band for band in without if band not in COLUMNS]:
            raise errors.ProgrammingError(f"There is no band {unknown[0]!r}; bands are {', '.join(COLUMNS)}.")
        given = {name.lower(): value for name, value in values.items()}
        row, extra = self._numbers(given)
        is_used = np.array([band not in without for band in COLUMNS])
        magnitudes, mag_errors = _array(row, COLUMNS), _array(row, ERROR_COLUMNS)
        limits = _limits(row)
        with np.errstate(over="ignore"):
            flux = sed.lambda_flux(magnitudes)
        seen = np.where((flux > 0) & np.isfinite(flux), magnitudes, np.nan)
        used = np.where(is_used, seen, np.nan)
        measured = np.where(limits, np.nan, used)
        answer = self._answers.tell(np.where(is_used, magnitudes, np.nan), extra)
        alpha = _number(sed.alpha(used))
        return {
            "identifiers": {
                "source_id": None if given.get("source_id") is None else str(given["source_id"]),
                "ra": row.get("ra"),
                "dec": row.get("dec"),
            },
            "links": links(row.get("ra"), row.get("dec")),
            "bands": _bands(seen, mag_errors, limits, np.isfinite(used)),
            **answer,
            "alpha": alpha,
            "stage": None if alpha is None else sed.stage(alpha).item(),
            "blackbody": _blackbody(measured, mag_errors, seen),
            "template": _template(answer["class"], measured, seen),
            "neighbours": self._neighbours(used),
        }

    def _numbers(self, given: Mapping[str, Any]) -> tuple[Numbers, Numbers]:
        """Numbers by the names of `sed.photometry`, and of EXTRA those that the model is to take."""
        own = {name: _number(given[name]) for name in _WANTED if name in given}
        lacking = not self._is_whole or any(name not in own for name in _WANTED)
        found = self._looked_up(given.get("source_id")) if lacking and self._is_known else {}
        if not self._is_whole:
            row = {**own, **found}
            return row, {name: row.get(name) for name in EXTRA if name in found or name in self._usable}
        usable: Numbers = {} if self._by_row else {name: found[name] for name in EXTRA if name in found}
        usable |= {name: own[name] for name in self._usable}
        return {**found, **own}, usable

    def _looked_up(self, source_id: Any) -> Numbers:
        """What `sed.photometry` has of a source; nothing where it has none of that number."""
        if not isinstance(source_id, int):
            return {}
        query = f"SELECT {', '.join(_WANTED)} FROM {PHOTOMETRY} WHERE source_id = {source_id}"
        with suppress(errors.ProgrammingError):  # a table of that name may be somebody's own
            row = self._cursor.execute(query).fetchone()
            self._cursor.abandon()
            return dict(zip(_WANTED, map(_number, row), strict=True)) if row else {}
        return {}

    def _neighbours(self, magnitudes: Array) -> list[dict[str, Any]] | None:
        if self._labelled is None or not np.isfinite(magnitudes).any():
            return None
        return [one._asdict() for one in self._labelled.nearest(magnitudes.astype(np.float32))]


def warm() -> None:
    """Simulate the sources that templates are made of, for which the first source would wait half a second."""
    for label in POPULATIONS:
        curves.simulated(label)


@cache
def labelled(path: str, label: str) -> LabelledSeds:
    """Read a table of labelled sources once."""
    return LabelledSeds.read(Path(path), label)


def _number(value: Any) -> float | None:
    """A finite number; None of anything else."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and not isinstance(value, str) else None


def _array(row: Numbers, names: Collection[str]) -> Array:
    return np.array([np.nan if (value := row.get(name)) is None else value for name in names])


def _limits(row: Numbers) -> NDArray[np.bool_]:
    """Which magnitudes are limits: 2MASS and AllWISE leave the error out there, as `sedsql.plot` knows."""
    return np.array(
        [
            band.error_column is not None
            and row.get(band.column) is not None
            and row.get(band.error_column, 0.0) is None
            for band in BANDS
        ]
    )


def _bands(
    magnitudes: Array, mag_errors: Array, limits: NDArray[np.bool_], used: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Describe all bands, in their order; fluxes are lambda F_lambda in W m^-2."""
    flux = sed.lambda_flux(magnitudes)
    return [
        {
            "name": band.short,
            "column": band.column,
            "wavelength_um": band.wavelength_um,
            "magnitude": _number(magnitudes[place]),
            "error": _number(mag_errors[place]),
            "limit": bool(limits[place]),
            "used": bool(used[place]),
            "flux": _number(flux[place]),
            "flux_error": _number(flux[place] * _DEX * mag_errors[place]),
        }
        for place, band in enumerate(BANDS)
    ]


def _blackbody(measured: Array, mag_errors: Array, magnitudes: Array) -> dict[str, Any] | None:
    curve = curves.blackbody(measured, mag_errors)
    if curve is None:
        return None
    return {
        "temperature": curve.temperature,
        "curve": {"wavelength_um": curve.wavelengths.tolist(), "flux": curve.flux.tolist()},
        "residuals": _listed(curve.residuals(magnitudes)),
    }


def _template(label: str | None, measured: Array, magnitudes: Array) -> dict[str, Any] | None:
    curve = curves.template(label, measured) if label else None
    if curve is None or curve.low is None or curve.high is None:
        return None
    return {
        "class": label,
        "wavelength_um": curve.wavelengths.tolist(),
        "median": curve.flux.tolist(),
        "low": curve.low.tolist(),
        "high": curve.high.tolist(),
        "residuals": _listed(curve.residuals(magnitudes)),
    }


def _listed(values: Array) -> list[float | None]:
    return [_number(value) for value in values]
