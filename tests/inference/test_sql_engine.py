"""Models as plain SQL: the same labels as ONNX Runtime's."""

import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import onnxruntime as ort
import pyarrow as pa
import pytest
from onnx import TensorProto, helper, numpy_helper

from sedsql.inference import answers, graph, sql_engine
from sedsql.inference.card import EXTRA
from sedsql.inference.model import Model, ModelError, find_models
from sedsql.inference.session import Session
from sedsql.inference.sql_engine import forest
from sedsql.learn.features import Colours
from sedsql.photometry.bands import COLUMNS

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.agreement import answered, awkward, problems  # noqa: E402


def connection(model: Model) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": 1})
    sql_engine.install(con, {model.name: model}, model.name, temporary=True)
    return con


@pytest.fixture(scope="module")
def lite():
    return find_models()["lite-2"]


@pytest.fixture
def small(linear_graph, write_model):
    """A linear model of four classes, with a tree of them, sets and outliers."""
    rng = np.random.default_rng(3)
    classes = ("agn", "giant", "it's", "yso")
    model = write_model(
        linear_graph(rng.normal(size=(10, 4)) / 9),
        classes=classes,
        min_bands=3,
        parents={"giant": "old", "it's": "old"},
        conformal={"levels": [0.5, 0.9], "thresholds": {label: [0.3, 0.1 * k] for k, label in enumerate(classes)}},
        outlier={"quantiles": [float(k) for k in np.linspace(0, 20, 101)]},
    )
    return Model.read(model)


@pytest.fixture
def con(small):
    """The small model, and a table `t` of magnitudes."""
    rng = np.random.default_rng(8)
    rows = rng.uniform(-9, 25, (400, len(COLUMNS))).astype(np.float32)
    rows[rng.random(rows.shape) < rng.random((400, 1))] = np.nan
    with connection(small) as con:
        columns = {name: pa.array(rows[:, k], mask=np.isnan(rows[:, k])) for k, name in enumerate(COLUMNS)}
        con.register("matrix", pa.table(columns))
        con.execute("CREATE TABLE t AS SELECT row_number() OVER () AS row, * FROM matrix")
        yield con


@pytest.fixture
def prediction(con, small):
    """What ONNX Runtime says of t."""
    found = con.execute(f"SELECT {', '.join(COLUMNS)} FROM t ORDER BY row").fetchnumpy()
    return Session(small).predict(np.column_stack([np.ma.filled(found[name], np.nan) for name in COLUMNS]))


def of_rows(con, expression):
    return [value for (value,) in con.execute(f"SELECT {expression} FROM t ORDER BY row").fetchall()]


def test_all_awkward_rows_have_the_label_of_onnx_runtime(lite):
    """Thresholds and one bit beside, all patterns of missing bands, infinities, numbers beyond any sky."""
    inputs = awkward(lite, 6_000)
    patterns = np.unique(np.isfinite(inputs[:, : len(COLUMNS)]), axis=0)
    assert len(patterns) == 1 << len(COLUMNS)
    assert np.isinf(inputs).any()
    with connection(lite) as con:
        assert list(problems(con, lite, inputs)) == []


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["shape-2", "luminosity-2"])
def test_large_models_have_them_too(name):
    model = find_models()[name]
    with connection(model) as con:
        assert list(problems(con, model, awkward(model, 3_000, seed=2))) == []


def test_one_bit_of_one_threshold_is_seen(lite, monkeypatch):
    """So the rows above would show it."""
    read = graph.trees

    def moved(node):
        first, *others = read(node)[:11]
        threshold = first.threshold.copy()
        threshold[0] = np.nextafter(threshold[0], np.float32(np.inf))  # every row passes the root
        return [replace(first, threshold=threshold), *others]

    node = next(node for node in graph.read(lite.graph()).nodes if node.op == "TreeEnsembleRegressor")
    root = read(node)[0]
    first, second = Colours().pairs[root.feature[0]]
    inputs = awkward(lite, 1_000)
    inputs[:, second], inputs[:, first] = 0, np.nextafter(root.threshold[0], np.float32(np.inf))
    found = []
    for some in (lambda node: read(node)[:11], moved):
        monkeypatch.setattr(forest, "trees", some)
        with connection(lite) as con:
            found.append(answered(con, lite, inputs)[1])
    assert np.nanmax(abs(found[0] - found[1])) > 1e-5


