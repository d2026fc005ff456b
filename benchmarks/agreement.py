"""Check that an engine gives the labels and probabilities of ONNX Runtime on awkward rows:

    python -m benchmarks.agreement --engine sql --model lite-2 --rows 1000000

In every other row a colour is at a threshold of a tree, or one bit above or below; bands are missing in all patterns,
as NULL, NaN and infinities. The exit status is 1 if a label differs, or a probability by more than 1e-5.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator

import numpy as np
import onnxruntime
import pyarrow as pa
from numpy.typing import NDArray

import sedsql
from sedsql.inference import graph, sql_engine
from sedsql.inference.binding import CLASS_INDEX, INPUT, PROBABILITIES
from sedsql.inference.card import EXTRA
from sedsql.inference.model import Model, find_models
from sedsql.learn.features import Colours
from sedsql.photometry.bands import COLUMNS

TOLERANCE = 1e-5
ENGINES = ("sql", "onnx", "native")


def awkward(model: Model, rows: int, seed: int = 0) -> NDArray[np.float32]:
    """Draw magnitudes, parallaxes with errors and positions; float32 (rows, 14); missing = NaN or an infinity."""
    rng = np.random.default_rng(seed)
    magnitudes = (rng.uniform(3, 20, (rows, 1)) + rng.normal(0, 1.5, (rows, len(COLUMNS)))).astype(np.float32)
    magnitudes[rng.random(magnitudes.shape) < 0.15] = np.nan
    node = next(node for node in graph.read(model.graph()).nodes if node.op == "TreeEnsembleRegressor")
    trees = graph.trees(node)
    inner = [tree.left >= 0 for tree in trees]
    features = np.concatenate([tree.feature[there] for tree, there in zip(trees, inner, strict=True)])
    limits = np.concatenate([tree.threshold[there] for tree, there in zip(trees, inner, strict=True)])
    pairs = np.array(Colours(model.bands).pairs)
    limits, features = (x[(features < len(pairs)) & np.isfinite(limits)] for x in (limits, features))
    picked = rng.integers(0, len(limits), rows // 2)
    limit = limits[picked]
    beside = [limit, *(np.nextafter(limit, np.float32(competitor)) for competitor in (99, -99))]
    first, second = pairs[features[picked]].T
    places = np.arange(len(limit)) * 2
    magnitudes[places, second] = 0  # a - 0 is a, exactly
    magnitudes[places, first] = np.choose(rng.integers(0, 3, len(limit)), beside)
    # The other rows have all patterns of missing bands, and values that no source has.
    other = magnitudes[1::2]
    strange = np.array([0, -0.0, 1e-45, -1e-45, 3.4e38, -3.4e38, 1e-7, -99, 99], np.float32)
    where = rng.random(other.shape) < 0.01
    other[where] = rng.choice(strange, where.sum())
    pattern = np.arange(len(other)) % (1 << len(COLUMNS))
    some = (np.arange(len(other)) // (1 << len(COLUMNS))) % 2 == 0
    there = pattern[:, None] >> np.arange(len(COLUMNS)) & 1 == 1
    other[there & some[:, None] & np.isnan(other)] = 12.5
    gone = ~there & some[:, None]
    other[gone] = rng.choice(np.array([np.nan, np.inf, -np.inf], np.float32), gone.sum())
    parallax = rng.normal(0, 10 ** rng.uniform(-3, 3, rows))
    parallax[rng.random(rows) < 0.2] = np.nan
    parallax[::1000], parallax[1::1000], parallax[2::1000] = 0, np.inf, 1e-30
    error = np.where(rng.random(rows) < 0.5, np.nan, 10 ** rng.uniform(-3, 2, rows))
    position = np.stack([rng.uniform(0, 360, rows), np.degrees(np.arcsin(rng.uniform(-1, 1, rows)))], 1)
    position[rng.random(position.shape) < 0.1] = np.nan
    position[::50] = rng.choice([0, -0.0, 360, 90, -90, 192.85948, 27.12825, np.inf, 1e30], position[::50].shape)
    return np.column_stack([magnitudes, parallax, error, position]).astype(np.float32)


def expected(model: Model, inputs: NDArray[np.float32]) -> tuple[NDArray, NDArray[np.float32]]:
    """Return labels, None with too few bands, and probabilities (n, classes), NaN there, by ONNX Runtime itself."""
    every = (*COLUMNS, *EXTRA)
    chosen = inputs[:, [every.index(column) for column in (*model.bands, *model.extra)]].copy()
    chosen[np.isinf(chosen)] = np.nan
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.graph(), options, providers=["CPUExecutionProvider"])
    place, probabilities = session.run([CLASS_INDEX, PROBABILITIES], {INPUT: chosen})
    labels = np.array(model.classes, object)[place]
    few = np.isfinite(chosen[:, : len(model.bands)]).sum(axis=1) < model.min_bands
    labels[few], probabilities[few] = None, np.nan
    return labels, probabilities


def answered(con, model: Model, inputs: NDArray[np.float32]) -> tuple[NDArray, NDArray[np.float64]]:
    """Return the same by a connection's sed_answer; NaN in every other row is NULL."""
    columns = {}
    for place, name in enumerate((*COLUMNS, *EXTRA)):
        values = inputs[:, place]
        columns[name] = pa.array(values, mask=np.isnan(values) & (np.arange(len(values)) % 4 < 2))
    con.register("awkward", pa.table({"row": np.arange(len(inputs)), **columns}))
    row = ", ".join(["t", *(f"t.{name}" for name in model.extra)])
    found = con.sql(
        f"SELECT a.prediction.class AS label, a.probabilities AS probabilities "
        f"FROM (SELECT t.row, sed_answer({row}, '{model.name}') AS a FROM awkward AS t) ORDER BY row"
    ).to_arrow_table()
    con.unregister("awkward")
    labels = found["label"].to_numpy(zero_copy_only=False)
    lists = found["probabilities"].combine_chunks()
    return labels, lists.flatten().to_numpy(zero_copy_only=False).reshape(len(inputs), len(model.classes))


