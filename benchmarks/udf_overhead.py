"""What `sed_class` in a scan costs over ONNX Runtime called directly on the same 2,048-row chunks.

Both sides classify the same rows with the same model in this run, in turns, and the answers are compared.

    python benchmarks/udf_overhead.py [--rows 983040] [--repeats 3] [--model shape-1]

DuckDB's threads take row groups of 122,880 rows; the default is eight of them, an even share for each thread.
"""

import argparse
import os
import platform
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import duckdb
import numpy as np
import onnxruntime
import pyarrow as pa

import sedsql
from sedsql.bands import COLUMNS
from sedsql.inference.binding import CLASS_INDEX, INPUT
from sedsql.inference.model import DEFAULT_MODEL, find_models
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


def measure(name: str, rows: int, repeats: int) -> tuple[str, bool]:
    """A report in Markdown, and whether both sides gave the same classes."""
    model = find_models()[name]
    magnitudes = photometry(rows)
    magnitudes = np.ascontiguousarray(magnitudes[np.isfinite(magnitudes).sum(axis=1) >= model.min_bands])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.graph(), options, providers=["CPUExecutionProvider"])
    with duckdb.connect() as con:
        sedsql.register(con, default=name)
        columns = pa.table({column: magnitudes[:, i] for i, column in enumerate(COLUMNS)})
        nulls = ", ".join(f"nullif({column}, 'nan') AS {column}" for column in COLUMNS)
        con.execute(f"CREATE TABLE photometry AS SELECT {nulls} FROM columns")
        del columns
        classes, counts = np.unique(np.array(model.classes)[direct(session, magnitudes, 1)], return_counts=True)
        agree = in_sql(con, 1) == dict(zip(classes.tolist(), counts.tolist(), strict=True))
        times: dict[tuple[str, int], list[float]] = {}
        for _ in range(repeats):
            for threads in (1, 2):
                for side, work in (
                    ("ONNX Runtime", lambda n=threads: direct(session, magnitudes, n)),
                    ("sed_class in SQL", lambda n=threads: in_sql(con, n)),
                ):
                    times.setdefault((side, threads), []).append(seconds(work))
    median = {key: statistics.median(values) for key, values in times.items()}
    lines = [
        "| | threads | µs a row | spread | rows a second |",
        "| --- | ---: | ---: | ---: | ---: |",
        *(
            f"| {side} | {threads} | {median[side, threads] / len(magnitudes) * 1e6:.2f} "
            f"| {(max(values) - min(values)) / median[side, threads]:.0%} "
            f"| {len(magnitudes) / median[side, threads]:,.0f} |"
            for (side, threads), values in sorted(times.items())
        ),
    ]
    table = "\n".join(lines)
    ratio = {n: median["sed_class in SQL", n] / median["ONNX Runtime", n] for n in (1, 2)}
    gain = median["sed_class in SQL", 1] / median["sed_class in SQL", 2]
    machine = f"DuckDB {duckdb.__version__}, ONNX Runtime {onnxruntime.__version__}"
    machine += f", {platform.machine()}, {os.cpu_count()} cores"
    report = f"""## sed_class in a scan against ONNX Runtime alone

`python benchmarks/udf_overhead.py`: {name}, {len(magnitudes):,} simulated rows in chunks of {CHUNK:,}, both sides
in turns, median of {repeats}; {machine}.

{table}

- SQL against ONNX Runtime: {ratio[1]:.2f}x the time at one thread (aim: at most 1.15x), {ratio[2]:.2f}x at two
- SQL at two threads against one: {gain:.2f}x the throughput (aim: 1.8x)
- Same classes on both sides: {"yes" if agree else "NO"}
"""
    return report, agree


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=983_040)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    options = parser.parse_args()
    report, agree = measure(options.model, options.rows, options.repeats)
    print(report)
    raise SystemExit(0 if agree else 1)


if __name__ == "__main__":
    main()
