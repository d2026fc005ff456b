import hashlib
import json
import shutil

import duckdb
import numpy as np
import onnx
import onnxruntime
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sedsql
from sedsql.inference.model import Model
from sedsql.inference.session import Session
from sedsql.learn import classifier as classifiers
from sedsql.learn import export
from sedsql.learn.converters import float32_at_most
from sedsql.learn.decision_tree import LEAF_UNIT
from sedsql.learn.export import DisagreementError, check, to_onnx
from sedsql.learn.recipes import SHAPE
from sedsql.photometry.bands import COLUMNS

LARGE = 2.0**100


@given(st.floats(-LARGE, LARGE), st.floats(-LARGE, LARGE, width=32))
def test_a_float32_threshold_splits_float32_numbers_as_the_float64_one_does(threshold, x):
    rounded = float32_at_most(np.array([threshold]))[0]
    for number in (np.float32(x), rounded, np.nextafter(rounded, np.float32(np.inf)), np.float32(threshold)):
        assert (number <= rounded) == (np.float64(number) <= threshold)


def thresholds(classifier):
    """Return colour and float32 threshold of every inner node of the trees."""
    trees = [tree.nodes for trees in classifier[-1].estimator._predictors for tree in trees]
    inner = np.concatenate([nodes[nodes["is_leaf"] == 0] for nodes in trees])
    inner = inner[np.isfinite(inner["num_threshold"])]  # others tell missing from not missing
    return inner["feature_idx"], float32_at_most(inner["num_threshold"])


