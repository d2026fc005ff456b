"""Measure the cost of cones and positional joins on the sample sky.

Cones have half a degree around random sources, on samples of several sizes. They run with the ranges of `source_id`
that sedsql adds, and with only the exact test, in turns. The answers are compared, and the row groups that were read
are counted from the Parquet metadata and the ranges.

Joins match N positions with a million, through ADQL, and as a plain hash join of the same tables on `source_id`: half
of the N positions are also in the other table and carry its number, so both joins return about as many rows. Both write
the same columns to a table. A part of the answer is compared with all distances, computed in numpy.
"""

import re
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import sedsql
from sedsql.catalogue import Catalogue

from .measure import Section, Setting, figure, in_turns, machine, seconds, versions

FULL, QUICK = (1_000_000, 10_000_000, 50_000_000), (20_000,)
JOINED, QUICK_JOINED = (10_000, 100_000, 1_000_000, 4_000_000), (1_000,)
CENTRES = 8
CONE = 0.5  # degrees
TABLE, COLUMN = "gaiadr3.gaia_source", "phot_g_mean_mag"
ARCSEC = 1 / 3600
AGAINST = 1_000_000
PART = 300


def row_groups(files: list[str], sql: str) -> tuple[int, int]:
    """Count the row groups that the conditions of a query on source_id and dec leave, and all row groups."""
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA gaiadr3")
        con.execute(f"CREATE VIEW gaiadr3.gaia_source AS SELECT * FROM read_parquet({files})")
        plan = con.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()[0][1]
    assert "source_id" in plan
    ranges = [tuple(map(int, found)) for found in re.findall(r"source_id BETWEEN (\d+) AND (\d+)", sql)]
    ranges = ranges[1:] if len(ranges) > 1 else ranges  # the first one contains all others
    read = all_ = 0
    for metadata in map(pq.read_metadata, files):
        column = metadata.schema.to_arrow_schema().get_field_index("source_id")
        for number in range(metadata.num_row_groups):
            about = metadata.row_group(number).column(column).statistics
            read += any(about.min <= high and about.max >= low for low, high in ranges)
        all_ += metadata.num_row_groups
    return read, all_


def run(setting: Setting) -> Section:
    section = Section("Cones and positional joins", quick=setting.quick)
    section.say(f"{machine()}; {versions('numpy')}. The sample sky (simulated).")
    section.head(f"Cones of {CONE} degrees around {CENTRES} sources")
    lines, wrong = [], []
    for rows in QUICK if setting.quick else FULL:
        line, problems = cones(section, setting.sample(rows), rows, setting.quick)
        lines.append(line)
        wrong += problems
    names = ["rows", "row groups read", "of", "with ranges, ms", "from-to", "without, ms", "from-to", "rows found"]
    section.table(names, lines, text_columns=0)
    section.agree("Same rows with the ranges and without", wrong)
    section.head(f"N positions against {AGAINST:,}, within an arcsecond")
    lines, wrong = [], []
    for n in QUICK_JOINED if setting.quick else JOINED:
        more, problems = joins(section, n)
        lines += more
        wrong += problems
    names = ["N", "condition", "join, ms", "spread", "hash join, ms", "spread", "ratio", "µs a row of N", "pairs"]
    section.table(names, lines, text_columns=2)
    section.agree(f"Equal to brute force on the first {PART} positions", wrong)
    return section


def cones(section: Section, path: Path, rows: int, quick: bool) -> tuple[list[str], list[str]]:
    """Measure cones: return lines of the table, and problems of the answers."""
    fast: list[float] = []
    plain: list[float] = []
    read, found, wrong = [], 0, []
    with sedsql.connect(path) as con:
        places = con.duckdb.execute(
            f"SELECT ra, dec FROM {TABLE} WHERE random_index < {2 if quick else CENTRES}"
        ).fetchall()
        for ra, dec in places:
            query = (
                f"SELECT s.source_id, {COLUMN} FROM {TABLE} AS s"
                f" WHERE 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE({ra!r}, {dec!r}, {CONE}))"
            )
            with_ranges, without = con.translate(query), sedsql.translate(query)
            answers: dict[str, list] = {}

            def ask(sql: str, answers=answers) -> None:
                answers[sql] = con.duckdb.execute(sql).fetchall()

            ask(with_ranges)
            fast += [seconds(partial(ask, with_ranges)) for _ in range(5)]
            plain.append(seconds(partial(ask, without)))
            if sorted(answers[with_ranges], key=str) != sorted(answers[without], key=str):
                wrong.append(f"the cone around {ra}, {dec} of {rows:,} sources")
            found += len(answers[with_ranges])
            files = [str(file) for file in (path / "gaiadr3" / "gaia_source").glob("**/*.parquet")]
            read.append(row_groups(files, with_ranges.replace(f"s.{COLUMN}", "ra").replace(COLUMN, "ra")))
    section.figures.append({"cones_of": rows, "with_ranges": fast, "without": plain})
    groups = sorted({few for few, _ in read})
    shown = f"{groups[0]}-{groups[-1]}" if len(groups) > 1 else f"{groups[0]}"
    line = [f"{rows:,}", shown, f"{read[0][1]}"]
    for times in (fast, plain):
        line += [figure(float(np.median(times)) * 1e3), f"{figure(min(times) * 1e3)}-{figure(max(times) * 1e3)}"]
    return [*line, f"{found:,}"], wrong