def assert_the_same(found, expected, outlier):
    """Answers of SQL and of Python."""
    for one, other in zip(found, expected, strict=True):
        for name, value in other["prediction"].items():
            tolerance = outlier if name == "outlier" else 1e-5
            wanted = pytest.approx(value, abs=tolerance) if isinstance(value, float) else value
            assert one["prediction"][name] == wanted, name
        if other["prediction"]["class"] is None:
            assert set(one["probabilities"]) == {None}
        else:
            assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-5)


def test_an_answer_is_that_of_python(con, small, prediction):
    expected = answers.answer(small, prediction).to_pylist()
    assert {None, 0.0, 1.0} < {answer["prediction"]["outlier"] for answer in expected}
    assert_the_same(of_rows(con, "sed_answer(t, 'mine-1')"), expected, 1e-5)
    assert of_rows(con, "sed_predict(t)") == [answer["prediction"] for answer in of_rows(con, "sed_answer(t, NULL)")]


def test_a_shipped_model_gives_the_answer_of_python(lite):
    """The distance is a small difference of large sums, of float32 numbers in another order."""
    inputs = awkward(lite, 400, seed=8)
    inputs = np.where(abs(inputs) > 99, np.float32(np.nan), inputs)
    expected = answers.answer(lite, Session(lite).predict(inputs)).to_pylist()
    with connection(lite) as con:
        columns = {name: inputs[:, k] for k, name in enumerate(COLUMNS)}
        con.register("t", pa.table({"row": np.arange(len(inputs)), **columns}))
        assert_the_same(of_rows(con, "sed_answer(t, 'lite-2')"), expected, 5e-3)


def test_nodes_and_sets_are_those_of_python(con, small, prediction):
    p = prediction.probabilities
    for least in (0.5, 0.9):
        expected = answers.deepest_nodes(small, p, least).to_pylist()
        assert len(set(expected)) > 4
        assert of_rows(con, f"sed_node(t, {least})") == expected
        assert of_rows(con, f"sed_node_of(sed_answer(t, NULL).probabilities, {least}, NULL)") == expected
        branches = of_rows(con, f"sed_branch_of(sed_answer(t, NULL).probabilities, {least}, NULL)")
        assert [branch and branch["node"] for branch in branches] == expected
        told = answers.branches(small, p, least).to_pylist()
        assert [branch and branch["path"] for branch in branches] == [branch and branch["path"] for branch in told]
        shares = [[branch["probability"] for branch in some if branch] for some in (branches, told)]
        assert shares[0] == pytest.approx(shares[1], abs=1e-5)
    for level in (0.2, 0.5, 0.9):
        expected = answers.sets(small, p, level).to_pylist()
        assert of_rows(con, f"sed_set(t, {level})") == expected
        assert of_rows(con, f"sed_set_of(sed_answer(t, NULL).probabilities, {level}, 'mine-1')") == expected
    assert set(of_rows(con, "sed_node(t, NULL)")) == {None}


