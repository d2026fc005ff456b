"""Classifiers that others trained and exported, with a card written by hand."""

import duckdb
import numpy as np
import onnx
import pyarrow as pa
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sedsql
from sedsql.inference.model import Model, ModelError
from sedsql.inference.session import Session
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate

BANDS = ("ks_m", "j_m", "phot_g_mean_mag")
KINDS = ("giant", "main_sequence", "white_dwarf")


@pytest.fixture(scope="module")
def sources():
    rng = np.random.default_rng(0)
    magnitudes = np.concatenate([simulate(kind, 300, rng).magnitudes for kind in KINDS]).astype(np.float32)
    return magnitudes, np.repeat(KINDS, 300)


@pytest.fixture(scope="module")
def features(sources):
    return sources[0][:, [COLUMNS.index(band) for band in BANDS]]


def in_sql(path, magnitudes, expression):
    with duckdb.connect() as con:
        sedsql.register(con, models=[path])
        con.register("t", pa.table({name: magnitudes[:, k] for k, name in enumerate(COLUMNS)}))
        return np.array([row[0] for row in con.execute(f"SELECT {expression} FROM t AS s").fetchall()], dtype=object)


def agrees(path, classifier, X, sources):
    """SQL has the probabilities of scikit-learn, and its labels where two are not as good as the same."""
    enough = np.isfinite(sources[0][:, [COLUMNS.index(band) for band in BANDS]]).any(axis=1)
    p = classifier.predict_proba(X)[enough]
    for place, label in enumerate(KINDS):
        found = in_sql(path, sources[0], f"sed_proba(s, '{label}', 'theirs-1')")[enough]
        np.testing.assert_allclose(found.astype(float), p[:, place], atol=1e-5)
    sure = np.sort(p, axis=1)[:, -1] - np.sort(p, axis=1)[:, -2] > 1e-4
    labels = in_sql(path, sources[0], "sed_class(s, 'theirs-1')")[enough]
    assert (labels[sure] == classifier.predict(X)[enough][sure]).all()


def test_a_pipeline_of_scikit_learn_answers_in_sql_as_in_python(write_model, sources, features):
    """One input of any name; bands in its own order; its imputer knows NaN."""
    classifier = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=500))
    classifier.fit(features, sources[1])
    types = [("colours", FloatTensorType([None, 3]))]
    graph = to_onnx(classifier, initial_types=types, options={"zipmap": False}, target_opset=18)
    path = write_model(graph, "theirs-1", KINDS, BANDS, input="colours", min_bands=1)
    agrees(path, classifier, features, sources)


def test_a_graph_may_take_and_give_doubles(write_model, sources, features):
    filled = np.where(np.isnan(features), 99, features).astype(float)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(filled, sources[1])
    types = [("X", DoubleTensorType([None, 3]))]
    graph = to_onnx(classifier, initial_types=types, options={"zipmap": False}, target_opset=18)
    path = write_model(graph, "theirs-1", KINDS, BANDS, input="X", missing=99, min_bands=1)
    agrees(path, classifier, filled, sources)


def test_a_number_may_stand_for_missing_and_outputs_may_have_other_names(write_model, sources, features):
    filled = np.where(np.isnan(features), np.float32(-99), features)
    classifier = RandomForestClassifier(20, max_depth=6, random_state=0).fit(filled, sources[1])
    graph = to_onnx(classifier, filled[:1], options={"zipmap": False}, target_opset=18)
    for node in graph.graph.node:
        node.output[:] = ["chances" if name == "probabilities" else name for name in node.output]
    for output in graph.graph.output:
        output.name = "chances" if output.name == "probabilities" else output.name
    card = {"input": "X", "missing": -99, "outputs": {"probabilities": "chances"}, "min_bands": 1}
    path = write_model(graph, "theirs-1", KINDS, BANDS, **card)
    agrees(path, classifier, filled, sources)


