"""A join of Gaia, its matches, 2MASS and AllWISE over 20 million sources: a mirror in DuckDB against SQLite.

Both have the same simulated rows. SQLite has them as MyGaiaDB (PyPI `mygaiadb`) lays them out: a table for each of the
archive's, with indexes on the identifiers that joins go by; only the columns that the questions use are loaded, in its
favour, and loading is not counted. Each question is asked of both in turns, and the answers are compared.

    python benchmarks/joins.py --folder DIR [--rows 20000000] [--repeats 3]

The sample and the SQLite file are written to DIR once and kept: 20 million rows take 12 GB and ten minutes.
"""

import argparse
import math
import os
import platform
import sqlite3
import statistics
import time
from pathlib import Path

import duckdb

import sedsql
from sedsql.mirror.sample import write_sample
from sedsql.mirror.store import open_mirror

TABLES = {
    "gaiadr3.gaia_source": ("source_id", "ra", "dec", "parallax", "phot_g_mean_mag", "bp_rp"),
    "gaiadr3.tmass_psc_xsc_best_neighbour": ("source_id", "original_ext_source_id"),
    "gaiadr1.tmass_original_valid": ("designation", "j_m", "h_m", "ks_m"),
    "gaiadr3.allwise_best_neighbour": ("source_id", "allwise_oid"),
    "gaiadr1.allwise_original_valid": ("allwise_oid", "w1mpro", "w2mpro"),
}
"""The first column is the one that each table is looked up by."""

JOINED = """gaiadr3.gaia_source AS g
    JOIN gaiadr3.tmass_psc_xsc_best_neighbour AS tm ON tm.source_id = g.source_id
    JOIN gaiadr1.tmass_original_valid AS t ON t.designation = tm.original_ext_source_id
    JOIN gaiadr3.allwise_best_neighbour AS wm ON wm.source_id = g.source_id
    JOIN gaiadr1.allwise_original_valid AS w ON w.allwise_oid = wm.allwise_oid"""
QUESTIONS = {
    "all: red in J - Ks and W1 - W2": f"""SELECT COUNT(*) AS n, AVG(g.bp_rp) AS colour, AVG(t.j_m - t.ks_m) AS jk
        FROM {JOINED} WHERE t.j_m - t.ks_m > 1 AND w.w1mpro - w.w2mpro > 0.5""",
    "near: parallax > 10 mas": f"""SELECT COUNT(*) AS n, AVG(g.phot_g_mean_mag) AS g, AVG(w.w1mpro) AS w1
        FROM {JOINED} WHERE g.parallax > 10""",
}


def load(mirror: Path, database: Path) -> float:
    """Copy the mirror's rows into SQLite; gives the seconds that took."""
    start = time.perf_counter()
    partial = database.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with sqlite3.connect(partial) as lite, open_mirror(mirror) as con:
        lite.execute("PRAGMA journal_mode = OFF")
        lite.execute("PRAGMA synchronous = OFF")
        for table, columns in TABLES.items():
            name = table.split(".")[1]
            kind = " INTEGER PRIMARY KEY" if columns[0] != "designation" else ""
            lite.execute(f"CREATE TABLE {name} ({columns[0]}{kind}, {', '.join(columns[1:])})")
            marks = ", ".join("?" * len(columns))
            answer = con.execute(f"SELECT {', '.join(columns)} FROM {table}")
            while rows := answer.fetchmany(100_000):
                lite.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
            lite.commit()
        lite.execute("CREATE INDEX by_designation ON tmass_original_valid (designation)")
        lite.execute("ANALYZE")
    lite.close()
    partial.rename(database)
    return time.perf_counter() - start


def seconds(ask) -> tuple[float, tuple]:
    start = time.perf_counter()
    answer = ask()
    return time.perf_counter() - start, answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    mirror, database = given.folder / f"sample-{given.rows}", given.folder / f"joins-{given.rows}.sqlite"
    if not mirror.exists():
        write_sample(mirror, given.rows)
    loading = "there already" if database.exists() else f"{load(mirror, database):.0f} s"
    print("## A join of Gaia, 2MASS and AllWISE\n")
    print(
        f"{given.rows:,} simulated sources; DuckDB {duckdb.__version__}, SQLite {sqlite3.sqlite_version}, Python "
        f"{platform.python_version()}, {os.cpu_count()} cores. Loading SQLite: {loading}. "
        f"Median of {given.repeats} (SQLite once for an answer of over a minute).\n"
    )
    print("| question | rows that meet it | mirror, s | SQLite, s | ratio |\n| --- | ---: | ---: | ---: | ---: |")
    same = True
    with sedsql.connect(mirror) as con, sqlite3.connect(database) as lite:
        for what, query in QUESTIONS.items():
            plain = query.replace("gaiadr3.", "").replace("gaiadr1.", "")
            ours, theirs = [], []
            for _ in range(given.repeats):
                took, answer = seconds(lambda q=query: con.execute(q).fetchone())
                ours.append(took)
                if not theirs or theirs[0] < 60:
                    took, other = seconds(lambda q=plain: lite.execute(q).fetchone())
                    theirs.append(took)
            same &= all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(answer, other, strict=True))
            fast, slow = statistics.median(ours), statistics.median(theirs)
            print(f"| {what} | {answer[0]:,} | {fast:.2f} | {slow:.1f} | {slow / fast:.0f} |", flush=True)
    print(f"\nAnswers agree: {'yes' if same else 'NO'}.")


if __name__ == "__main__":
    main()
