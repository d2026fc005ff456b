"""Match a table of positions with a table of a mirror, and keep all its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sedsql.catalogue import CLASSIFIED, PHOTOMETRY
from sedsql.dbapi.connection import Connection
from sedsql.errors import ProgrammingError, did_you_mean
from sedsql.mirror.archive import GAIA
from sedsql.sql_text import identifier

if TYPE_CHECKING:
    from sedsql.catalogue import Table

LARGEST = 3600.0
"""Arcseconds: beyond that a match is a region, and most of the sky matches."""

_UPLOAD = "sedsql_match"


@dataclass(frozen=True)
class Matches:
    """What was found for a table of `rows` rows.

    table : its rows, in order, with those of the mirror beside them
    matched, several : rows that have a match, and those that have more than one within the radius
    without_position : rows that could not be matched
    median : separation in arcseconds of the nearest matches; None without any
    """

    table: pa.Table
    rows: int
    matched: int
    several: int
    without_position: int
    median: float | None


def match(
    con: Connection,
    mine: pa.Table,
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    radius: float,
    *,
    table: str = PHOTOMETRY,
    columns: Sequence[str] | None = None,
    classes: bool = False,
    every: bool = False,
) -> Matches:
    """Match rows with the nearest source of a mirror, or with every source within a radius.

    mine : the rows; each comes out, in order, with its columns as they were
    ra, dec : their positions in degrees, ICRS, shape (rows,); NaN where there is none
    radius : arcseconds
    table : of the mirror
    columns : of that table; all of them unless told
    classes : whether what a model says of a source comes too
    every : whether a row comes as often as it has matches

    Raises ProgrammingError where there is no such table or column, or the radius is no radius.
    """
    if not 0 < radius <= LARGEST:
        raise ProgrammingError(
            f"A radius of {radius:g} arcseconds cannot be matched; it lies between 0 and {LARGEST:g} arcseconds"
        )
    there = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90)
    positions = pa.table({"n": np.flatnonzero(there), "ra": ra[there] % 360, "dec": dec[there]})
    found, wanted = _wanted(con, table, columns, classes)
    if _has_photometry_of_gaia(con, found):
        pairs = _pairs(con, con.catalogue.tables[GAIA], ["source_id"], positions, radius)
        pairs = _with_columns(con, found, wanted, pairs)
    else:
        pairs = _pairs(con, found, wanted, positions, radius)
    return _joined(mine, pairs.combine_chunks(), wanted, int((~there).sum()), every)


def _wanted(con: Connection, table: str, columns: Sequence[str] | None, classes: bool) -> tuple[Table, list[str]]:
    """Find the table of the mirror, and the columns that are asked for."""
    found = con.catalogue.tables.get(table.lower())
    if found is None:
        raise ProgrammingError(f"There is no table {table} in the mirror; {did_you_mean(table, con.catalogue.tables)}")
    if found.position is None:
        raise ProgrammingError(f"{found.name} has no positions to match; choose another table with --table")
    wanted = _chosen(found, columns)
    if classes:
        classified = con.catalogue.tables.get(CLASSIFIED)
        if found.name.lower() not in (PHOTOMETRY, CLASSIFIED) or classified is None:
            raise ProgrammingError(f"Classes come with {PHOTOMETRY}, and {found.name} is another table")
        found = classified
        wanted = [*wanted, *(classified.columns[name].name for name in classified.asked if name not in wanted)]
    return found, wanted


def _has_photometry_of_gaia(con: Connection, table: Table) -> bool:
    """Tell whether a table is a view with the positions of Gaia's, so that matching with that one is enough."""
    gaia = con.catalogue.tables.get(GAIA)
    is_view = table.name.lower() in (PHOTOMETRY, CLASSIFIED) and table.cell_column is not None
    return bool(gaia and is_view and gaia.cell_column and gaia.position == table.position)


def _pairs(con: Connection, table: Table, wanted: Sequence[str], positions: pa.Table, radius: float) -> pa.Table:
    """Pairs of rows within the radius: n, separation in arcseconds, and the wanted columns as c0, c1, ..."""
    ra, dec = (f"s.{identifier(name)}" for name in table.position or ())
    distance = f"DISTANCE(POINT(m.ra, m.dec), POINT({ra}, {dec}))"
    query = (
        f"SELECT m.n AS n, {distance} * 3600 AS separation, {_items(wanted)} FROM TAP_UPLOAD.{_UPLOAD} AS m "
        f"JOIN {_written(table.name)} AS s ON {distance} < {radius!r} / 3600.0"
    )
    return _asked(con, query, positions)


