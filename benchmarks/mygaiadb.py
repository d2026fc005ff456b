"""Write a mirror's rows into SQLite files as MyGaiaDB (PyPI `mygaiadb`) compiles them, and query them through it.

There is a database for each survey, with MyGaiaDB's names of tables and columns and its indexes; its tables have the
columns that the mirror has.
"""

import importlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sedsql
from sedsql.dbapi.connection import Connection

_SKIPPED = ("solution_id", "designation", "ref_epoch", "pm", "phot_g_mean_flux_error", "phot_bp_mean_flux_error",
            "phot_rp_mean_flux_error", "bp_g", "g_rp")  # fmt: skip
"""Columns of gaia_source that MyGaiaDB leaves out."""

_FILES = {
    "gaia_mirror/gaiadr3.db": {
        "gaia_source": ("gaiadr3.gaia_source", {}),
        "tmasspscxsc_best_neighbour": ("gaiadr3.tmass_psc_xsc_best_neighbour", {}),
        "allwise_best_neighbour": ("gaiadr3.allwise_best_neighbour", {}),
    },
    "2mass_mirror/tmass.db": {
        "twomass_psc": ("gaiadr1.tmass_original_valid", {"ks_m": "k_m", "ks_msigcom": "k_msigcom"}),
    },
    "allwise_mirror/allwise.db": {
        "allwise": (
            "gaiadr1.allwise_original_valid",
            {"ext_flag": "ext_flg", **{f"w{k}mpro_error": f"w{k}sigmpro" for k in (1, 2, 3, 4)}},
        ),
    },
}
"""The tables of each file: the mirror's table, and the names of its columns in MyGaiaDB."""

_PRIMARY = {
    "gaia_source": "source_id",
    "tmasspscxsc_best_neighbour": "source_id, original_ext_source_id",
    "allwise_best_neighbour": "source_id, original_ext_source_id",
    "allwise": "designation",
}
_INDEXES = {
    "tmasspscxsc_best_neighbour": "source_id, original_ext_source_id",
    "allwise_best_neighbour": "source_id, original_ext_source_id",
    "twomass_psc": "designation, j_m, h_m, k_m",
    "allwise": "designation, w1mpro, w2mpro, w3mpro, w4mpro, ph_qual",
}


def load(mirror: Path, folder: Path) -> None:
    """Write the mirror's rows to `folder`, if they are not there yet."""
    with sedsql.connect(mirror) as con:
        for name, tables in _FILES.items():
            path = folder / name
            if path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            partial.unlink(missing_ok=True)
            lite = sqlite3.connect(partial)
            lite.execute("PRAGMA journal_mode = OFF")
            lite.execute("PRAGMA synchronous = OFF")
            for table, (source, names) in tables.items():
                _copy(con, lite, table, source, names)
            lite.commit()
            lite.close()
            partial.rename(path)


def _copy(con: Connection, lite: sqlite3.Connection, table: str, source: str, names: dict[str, str]) -> None:
    columns = [name for name in con.catalogue.tables[source].columns if name not in _SKIPPED or table != "gaia_source"]
    columns = [name for name in columns if not name.startswith("_")]
    # MyGaiaDB's key of gaia_source is a bigint and not an INTEGER PRIMARY KEY, so SQLite keeps a separate index.
    defined = [f"{names.get(name, name)} {_type(con, source, name)}" for name in columns]
    key = [f"PRIMARY KEY ({_PRIMARY[table]})"] if table in _PRIMARY else []
    lite.execute(f"CREATE TABLE {table} ({', '.join([*defined, *key])})")
    answer = con.duckdb.execute(f"SELECT {', '.join(columns)} FROM {source}")
    marks = ", ".join("?" * len(columns))
    while rows := answer.fetchmany(50_000):
        lite.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    if table in _INDEXES:
        lite.execute(f"CREATE INDEX {table}_index ON {table} ({_INDEXES[table]})")


def _type(con: Connection, source: str, name: str) -> str:
    datatype = con.catalogue.tables[source].columns[name].datatype.lower()
    return {"double": "double precision"}.get(datatype, datatype)


@contextmanager
def opened(folder: Path) -> Iterator[Callable]:
    """Yield a function from a query to a DataFrame, that of LocalGaiaSQL; raise ImportError without the package."""
    before = {name: os.environ.get(name) for name in ("MY_ASTRO_DATA", "HOME")}
    # The package looks for all its files when it is imported, and keeps the user's tables below the home folder.
    os.environ.update(MY_ASTRO_DATA=str(folder.absolute()), HOME=str(folder.absolute()))
    try:
        package = importlib.import_module("mygaiadb.query")
        # MyGaiaDB's functions of the sky are an extension that not every Python can load; the queries here use none.
        local = package.LocalGaiaSQL(load_catwise=False, load_ext=False)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    try:
        yield local.query
    finally:
        local.conn.close()
