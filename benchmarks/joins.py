"""Measure a join of Gaia, its matches, 2MASS and AllWISE over ten million sources: a mirror in DuckDB against SQLite.

Both have the same simulated rows. SQLite has a table for each of the archive's, with indexes on the identifiers that
joins use. In SQLite's favour only the columns in the queries are loaded, and loading is not counted. Each query runs in
both in turns, and the answers are compared.
"""

import math
import sqlite3
from functools import partial
from pathlib import Path

import sedsql
from sedsql.mirror.database import open_mirror

from .measure import Section, Setting, figure, in_turns, machine, versions

FULL, QUICK = 10_000_000, 20_000

TABLES = {
    "gaiadr3.gaia_source": ("source_id", "ra", "dec", "parallax", "phot_g_mean_mag", "bp_rp"),
    "gaiadr3.tmass_psc_xsc_best_neighbour": ("source_id", "original_ext_source_id"),
    "gaiadr1.tmass_original_valid": ("designation", "j_m", "h_m", "ks_m"),
    "gaiadr3.allwise_best_neighbour": ("source_id", "allwise_oid"),
    "gaiadr1.allwise_original_valid": ("allwise_oid", "w1mpro", "w2mpro"),
}
"""The columns of each table; the first is the one that joins look up."""

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


def load(mirror: Path, database: Path) -> None:
    """Copy the mirror's rows into SQLite."""
    written = database.with_suffix(".partial")
    written.unlink(missing_ok=True)
    with sqlite3.connect(written) as lite, open_mirror(mirror) as con:
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
    written.rename(database)


def run(setting: Setting) -> Section:
    rows = QUICK if setting.quick else FULL
    mirror, database = setting.sample(rows), setting.folder / f"joins-{rows}.sqlite"
    if not database.exists():
        load(mirror, database)
    section = Section("A join of Gaia, 2MASS and AllWISE", quick=setting.quick)
    section.say(f"{machine()}; {versions()}, SQLite {sqlite3.sqlite_version}.", f"{rows:,} simulated sources.")
    lines, wrong = [], []
    with sedsql.connect(mirror) as con, sqlite3.connect(database) as lite:
        for what, query in QUESTIONS.items():
            plain = query.replace("gaiadr3.", "").replace("gaiadr1.", "")
            competitors = {
                "mirror": lambda q=query: con.execute(q).fetchone(),
                "SQLite": lambda q=plain: lite.execute(q).fetchone(),
            }
            ours, theirs = (ask() for ask in competitors.values())
            if not all(map(partial(math.isclose, rel_tol=1e-6), ours, theirs)):
                wrong.append(f"{what}: {ours} and {theirs}")
            times = in_turns(competitors, 3, patience=60, enough=0.1 if setting.quick else 1.0)
            fast, slow = (one.median for one in times.values())
            spread = max(one.spread for one in times.values())
            lines.append([what, f"{ours[0]:,}", figure(fast), figure(slow), f"{spread:.0%}", figure(slow / fast)])
            section.figures.append({"question": what, "seconds": {n: list(t.seconds) for n, t in times.items()}})
    lite.close()
    section.table(["question", "rows that meet it", "mirror, s", "SQLite, s", "spread", "ratio"], lines)
    section.agree("Answers agree", wrong)
    return section
