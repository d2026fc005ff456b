"""Measure sed_class in Spark SQL: against DuckDB on the same rows, and against a pandas UDF with scikit-learn."""

import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import pyarrow as pa
import pyarrow.parquet as pq

import sedsql
from sedsql.integrations.spark import register, session
from sedsql.learn.export import to_onnx
from sedsql.learn.recipes import SHAPE
from sedsql.photometry.bands import COLUMNS

from . import forests
from .engines import photometry
from .functions import QUICK_RECIPE, table_of
from .measure import Section, Setting, different, figure, in_turns, machine, versions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FULL, QUICK = 50_000_000, 100_000
SLOW_ROWS = {False: 100_000, True: 2_000}
"""For scikit-learn, in full and quick runs: the first rows."""
CORES = 2
MODEL, TWIN = "shape-2", "large-pipeline-1"
BANDS = ", ".join(COLUMNS)
ROW_GROUP = 500_000


def run(setting: Setting) -> Section:
    section = Section("Spark SQL", quick=setting.quick)
    rows = setting.rows[0] if setting.rows else QUICK if setting.quick else FULL
    slow = min(rows, SLOW_ROWS[setting.quick])
    section.say(
        f"{machine()}; {versions('pyspark', 'pyarrow', 'scikit-learn')}.",
        f"Counting the classes of {rows:,} simulated sources in a Parquet file of ten FLOAT columns: Spark, "
        f"`local[{CORES}]`, and DuckDB with {CORES} threads. {TWIN} is a pipeline of scikit-learn, and its model; "
        f"a pandas UDF that calls the pipeline gets the first {slow:,}.",
    )
    with tempfile.TemporaryDirectory() as folder, sedsql.connect(models=[_twin(setting, Path(folder))]) as connection:
        con = connection.duckdb
        con.execute(f"SET threads = {CORES}")
        spark = _spark(Path(folder))
        source, few = flat(setting, rows), Path(folder) / "few.parquet"
        pq.write_table(_first(source, slow), few)
        for name, path in (("flat", source), ("few", few)):
            con.execute(f"CREATE VIEW {name} AS FROM '{path}'")
            spark.read.parquet(str(path)).createOrReplaceTempView(name)
        asked = {
            ("DuckDB", MODEL, rows): partial(count_classes, con.execute, f"sed_class({BANDS}, '{MODEL}')", "flat"),
            ("Spark", MODEL, rows): partial(count_classes, spark.sql, f"sed_class({BANDS}, '{MODEL}')", "flat"),
            ("DuckDB", TWIN, rows): partial(count_classes, con.execute, f"sed_class({BANDS}, '{TWIN}')", "flat"),
            ("Spark", TWIN, rows): partial(count_classes, spark.sql, f"sed_class({BANDS}, '{TWIN}')", "flat"),
            ("Spark, pandas UDF", TWIN, slow): partial(count_classes, spark.sql, f"by_scikit_learn({BANDS})", "few"),
        }
        section.agree("As many rows of each class in DuckDB and Spark", _problems(con, spark, asked))
        times = in_turns(asked, enough=0.05 if setting.quick else 1.0)
        spark.stop()
    rate = {key[:2]: key[2] / found.median for key, found in times.items()}
    lines = []
    for (engine, model, n), found in times.items():
        lines.append(
            (engine, model, f"{n:,}", figure(found.median), f"{found.spread:.0%}", f"{rate[engine, model]:,.0f}")
        )
        section.figures.append(
            {"engine": engine, "model": model, "rows": n, "seconds": list(found.seconds), "rate": rate[engine, model]}
        )
    section.table(["engine", "model", "rows", "s", "spread", "rows a second"], lines, text_columns=2)
    section.aim(f"{MODEL}, Spark's rows a second of DuckDB's", rate["Spark", MODEL] / rate["DuckDB", MODEL], least=0.4)
    by_pandas = rate["Spark", TWIN] / rate["Spark, pandas UDF", TWIN]
    section.aim(f"{TWIN}, Spark's rows a second of a pandas UDF's", by_pandas, least=10)
    return section