def test_all_ways_to_call(con, small, prediction):
    labels = answers.labels(small, prediction).to_pylist()
    ten = ", ".join(COLUMNS)
    assert set(labels) == {None, *small.classes}
    for arguments in ("t", "t, 'mine-1'", "t, NULL", ten, f"{ten}, 'mine-1'", "t, 2.0, 0.1, 'mine-1'"):
        assert of_rows(con, f"sed_class({arguments})") == labels
    yso = [value if value == value else None for value in prediction.probabilities[:, 3].tolist()]
    for arguments in ("t, 'yso'", f"{ten}, 'yso'", "t, 2.0, NULL, 'yso', 'mine-1'"):
        found = of_rows(con, f"sed_proba({arguments})")
        assert [value is None for value in found] == [value is None for value in yso]
        assert [v for v in found if v is not None] == pytest.approx([v for v in yso if v is not None], abs=1e-5)
    assert con.execute("SELECT sed_place('yso', NULL), sed_place(NULL, NULL)").fetchall() == [(4, None)]
    asked = "SELECT count(*) FROM t WHERE sed_class(t) = 'giant' AND row > 9"
    assert con.execute(asked).fetchall() == [(labels[9:].count("giant"),)]
    counts = dict(con.execute("SELECT sed_class(t), count(*) FROM t GROUP BY 1 ORDER BY sed_class(t)").fetchall())
    assert counts == {label: labels.count(label) for label in set(labels)}


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("sed_proba(t, 'quasar')", r"Model mine-1 has no class 'quasar'; it has agn, giant, it's, yso\."),
        ("sed_class(t, 'shape-7')", r"No model 'shape-7'; there are mine-1\."),
        ("sed_node(t, 0.4)", r"sed_node takes a probability from 0\.5 to 1, not 0\.4"),
        ("sed_set(t, 0.95)", r"sed_set takes a level above 0 and at most 0\.9, not 0\.95\."),
        ("sed_explain(t)", r"sed_explain is not there in plain SQL"),
    ],
)
def test_wrong_arguments_are_told(con, expression, says):
    with pytest.raises(duckdb.Error, match=says):
        of_rows(con, expression)
    assert of_rows(con, "1")[0] == 1


def test_several_models_are_told_apart(linear_graph, write_model):
    rng = np.random.default_rng(1)
    models = {}
    for name in ("one-1", "other-1"):
        model = Model.read(write_model(linear_graph(rng.normal(size=(10, 2)) / 9), name=name, min_bands=3))
        models[name] = model
    rows = rng.uniform(-9, 9, (200, 10)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.4] = np.nan
    with duckdb.connect() as con:
        sql_engine.install(con, models, "other-1", temporary=False)
        con.register("t", pa.table({"row": np.arange(200), **{name: rows[:, k] for k, name in enumerate(COLUMNS)}}))
        for arguments, name in (("t", "other-1"), ("t, 'one-1'", "one-1"), ("t, 'other-1'", "other-1")):
            expected = Session(models[name]).predict(rows)
            assert of_rows(con, f"sed_class({arguments})") == answers.labels(models[name], expected).to_pylist()
        chosen = of_rows(con, "sed_class(t, CASE WHEN row % 2 = 0 THEN 'one-1' END)")
        assert chosen == [a if row % 2 == 0 else b for row, (a, b) in enumerate(_labels(models, rows))]


def _labels(models, rows):
    both = [answers.labels(model, Session(model).predict(rows)).to_pylist() for model in models.values()]
    return zip(*both, strict=True)