def problems(con, model: Model, inputs: NDArray[np.float32]) -> Iterator[str]:
    """Yield a sentence for each way in which the answers differ."""
    labels, probabilities = expected(model, inputs)
    found, chances = answered(con, model, inputs)
    wrong = np.flatnonzero(labels != found)
    if wrong.size:
        first = wrong[0]
        yield f"{wrong.size:,} labels differ, first {found[first]!r} for {labels[first]!r} of {inputs[first].tolist()}"
    if (np.isnan(chances) != np.isnan(probabilities)).any():
        yield "probabilities are missing in other rows"
    elif not np.nanmax(abs(chances - probabilities), initial=0) <= TOLERANCE:
        yield f"a probability differs by {np.nanmax(abs(chances - probabilities)):.1e}"


def connection(engine: str, model: Model):
    """Open a connection in which this engine runs this model, on one thread."""
    if engine == "sql":
        con = sedsql.connect().duckdb
        sql_engine.install(con, {model.name: model}, model.name, temporary=True)
    else:
        con = sedsql.connect(engine=engine).duckdb
    con.execute("SET threads = 1")
    return con


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=ENGINES, default="sql")
    parser.add_argument("--model", default="lite-2")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--chunk", type=int, default=250_000, help="rows in one query")
    given = parser.parse_args()
    model = find_models()[given.model]
    con = connection(given.engine, model)
    found: list[str] = []
    start = time.perf_counter()
    for number, first in enumerate(range(0, given.rows, given.chunk)):
        rows = min(given.chunk, given.rows - first)
        found += problems(con, model, awkward(model, rows, seed=number))
    seconds = round(time.perf_counter() - start, 1)
    print(json.dumps({**vars(given), "agree": not found, "problems": found, "seconds": seconds}))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
