"""Open a connection for each engine of sedsql, all with the same simulated magnitudes."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import sedsql
from sedsql.inference import sql_engine
from sedsql.inference.model import find_models
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import POPULATIONS, simulate

ENGINES = {"native": "native", "onnx": "ONNX function", "sql": "plain SQL"}
"""The engines of `sedsql.connect(engine=...)`, and their names in tables."""


def photometry(rows: int, seed: int = 0, least_bands: int = 3) -> NDArray[np.float32]:
    """Simulate magnitudes, shape (rows, 10), missing = NaN, of sources of all kinds in random order."""
    rng = np.random.default_rng(seed)
    some = np.concatenate([simulate(kind, 4000, rng).magnitudes for kind in POPULATIONS]).astype(np.float32)
    some = some[np.isfinite(some).sum(axis=1) >= least_bands]
    return some[rng.integers(0, len(some), rows)]


def labelled(rows: int, seed: int = 1) -> tuple[NDArray[np.float32], NDArray[np.int64], list[str]]:
    """Simulate `rows` sources of each kind: magnitudes (n, 10), places among the classes (n,), and the classes."""
    rng = np.random.default_rng(seed)
    classes = sorted(POPULATIONS)
    parts = [simulate(kind, rows, rng).magnitudes for kind in classes]
    return np.concatenate(parts).astype(np.float32), np.repeat(np.arange(len(classes)), rows), classes


class Photometry:
    """A connection with an engine, and a table `photometry` of magnitudes; NULL where a band is missing.

    In plain SQL only the named model is there, as in an exported file, because DuckDB reads all macros that one could
    call.
    """

    def __init__(
        self, engine: str, magnitudes: NDArray[np.float32], models: list[Path] | None = None, model: str | None = None
    ):
        self.connection = sedsql.connect(models=models, engine=None if engine == "sql" else engine)
        self.con = self.connection.duckdb
        if engine == "sql" and model:
            sql_engine.install(self.con, {model: find_models(models)[model]}, model, temporary=True)
        self.rows = len(magnitudes)
        columns = pa.table({name: pa.array(magnitudes[:, k], from_pandas=True) for k, name in enumerate(COLUMNS)})
        self.con.register("columns", columns)
        self.con.execute("CREATE TABLE photometry AS SELECT row_number() OVER () AS row, * FROM columns")
        self.con.unregister("columns")

    def threads(self, threads: int) -> None:
        self.con.execute(f"SET threads = {threads}")

    def labels(self, expression: str, source: str | None = None) -> list[str]:
        """Return the label of every row, in the rows' order, which plain SQL does not keep; another `source` does."""
        query = f"SELECT {expression} AS label FROM {source or 'photometry AS s ORDER BY row'}"
        return self.con.sql(query).to_arrow_table()["label"].to_pylist()

    def counts(self, expression: str, threads: int, source: str = "photometry AS s") -> Mapping[str, int]:
        """Count the rows of each label."""
        self.threads(threads)
        return dict(self.con.execute(f"SELECT {expression} AS label, count(*) FROM {source} GROUP BY 1").fetchall())

    def fetched(self) -> NDArray[np.float32]:
        """Fetch the magnitudes as a user does: a DataFrame, and its values."""
        return self.con.execute(f"SELECT {', '.join(COLUMNS)} FROM photometry").df().to_numpy(np.float32)

    def close(self) -> None:
        self.connection.close()


def open_engines(
    magnitudes: NDArray[np.float32], models: list[Path] | None, model: str, note: Callable[[str], None]
) -> dict[str, Photometry]:
    """Open a connection for each engine that runs the model, and note why another cannot."""
    found = {}
    for engine, name in ENGINES.items():
        try:
            opened = Photometry(engine, magnitudes, models, model)
            opened.con.execute(f"SELECT sed_class(s, '{model}') FROM photometry AS s LIMIT 1").fetchall()
        except Exception as error:  # go on without an engine that is not there, or cannot run this model
            note(f"{name}: not measured: {' '.join(str(error).split())[:200]}")
        else:
            found[engine] = opened
    return found
