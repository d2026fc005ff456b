"""What cones and positional joins cost on the sample sky.

Cones: a cone of half a degree around random sources, on samples of several sizes, with the ranges of `source_id` that
sedsql adds and with the exact test alone, in this run and in turns. The answers are compared, and the row groups that
were read are counted from the Parquet metadata and the ranges.

Joins: N positions against a million, through ADQL, and as a plain hash join of the same tables on `source_id`: the
half of the N positions that are also in the other table carry its number, so that both joins give about as many rows.
Both write the same columns to a table. A part of the answer is compared with all distances, computed in numpy.

    python benchmarks/sky.py --folder DIR [--rows 1000000 10000000] [--join 10000 100000 1000000 4000000]

Samples are written to DIR once and kept: a million rows take 300 MB and ten seconds.
"""

import argparse
import os
import platform
import re
import statistics
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import sedsql
from sedsql.catalogue import Catalogue
from sedsql.mirror.sample import write_sample

CONE = 0.5  # degrees
COLUMNS = {"gaiadr3.gaia_source": "phot_g_mean_mag", "sed.photometry": "j_m, w1mpro"}
ARCSEC = 1 / 3600
AGAINST = 1_000_000


def spread(times: list[float]) -> float:
    return (max(times) - min(times)) / statistics.median(times)


def seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def row_groups(files: list[str], sql: str) -> tuple[int, int]:
    """The row groups that the conditions of a query on source_id and dec leave, and all."""
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA gaiadr3")
        con.execute(f"CREATE VIEW gaiadr3.gaia_source AS SELECT * FROM read_parquet({files})")
        plan = con.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()[0][1]
    assert "source_id" in plan
    ranges = [tuple(map(int, found)) for found in re.findall(r"source_id BETWEEN (\d+) AND (\d+)", sql)]
    ranges = ranges[1:] if len(ranges) > 1 else ranges  # the first one holds all others
    read = all_ = 0
    for metadata in map(pq.read_metadata, files):
        column = metadata.schema.to_arrow_schema().get_field_index("source_id")
        for number in range(metadata.num_row_groups):
            about = metadata.row_group(number).column(column).statistics
            read += any(about.min <= high and about.max >= low for low, high in ranges)
        all_ += metadata.num_row_groups
    return read, all_


def cones(folder: Path, sizes: list[int], tables: list[str], centres: int, repeats: int) -> tuple[str, bool]:
    lines = ["| rows | table | row groups read | of | with ranges, ms | from-to | without, ms | from-to | rows found |",
             "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]  # fmt: skip
    same = True
    for rows in sizes:
        path = folder / f"sample-{rows}"
        if not path.exists():
            write_sample(path, rows)
        with sedsql.connect(path) as con:
            count = con.duckdb.execute("SELECT count(*) FROM gaiadr3.gaia_source").fetchone()[0]
            assert count == rows
            places = con.duckdb.execute(
                f"SELECT ra, dec FROM gaiadr3.gaia_source WHERE random_index < {centres}"
            ).fetchall()
            for table in tables:
                columns = COLUMNS[table]
                fast: list[float] = []
                plain: list[float] = []
                read, found = [], 0
                for ra, dec in places:
                    query = (
                        f"SELECT s.source_id, {columns} FROM {table} AS s"
                        f" WHERE 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE({ra!r}, {dec!r}, {CONE}))"
                    )
                    with_ranges, without = con.translate(query), sedsql.translate(query)
                    answers = []
                    for sql, times in ((with_ranges, fast), (without, plain)):
                        if sql is with_ranges:
                            con.duckdb.execute(sql).fetchall()
                        for _ in range(repeats if sql is with_ranges else 1):
                            answer: list = []
                            times.append(seconds(lambda s=sql, a=answer: a.extend(con.duckdb.execute(s).fetchall())))
                        answers.append(sorted(answer, key=str))
                    same &= answers[0] == answers[1]
                    found += len(answers[0])
                    files = [str(file) for file in (path / "gaiadr3" / "gaia_source").glob("**/*.parquet")]
                    plain_sql = with_ranges.replace("sed.photometry", "gaiadr3.gaia_source").replace(columns, "ra")
                    read.append(row_groups(files, plain_sql))
                groups = sorted({few for few, _ in read})
                shown = f"{groups[0]}-{groups[-1]}" if len(groups) > 1 else f"{groups[0]}"
                low, high = (f"{end(fast) * 1e3:.1f}" for end in (min, max))
                lines.append(
                    f"| {rows:,} | {table} | {shown} | {read[0][1]} "
                    f"| {statistics.median(fast) * 1e3:.1f} | {low}-{high} "
                    f"| {statistics.median(plain) * 1e3:.0f} | {min(plain) * 1e3:.0f}-{max(plain) * 1e3:.0f} "
                    f"| {found:,} |"
                )
    return "\n".join(lines), same


def positions(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))