def awkward_magnitudes(classifier, rows, seed=0):
    """Draw magnitudes of all sorts; in every other row one colour lies on a threshold of a tree or next to it."""
    rng = np.random.default_rng(seed)
    magnitudes = rng.uniform(3, 20, (rows, 1)) + rng.normal(0, 1.5, (rows, 10))
    magnitudes = magnitudes.astype(np.float32)
    magnitudes[rng.random(magnitudes.shape) < 0.15] = np.nan
    features, limits = thresholds(classifier)
    pairs = np.array(classifier[0].pairs)
    colours, limits = features[features < len(pairs)], limits[features < len(pairs)]
    picked = rng.integers(0, len(limits), rows // 2)
    limit = limits[picked]
    limit = np.choose(
        rng.integers(0, 3, len(limit)),
        [limit, np.nextafter(limit, np.float32(99)), np.nextafter(limit, np.float32(-99))],
    )
    first, second = pairs[colours[picked]].T
    places = np.arange(len(limit)) * 2
    magnitudes[places, second] = 0  # a - 0 is a, exactly
    magnitudes[places, first] = limit
    return magnitudes


def test_onnx_runtime_agrees_on_thresholds_and_beside_them(built):
    model, classifier = built
    assert check(model.graph(), classifier, awkward_magnitudes(classifier, 40_000)) < 1e-5


def test_onnx_runtime_agrees_on_luminosities(luminous):
    """Parallaxes are of all sorts: negative, infinite, tiny, missing, with and without errors."""
    model, classifier = luminous
    rng = np.random.default_rng(3)
    magnitudes = awkward_magnitudes(classifier, 40_000)
    parallax = rng.normal(0, 10 ** rng.uniform(-3, 3, len(magnitudes)))
    parallax[rng.random(len(magnitudes)) < 0.2] = np.nan
    parallax[::1000], parallax[1::1000], parallax[2::1000] = 0, np.inf, 1e-30
    error = np.where(rng.random(len(magnitudes)) < 0.5, np.nan, 10 ** rng.uniform(-3, 2, len(magnitudes)))
    X = np.column_stack([magnitudes, parallax, error]).astype(np.float32)
    assert check(model.graph(), classifier, X) < 1e-5
    used = {classifier[0].names[feature] for feature in thresholds(classifier)[0]}
    assert any(name.startswith("M(") for name in used)


def moved(model, folder, node):
    """Copy the model, with the threshold of one node raised to the next float32."""
    graph = onnx.load(model.folder / "model.onnx")
    trees = next(n for n in graph.graph.node if n.op_type == "TreeEnsembleRegressor")
    values = next(a for a in trees.attribute if a.name == "nodes_values").floats
    values[node] = np.nextafter(np.float32(values[node]), np.float32(np.inf))
    shutil.copytree(model.folder, folder)
    onnx.save(graph, folder / "model.onnx")
    card = json.loads((folder / "card.json").read_text())
    card["sha256"] = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    (folder / "card.json").write_text(json.dumps(card))
    return Model.read(folder)


def test_the_check_fails_when_one_threshold_moves_by_one_bit(built, tmp_path):
    model, classifier = built
    root = 0  # of the first tree: every row passes it
    spoilt = moved(model, tmp_path / "spoilt", root)
    with pytest.raises(DisagreementError, match=r"where scikit-learn says|from scikit-learn's"):
        check(spoilt.graph(), classifier, awkward_magnitudes(classifier, 40_000))


def test_sums_of_leaves_are_exact_in_any_order(built):
    _, classifier = built
    trees = classifier[-1].estimator
    leaves = [tree.nodes["value"][tree.nodes["is_leaf"] == 1] for trees_ in trees._predictors for tree in trees_]
    values = np.concatenate([trees._baseline_prediction.ravel(), *leaves])
    units = values / LEAF_UNIT
    assert (units == np.round(units)).all()
    largest = np.abs(trees._baseline_prediction).max() + sum(np.abs(leaf).max() for leaf in leaves)
    assert largest / LEAF_UNIT < 2**24


def test_label_and_class_index_are_outputs_of_the_graph(built, labelled):
    model, classifier = built
    session = onnxruntime.InferenceSession(str(model.folder / "model.onnx"))
    label, index = session.run(["label", "class_index"], {"magnitudes": labelled.magnitudes})
    assert (label == classifier.predict(labelled.magnitudes)).all()
    assert (np.array(model.classes)[index] == label).all()


def test_two_classes_are_exported_as_well(labelled):
    two = np.isin(labelled.labels, ["giant", "white_dwarf"])
    X, y = labelled.magnitudes[two], labelled.labels[two]
    classifier = SHAPE.pipeline(COLUMNS, 0).set_params(calibrated__estimator__max_iter=10).fit(X, y)
    session = onnxruntime.InferenceSession(to_onnx(classifier, 10))
    label, probabilities = session.run(["label", "probabilities"], {"magnitudes": X})
    assert (label == classifier.predict(X)).all()
    assert probabilities == pytest.approx(classifier.predict_proba(X), abs=1e-5)
    trees = classifier[-1].estimator
    assert classifier.predict_proba(X) == pytest.approx(trees.predict_proba(classifier[0].transform(X)), abs=1e-12)


@pytest.mark.thorough
def test_scikit_learn_onnx_runtime_and_sql_agree_on_every_row(built):
    """Labels the same, probabilities to 1e-5; half of the rows lie on a threshold or beside one."""
    model, classifier = built
    magnitudes = awkward_magnitudes(classifier, 250_000, seed=1)
    magnitudes = magnitudes[np.isfinite(magnitudes).sum(axis=1) >= model.min_bands]
    probabilities = classifier.predict_proba(magnitudes)
    labels = np.array(model.classes)[probabilities.argmax(axis=1)]
    some = 50_000
    assert (labels[:some] == classifier.predict(magnitudes[:some])).all()

    prediction = Session(model, threads=2).predict(magnitudes)
    assert (np.array(model.classes)[prediction.class_index] == labels).all()
    assert abs(prediction.probabilities - probabilities).max() < export.TOLERANCE

    with duckdb.connect() as con:
        sedsql.register(con, models=[model.folder], default=model.name)
        con.register("t", pa.table({name: magnitudes[:, i] for i, name in enumerate(COLUMNS)}))
        # The arrays of the answer keep the order of the rows of t.
        found = con.sql("SELECT p.class, p.probability FROM (SELECT sed_predict(t) AS p FROM t)").to_arrow_table()
        of_yso = con.sql(f"SELECT sed_proba(t, 'yso') AS p FROM (FROM t LIMIT {some}) AS t").to_arrow_table()["p"]
    assert (found["class"].to_numpy(zero_copy_only=False) == labels).all()
    assert abs(found["probability"].to_numpy() - probabilities.max(axis=1)).max() < export.TOLERANCE
    yso = probabilities[:some, model.classes.index("yso")]
    assert abs(of_yso.to_numpy() - yso).max() < export.TOLERANCE


def test_several_forests_are_the_mean_of_each(labelled, small_shape):
    X, y = small_shape.pipeline(COLUMNS, 0)[0].fit_transform(labelled.magnitudes), labelled.labels
    settings = {"max_iter": 8, "max_features": 0.3}
    both = classifiers.Boosting(forests=2, random_state=3, **settings).fit(X, y)
    one, other = (classifiers.Boosting(random_state=seed, **settings).fit(X, y) for seed in (3, 1003))
    mean = (one.decision_function(X) + other.decision_function(X)) / 2
    assert both.decision_function(X) == pytest.approx(mean, abs=16 * LEAF_UNIT)
    assert abs(one.decision_function(X) - mean).max() > 1000 * LEAF_UNIT


def test_versions_of_operators_are_in_the_order_of_their_domains():
    """skl2onnx's order depends on how Python hashes texts, which differs from process to process."""
    versions = [onnx.helper.make_opsetid(domain, number) for domain, number in (("b", 1), ("", 18), ("a", 3))]
    model = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], []), opset_imports=versions)
    export._sort_domains(model)
    assert [(version.domain, version.version) for version in model.opset_import] == [("", 18), ("a", 3), ("b", 1)]
