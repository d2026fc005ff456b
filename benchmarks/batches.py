"""Measure classes of batches, without a database: the kernel against DuckDB, and against what people do today."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

import sedsql
from sedsql.inference.binding import CLASS_INDEX, INPUT
from sedsql.inference.model import find_models
from sedsql.photometry.bands import COLUMNS

from .engines import Photometry, photometry
from .measure import Section, Setting, different, figure, in_turns, machine, versions

MODEL = "shape-2"
FULL, QUICK = (1_000_000, 5_000_000), (20_000, 20_000)
"""Rows in memory, and sources of the sample whose catalogue is read."""
SLOW = 25
"""ONNX Runtime gets one row of so many."""
DUCKDB, KERNEL = "DuckDB, the C extension", "classify_batch"
RUNTIME = "pandas and ONNX Runtime"
LSDB, TODAY = "LSDB, sedsql.lsdb", "LSDB, map_partitions with ONNX Runtime"


def run(setting: Setting) -> Section:
    rows, sources = QUICK if setting.quick else FULL
    section = Section("Batches, without a database", quick=setting.quick)
    section.say(
        f"{machine()}; {versions('pyarrow', 'pandas', 'polars', 'onnxruntime', 'dask', 'lsdb')}.",
        f"The classes of simulated sources by {MODEL}, all of them checked row by row. Ways run in turns; times are "
        "medians.",
    )
    _in_memory(section, rows)
    _catalogue(section, setting, sources)
    return section


def _in_memory(section: Section, rows: int) -> None:
    """Measure what is held in memory."""
    section.head(f"{rows:,} sources in memory")
    magnitudes = photometry(rows)
    table = pa.table({name: pa.array(magnitudes[:, k], from_pandas=True) for k, name in enumerate(COLUMNS)})
    batch, frame = table.combine_chunks().to_batches()[0], table.to_pandas()
    polars = __import__("polars").from_arrow(table)
    duckdb = Photometry("native", magnitudes)
    few = frame.head(rows // SLOW)
    classes = np.array(find_models()[MODEL].classes, dtype=object)
    session = _session()

    def extension(threads: int) -> pa.ChunkedArray:
        duckdb.threads(threads)
        return duckdb.con.sql("SELECT sed_class(s) AS label FROM photometry AS s").to_arrow_table()["label"]

    ways: dict[tuple[str, int], Callable[[], Any]] = {
        (DUCKDB, 1): partial(extension, 1),
        (DUCKDB, 2): partial(extension, 2),
        (KERNEL, 1): lambda: sedsql.classify_batch(batch)["sed_class"],
        (KERNEL, 2): lambda: sedsql.classify_batch(batch, threads=2)["sed_class"],
        ("pandas", 2): lambda: sedsql.pandas.with_functions(frame, threads=2)["sed_class"],
        ("polars", 2): lambda: sedsql.polars.with_functions(polars)["sed_class"],
        ("pyarrow, a dataset", 2): lambda: sedsql.arrow.with_functions(ds.dataset(table)).read_all()["sed_class"],
        (RUNTIME, 2): lambda: classes[_places(session, few[list(COLUMNS)])],
    }
    expected = np.array(ways[KERNEL, 1]().to_pylist(), dtype=object)
    problems = []
    for (name, threads), way in ways.items():
        # DuckDB keeps the order of a table's rows; ONNX Runtime by itself has a class for rows with too few bands too.
        found = np.array(list(way()) if name == RUNTIME else _listed(way()), dtype=object)
        wanted = expected[: len(found)]
        there = np.array([label is not None for label in wanted]) if name == RUNTIME else slice(None)
        problems += different(f"{name} ({threads})", found[there], KERNEL, wanted[there])
    times = in_turns(ways, 3, enough=0.05 if section.quick else 1.0)
    each = {key: (len(few) if key[0] == RUNTIME else rows) for key in times}
    row = {key: one.median / each[key] for key, one in times.items()}
    section.table(
        ["", "threads", "rows", "µs a row", "spread", "rows a second", "of DuckDB's rows a second"],
        [
            [
                name,
                str(threads),
                f"{each[name, threads]:,}",
                figure(row[name, threads] * 1e6),
                f"{one.spread:.0%}",
                f"{1 / row[name, threads]:,.0f}",
                figure(row[DUCKDB, threads] / row[name, threads]),
            ]
            for (name, threads), one in times.items()
        ],
    )
    section.agree("Same labels in every row", problems)
    section.aim(
        "classify_batch, of the extension's rows a second, one thread",
        times[DUCKDB, 1].median / times[KERNEL, 1].median,
        least=0.9,
    )
    section.aim("classify_batch, with a second thread", times[KERNEL, 1].median / times[KERNEL, 2].median, least=1.8)
    section.aim("classify_batch against ONNX Runtime, two threads", row[RUNTIME, 2] / row[KERNEL, 2], least=10)
    duckdb.close()


def _catalogue(section: Section, setting: Setting, sources: int) -> None:
    """Measure a HATS catalogue that is read from disk."""
    try:
        import dask
        import lsdb
    except ImportError as error:
        section.note(f"LSDB is not measured: there is no {error.name} here; `make peers` installs it.")
        return
    sample = setting.sample(sources)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        catalog = lsdb.open_catalog(sample / "sed" / "photometry", columns=["source_id", *COLUMNS])
    rows = len(catalog)
    section.head(f"A HATS catalogue of {rows:,} sources, two threads")
    con = sedsql.connect(sample)
    con.duckdb.execute("SET threads = 2")

    def extension() -> dict[str | None, int]:
        query = f"SELECT sed_class(s, '{MODEL}') AS label, count(*) FROM sed.photometry AS s GROUP BY 1"
        return dict(con.execute(query, lang="sql").fetchall())

    def counted(frame: Any) -> dict[str | None, int]:
        with dask.config.set(scheduler="threads", num_workers=2):
            labels = frame[["label"]].to_dask_dataframe()["label"].value_counts(dropna=False).compute()
        return {label if isinstance(label, str) else None: int(n) for label, n in labels.to_dict().items() if n}

    ours = sedsql.lsdb.with_functions(catalog, {"label": "sed_class"}, MODEL)
    few = catalog.partitions[: max(1, catalog.npartitions // 40)]
    theirs = few.map_partitions(_today, meta=few.meta.assign(label=pd.Series(dtype="string[pyarrow]")))
    same = sedsql.lsdb.with_functions(few, {"label": "sed_class"}, MODEL)
    problems = [] if counted(ours) == extension() else ["LSDB counts other classes than DuckDB"]
    problems += [] if counted(theirs) == counted(same) else [f"{TODAY} counts other classes"]
    times = in_turns({DUCKDB: extension, LSDB: partial(counted, ours)}, 3)
    times |= in_turns({TODAY: partial(counted, theirs)}, 1)
    each = {DUCKDB: rows, LSDB: rows, TODAY: sum(counted(same).values())}
    speed = {name: each[name] / one.median for name, one in times.items()}
    section.table(
        ["", "rows", "seconds", "rows a second", "of DuckDB's rows a second"],
        [
            [name, f"{each[name]:,}", figure(one.median), f"{speed[name]:,.0f}", figure(speed[name] / speed[DUCKDB])]
            for name, one in times.items()
        ],
    )
    section.agree("Same numbers of each class", problems)
    section.aim("LSDB, of DuckDB's rows a second", speed[LSDB] / speed[DUCKDB], least=0.5)
    section.aim("sedsql.lsdb against map_partitions with ONNX Runtime", speed[LSDB] / speed[TODAY], least=10)
    con.close()


def _today(frame: Any) -> Any:
    """Classify a partition as people do without sedsql."""
    magnitudes = frame[list(COLUMNS)].to_numpy(np.float32, na_value=np.nan)
    place = np.where(np.isfinite(magnitudes).sum(axis=1) < 3, -1, _places(_session(), magnitudes))
    labels = np.array([*find_models()[MODEL].classes, None], dtype=object)[place]
    return frame.assign(label=pd.Series(labels, index=frame.index, dtype="string[pyarrow]"))


@cache
def _session() -> onnxruntime.InferenceSession:
    """Open the model as its users do: with as many threads as ONNX Runtime takes."""
    return onnxruntime.InferenceSession(find_models()[MODEL].graph(), providers=["CPUExecutionProvider"])


def _places(session: onnxruntime.InferenceSession, magnitudes: Any) -> np.ndarray:
    return session.run([CLASS_INDEX], {INPUT: np.asarray(magnitudes, np.float32)})[0]


def _listed(column: Any) -> list[str | None]:
    """List the labels of a column of Arrow, pandas or polars; None where there is none."""
    if hasattr(column, "to_pylist"):
        return column.to_pylist()
    return [label if isinstance(label, str) else None for label in column.to_list()]
