"""How many rows a condition on positions holds for, by astropy, and so by none of what sedsql computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.coordinates import angular_separation
from numpy.typing import NDArray

from .answers import Side
from .choices import Choices
from .places import AWKWARD, RADII, SHORT

BORDER = 1e-9
"""Degrees, and relative to a radius: rows so near to a border may lie on either side."""
NUMBER = np.float64
Array = NDArray[Any]


@dataclass(frozen=True)
class Count:
    """A query that counts rows, and how many they are at least and at most."""

    text: str
    least: int
    most: int


class Oracle:
    """Draws conditions on the tables of a connection that have positions."""

    def __init__(self, side: Side, places: list[tuple[float, float]]):
        self.places = places
        self.columns: dict[str, dict[str, Array]] = {}
        for table in side.tables:
            if table.position:
                names = [*table.position, *table.radii]
                quoted = ", ".join(f'"{name}"' for name in names)
                rows = side.connection.execute(f"SELECT {quoted} FROM {table.name}").fetchall()
                # NULL is NaN here, and told apart where it makes a difference.
                columns = np.array(rows, dtype=object).T
                self.columns[table.name] = {
                    name: np.array([np.nan if value is None else value for value in column], NUMBER)
                    for name, column in zip(names, columns, strict=True)
                } | {
                    f"no {name}": np.array([value is None for value in column])
                    for name, column in zip(names, columns, strict=True)
                }

    def count(self, seed: int) -> Count:
        choices = Choices(f"count {seed}")
        return self._pairs(choices) if choices.chance(50) else self._around(choices)

    def _around(self, choices: Choices) -> Count:
        """Rows of a table around a constant place, or in a box."""
        name = choices.one([*self.columns])
        table = self.columns[name]
        ra, dec = choices.one(choices.weighed((3, self.places), (1, AWKWARD)))
        there = (table["ra"], table["dec"])
        form = choices.below(7)
        if form == 0:
            width, height = choices.one((10.0, 40.0, 120.0, 359.0)), choices.one((10.0, 2.0, 40.0))
            with np.errstate(invalid="ignore"):
                turn = np.abs((there[0] - ra + 180) % 360 - 180)
            off = np.maximum(turn - width / 2, np.abs(there[1] - dec) - height / 2)
            off = np.where(_is_place(*there), off, np.nan)
            test = f"1 = CONTAINS(POINT(s.ra, s.dec), BOX({ra}, {dec}, {width}, {height}))"
            return self._told(f"{name} AS s WHERE {test}", off < -BORDER, off < BORDER)
        radius = choices.one(RADII)
        condition = (
            f"1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE({ra}, {dec}, {radius}))",
            f"1 = CONTAINS(POINT({ra}, {dec}), CIRCLE(s.ra, s.dec, {radius}))",
            f"INTERSECTS(CIRCLE({ra}, {dec}, {radius}), POINT(s.ra, s.dec)) = 1",
            f"DISTANCE(s.ra, s.dec, {ra}, {dec}) <= {radius}",
            f"{radius} > DISTANCE(POINT({ra}, {dec}), POINT(s.ra, s.dec))",
            f"0 = CONTAINS(POINT(s.ra, s.dec), CIRCLE({ra}, {dec}, {radius}))",
        )[form - 1]
        off = _apart(*there, ra, dec) - radius
        off = -off if form == 6 else off  # outside
        return self._told(f"{name} AS s WHERE {condition}", off < -_border(radius), off < _border(radius))

    def _pairs(self, choices: Choices) -> Count:
        """Pairs of rows of two tables, with a radius that is constant or a column of the second."""
        name = choices.one([*self.columns])
        other = choices.one(("tap_upload.circles", "tap_upload.marks"))
        table, around = self.columns[name], self.columns[other]
        apart = _apart(table["ra"][:, None], table["dec"][:, None], around["ra"], around["dec"])
        column = choices.one([key for key in around if key not in ("ra", "dec") and not key.startswith("no ")])
        constant = choices.chance(40)
        limit = choices.one(SHORT)
        radius = np.full(len(around["ra"]), limit) if constant else around[column]
        text = str(limit) if constant else f't."{column}"'
        circle = choices.chance(50)
        condition = choices.one(
            (f"1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(t.ra, t.dec, {text}))",
             f"INTERSECTS(CIRCLE(POINT(t.ra, t.dec), {text}), POINT(s.ra, s.dec)) = 1")
            if circle
            else (f"DISTANCE(s.ra, s.dec, t.ra, t.dec) <= {text}",
                  f"{text} >= DISTANCE(POINT(t.ra, t.dec), POINT(s.ra, s.dec))")
        )  # fmt: skip
        with np.errstate(invalid="ignore"):
            off = apart - radius
        off = np.where(np.isinf(radius), -radius, off) + 0 * apart
        if not constant and not circle:
            # To DuckDB NaN is above all numbers, and so any distance is less; NULL is unknown.
            off = np.where(np.isnan(radius) & ~around[f"no {column}"] & ~np.isnan(apart), -1, off)
        border = _border(np.where(np.isfinite(radius), np.abs(radius), 0))
        tables = f"{name} AS s JOIN {other} AS t ON {condition}"
        if choices.chance(50):
            tables = f"{name} AS s, {other} AS t WHERE {condition}"
        return self._told(tables, off < -border, off < border)

    def _told(self, rest: str, least: NDArray[np.bool_], most: NDArray[np.bool_]) -> Count:
        return Count(f"SELECT COUNT(*) AS n FROM {rest}", int(least.sum()), int(most.sum()))


def _border(radius: float | Array) -> float | Array:
    return BORDER * np.maximum(1, radius)


def _is_place(ra: Array, dec: Array) -> NDArray[np.bool_]:
    """Whether coordinates are some; a right ascension may be a turn off."""
    return (ra >= -360) & (ra <= 720) & (np.abs(dec) <= 90)


def _apart(ra: Array, dec: Array, ra2: float | Array, dec2: float | Array) -> Array:
    """Degrees between places; NaN where one is none."""
    places = _is_place(ra, dec) & _is_place(np.asarray(ra2), np.asarray(dec2))
    with np.errstate(invalid="ignore"):
        degrees = np.degrees(angular_separation(*map(np.radians, (ra, dec, ra2, dec2))))
    return np.where(places, degrees, np.nan)