def positions(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))


def tables(con: duckdb.DuckDBPyConnection, n: int) -> None:
    """Make `big` with a million positions, and `list` with n, half of them near `big`, with its numbers."""
    rng = np.random.default_rng(n)
    ra, dec = positions(rng, AGAINST)
    source_id = np.sort(rng.choice(1 << 44, AGAINST, replace=False)) * 1_000_003
    near = rng.permutation(AGAINST)[: min(n // 2, AGAINST)]
    ra_n, dec_n = positions(rng, n)
    ids = rng.choice(1 << 44, n) * 1_000_003 + 1
    k = len(near)
    off = rng.normal(0, 0.2 * ARCSEC, (2, k))
    dec_n[:k] = np.clip(dec[near] + off[0], -90, 90)
    ra_n[:k] = (ra[near] + off[1] / np.cos(np.radians(dec[near]))) % 360
    ids[:k] = source_id[near]
    order = rng.permutation(n)
    given = {"big": (source_id, ra, dec), "list": (ids[order], ra_n[order], dec_n[order])}
    for name, columns in given.items():
        table = pa.table(dict(zip(("source_id", "ra", "dec"), columns, strict=True)))
        con.register("given", table)
        con.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM given")
        con.unregister("given")


def brute_force(con: duckdb.DuckDBPyConnection, part: int) -> set[tuple[int, int]]:
    """Find all pairs within an arcsecond, of the first rows of `list` with all of `big`."""
    big = con.execute("SELECT source_id, ra, dec FROM big").fetchnumpy()
    few = con.execute(f"SELECT source_id, ra, dec FROM list ORDER BY source_id LIMIT {part}").fetchnumpy()

    def vectors(table) -> np.ndarray:
        ra, dec = np.radians(table["ra"]), np.radians(table["dec"])
        return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])

    all_, limit = vectors(big), (2 * np.sin(np.radians(ARCSEC) / 2)) ** 2
    pairs = set()
    for number, place in zip(few["source_id"], vectors(few), strict=True):
        for found in np.flatnonzero(((all_ - place) ** 2).sum(axis=1) <= limit):
            pairs.add((int(number), int(big["source_id"][found])))
    return pairs


def joins(section: Section, n: int) -> tuple[list[list[str]], list[str]]:
    """Measure joins: return a line of the table for each condition, and problems of the answers."""
    columns = "l.source_id AS i, b.source_id AS j, l.ra AS ra1, l.dec AS dec1, b.ra AS ra2, b.dec AS dec2"
    conditions = {
        "CONTAINS": f"1 = CONTAINS(POINT(b.ra, b.dec), CIRCLE(l.ra, l.dec, {ARCSEC!r}))",
        "DISTANCE": f"DISTANCE(POINT(b.ra, b.dec), POINT(l.ra, l.dec)) < {ARCSEC!r}",
    }
    lines, wrong = [], []
    with duckdb.connect() as con:
        tables(con, n)
        catalogue = Catalogue.of(con)
        queries = {"hash": f"SELECT {columns} FROM list AS l JOIN big AS b ON l.source_id = b.source_id"}
        for name, condition in conditions.items():
            query = f"SELECT {columns} FROM list AS l JOIN big AS b ON {condition}"
            queries[name] = sedsql.translate(query, catalogue)
        works = {
            name: partial(con.execute, f"CREATE OR REPLACE TABLE o_{name} AS {sql}") for name, sql in queries.items()
        }
        for work in works.values():
            work()
        times = in_turns(works, 1 if section.quick else 5, enough=0.1 if section.quick else 1.0)
        expected = brute_force(con, PART)
        hashed = times["hash"]
        for name in conditions:
            some = f"SELECT i, j FROM o_{name} WHERE i IN (SELECT source_id FROM list ORDER BY source_id LIMIT {PART})"
            got = con.execute(some).fetchall()
            if len(got) != len(set(got)) or set(got) != expected:
                wrong.append(f"{name} with {n:,} positions")
            pairs = con.execute(f"SELECT count(*) FROM o_{name}").fetchone()[0]
            mine = times[name]
            line = [f"{n:,}", name]
            for one in (mine, hashed):
                line += [figure(one.median * 1e3), f"{one.spread:.0%}"]
            line += [f"{mine.median / hashed.median:.1f}", figure(mine.median / n * 1e6), f"{pairs:,}"]
            lines.append(line)
        section.figures.append({"positions": n, "seconds": {name: list(t.seconds) for name, t in times.items()}})
    return lines, wrong
