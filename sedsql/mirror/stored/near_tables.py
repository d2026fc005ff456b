"""Have those rows of the six tables at hand that a range of sources is joined with, under the archive's names.

sql/views.sql is then asked as it is. Without that, each join would look through all of 2MASS and AllWISE.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import duckdb

from sedsql.mirror.archive import GAIA
from sedsql.mirror.stored import joined

_OF_SOURCES = (GAIA, "gaiadr3.tmass_psc_xsc_best_neighbour", "gaiadr3.allwise_best_neighbour")
"""The tables that have the source_id."""

_MATCHED = {
    "gaiadr3.tmass_psc_xsc_join": ("clean_tmass_psc_xsc_oid", _OF_SOURCES[1], "clean_tmass_psc_xsc_oid"),
    "gaiadr1.tmass_original_valid": ("designation", "gaiadr3.tmass_psc_xsc_join", "original_psc_source_id"),
    "gaiadr1.allwise_original_valid": ("allwise_oid", _OF_SOURCES[2], "allwise_oid"),
}
"""The others, each with its column by which sql/views.sql joins it, and the table and column that this is equal to."""

PART, NEAR = "sed_part", "sed_near"
"""Databases in memory: of all sources that are stored together, and of some of them."""


@contextmanager
def near_tables(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Have names of tables mean those in NEAR, and rules mean the mirror's, on a connection that has it as `mirror`."""
    schemas = sorted({name.partition(".")[0] for name in (*_OF_SOURCES, *_MATCHED)})
    for database in (PART, NEAR):
        con.execute(f"ATTACH ':memory:' AS {database}")
        for schema in schemas:
            con.execute(f"CREATE SCHEMA {database}.{schema}")
    path = ",".join([*(f"{NEAR}.{schema}" for schema in schemas), "mirror.sed"])
    con.execute(f"SET search_path = '{path}'")
    try:
        yield
    finally:
        con.execute(f"USE mirror; DETACH {PART}; DETACH {NEAR}")


def fill(con: duckdb.DuckDBPyConnection, condition: str, database: str, source: str = "mirror") -> None:
    """Fill PART or NEAR with the rows that the join of some sources needs, and only the columns that it names.

    condition : of source_id
    source : the database that has them; tables with the source_id are always read from the mirror
    """
    for name in _OF_SOURCES:
        rows = f"SELECT {_columns(name)} FROM mirror.{name} WHERE {condition}"
        con.execute(f"CREATE OR REPLACE VIEW {database}.{name} AS {rows}")
    for name, (column, other, equal) in _MATCHED.items():
        rows = (
            f"SELECT {_columns(name)} FROM {source}.{name} WHERE {column} IN (SELECT {equal} FROM {database}.{other})"
        )
        con.execute(f"CREATE OR REPLACE TABLE {database}.{name} AS {rows}")


@cache
def _columns(name: str) -> str:
    return ", ".join(joined.columns(name))
