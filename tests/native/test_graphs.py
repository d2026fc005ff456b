"""Graphs of others run in the C extension as in ONNX Runtime, or are refused by name."""

import warnings

import numpy as np
import onnx
import onnxruntime
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sedsql.photometry.bands import COLUMNS

KINDS = np.array(["cool", "hot", "odd"])


@pytest.fixture(scope="module")
def sources():
    rng = np.random.default_rng(2)
    X = rng.normal(12, 3, (1_500, 10)).astype(np.float32)
    odd = (np.sin(X[:, 2]) > 0.4).astype(int) * 2
    return X, KINDS[np.where(odd, odd, X[:, 0] - X[:, 5] > 1)]


def table(X, missing=None):
    return pa.table({name: pa.array(X[:, k], mask=np.isnan(X[:, k])) for k, name in enumerate(COLUMNS)})


def answers(asked, path, X):
    found = asked("native", table(X), "sed_answer(s, 'mine-1')", path)
    return np.array([row["probabilities"] for row in found]), [row["prediction"]["class"] for row in found]


def agrees(asked, write_model, graph, X, classes, output="probabilities"):
    path = write_model(graph, classes=classes, min_bands=0, outputs={"probabilities": output}, input="X")
    session = onnxruntime.InferenceSession(graph)
    (expected,) = session.run([output], {"X": X})
    p, labels = answers(asked, path, X)
    np.testing.assert_allclose(p, expected, atol=1e-5)
    best = np.sort(expected, axis=1)
    sure = best[:, -1] - best[:, -2] > 1e-5
    assert [label for label, known in zip(labels, sure, strict=True) if known] == [
        classes[k] for k in expected[sure].argmax(axis=1)
    ]
    assert len(set(labels)) > 1
    one, other = classes[:2]
    log_odds = np.array(asked("native", table(X), f"sed_log_odds(s, '{one}', '{other}', 'mine-1')", path))
    some = (expected[:, :2] > 1e-3).all(axis=1)
    np.testing.assert_allclose(log_odds[some], np.log(expected[some, 0] / expected[some, 1]), atol=1e-2)
    assert (log_odds[expected[:, 0] == expected[:, 1]] == 0).all()


@pytest.mark.parametrize(
    "classifier",
    [
        RandomForestClassifier(30, max_depth=12, random_state=0),
        RandomForestClassifier(20, max_depth=4, random_state=0),
        ExtraTreesClassifier(10, random_state=0),
        DecisionTreeClassifier(random_state=0),
        GradientBoostingClassifier(n_estimators=15, random_state=0),
        make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=500)),
        make_pipeline(StandardScaler(), MLPClassifier((16, 8), max_iter=60, random_state=0)),
        make_pipeline(StandardScaler(), MLPClassifier((8,), activation="tanh", max_iter=60, random_state=0)),
        make_pipeline(Normalizer(), DecisionTreeClassifier(max_depth=3, random_state=0)),
    ],
    ids=lambda model: "-".join(word.lower() for word in str(model).split("(")[0:2]).replace("\n", "")[:40],
)
@pytest.mark.parametrize("kinds", [3, 2])
def test_classifiers_of_scikit_learn(asked, write_model, sources, classifier, kinds):
    X, y = sources
    rows = y != KINDS[2] if kinds == 2 else slice(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sixty iterations do not converge, and need not
        classifier.fit(X[rows], y[rows])
    types = [("X", FloatTensorType([None, 10]))]
    graph = to_onnx(classifier, initial_types=types, options={"zipmap": False}, target_opset={"": 18, "ai.onnx.ml": 3})
    agrees(asked, write_model, graph.SerializeToString(), X, list(classifier.classes_))


def test_an_operator_that_does_not_run_here_is_left_to_onnx_runtime(asked, write_model, sources):
    X, y = sources
    graph = to_onnx(
        KNeighborsClassifier(3).fit(X[:100], y[:100]),
        initial_types=[("X", FloatTensorType([None, 10]))],
        options={"zipmap": False},
        target_opset={"": 18, "ai.onnx.ml": 3},
    )
    path = write_model(graph, classes=list(KINDS), input="X")
    with pytest.raises(ValueError, match=r"Model mine-1 has the operator \w+, which only ONNX Runtime runs\.$"):
        asked("native", table(X), "sed_class(s, 'mine-1')", path)
    one, other = (asked(engine, table(X), "sed_class(s, 'mine-1')", path) for engine in (None, "onnx"))
    assert one == other
    assert asked(None, table(X[:1]), "sed_engine('mine-1') || sed_engine()", path) == ["onnxnative"]
    mixed = "sed_class(s, CASE WHEN s.j_m > 12 THEN 'mine-1' ELSE 'lite-2' END)"
    assert asked(None, table(X), mixed, path) == asked("onnx", table(X), mixed, path)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.DOUBLE])