def _with_columns(con: Connection, table: Table, wanted: Sequence[str], pairs: pa.Table) -> pa.Table:
    """Replace the source_ids of pairs, c0, by the wanted columns of a view; a source that it lacks is no match.

    A join of few numbers with the view reads less of it than a join of positions.
    """
    ids = pairs["c0"].to_numpy()
    query = (
        f"SELECT m.source_id AS source_id, {_items(wanted)} FROM TAP_UPLOAD.{_UPLOAD} AS m "
        f"JOIN {_written(table.name)} AS s ON s.source_id = m.source_id"
    )
    found = _asked(con, query, pa.table({"source_id": np.unique(ids)})).combine_chunks()
    known = found["source_id"].to_numpy()
    order = np.argsort(known)
    places = np.searchsorted(known, ids, sorter=order)
    there = np.isin(ids, known)
    of_found = order[places[there]]
    kept = pairs.drop_columns(["c0"]).filter(pa.array(there))
    for field in found.schema:
        if field.name != "source_id":
            kept = kept.append_column(field, found[field.name].take(pa.array(of_found)))
    return kept


def _asked(con: Connection, query: str, upload: pa.Table) -> pa.Table:
    con.upload(_UPLOAD, upload)
    try:
        return con.execute(query).arrow()
    finally:
        con.drop_upload(_UPLOAD)


def _items(wanted: Sequence[str]) -> str:
    return ", ".join(f"s.{identifier(name)} AS c{place}" for place, name in enumerate(wanted))


def _chosen(table: Table, names: Sequence[str] | None) -> list[str]:
    shown = {key: column.name for key, column in table.columns.items() if key not in {*table.hidden, *table.asked}}
    if names is None:
        return list(shown.values())
    for name in names:
        if name.lower() not in shown:
            raise ProgrammingError(f"{table.name} has no column {name!r}; {did_you_mean(name, shown, 'it has')}")
    return [shown[name.lower()] for name in names]


def _written(name: str) -> str:
    return ".".join(map(identifier, name.split(".", 1)))


def _joined(mine: pa.Table, pairs: pa.Table, wanted: list[str], without: int, every: bool) -> Matches:
    rows, separation = pairs["n"].to_numpy(), pairs["separation"].to_numpy()
    keys: list[Any] = [separation, rows]
    if "source_id" in wanted:  # so that equal separations have one order
        keys.insert(0, pairs[f"c{wanted.index('source_id')}"].to_numpy())
    order = np.lexsort(keys)
    counts = np.bincount(rows, minlength=mine.num_rows)
    first = np.cumsum(counts) - counts  # in the sorted pairs
    repeats = np.maximum(counts, 1) if every else np.ones(mine.num_rows, int)
    of_mine = np.repeat(np.arange(mine.num_rows), repeats)
    within = np.arange(len(of_mine)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    lacking = counts[of_mine] == 0
    places = np.where(lacking, 0, first[of_mine] + within)
    of_pairs = pa.array(order[places] if len(order) else places, mask=lacking)
    taken = pairs.take(of_pairs)
    table = mine.take(pa.array(of_mine))
    added = [("separation", taken["separation"], _SEPARATION), ("n_matches", pa.array(counts[of_mine]), _COUNT)]
    fields = {name: taken.schema.field(f"c{place}").metadata for place, name in enumerate(wanted)}
    added += [(name, taken[f"c{place}"], fields[name]) for place, name in enumerate(wanted)]
    for name, values, about in added:
        table = table.append_column(pa.field(_free(name, table.column_names), values.type, metadata=about), values)
    nearest = separation[order][first[counts > 0]] if len(order) else separation
    return Matches(
        table,
        mine.num_rows,
        int((counts > 0).sum()),
        int((counts > 1).sum()),
        without,
        float(np.median(nearest)) if len(nearest) else None,
    )


_SEPARATION = {"unit": "arcsec", "ucd": "pos.angDistance", "description": "Distance of the match on the sky"}
_COUNT = {"ucd": "meta.number", "description": "Sources within the radius"}


def _free(name: str, taken: Sequence[str]) -> str:
    """A name that no column has, upper or lower case: ra_2 where there is an ra."""
    there = {one.lower() for one in taken}
    free, number = name, 2
    while free.lower() in there:
        free, number = f"{name}_{number}", number + 1
    return free
