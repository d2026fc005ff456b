"""Rows to classify in Spark and in DuckDB, and a comparison of what both say of them."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import sedsql
from benchmarks.agreement import awkward
from sedsql.inference.card import EXTRA
from sedsql.inference.model import find_model
from sedsql.photometry.bands import COLUMNS

ROWS = int(os.environ.get("SPARK_ROWS", 14_000))
"""Awkward ones; `SPARK_ROWS=1000000 make spark` takes minutes more."""
BANDS, POSITION = ", ".join(COLUMNS), ", ".join(EXTRA)
EXPRESSIONS = {
    "class": f"sed_class({BANDS})",
    "of_label": f"sed_proba({BANDS}, 'yso')",
    "probability": f"sed_probability({BANDS})",
    "outlier": f"sed_outlier({BANDS})",
    "node": f"sed_node({BANDS}, 0.7)",
    "classes": f"sed_set({BANDS}, 0.9)",
    "answer": f"sed_answer({BANDS}, 'shape-2')",
    "predicted": f"sed_predict({BANDS}, parallax, parallax_error, 'luminosity-2')",
    "branch": f"sed_branch({BANDS}, {POSITION}, 0.6, 'sky-1')",
    "lite": f"sed_class({BANDS}, 'lite-2')",
}
"""Queries that are the same in both; all functions but the slowest, which the tests of workers have."""
SELECT = ", ".join(f"{written} AS {name}" for name, written in EXPRESSIONS.items())


def write_awkward(path: Path, rows: int) -> None:
    """Write awkward rows with an `id`: FLOAT or DOUBLE, missing as NULL, NaN or infinite, in some all bands."""
    found = awkward(find_model("sky-1"), rows).astype(np.float64)
    rng = np.random.default_rng(8)
    places = rng.random(found.shape) < 0.002
    found[places] = rng.choice([1e300, -1e300, 3.4028235677973366e38, 1e-310], places.sum())
    found[rng.random(rows) < 0.01] = np.nan
    columns = {"id": pa.array(np.arange(rows))}
    with np.errstate(over="ignore"):
        for k, name in enumerate((*COLUMNS, *EXTRA)):
            values = found[:, k] if k % 3 == 0 else found[:, k].astype(np.float32)
            columns[name] = pa.array(values, from_pandas=k % 2 == 0)
    pq.write_table(pa.table(columns), path, row_group_size=rows // 7)


def differences(answers: str, source: Path, select: str = SELECT) -> dict[str, int]:
    """Count rows of Parquet files that lack, are there twice, or differ from DuckDB's in any bit, by column."""
    with sedsql.connect() as connection:
        con = connection.duckdb
        con.execute(f"CREATE TABLE expected AS SELECT id, {select} FROM '{source}'")
        con.execute(f"CREATE VIEW found AS FROM '{answers}'")
        names = [name for name, *_ in con.execute("DESCRIBE expected").fetchall()]
        counts = ", ".join(f"count(*) FILTER (f.{name} IS DISTINCT FROM e.{name}) AS {name}" for name in names)
        joined = con.execute(f"SELECT {counts} FROM expected AS e FULL JOIN found AS f ON e.id = f.id")
        differ = dict(zip(names, joined.fetchone(), strict=True))
        rows, distinct = con.execute("SELECT count(*), count(DISTINCT id) FROM found").fetchone()
        classes = con.execute(f"SELECT count(DISTINCT {names[1]}) FROM expected").fetchone()
        assert classes > (3,), "a comparison of rows that are all alike"
        return {name: number for name, number in (differ | {"twice": rows - distinct}).items() if number}
