import duckdb
import numpy as np
import onnx
import pyarrow as pa
import pytest

import sedsql
from sedsql import native
from sedsql.inference.macros import ERROR_COLUMNS
from sedsql.inference.model import find_models
from sedsql.photometry.bands import COLUMNS


@pytest.fixture(autouse=True, scope="session")
def extension():
    """There is a compiler wherever these tests run, so an extension that is not there is a fault."""
    assert native.path(), native.why_not()


@pytest.fixture
def asked():
    """`asked(engine, table, expression, *models)`: what an engine gives for each row `s` of an Arrow table."""

    def ask(engine, table, expression, *models):
        with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
            sedsql.register(con, models=models or None, engine=engine)
            con.register("t", table)
            return [row[0] for row in con.execute(f"SELECT {expression} FROM t AS s").fetchall()]

    return ask


def thresholds(model):
    """Feature and threshold of every inner node of a shipped model's trees."""
    graph = onnx.load_from_string(model.graph()).graph
    (node,) = (node for node in graph.node if node.op_type.startswith("TreeEnsemble"))
    of = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    inner = np.array(of["nodes_modes"]) != b"LEAF"
    return np.array(of["nodes_featureids"])[inner], np.array(of["nodes_values"], np.float32)[inner]


@pytest.fixture(scope="session")
def awkward():
    """Sources of all sorts: numbers of every input that are missing, NaN, infinite or on a threshold."""
    rng = np.random.default_rng(11)
    rows = 6_000
    X = (rng.uniform(3, 20, (rows, 1)) + rng.normal(0, 1.5, (rows, 10))).astype(np.float32)
    features, limits = thresholds(find_models()["shape-2"])
    first, second = np.array([(a, b) for a in range(10) for b in range(a + 1, 10)]).T
    colour = (features < 45) & (abs(limits) < 99)  # others tell missing from not missing
    picked = rng.integers(0, colour.sum(), rows // 2)
    feature, limit = features[colour][picked], limits[colour][picked]
    beside = rng.integers(-1, 2, len(limit)).astype(np.float32)
    limit = np.where(beside == 0, limit, np.nextafter(limit, beside * np.float32(99)))
    X[::2][np.arange(len(limit)), second[feature]] = 0  # a - 0 is a, exactly
    X[::2][np.arange(len(limit)), first[feature]] = limit
    mask = rng.random(X.shape) < rng.choice([0, 0.15, 0.85], rows)[:, None]
    X[rng.random(X.shape) < 0.01] = np.inf
    X[rng.random(X.shape) < 0.01] = np.nan
    errors = rng.normal(0.05, 0.05, X.shape).astype(np.float32)
    parallax = rng.normal(0, 10 ** rng.uniform(-3, 3, rows))
    columns = {name: pa.array(X[:, k], mask=mask[:, k]) for k, name in enumerate(COLUMNS)}
    columns |= {name: pa.array(errors[:, k], mask=mask[:, k]) for k, name in enumerate(ERROR_COLUMNS)}
    columns["parallax"] = pa.array(parallax, mask=rng.random(rows) < 0.3)
    columns["parallax_error"] = pa.array(10 ** rng.uniform(-3, 2, rows), mask=rng.random(rows) < 0.5)
    columns["model"] = pa.array(rng.choice([None, "lite-2", "luminosity-2", "a model whose name is long"], rows))
    columns["label"] = pa.array(rng.choice([None, "yso", "main_sequence"], rows))
    columns["number"] = pa.array(rng.choice([0.55, 0.9, 0.95], rows), mask=rng.random(rows) < 0.1)
    columns["ra"] = pa.array(rng.uniform(0, 360, rows), mask=rng.random(rows) < 0.1)
    columns["dec"] = pa.array(rng.uniform(-90, 90, rows), mask=rng.random(rows) < 0.1)
    return pa.table(columns)
