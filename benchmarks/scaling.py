"""Measure what a second worker gives, and whether a row costs the same among a million and among 50 million.

Each engine has a process of its own, with its workers in it or below it, and all of them are held to as many processors
as there are workers: otherwise Spark's Java and Python would take two for one worker.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import sedsql
from sedsql.photometry.bands import COLUMNS

from .measure import Section, Setting, child, figure, machine, versions
from .spark import BANDS, count_classes, flat, started

MODEL = "shape-2"
CLASS = f"sed_class({BANDS}, '{MODEL}')"
FULL, QUICK = (1_000_000, 10_000_000, 50_000_000), (10_000, 20_000)
WORKERS_ROWS = 10_000_000
"""The most rows for the comparison of one and two workers."""
ALONE, DUCKDB, SPARK, DASK = "processes that share nothing", "DuckDB", "Spark", "Dask"
TURNS, ENOUGH_SECONDS = 3, 20.0
"""A count is asked again until it has been asked so often, or has had so many seconds."""

Counts = dict[str | None, int]
Ask = Callable[[str], Counts]


def run(setting: Setting) -> Section:
    section = Section("Workers and rows", quick=setting.quick)
    sizes = sorted(setting.rows or (QUICK if setting.quick else FULL))
    files = {rows: flat(setting, rows) for rows in sizes}
    section.say(
        f"{machine()}; {versions('pyspark', 'dask', 'pyarrow')}.",
        f"Counting the classes of simulated sources by {MODEL}, in a Parquet file of ten FLOAT columns. A worker is a "
        "process of its own in Spark (`local-cluster`) and Dask, and a thread in DuckDB; an engine with all its "
        "processes is held to as many processors as it has workers. Times are the quickest of "
        f"{TURNS}, or of fewer that take {ENOUGH_SECONDS:.0f} s, after one run to warm up.",
    )
    _workers(section, max((rows for rows in sizes if rows <= WORKERS_ROWS), default=sizes[0]), files)
    _rows(section, files)
    return section


def _workers(section: Section, rows: int, files: dict[int, Path]) -> None:
    section.head(f"One worker and two, {rows:,} rows")
    lines, problems = [], []
    counted: dict[str, Counts] = {}
    for engine in (ALONE, DUCKDB, SPARK, DASK):
        took = {}
        for workers in (1, 2):
            [found] = _measured(engine, workers, [files[rows]])
            took[workers] = found["seconds"]
            problems += _differ(counted, engine, found["counts"])
        gain = took[1] / took[2]
        lines.append((engine, figure(took[1]), figure(took[2]), figure(gain)))
        section.figures.append({"engine": engine, "rows": rows, "one": took[1], "two": took[2], "gain": gain})
    section.table(("", "one worker, s", "two workers, s", "gain"), lines)
    section.agree("As many rows of each class", problems)
    for one in list(section.figures):
        if one["engine"] != ALONE:
            section.aim(f"{one['engine']}, two workers against one", one["gain"], least=1.8)


def _rows(section: Section, files: dict[int, Path]) -> None:
    section.head("Rows, two workers")
    lines, problems = [], []
    counted: dict[int, dict[str, Counts]] = {rows: {} for rows in files}
    for engine in (DUCKDB, SPARK, DASK):
        each = {}
        for rows, found in zip(files, _measured(engine, 2, list(files.values())), strict=True):
            each[rows] = found["seconds"] / rows * 1e6
            problems += _differ(counted[rows], engine, found["counts"])
        lines.append((engine, *map(figure, each.values())))
        section.figures += [{"engine": engine, "rows": rows, "microseconds": one} for rows, one in each.items()]
    section.table(("µs a row", *(f"{rows:,} rows" for rows in files)), lines)
    section.agree("As many rows of each class", problems)


def _differ(counted: dict[str, Counts], engine: str, found: Counts) -> list[str]:
    counted[engine] = found
    first = next(iter(counted))
    return [] if found == counted[first] else [f"{engine} counts {found}, {first} {counted[first]}"]


def _measured(engine: str, workers: int, paths: list[Path]) -> list[dict[str, Any]]:
    """Measure an engine in a process of its own, one file after the other."""
    return json.loads(child("benchmarks.scaling", engine, workers, *paths).splitlines()[-1])


def _main(engine: str, workers: int, paths: list[str]) -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:workers])
    found = []
    with {ALONE: _alone, DUCKDB: _duckdb, SPARK: _spark, DASK: _dask}[engine](workers) as ask:
        ask(paths[0])
        for path in paths:
            seconds: list[float] = []
            answers: list[Counts] = []
            while len(seconds) < TURNS and sum(seconds) < ENOUGH_SECONDS:
                start = time.perf_counter()
                answers.append(ask(path))
                seconds.append(time.perf_counter() - start)
            counts = answers[0]
            if any(again != counts for again in answers):
                raise SystemExit(f"{engine} counts otherwise each time: {answers}")
            found.append({"seconds": min(seconds), "counts": {str(label): n for label, n in counts.items()}})
    print("\n" + json.dumps(found))


@contextmanager
def _alone(workers: int) -> Iterator[Ask]:
    """Give each process its row groups, and nothing to wait for: the most that this machine gives."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield lambda path: sum(pool.map(partial(_part, path, workers), range(workers), chunksize=1), Counter())


def _part(path: str, parts: int, part: int) -> Counter[str | None]:
    counts: Counter[str | None] = Counter()
    file = pq.ParquetFile(path)
    for group in range(part, file.num_row_groups, parts):
        batch = file.read_row_group(group, use_threads=False).combine_chunks().to_batches()[0]
        found = sedsql.classify_batch(batch, model=MODEL)["sed_class"].value_counts().to_pylist()
        counts.update({one["values"]: one["counts"] for one in found})
    return counts


@contextmanager
def _duckdb(workers: int) -> Iterator[Ask]:
    with sedsql.connect() as con:
        con.duckdb.execute(f"SET threads = {workers}")
        yield lambda path: count_classes(con.duckdb.execute, CLASS, f"'{path}'")


@contextmanager
def _spark(workers: int) -> Iterator[Ask]:
    with tempfile.TemporaryDirectory() as folder:
        spark = started(f"local-cluster[{workers},1,1024]", Path(folder), {"spark.executor.memory": "1g"})
        yield lambda path: count_classes(spark.sql, CLASS, f"parquet.`{path}`")
        spark.stop()


@contextmanager
def _dask(workers: int) -> Iterator[Ask]:
    import dask.dataframe as dd
    from distributed import Client, LocalCluster

    def ask(path: str) -> Counts:
        rows = dd.read_parquet(path, columns=list(COLUMNS), split_row_groups=True)
        labels = sedsql.dask.with_functions(rows, {"label": "sed_class"}, MODEL)["label"]
        counts = labels.value_counts(dropna=False).compute()
        return {label if isinstance(label, str) else None: int(n) for label, n in counts.items() if n}

    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None, local_directory=folder
        ) as cluster,
        Client(cluster),
    ):
        yield ask


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
