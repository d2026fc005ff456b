"""Divide `sed.photometry` into parts that are joined one by one, and name each after what it is made of."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sedsql.catalogue.healpix import ORDER, SOURCE_ID_SHIFT, number_of_cells
from sedsql.mirror import archive, layout
from sedsql.mirror.archive import GAIA
from sedsql.mirror.ranges import Ranges
from sedsql.mirror.table_state import File, Tables, TableState

_OF_SOURCES = (GAIA, "gaiadr3.tmass_psc_xsc_best_neighbour", "gaiadr3.allwise_best_neighbour")
"""Of these tables a part depends on the rows of its own sources alone; of the others, on all rows."""


@dataclass(frozen=True)
class Part:
    """Sources that are joined together: those with a source_id from `low` to before `high`.

    name : changes with all that its rows follow from
    low, high : None where there is no limit
    cells : of order 12
    rows : how many sources there are, if they are spread evenly over their partition
    """

    name: str
    low: int | None
    high: int | None
    cells: Ranges
    rows: int

    def slices(self, ids: NDArray[np.int64], rows: int) -> Iterator["Part"]:
        """Divide it into ranges of `rows` sources.

        ids : of its sources, sorted
        """
        limits = [self.low, *map(int, ids[rows::rows]), self.high]
        for low, high in pairwise(limits):
            yield replace(self, low=low, high=high)

    @property
    def condition(self) -> str:
        """SQL that the rows of this part meet, and those of no other."""
        limits = [f"source_id >= {self.low}"] if self.low is not None else []
        limits += [f"source_id < {self.high}"] if self.high is not None else []
        if not limits:
            return "true"
        none = " OR source_id IS NULL" if self.low is None else ""
        return f"({' AND '.join(limits)}{none})"


def order_of(tables: Tables) -> int:
    """The HEALPix order of the partitions of `sed.photometry`."""
    gaia = tables[GAIA]
    return layout.partition_order(gaia.rows) if gaia.order is None else gaia.order


def parts(tables: Tables, definition: str) -> list[Part]:
    """The parts of `sed.photometry` in the order of source_id; each source is in one.

    tables : those of the mirror, with all that are joined
    definition : see `joined.definition`
    """
    order = order_of(tables)
    whole = [[name, _contents(tables[name].files.values())] for name in archive.TABLES if name not in _OF_SOURCES]
    found = []
    for low, high, rows in _bounds(tables[GAIA], order):
        # Ids that are NULL or negative count for 0; those beyond the sky are in no partition of it.
        first, last = low or None, None if high == number_of_cells(ORDER) else high
        mine = [[name, _contents(_meeting(tables[name], first, last))] for name in _OF_SOURCES]
        limits = [None if cell is None else cell << SOURCE_ID_SHIFT for cell in (first, last)]
        made_of = json.dumps([definition, order, limits, mine, whole])
        name = f"{low}-{high}-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}"
        found.append(Part(name, limits[0], limits[1], [(low, high)], rows))
    return found


def _bounds(gaia: TableState, order: int) -> Iterator[tuple[int, int, int]]:
    """The cells of each part, the first and the one after the last, and about how many sources it has."""
    rows: dict[int, int] = {}
    if gaia.table.sort_column == "source_id" and gaia.order is not None:
        for file in gaia.files.values():
            pixel = min(max(0, file.low or 0), number_of_cells(ORDER) - 1) >> 2 * (ORDER - order)
            rows[pixel] = rows.get(pixel, 0) + file.rows
    else:  # its files follow other cells
        rows = dict.fromkeys(range(number_of_cells(order)), gaia.rows // number_of_cells(order))
    width = 1 << 2 * (ORDER - order)
    for pixel, count in sorted(rows.items()):
        several = min(width, -(-count // layout.PARTITION_ROWS) or 1)
        ends = [pixel * width + width * k // several for k in range(several + 1)]
        for low, high in pairwise(ends):
            yield low, high, count // several


def _meeting(state: TableState, low: int | None, high: int | None) -> list[File]:
    """The files that may have rows of the sources in these cells."""
    least, most = -(1 << 62) if low is None else low, 1 << 62 if high is None else high - 1
    is_sorted = state.table.sort_column == "source_id"
    return [file for file in state.files.values() if not is_sorted or file.low is None or file.meets(least, most)]


def _contents(files) -> list[str]:
    """What tells the contents of files, wherever they lie."""
    return sorted(file.sha256 or f"{file.path} {file.bytes} {file.rows}" for file in files)