def perceptron(rng, operators):
    """Imputing, scaling, a hidden layer, and probabilities, by some of the operators in the place of others."""
    constants = {
        "fill": np.array([[17.0]], np.float32),
        "mean": rng.normal(15, 1, (1, 10)).astype(np.float32),
        "scale": np.full((1, 10), 0.3, np.float32),
        "w": rng.normal(size=(10, 6)).astype(np.float32),
        "b": rng.normal(size=6).astype(np.float32),
        "v": rng.normal(size=(3, 6) if operators == "Gemm" else (6, 3)).astype(np.float32),
        "c": rng.normal(size=3).astype(np.float32),
    }
    first = [helper.make_node("MatMul", ["x", "w"], ["xw"]), helper.make_node("Add", ["xw", "b"], ["hidden"])]
    last = [helper.make_node("Gemm", ["active", "v", "c"], ["scores"], transB=1)]
    if operators != "Gemm":
        last = [helper.make_node("MatMul", ["active", "v"], ["av"]), helper.make_node("Add", ["c", "av"], ["scores"])]
    nodes = [
        helper.make_node("IsNaN", ["magnitudes"], ["missing"]),
        helper.make_node("Where", ["missing", "fill", "magnitudes"], ["filled"]),
        helper.make_node("Sub", ["filled", "mean"], ["centred"]),
        helper.make_node("Mul", ["centred", "scale"], ["x"]),
        *first,
        helper.make_node("Relu" if operators == "Gemm" else operators, ["hidden"], ["active"]),
        *last,
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
        for name, width in (("magnitudes", 10), ("probabilities", 3))
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    made = helper.make_graph(nodes, "perceptron", ends[:1], ends[1:], tensors)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


@pytest.mark.parametrize("operators", ["Gemm", "Tanh", "Sigmoid"])
def test_a_perceptron_of_others(write_model, operators):
    rng = np.random.default_rng(5)
    made = perceptron(rng, operators)
    model = Model.read(write_model(made, classes=("a", "b", "it's"), min_bands=1))
    rows = rng.uniform(5, 20, (500, 10)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.3] = np.nan
    expected = ort.InferenceSession(made.SerializeToString()).run(["probabilities"], {"magnitudes": rows})[0]
    inputs = np.hstack([rows, np.full((500, len(EXTRA)), np.nan, np.float32)])
    with connection(model) as con:
        labels, probabilities = answered(con, model, inputs)
    assert probabilities == pytest.approx(expected, abs=1e-5)
    assert labels.tolist() == [model.classes[place] for place in expected.argmax(axis=1)]


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.DOUBLE])
def test_a_sine_of_anything(write_model, kind):
    """DuckDB's own is an error of an infinity, which dividing by zero makes."""
    number = np.float32 if kind == TensorProto.FLOAT else np.float64
    nodes = [
        helper.make_node("Cast", ["magnitudes"], ["x"], to=kind),
        helper.make_node("Gather", ["x", "first"], ["two"], axis=1),
        helper.make_node("Div", ["two", "by"], ["quotients"]),
        helper.make_node("Sin", ["quotients"], ["sines"]),
        helper.make_node("IsNaN", ["sines"], ["lost"]),
        helper.make_node("Where", ["lost", "nothing", "sines"], ["filled"]),
        helper.make_node("Cast", ["filled"], ["narrow"], to=TensorProto.FLOAT),
        helper.make_node("Softmax", ["narrow"], ["probabilities"], axis=1),
    ]
    constants = {"first": np.array([0, 1]), "by": np.array([[0, 0.01]], number), "nothing": np.array(0, number)}
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
        for name, width in (("magnitudes", 10), ("probabilities", 2))
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    made = helper.make_model(
        helper.make_graph(nodes, "sines", ends[:1], ends[1:], tensors),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=8,
    )
    model = Model.read(write_model(made, min_bands=0))
    rows = np.random.default_rng(1).uniform(-400, 400, (300, 10)).astype(np.float32)
    rows[:20, 0], rows[10:40, 1], rows[50:60] = 0, np.nan, np.nan
    expected = ort.InferenceSession(made.SerializeToString()).run(["probabilities"], {"magnitudes": rows})[0]
    with connection(model) as con:
        _, found = answered(con, model, np.hstack([rows, np.full((300, len(EXTRA)), np.nan, np.float32)]))
    assert found == pytest.approx(expected, abs=1e-5)
    assert len(np.unique(expected[:, 1])) > 200


def test_a_graph_that_plain_sql_cannot_do_is_refused(write_model, linear_graph):
    made = linear_graph(np.ones((10, 2)))
    for node in made.graph.node:
        if node.op_type == "Softmax":
            node.op_type = "LogSoftmax"
    with pytest.raises(ModelError, match=r"Model mine-1 cannot be written as plain SQL\. The operator LogSoftmax"):
        connection(Model.read(write_model(made)))


def test_leaves_whose_sums_could_be_rounded_are_refused(lite, monkeypatch):
    read = graph.trees
    monkeypatch.setattr(forest, "trees", lambda node: [replace(t, value=t.value * np.float32(0.1)) for t in read(node)])
    with pytest.raises(ModelError, match="not multiples of a power of two"):
        connection(lite)
