"""Have those rows of the six tables at hand that a range of sources is joined with, under the archive's names.

sql/views.sql is then asked as it is. Without that, each join would look through all of 2MASS and AllWISE.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import duckdb
import numpy as np

from sedsql.catalogue import CELL
from sedsql.catalogue.healpix import CELL_SHIFT
from sedsql.mirror.archive import GAIA
from sedsql.mirror.cells import with_ring
from sedsql.mirror.layout import read_as
from sedsql.mirror.ranges import Ranges
from sedsql.mirror.stored import joined
from sedsql.mirror.stored.parts import Part
from sedsql.mirror.table_state import Tables, TableState
from sedsql.sql_text import literal

_OF_SOURCES = (GAIA, "gaiadr3.tmass_psc_xsc_best_neighbour", "gaiadr3.allwise_best_neighbour")
"""The tables that have the source_id."""

_MATCHED = {
    "gaiadr3.tmass_psc_xsc_join": ("clean_tmass_psc_xsc_oid", _OF_SOURCES[1], "clean_tmass_psc_xsc_oid"),
    "gaiadr1.tmass_original_valid": ("designation", "gaiadr3.tmass_psc_xsc_join", "original_psc_source_id"),
    "gaiadr1.allwise_original_valid": ("allwise_oid", _OF_SOURCES[2], "allwise_oid"),
}
"""The others, each with its column by which sql/views.sql joins it, and the table and column that this is equal to."""

_SCHEMAS = sorted({name.partition(".")[0] for name in (*_OF_SOURCES, *_MATCHED)})

PART, NEAR = "sed_part", "sed_near"
"""Databases in memory: of all sources that are stored together, and of some of them."""

_RANGES = 16
"""The most ranges of cells that rows are compared with."""


@contextmanager
def near_tables(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Have PART and NEAR, empty, on a connection that has the mirror as `mirror`."""
    for database in (PART, NEAR):
        con.execute(f"ATTACH ':memory:' AS {database}")
        for schema in _SCHEMAS:
            con.execute(f"CREATE SCHEMA {database}.{schema}")
    try:
        yield
    finally:
        con.execute(f"USE mirror; DETACH {PART}; DETACH {NEAR}")


def read_from(con: duckdb.DuckDBPyConnection, database: str) -> None:
    """Have names of tables mean those in PART or NEAR, and rules mean the mirror's."""
    path = ",".join([*(f"{database}.{schema}" for schema in _SCHEMAS), "mirror.sed"])
    con.execute(f"SET search_path = '{path}'")


def fill_part(con: duckdb.DuckDBPyConnection, part: Part, folder: Path, tables: Tables) -> None:
    """Fill PART with the rows that the join of a part's sources needs, and only the columns that it names.

    Nearly all of them lie on the same piece of the sky, so a table with cells is read from the files and row groups
    near it; what is not found there is sought in all of it. Its keys tell its rows apart.
    """
    _show_sources(con, part.condition, PART)
    cells = _few(with_ring(part.cells))
    for name, (column, other, equal) in _MATCHED.items():
        wanted = f"SELECT {equal} FROM {PART}.{other}"
        near = _near(tables[name], folder, cells)
        _keep(con, PART, name, near or f"mirror.{name}", f"{column} IN ({wanted})")
        if near is not None:
            con.execute(
                f"CREATE OR REPLACE TABLE {PART}.lacking AS SELECT m.{equal} AS key FROM {PART}.{other} AS m "
                f"ANTI JOIN {PART}.{name} AS t ON t.{column} = m.{equal} WHERE m.{equal} IS NOT NULL"
            )
            if con.execute(f"SELECT count(*) FROM {PART}.lacking").fetchall() != [(0,)]:
                rest = f"SELECT {_columns(name)} FROM mirror.{name} WHERE {column} IN (SELECT key FROM {PART}.lacking)"
                con.execute(f"INSERT INTO {PART}.{name} {rest}")


def fill_near(con: duckdb.DuckDBPyConnection, condition: str) -> None:
    """Fill NEAR with what the join of some sources of PART needs; `condition` is of source_id."""
    _show_sources(con, condition, NEAR)
    for name, (column, other, equal) in _MATCHED.items():
        _keep(con, NEAR, name, f"{PART}.{name}", f"{column} IN (SELECT {equal} FROM {NEAR}.{other})")


def _show_sources(con: duckdb.DuckDBPyConnection, condition: str, database: str) -> None:
    for name in _OF_SOURCES:
        rows = f"SELECT {_columns(name)} FROM mirror.{name} WHERE {condition}"
        con.execute(f"CREATE OR REPLACE VIEW {database}.{name} AS {rows}")


def _keep(con: duckdb.DuckDBPyConnection, database: str, name: str, rows: str, condition: str) -> None:
    con.execute(f"CREATE OR REPLACE TABLE {database}.{name} AS SELECT {_columns(name)} FROM {rows} WHERE {condition}")


def _near(state: TableState, folder: Path, cells: Ranges) -> str | None:
    """Read the rows of a table in some cells of order 12 from the files that have them; None for one without cells."""
    if state.table.sort_column != CELL or not state.files:
        return None
    every = sorted(state.files.values(), key=lambda file: file.path)
    near = [file for file in every if any(file.meets(low, high - 1) for low, high in cells)]
    paths = ", ".join(literal(read_as(folder, file)) for file in near or every[:1])
    inside = " OR ".join(f"({CELL} >= {low << CELL_SHIFT} AND {CELL} < {high << CELL_SHIFT})" for low, high in cells)
    return f"(FROM read_parquet([{paths}], hive_partitioning = false) WHERE {inside})"


def _few(cells: Ranges) -> Ranges:
    """Fill the smallest gaps until few ranges are left: DuckDB compares each row with all of them."""
    low, high = np.array(cells).T
    gaps = low[1:] - high[:-1]
    least = np.sort(gaps)[-_RANGES] if len(gaps) >= _RANGES else 0
    ends = np.flatnonzero(gaps > least)
    return list(zip(low[[0, *(ends + 1)]].tolist(), high[[*ends, -1]].tolist(), strict=True))


@cache
def _columns(name: str) -> str:
    return ", ".join(joined.columns(name))
