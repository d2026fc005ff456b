"""What is drawn on an axis: a column, a colour or an absolute magnitude, as JSON says it and as SQL."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log10
from typing import Any, Literal

from sedsql.service.errors import ServiceError
from sedsql.service.explore.explorer.columns import Column, Columns
from sedsql.service.explore.explorer.fields import boolean_of, list_of, object_of, only, sql_number, text_of
from sedsql.sql_text import identifier

PARALLAX = "parallax"

_LONGITUDES = ("pos.eq.ra", "pos.galactic.lon", "pos.ecliptic.lon")
_NAMED = ("ra", "raj2000", "ra_icrs", "_ra", "l", "glon")


@dataclass(frozen=True)
class Axis:
    """An axis of a view.

    kind : what is computed of the columns: itself, the difference of two, or the absolute magnitude by the parallax
    is_log : whether its cells are as wide as each other in the logarithm; values stay as they are, from above 0 on
    turn : degrees from which on a longitude is counted, for a region that goes over 0; None where it is none
    """

    kind: Literal["column", "minus", "absolute"]
    columns: tuple[Column, ...]
    is_log: bool = False
    turn: float | None = None

    @classmethod
    def of(cls, value: Any, columns: Columns, what: str) -> Axis:
        """Read an axis. ServiceError where it is none, or the result lacks its columns."""
        values = object_of(value, what)
        only(values, ("column", "minus", "absolute", "log"), what)
        kinds = [key for key in values if key != "log"]
        if len(kinds) != 1:
            raise ServiceError(f"{what} has one of column, minus and absolute, not {len(kinds)} of them.")
        is_log = boolean_of(values.get("log", False), f"log of {what}")
        (kind,) = kinds
        if kind == "minus":
            names = list_of(values[kind], f"minus of {what}", 2)
            if len(names) != 2:
                raise ServiceError(f"minus of {what} is a list of two columns.")
        else:
            names = [values[kind]]
        found = [columns.number(text_of(name, f"{kind} of {what}"), what) for name in names]
        if kind == "absolute":
            if (parallax := columns.find(PARALLAX)) is None or parallax.kind != "number":
                raise ServiceError(f"{what}: an absolute magnitude needs the column {PARALLAX}, in mas; select it.")
            found.append(parallax)
        return cls(kind, tuple(found), is_log)  # type: ignore[arg-type]

    @property
    def is_longitude(self) -> bool:
        """Whether it goes around the sky in degrees."""
        (first, *_) = self.columns
        named = (first.ucd or "").lower().startswith(_LONGITUDES) or first.name.lower() in _NAMED
        return self.kind == "column" and not self.is_log and named and first.unit in (None, "deg")

    @property
    def is_real(self) -> bool:
        """Whether its values are those of a column of 32 bits."""
        return self.kind == "column" and self.turn is None and self.columns[0].duckdb == "FLOAT"

    def turned(self, start: float) -> Axis:
        """The same longitude, counted from `start` on."""
        return replace(self, turn=start) if start else self

    def sql(self) -> str:
        """Write the value in a row of the result: a DOUBLE, or a FLOAT where the column is one; NULL where none is."""
        first, *others = (f"{identifier(column.name)}::DOUBLE" for column in self.columns)
        if self.is_real:
            return identifier(self.columns[0].name)
        if self.kind == "minus":
            value = f"({first} - {others[0]})"
        elif self.kind == "absolute":
            value = f"CASE WHEN {others[0]} > 0 THEN {first} + 5 * log10({others[0]}) - 10 END"
        else:
            value = first
        if self.turn is not None:
            value = f"({value} - 360 * floor(({value} - {sql_number(self.turn)}) / 360))"
        return value

    def scaled(self, value: float) -> float:
        """A value as cells are laid out."""
        return log10(value) if self.is_log else value