def columns_graph(names, shape, dtype=TensorProto.FLOAT):
    """Probabilities are the softmax of two columns."""
    nodes = [
        helper.make_node("Concat", list(names), ["scores"], axis=1),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    if len(shape) == 1:
        axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
        wide = [f"{name}_wide" for name in names]
        nodes[0] = helper.make_node("Concat", wide, ["scores"], axis=1)
        nodes[:0] = [helper.make_node("Unsqueeze", [name, "axis"], [w]) for name, w in zip(names, wide, strict=True)]
    graph = helper.make_graph(
        nodes,
        "columns",
        [helper.make_tensor_value_info(name, dtype, shape) for name in names],
        [helper.make_tensor_value_info("probabilities", dtype, [None, 2])],
        [axis] if len(shape) == 1 else [],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@pytest.mark.parametrize("shape", [[None, 1], [None]])
@pytest.mark.parametrize("dtype", [TensorProto.FLOAT, TensorProto.DOUBLE])
@pytest.mark.parametrize("card", [{}, {"inputs": {"j_m": "near", "w1mpro": "far"}}])
def test_an_input_for_each_column_is_bound_by_name(write_model, shape, dtype, card):
    names = ("near", "far") if card else ("j_m", "w1mpro")
    # The card's order of bands is not that of the graph's inputs.
    path = write_model(columns_graph(names, shape, dtype), bands=["w1mpro", "j_m"], **card)
    inputs = np.zeros((1, 10), np.float32)
    inputs[0, COLUMNS.index("j_m")] = 2
    assert Session(Model.read(path)).predict(inputs).probabilities[0, 0] == pytest.approx(1 / (1 + np.exp(-2)))


def refused(path, message):
    with pytest.raises(ModelError, match=message):
        Session(Model.read(path))


def test_what_cannot_be_bound_is_refused_with_what_is_wrong(write_model, sources, features):
    classifier = make_pipeline(SimpleImputer(), LogisticRegression(max_iter=500)).fit(features, sources[1])
    types = [("X", FloatTensorType([None, 3]))]
    good = to_onnx(classifier, initial_types=types, options={"zipmap": False}, target_opset=18)
    maps = to_onnx(classifier, initial_types=types, target_opset=18)
    write = iter(range(20))

    def model(graph, classes=KINDS, bands=BANDS, **card):
        return write_model(graph, f"theirs-{next(write)}", classes, bands, **card)

    refused(model(good), r"should have the input magnitudes .*\[n, 3\], but has X .*; the card names another input")
    refused(model(good, bands=COLUMNS, input="X"), r"should have the input X tensor\(float\) \[n, 10\]")
    refused(
        model(maps, input="X", outputs={"probabilities": "output_probability"}), "sequence of maps; .* zipmap=False"
    )
    refused(model(maps, input="X"), "gives output_probability as a sequence of maps; .* zipmap=False")
    refused(model(good, classes=("a", "b"), input="X"), r"output probabilities tensor\(float\) \[n, 2\], but has")
    refused(model(good, input="X", outputs={"probabilities": "chances"}), "should have the output chances")
    refused(model(good, input="X", outputs={"class_index": "label"}), r"should have the output label tensor\(int64\)")
    columns = columns_graph(("j_m", "w1mpro"), [None, 1])
    refused(model(columns, ("a", "b"), ("j_m", "h_m")), "takes the input 'w1mpro', and its card says j_m, h_m")
    refused(model(columns, ("a", "b"), ("j_m", "w1mpro", "h_m")), "takes no input 'h_m'")
    wide = columns_graph(("j_m", "w1mpro"), [None, 2])
    refused(model(wide, ("a", "b"), ("j_m", "w1mpro")), r"should take a column as j_m \[n, 1\]")
    text = columns_graph(("j_m", "w1mpro"), [None, 1], TensorProto.INT64)
    text.graph.node[1].op_type = "Identity"
    text.graph.node[1].attribute.pop()
    text.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    onnx.checker.check_model(text)
    refused(model(text, ("a", "b"), ("j_m", "w1mpro")), "only inputs of type float or double can be fed")