def test_the_sine(asked_once, grid, kind):
    """Of floats and of doubles, of missing numbers and of those that are many turns around."""
    nodes = [
        helper.make_node("Cast", ["X"], ["x"], to=kind),
        helper.make_node("Mul", ["x", "turns"], ["angle"]),
        helper.make_node("Sin", ["angle"], ["sine"]),
        helper.make_node("Cast", ["sine"], ["probabilities"], to=TensorProto.FLOAT),
    ]
    turns = np.array([1, 57.3, 1e4], np.float32 if kind == TensorProto.FLOAT else np.float64)
    graph = graph_of(nodes, 3, constants=[("turns", turns)])
    (expected,) = onnxruntime.InferenceSession(graph).run(None, {"X": grid})
    found = asked_once(graph, 3, grid).astype(float)
    there = np.isfinite(grid)
    np.testing.assert_allclose(found[there], np.sin((grid * turns)[there]), atol=1e-6)
    np.testing.assert_allclose(found, expected, atol=1e-6)


MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT", "BRANCH_GTE"]
numbers = st.floats(-4, 4, width=32).map(lambda x: round(x * 8) / 8)


@st.composite
def trees(draw, classes):
    """The attributes of one tree: each node's children come after it."""
    nodes, open_ends = [], [0]
    inner = draw(st.integers(0, draw(st.sampled_from([1, 6, 90]))))
    count = 1
    while open_ends:
        node = open_ends.pop(draw(st.integers(0, len(open_ends) - 1)))
        leaf = len(nodes) >= inner
        children = (0, 0) if leaf else (count, count + 1)
        if not leaf:
            count += 2
            open_ends += children
        nodes.append((node, "LEAF" if leaf else draw(st.sampled_from(MODES)), draw(st.integers(0, 2)), children))
    votes = [
        (node, draw(st.integers(0, classes - 1)), draw(numbers))
        for node, mode, *_ in nodes
        if mode == "LEAF"
        for _ in range(draw(st.integers(1, 2)))
    ]
    thresholds = [draw(numbers) for _ in nodes]
    missing = [draw(st.integers(0, 1)) for _ in nodes]
    return nodes, votes, thresholds, missing


@st.composite
def ensembles(draw):
    classes = draw(st.integers(2, 4))
    forest = draw(st.lists(trees(classes), min_size=1, max_size=4))
    end = draw(st.sampled_from(["NONE", "SOFTMAX", "LOGISTIC"]))
    of = {name: [] for name in ("tree", "node", "mode", "feature", "left", "right", "threshold", "missing")}
    votes = {name: [] for name in ("tree", "node", "target", "weight")}
    for number, (nodes, voted, thresholds, missing) in enumerate(forest):
        for (node, mode, feature, (left, right)), threshold, tracks in zip(nodes, thresholds, missing, strict=True):
            row = (number, node, mode, feature, left, right, threshold, tracks)
            for name, value in zip(of, row, strict=True):
                of[name].append(value)
        seen = set()
        if not number:  # ONNX Runtime leaves the base value out where no leaf votes for a class
            voted = [
                *voted,
                *((node, target, 0.5) for node, mode, *_ in nodes for target in range(classes) if mode == "LEAF"),
            ]
        for node, target, weight in voted:
            if (node, target) not in seen:
                for name, value in zip(votes, (number, node, target, weight), strict=True):
                    votes[name].append(value)
            seen.add((node, target))
    return helper.make_node(
        "TreeEnsembleRegressor",
        ["X"],
        ["probabilities"],
        domain="ai.onnx.ml",
        n_targets=classes,
        post_transform=end,
        base_values=draw(st.sampled_from([[0.0] * classes, [0.5] * classes])),
        nodes_treeids=of["tree"],
        nodes_nodeids=of["node"],
        nodes_modes=of["mode"],
        nodes_featureids=of["feature"],
        nodes_truenodeids=of["left"],
        nodes_falsenodeids=of["right"],
        nodes_values=of["threshold"],
        nodes_missing_value_tracks_true=of["missing"],
        target_treeids=votes["tree"],
        target_nodeids=votes["node"],
        target_ids=votes["target"],
        target_weights=votes["weight"],
    ), classes