def tables(con: duckdb.DuckDBPyConnection, n: int) -> None:
    """`big` with a million positions, and `list` with n: half of it near positions of `big`, with their numbers."""
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
    """All pairs within an arcsecond, of the first rows of `list` with all of `big`."""
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


def joins(sizes: list[int], repeats: int, part: int = 300) -> tuple[str, bool]:
    lines = ["| N | condition | join, ms | spread | hash join, ms | spread | ratio | µs a row of N | pairs |",
             "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]  # fmt: skip
    same = True
    columns = "l.source_id AS i, b.source_id AS j, l.ra AS ra1, l.dec AS dec1, b.ra AS ra2, b.dec AS dec2"
    conditions = {
        "CONTAINS": f"1 = CONTAINS(POINT(b.ra, b.dec), CIRCLE(l.ra, l.dec, {ARCSEC!r}))",
        "DISTANCE": f"DISTANCE(POINT(b.ra, b.dec), POINT(l.ra, l.dec)) < {ARCSEC!r}",
    }
    for n in sizes:
        with duckdb.connect() as con:
            tables(con, n)
            catalogue = Catalogue.of(con)
            hashed = f"SELECT {columns} FROM list AS l JOIN big AS b ON l.source_id = b.source_id"
            queries = {"hash": hashed}
            for name, condition in conditions.items():
                queries[name] = sedsql.translate(
                    f"SELECT {columns} FROM list AS l JOIN big AS b ON {condition}", catalogue
                )
            times: dict[str, list[float]] = {name: [] for name in queries}
            for turn in range(repeats + 1):
                for name, sql in queries.items():
                    took = seconds(lambda name=name, sql=sql: con.execute(f"CREATE OR REPLACE TABLE o_{name} AS {sql}"))
                    if turn:
                        times[name].append(took)
            expected = brute_force(con, part)
            for name in conditions:
                got = con.execute(
                    f"SELECT i, j FROM o_{name} WHERE i IN (SELECT source_id FROM list ORDER BY source_id LIMIT {part})"
                ).fetchall()
                same &= len(got) == len(set(got)) and set(got) == expected
                pairs = con.execute(f"SELECT count(*) FROM o_{name}").fetchone()[0]
                mine, other = statistics.median(times[name]), statistics.median(times["hash"])
                lines.append(
                    f"| {n:,} | {name} | {mine * 1e3:.0f} | {spread(times[name]):.0%} | {other * 1e3:.0f} "
                    f"| {spread(times['hash']):.0%} | {mine / other:.1f} | {mine / n * 1e6:.2f} | {pairs:,} |"
                )
    return "\n".join(lines), same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where the samples are, or will be written")
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000, 10_000_000])
    parser.add_argument("--join", type=int, nargs="*", default=[10_000, 100_000, 1_000_000, 4_000_000])
    parser.add_argument("--tables", nargs="*", choices=list(COLUMNS), default=list(COLUMNS))
    parser.add_argument("--centres", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(
        f"## Cones and positional joins\n\n`python benchmarks/sky.py`: the sample sky (simulated), DuckDB "
        f"{duckdb.__version__}, {platform.machine()}, {os.cpu_count()} cores.\n"
    )
    good = True
    if options.rows:
        report, same = cones(options.folder, options.rows, options.tables, options.centres, options.repeats)
        good &= same
        print(f"Cones of {CONE} degrees around {options.centres} sources:\n\n{report}\n")
        print(f"- Same rows with the ranges and without: {'yes' if same else 'NO'}\n")
    if options.join:
        report, same = joins(options.join, options.repeats)
        good &= same
        print(f"N positions against {AGAINST:,}, within an arcsecond:\n\n{report}\n")
        print(f"- Equal to brute force on the first 300 positions: {'yes' if same else 'NO'}")
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
