"""Ask for a table of a service in pieces: by the cells in a column, by position, or by an index column.

A piece is a list of ranges: of HEALPix cells of order 12, or of the values of an index column.
"""

import math
from dataclasses import asdict, dataclass, fields
from typing import ClassVar

import numpy as np
import pyarrow as pa

from sedsql.adql.parser.identifiers import quoted
from sedsql.catalogue import SOURCE_ID_SHIFT
from sedsql.catalogue.healpix import ORDER, cells_in
from sedsql.mirror.cells import cells_of, circle_around
from sedsql.mirror.ranges import Ranges, largest_cells, size, union


@dataclass(frozen=True)
class Partitioning:
    """Asks for `columns` of `table`, where `condition` holds, piece by piece."""

    table: str
    columns: tuple[str, ...]
    condition: str | None = None

    kind: ClassVar[str]
    in_cells: ClassVar[bool] = True
    most: ClassVar[int] = 100
    """Ranges of a piece at most."""

    def settings(self) -> dict:
        """The settings from which `of` makes it again."""
        return {"kind": self.kind, **asdict(self)}

    def select(self, piece: Ranges) -> str:
        """The ADQL of the rows of a piece."""
        return f"SELECT {', '.join(map(quoted, self.columns))} FROM {self.table} WHERE {self._where(piece)}"

    def count(self, piece: Ranges) -> str:
        """The ADQL of the number of rows of a piece."""
        return f"SELECT COUNT(*) AS n FROM {self.table} WHERE {self._where(piece)}"

    def _where(self, piece: Ranges) -> str:
        tests = self._tests(piece)
        whole = tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"
        return f"{whole} AND ({self.condition})" if self.condition else whole

    def _tests(self, piece: Ranges) -> list[str]:
        """Conditions in ADQL, one of which each row of a piece meets."""
        raise NotImplementedError

    def pieces(self, ranges: Ranges) -> list[Ranges]:
        """Cut ranges into pieces that each fit one question."""
        return [ranges[start : start + self.most] for start in range(0, len(ranges), self.most)]

    def split(self, piece: Ranges, parts: int) -> list[Ranges]:
        """Split a piece into about so many of the same size; into none if it is too small."""
        total = size(piece)
        if total < 2:
            return []
        step = math.ceil(total / max(2, min(parts, total)))
        found: list[Ranges] = [[]]
        room = step
        for low, high in piece:
            while low < high:
                end = min(high, low + room)
                found[-1].append((low, end))
                room -= end - low
                low = end
                if not room:
                    found.append([])
                    room = step
        return [some for whole in found if whole for some in self.pieces(whole)]

    def keep(self, rows: pa.Table, piece: Ranges) -> pa.Table:
        """Keep only the rows inside this piece."""
        return rows


@dataclass(frozen=True)
class ByColumn(Partitioning):
    """By a column that has the cell in its bits from `shift` on, as Gaia's source_id does."""

    column: str = "source_id"
    shift: int = SOURCE_ID_SHIFT

    kind: ClassVar[str] = "cells"

    def _tests(self, piece: Ranges) -> list[str]:
        column = quoted(self.column)
        return [f"{column} BETWEEN {low << self.shift} AND {(high << self.shift) - 1}" for low, high in piece]


@dataclass(frozen=True)
class ByPosition(Partitioning):
    """By cones that hold the cells of a piece; the rows beside the cells are left out here.

    ra, dec : columns of the position, degrees
    """

    ra: str = "ra"
    dec: str = "dec"

    kind: ClassVar[str] = "position"
    most: ClassVar[int] = 16

    def _tests(self, piece: Ranges) -> list[str]:
        point = f"POINT('ICRS', {quoted(self.ra)}, {quoted(self.dec)})"
        circles = [circle_around(*cell) for cell in largest_cells(piece)]
        return [f"1 = CONTAINS({point}, CIRCLE('ICRS', {ra:.7f}, {dec:.7f}, {r:.7f}))" for ra, dec, r in circles]

    def pieces(self, ranges: Ranges) -> list[Ranges]:
        found = largest_cells(ranges)
        return [
            [_range_of(*cell) for cell in found[start : start + self.most]] for start in range(0, len(found), self.most)
        ]

    def split(self, piece: Ranges, parts: int) -> list[Ranges]:
        """By whole cells: a range that ends within one would need many small cones."""
        found = largest_cells(piece)
        while len(found) < parts and any(order < ORDER for order, _ in found):
            found = [
                child
                for order, cell in found
                for child in ([(order + 1, 4 * cell + k) for k in range(4)] if order < ORDER else [(order, cell)])
            ]
        if len(found) < 2:
            return []
        each = math.ceil(len(found) / max(2, parts))
        groups = [found[start : start + each] for start in range(0, len(found), each)]
        return [some for group in groups for some in self.pieces(union(_range_of(*cell) for cell in group))]

    def keep(self, rows: pa.Table, piece: Ranges) -> pa.Table:
        ra, dec = (rows[name].cast(pa.float64()).fill_null(np.nan).to_numpy() for name in (self.ra, self.dec))
        at = cells_of(ra, dec)
        inside = np.zeros(len(at), dtype=bool)
        for low, high in piece:
            inside |= (at >= low) & (at < high)
        return rows.filter(pa.array(inside))


def _range_of(order: int, cell: int) -> tuple[int, int]:
    return cells_in(cell, order)


@dataclass(frozen=True)
class ByIndex(Partitioning):
    """By the values of a column of whole numbers, for tables without positions."""

    column: str = ""

    kind: ClassVar[str] = "index"
    in_cells: ClassVar[bool] = False

    def _tests(self, piece: Ranges) -> list[str]:
        return [f"{quoted(self.column)} BETWEEN {low} AND {high - 1}" for low, high in piece]


def of(settings: dict) -> Partitioning:
    """Make the partitioning that has these settings."""
    kind = next(kind for kind in Partitioning.__subclasses__() if kind.kind == settings["kind"])
    known = {field.name: settings[field.name] for field in fields(kind) if field.name in settings}
    return kind(**known | {"columns": tuple(known["columns"])})