def graph_of(nodes, classes, inputs=3, constants=(), ml=3):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, inputs])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, classes])],
        [numpy_helper.from_array(value, name) for name, value in constants],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", ml)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


BANDS = COLUMNS[:3]


@pytest.fixture(scope="module")
def grid():
    """Every combination of numbers on thresholds, between them and beyond, and of missing ones."""
    axis = np.array([np.nan, -9, -0.125, -0.0, 0, np.nextafter(np.float32(0.125), np.float32(1)), 0.125, 2, 9])
    return np.stack(np.meshgrid(axis, axis, axis), -1).reshape(-1, 3).astype(np.float32)


@settings(max_examples=60)
@given(ensembles())
def test_any_tree_ensemble(asked_once, grid, ensemble):
    node, classes = ensemble
    graph = graph_of([node], classes)
    try:
        session = onnxruntime.InferenceSession(graph)
    except Exception:
        return  # a mode that some version of ONNX Runtime does not mix
    (expected,) = session.run(None, {"X": grid})
    found = asked_once(graph, classes, grid)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.fixture(scope="module")
def asked_once(tmp_path_factory):
    """`asked_once(graph, classes, X)`: probabilities by the extension, of a model of its own."""
    import hashlib
    import json

    import duckdb

    from sedsql import native

    con = duckdb.connect(config={"allow_unsigned_extensions": True})
    con.execute(f"LOAD '{native.path()}'")

    def ask(graph, classes, X):
        key = hashlib.sha256(graph).hexdigest()[:12]
        path = tmp_path_factory.mktemp("model")
        (path / "model.onnx").write_bytes(graph)
        card = {"name": "mine-1", "classes": [f"c{k}" for k in range(classes)], "bands": BANDS, "min_bands": 0}
        card |= {"sha256": hashlib.sha256(graph).hexdigest(), "input": "X"}
        (path / "card.json").write_text(json.dumps(card))
        con.execute("SELECT sed_models(?, 'mine-1', ?)", [key, [str(path)]]).fetchall()
        con.register("t", table(np.column_stack([X, np.full((len(X), 7), np.nan, np.float32)])))
        row = ", ".join(f"{name}::FLOAT" for name in COLUMNS)
        found = con.execute(f"SELECT _sed_answer({row}, NULL, '{key}').probabilities FROM t").fetchall()
        return np.array([row[0] for row in found])

    yield ask
    con.close()


LEAVES = {
    "nodes_treeids": [0],
    "nodes_nodeids": [0],
    "nodes_modes": ["LEAF"],
    "nodes_featureids": [0],
    "nodes_values": [0.0],
    "nodes_truenodeids": [0],
    "nodes_falsenodeids": [0],
    "target_treeids": [0],
    "target_nodeids": [0],
    "target_ids": [0],
    "target_weights": [1.0],
}


def tree_node(**changed):
    attributes = {"n_targets": 2, **LEAVES, **changed}
    return helper.make_node("TreeEnsembleRegressor", ["X"], ["probabilities"], domain="ai.onnx.ml", **attributes)


