"""A small catalogue, a database to go with it, and the shared queries."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from sedsql.adql.tree.model_function import ModelFunction

SHARED = Path(__file__).resolve().parents[3] / "shared" / "adql"
BANDS = "phot_g_mean_mag phot_bp_mean_mag phot_rp_mean_mag j_m h_m ks_m w1mpro w2mpro w3mpro w4mpro".split()  # noqa: SIM905


@dataclass(frozen=True)
class Column:
    name: str
    datatype: str
    unit: str | None = None


@dataclass(frozen=True)
class Table:
    columns: dict[str, Column]
    position: tuple[str, str] | None = None
    cell_column: str | None = None
    cell_shift: int = 35
    cell_margin: float = 1 / 60
    hidden: frozenset[str] = frozenset()
    one_to_one: str | None = None
    answers: tuple[str, str, tuple, str] | None = None
    sort_column: str | None = None
    rows: int = 0
    files: tuple = ()
    selected: str = "*"
    check: str = ""
    base: str | None = None
    asked: dict[str, str] = field(default_factory=dict)


def table(columns, **rest):
    """A table of columns written as name:type or name:type:unit."""
    described = (column.split(":") for column in columns.split())
    return Table({parts[0].lower(): Column(*parts) for parts in described}, **rest)


@dataclass(frozen=True)
class Catalogue:
    tables: dict[str, Table] = field(default_factory=dict)


@dataclass(frozen=True)
class Function(ModelFunction):
    columns: tuple[str, ...] = tuple(BANDS)
    share: Callable | None = None

    def shared(self, arguments):
        return self.share(arguments) if self.share else None


SKY = {"position": ("ra", "dec"), "cell_column": "source_id"}
PLACE = "source_id:BIGINT ra:DOUBLE dec:DOUBLE:deg parallax:DOUBLE:mas"


@pytest.fixture(scope="session")
def catalogue():
    return Catalogue(
        {
            "gaiadr3.gaia_source": table(
                PLACE + " phot_g_mean_mag:REAL has_rvs:BOOLEAN nobs:INTEGER name:VARCHAR", **SKY
            ),
            "gaiadr2.gaia_source": table(PLACE, **SKY),
            "gaiadr3.allwise_best_neighbour": table("source_id:BIGINT allwise_oid:BIGINT angular_distance:DOUBLE"),
            "gaiadr1.allwise_original_valid": table("allwise_oid:BIGINT ra:DOUBLE dec:DOUBLE w1mpro:DOUBLE"),
            "sed.photometry": table(PLACE + "".join(f" {band}:REAL" for band in BANDS), **SKY),
        }
    )


@pytest.fixture(scope="session")
def functions():
    return {"sed_class": Function((1, 2, 10, 11)), "sed_proba": Function((2, 3, 11, 12))}


@pytest.fixture(scope="session")
def database(catalogue):
    """Empty tables of the catalogue and macros named as the functions: what binds here would run."""
    con = duckdb.connect()
    for name, described in catalogue.tables.items():
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
        columns = ", ".join(f"{column.name} {column.datatype}" for column in described.columns.values())
        con.execute(f"CREATE TABLE {name} ({columns})")
    con.execute("CREATE MACRO sed_class(s) AS CASE WHEN s.j_m > 10 THEN 'yso' ELSE 'giant' END")
    con.execute("CREATE MACRO sed_proba(s, label) AS s.j_m / 20 + len(label)")
    return con


def shared_queries(name):
    path = SHARED / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