def _spark(folder: Path) -> "SparkSession":
    """Start Spark, with sedsql's functions and a pandas UDF of the kind that people write today."""
    spark = started(f"local[{CORES}]", folder, {"spark.driver.memory": "2g"}, [folder / TWIN])
    import pandas as pd
    from pyspark.sql.functions import pandas_udf

    dumped = str(folder / "pipeline.joblib")

    def by_scikit_learn(*columns: pd.Series) -> pd.Series:
        import joblib
        import numpy as np
        import pandas as pd

        found = globals().setdefault("_pipeline", None) or joblib.load(dumped)
        globals()["_pipeline"] = found
        return pd.Series(found.predict(np.column_stack([column.to_numpy(np.float32) for column in columns])))

    by_scikit_learn.__module__ = "__main__"  # pickled whole
    spark.udf.register("by_scikit_learn", pandas_udf(by_scikit_learn, "string"))
    return spark


def started(master: str, folder: Path, settings: Mapping[str, str], models: Iterable[Path] = ()) -> "SparkSession":
    """Start Spark on this machine alone, with sedsql's functions; workers find what this process finds."""
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    alone = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    spark = session(master, {**alone, **settings})
    spark.sparkContext.setLogLevel("ERROR")
    register(spark, models=models)
    return spark


def _twin(setting: Setting, folder: Path) -> Path:
    """Fit a pipeline, and export it as a model."""
    recipe = QUICK_RECIPE if setting.quick else SHAPE
    pipeline = recipe.fit(table_of(150 if setting.quick else 1500), COLUMNS)
    joblib.dump(pipeline, folder / "pipeline.joblib")
    return forests.write_card(
        folder / TWIN, to_onnx(pipeline, len(COLUMNS)), [str(label) for label in pipeline.classes_]
    )


def flat(setting: Setting, rows: int) -> Path:
    """Write magnitudes as a Parquet file, once."""
    path = setting.folder / f"flat-{rows}.parquet"
    if not path.exists():
        setting.folder.mkdir(parents=True, exist_ok=True)
        schema = pa.schema([(name, pa.float32()) for name in COLUMNS])
        partial_path = path.with_suffix(".partial")
        with pq.ParquetWriter(partial_path, schema) as writer:
            for seed, start in enumerate(range(0, rows, ROW_GROUP)):
                some = photometry(min(ROW_GROUP, rows - start), seed)
                writer.write_table(pa.table([pa.array(column, from_pandas=True) for column in some.T], schema=schema))
        partial_path.rename(path)
    return path


def _first(source: Path, rows: int) -> pa.Table:
    return pq.ParquetFile(source).read_row_group(0).slice(0, rows)


def count_classes(ask, expression: str, table: str) -> dict[str, int]:
    found = ask(f"SELECT {expression} AS label, count(*) AS n FROM {table} GROUP BY 1")
    return dict(found.fetchall() if hasattr(found, "fetchall") else found.collect())


def _problems(con, spark, asked) -> list[str]:
    """Compare the counts of each model, and the labels that scikit-learn gives row by row."""
    counted = {(engine, model): sorted(map(str, count().items())) for (engine, model, _), count in asked.items()}
    problems = []
    for model in (MODEL, TWIN):
        problems += different(f"Spark ({model})", counted["Spark", model], "DuckDB", counted["DuckDB", model])
    found = spark.sql(f"SELECT by_scikit_learn({BANDS}) AS a FROM few").toArrow()["a"].to_pylist()
    expected = con.sql(f"SELECT sed_class({BANDS}, '{TWIN}') AS a FROM few").to_arrow_table()["a"].to_pylist()
    return problems + different("the pandas UDF", found, "DuckDB", expected)