def inner(**changed):
    """A root and two leaves."""
    lists = {name: [*value, *value, *value] for name, value in LEAVES.items() if name.startswith("nodes")}
    lists |= {"nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_nodeids": [0, 1, 2], "target_nodeids": [1]}
    lists |= {"nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0]}
    return tree_node(**{**lists, **changed})


HOSTILE = {
    "lists of two lengths": (tree_node(nodes_values=[0.0, 1.0]), "whose lists differ in length"),
    "a circle": (inner(nodes_truenodeids=[0, 0, 0]), "in which a node has two parents"),
    "one child twice": (inner(nodes_falsenodeids=[1, 0, 0]), "in which a node has two parents"),
    "a child that is not there": (inner(nodes_truenodeids=[7, 0, 0]), "lacks node 7"),
    "two nodes of a number": (inner(nodes_nodeids=[0, 1, 1]), "two nodes of one number"),
    "a column that is not there": (inner(nodes_featureids=[3, 0, 0]), "asks for column 3 of 3"),
    "a negative column": (inner(nodes_featureids=[-1, 0, 0]), "asks for column -1 of 3"),
    "a class that is not there": (tree_node(target_ids=[2]), "votes for no class"),
    "a vote that is no number": (tree_node(target_weights=[float("nan")]), "votes for no class, or without a number"),
    "a threshold that is no number": (inner(nodes_values=[float("nan"), 0, 0]), "threshold that is not a number"),
    "a comparison of equals": (
        inner(nodes_modes=["BRANCH_EQ", "LEAF", "LEAF"]),
        "the comparison BRANCH_EQ, which only",
    ),
    "a billion classes": (tree_node(n_targets=10**9), "for 1000000000 classes; from 1 to 1024 run here"),
    "the mean of trees": (tree_node(aggregate_function="AVERAGE"), "joins trees by AVERAGE; only SUM runs here"),
    "a matrix of another shape": (
        helper.make_node("MatMul", ["X", "constant"], ["probabilities"]),
        "uses MatMul in a way that only ONNX Runtime runs",
    ),
    "places that are not there": (
        helper.make_node("Gather", ["X", "places"], ["probabilities"], axis=1),
        "uses Gather in a way that only ONNX Runtime runs",
    ),
    "an input that is not there": (helper.make_node("Add", ["X", "nothing"], ["probabilities"]), "inputs that are not"),
    "an operator of nobody's": (helper.make_node("Frob", ["X"], ["probabilities"]), "the operator Frob, which only"),
    "no such output": (helper.make_node("Neg", ["X"], ["elsewhere"]), "has no output probabilities"),
    "another number of classes": (helper.make_node("Neg", ["X"], ["probabilities"]), "a probability for each of its 2"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_graph_that_cannot_run_is_refused_in_a_sentence(asked, write_model, kind):
    node, sentence = HOSTILE[kind]
    constants = [("constant", np.ones((7, 2), np.float32)), ("places", np.array([0, 3]))]
    path = write_model(graph_of([node], 2, constants=constants), bands=BANDS, input="X")
    with pytest.raises(ValueError, match=f"^Model mine-1 .*{sentence}"):
        asked("native", table(np.ones((1, 10), np.float32)), "sed_class(s, 'mine-1')", path)


def test_graphs_that_double_their_columns_over_and_over_are_refused(asked, write_model):
    nodes = [helper.make_node("Concat", [f"x{k}"] * 32, [f"x{k + 1}"], axis=1) for k in range(40)]
    nodes = [helper.make_node("Identity", ["X"], ["x0"]), *nodes, helper.make_node("Neg", ["x40"], ["probabilities"])]
    path = write_model(graph_of(nodes, 2), bands=BANDS, input="X")
    with pytest.raises(ValueError, match="Model mine-1 has a node Concat with 98304 columns"):
        asked("native", table(np.ones((1, 10), np.float32)), "sed_class(s, 'mine-1')", path)


@pytest.mark.parametrize("kept", [0, 1, 7, 100, 400, -1])
def test_a_file_that_is_cut_is_refused(asked, write_model, kept):
    whole = graph_of([inner()], 2, constants=[("constant", np.ones((7, 2), np.float32))])
    path = write_model(whole[:kept], bands=BANDS, input="X")
    with pytest.raises(ValueError, match=r"^Model mine-1 (is no ONNX file, or not all of one|is damaged|takes other)"):
        asked("native", table(np.ones((1, 10), np.float32)), "sed_class(s, 'mine-1')", path)


def test_a_model_that_was_changed_is_refused(asked, write_model):
    path = write_model(graph_of([inner()], 2), bands=BANDS, input="X")
    (path / "model.onnx").write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"Model mine-1 was changed: .*/model\.onnx has sha256 [0-9a-f]{64}, its card"):
        asked("native", table(np.ones((1, 10), np.float32)), "sed_class(s, 'mine-1')", path)


def test_a_card_with_escapes_and_a_tree_of_its_own(asked, write_model):
    onnx.load_from_string(graph := graph_of([tree_node()], 2))
    names = ['a "quoted" \\ name', "étoile ★ 𝔊"]
    path = write_model(graph, classes=names, bands=BANDS, input="X", min_bands=0, parents={names[0]: "Ж", "Ж": "oben"})
    expression = "sed_predict(s, 'mine-1').path"
    assert asked("native", table(np.ones((1, 10), np.float32)), expression, path) == [["oben", "Ж", names[0]]]
