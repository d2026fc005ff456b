"""Run one step in this process, and print what it took: `python -m sedsql.plan.steps JSON`.

A process of its own has its own peak of memory, and can be held to some of the processors.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import fmean

import pyarrow.parquet as pq

from sedsql.adql.optimizer.rules import REWRITES
from sedsql.catalogue import CLASSIFIED, PHOTOMETRY
from sedsql.dbapi.connection import Connection, connect
from sedsql.inference.model import SKY_MODEL, find_models
from sedsql.mirror import archive
from sedsql.mirror.database import open_mirror
from sedsql.mirror.ingest import import_files
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.stored import joined
from sedsql.mirror.stored.classify import classify
from sedsql.mirror.stored.refresh import refresh
from sedsql.mirror.writer import ROW_GROUP
from sedsql.photometry.bands import COLUMNS
from sedsql.plan import rates
from sedsql.plan.rates import Run

CONE_DEGREES = (0.5, 60.0)
"""Radii; the greater ones, of a small sky, read as many rows as small ones of a large sky."""

CENTRES = 5
ENOUGH_SECONDS, MOST_TIMES = 0.2, 10
"""A query runs again until it has had so many seconds, or so many times."""

_KEYS = 1_000
_SEARCHED = "gaiadr3.tmass_psc_xsc_join"
"""The table of matches without positions."""


@dataclass(frozen=True)
class Task:
    """What to run.

    step : import, photometry, classification or queries
    mirror : the folder; import makes it
    files : for import, the folder with a folder of files for each table
    threads : processors; None for all
    """

    step: str
    mirror: Path
    files: Path
    threads: int | None
    cores: int


def run(task: Task) -> list[Run]:
    """Run a step, and give what it took."""
    if task.threads is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: task.threads])
    return {"import": _import, "photometry": _photometry, "classification": _classification, "queries": _queries}[
        task.step
    ](task)


@dataclass
class _Took:
    seconds: float = 0.0
    processor: float = 0.0
    memory: float = 0.0


@contextmanager
def _measured() -> Iterator[_Took]:
    """Measure a block: when it has ended, what is given has its times and the peak of memory."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    took = _Took()
    start, processor = time.perf_counter(), time.process_time()
    yield took
    took.seconds, took.processor = time.perf_counter() - start, time.process_time() - processor
    took.memory = _peak()


def _peak() -> float:
    """The peak of this process's memory in bytes; 0 where it is not known."""
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
        return int(found[1]) * 1024.0 if found else 0.0
    except OSError:
        with suppress(ImportError):
            import resource

            return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return 0.0


def _result(step: str, task: Task, took: _Took, *, work: float | None = None, **more: float) -> Run:
    rows = Mirror.read(task.mirror).tables[archive.GAIA].rows
    threads = task.threads or task.cores
    return Run(step, rows, rows if work is None else work, threads, took.seconds, took.processor, took.memory, **more)


def _size(mirror: Path, *names: str) -> int:
    tables = Mirror.read(mirror).tables
    return sum(file.bytes or 0 for name in names for file in tables[name].files.values())


def _column_bytes(mirror: Path, name: str, columns: list[str]) -> int:
    """Bytes on disk of some columns of a table."""
    size = 0
    for file in Mirror.read(mirror).tables[name].files:
        metadata = pq.read_metadata(mirror / file)
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            parts = map(group.column, range(group.num_columns))
            size += sum(part.total_compressed_size for part in parts if part.path_in_schema in columns)
    return size


def _import(task: Task) -> list[Run]:
    with _measured() as took:
        for name in archive.TABLES:
            import_files(task.mirror, sorted((task.files / name).iterdir()), name, stores=False)
    read = sum(file.stat().st_size for file in task.files.rglob("*.gz"))
    return [_result(rates.IMPORT, task, took, read=read, written=_size(task.mirror, *archive.TABLES))]


