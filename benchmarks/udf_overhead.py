"""What `sed_class` in a scan costs over ONNX Runtime called directly on the same 2,048-row chunks.

Both sides classify the same rows with the same model in this run, in turns, and the answers are compared.

    python benchmarks/udf_overhead.py [--rows 400000] [--repeats 5] [--model shape-1]
"""

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import duckdb
import numpy as np
import onnxruntime
import pyarrow as pa
from rich.console import Console
from rich.table import Table

import sedsql
from sedsql.bands import COLUMNS
from sedsql.inference.model import DEFAULT_MODEL, find_models
from sedsql.inference.session import CLASS_INDEX, INPUT, Session
from sedsql.simulate import simulate

CHUNK = 2048


def photometry(rows: int) -> np.ndarray:
    """Simulated magnitudes, shape (rows, 10), of all kinds of sources, in random order."""
    rng = np.random.default_rng(0)
    kinds = ("main_sequence", "giant", "agb_oxygen", "yso", "agn")
    some = np.concatenate([simulate(kind, 4000, rng).magnitudes for kind in kinds]).astype(np.float32)
    return some[rng.integers(0, len(some), rows)]


def direct(session, magnitudes: np.ndarray, threads: int) -> np.ndarray:
    """ONNX Runtime on chunks of the matrix, each thread taking its share."""

    def run(start: int) -> np.ndarray:
        return session.run([CLASS_INDEX], {INPUT: magnitudes[start : start + CHUNK]})[0]

    starts = range(0, len(magnitudes), CHUNK)
    if threads == 1:
        return np.concatenate([run(start) for start in starts])
    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(run, starts)))


def in_sql(con: duckdb.DuckDBPyConnection, threads: int) -> dict[str, int]:
    con.execute(f"SET threads = {threads}")
    return dict(con.execute("SELECT sed_class(s), count(*) FROM photometry AS s GROUP BY ALL").fetchall())


def seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    options = parser.parse_args()

    model = find_models()[options.model]
    magnitudes = photometry(options.rows)
    enough = np.isfinite(magnitudes).sum(axis=1) >= model.min_bands
    magnitudes = np.ascontiguousarray(magnitudes[enough])
    session = Session(model)._session
    con = duckdb.connect()
    sedsql.register(con, default=options.model)
    columns = pa.table({name: magnitudes[:, i] for i, name in enumerate(COLUMNS)})
    con.execute(
        "CREATE TABLE photometry AS SELECT "
        + ", ".join(f"nullif({c}, 'nan') AS {c}" for c in COLUMNS)
        + " FROM columns"
    )
    del columns

    names, counts = np.unique(np.array(model.classes)[direct(session, magnitudes, 1)], return_counts=True)
    agree = in_sql(con, 1) == dict(zip(names.tolist(), counts.tolist(), strict=True))

    times: dict[tuple[str, int], list[float]] = {}
    for _ in range(options.repeats):
        for threads in (1, 2):
            times.setdefault(("ONNX Runtime", threads), []).append(
                seconds(lambda n=threads: direct(session, magnitudes, n))
            )
            times.setdefault(("sed_class in SQL", threads), []).append(seconds(lambda n=threads: in_sql(con, n)))
    con.close()

    table = Table(
        title=f"{options.model}, {len(magnitudes):,} simulated rows, DuckDB {duckdb.__version__}, "
        f"ONNX Runtime {onnxruntime.__version__}, median of {options.repeats}",
        title_justify="left",
    )
    for name in ("", "threads", "us a row", "spread", "rows a second"):
        table.add_column(name, justify="right" if name else "left")
    median = {key: statistics.median(values) for key, values in times.items()}
    for (name, threads), values in sorted(times.items()):
        middle = median[name, threads]
        table.add_row(
            name,
            str(threads),
            f"{middle / len(magnitudes) * 1e6:.2f}",
            f"{(max(values) - min(values)) / middle:.0%}",
            f"{len(magnitudes) / middle:,.0f}",
        )
    console = Console(width=110)
    console.print(table)
    for threads in (1, 2):
        ratio = median["sed_class in SQL", threads] / median["ONNX Runtime", threads]
        console.print(
            f"SQL / ONNX Runtime at {threads} thread(s): {ratio:.2f}x"
            + ("  (aim: at most 1.15x)" if threads == 1 else "")
        )
    gain = median["sed_class in SQL", 1] / median["sed_class in SQL", 2]
    console.print(f"SQL throughput at 2 threads over 1: {gain:.2f}x  (aim: 1.8x)")
    console.print(f"Same classes on both sides: {'yes' if agree else 'NO'}")
    raise SystemExit(0 if agree else 1)


if __name__ == "__main__":
    main()