def _photometry(task: Task) -> list[Run]:
    with Mirror.change(task.mirror) as mirror, _measured() as took:
        refresh(mirror)
    read = sum(_column_bytes(task.mirror, name, joined.columns(name)) for name in archive.TABLES)
    stored = _result(rates.PHOTOMETRY, task, took, read=read, written=_size(task.mirror, PHOTOMETRY))
    with open_mirror(task.mirror) as con:
        con.execute(f"CREATE TEMP TABLE keys AS SELECT clean_tmass_psc_xsc_oid AS oid FROM {_SEARCHED} LIMIT {_KEYS}")
        query = (
            f"CREATE OR REPLACE TEMP TABLE found AS SELECT original_psc_source_id FROM {_SEARCHED} "
            "WHERE clean_tmass_psc_xsc_oid IN (SELECT oid FROM keys)"
        )
        took = _repeated(lambda: con.execute(query))
    return [stored, _result(rates.SEARCH, task, took)]


def _classification(task: Task) -> list[Run]:
    with Mirror.change(task.mirror) as mirror, _measured() as took:
        classify(mirror, find_models()[SKY_MODEL])
    read, written = _size(task.mirror, PHOTOMETRY), _size(task.mirror, CLASSIFIED)
    return [_result(rates.CLASSIFICATION, task, took, read=read, written=written)]


def _queries(task: Task) -> list[Run]:
    count = f"SELECT class, COUNT(*) AS n FROM {CLASSIFIED} GROUP BY class"
    asked = f"SELECT sed_class(s) AS class, COUNT(*) AS n FROM {PHOTOMETRY} AS s GROUP BY class"
    taken = [*COLUMNS, "parallax", "parallax_error", "ra", "dec"]
    found = []
    with _connected(task) as con:
        found += [_cones(task, con, degrees) for degrees in CONE_DEGREES]
        took = _repeated(lambda: con.execute(count).fetchall())
        found.append(_result(rates.COUNT, task, took, read=_column_bytes(task.mirror, CLASSIFIED, ["class"])))
    with _connected(task, [name for name in REWRITES if name != "stored"]) as con:
        took = _repeated(lambda: con.execute(asked).fetchall())
        found.append(_result(rates.ON_THE_FLY, task, took, read=_column_bytes(task.mirror, PHOTOMETRY, taken)))
    return found


def _connected(task: Task, rewrites: list[str] | None = None) -> Connection:
    con = connect(task.mirror, rewrites=tuple(REWRITES) if rewrites is None else rewrites)
    con.duckdb.execute(f"SET threads = {task.threads or task.cores}")
    return con


def _cones(task: Task, con: Connection, degrees: float) -> Run:
    """Ask for the classes of cones around sources, so mostly where these are dense."""
    centres = con.duckdb.execute(f"SELECT ra, dec FROM {archive.GAIA} ORDER BY random_index LIMIT {CENTRES}").fetchall()
    queries = [
        f"SELECT s.source_id, s.class FROM {CLASSIFIED} AS s "
        f"WHERE 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE({ra!r}, {dec!r}, {degrees}))"
        for ra, dec in centres
    ]
    found, all_ = [], []
    for query in queries:
        all_.append(_repeated(partial(_rows, con, query)))
        found.append(_rows(con, query))
    took = _Took(fmean(one.seconds for one in all_), fmean(one.processor for one in all_), all_[0].memory)
    state, work = Mirror.read(task.mirror).tables[CLASSIFIED], fmean(found)
    touched = work + min(ROW_GROUP, state.rows / len(state.files))  # the rest of the row groups that they lie in
    read = touched / state.rows * _column_bytes(task.mirror, CLASSIFIED, ["source_id", "ra", "dec", "class"])
    return _result(rates.CONE, task, took, work=work, read=read)


def _rows(con: Connection, query: str) -> int:
    return con.execute(query).arrow().num_rows


def _repeated(ask: Callable[[], object]) -> _Took:
    """Ask some times, after once to warm up; gives the quickest time, which others on the machine disturb least."""
    ask()
    runs: list[_Took] = []
    while sum(run.seconds for run in runs) < ENOUGH_SECONDS and len(runs) < MOST_TIMES:
        with _measured() as took:
            ask()
        runs.append(took)
    return _Took(min(run.seconds for run in runs), min(run.processor for run in runs), max(run.memory for run in runs))


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    task = Task(given["step"], Path(given["mirror"]), Path(given["files"]), given["threads"], given["cores"])
    print("\n" + json.dumps([asdict(one) for one in run(task)]))  # DuckDB may have left a bar on the line
