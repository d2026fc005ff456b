"""scikit-learn to ONNX: one graph from magnitudes to label and probabilities, checked row by row."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.algebra.onnx_ops import (
    OnnxArgMax,
    OnnxArrayFeatureExtractor,
    OnnxDiv,
    OnnxGather,
    OnnxReshape,
    OnnxSoftmax,
    OnnxSub,
)
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

from ..errors import Error
from ..inference.session import CLASS_INDEX, INPUT, PROBABILITIES, Session
from .algorithms import Boosting, Calibrated, Colours

OPSET = {"": 18, "ai.onnx.ml": 3}
"""Old enough for every runtime in use; nothing newer is needed."""

TOLERANCE = 1e-5
"""Of probabilities; labels have to be the same."""


def to_onnx(classifier, bands: int) -> bytes:
    """A fitted pipeline as an ONNX graph.

    Input `magnitudes`, float (n, bands), missing = NaN. Outputs `label`, string (n,), `probabilities`, float
    (n, classes), and `class_index`, int64 (n,): the label's place among the classes.
    """
    model = convert_sklearn(
        classifier,
        initial_types=[(INPUT, FloatTensorType([None, bands]))],
        final_types=[
            ("label", StringTensorType([None])),
            (PROBABILITIES, FloatTensorType([None, len(classifier.classes_)])),
        ],
        options={"zipmap": False},
        target_opset=OPSET,
    )
    _name_class_index(model.graph)
    model.doc_string = ""
    model.producer_name = "sedsql"
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


class DisagreementError(Error):
    """An exported graph that does not answer as the scikit-learn classifier does."""


def check(session: Session, classifier, magnitudes: NDArray[np.float32]) -> float:
    """Largest difference in probability between ONNX Runtime and scikit-learn over magnitudes of shape (n, 10).

    Raises DisagreementError for one different label, or one probability that differs by more than TOLERANCE.
    """
    magnitudes = magnitudes[np.isfinite(magnitudes).sum(axis=1) >= session.model.min_bands]
    prediction = session.predict(magnitudes)
    expected = classifier.predict(magnitudes)
    found = np.array(session.model.classes)[prediction.class_index]
    differ = np.flatnonzero(found != expected)
    if differ.size:
        raise DisagreementError(
            f"The exported graph says {found[differ[0]]!r} where scikit-learn says {expected[differ[0]]!r} "
            f"({differ.size:,} of {len(found):,} rows differ)."
        )
    difference = float(abs(prediction.probabilities - classifier.predict_proba(magnitudes)).max())
    if not difference <= TOLERANCE:
        raise DisagreementError(f"A probability of the exported graph is {difference:.1e} from scikit-learn's.")
    return difference


def _name_class_index(graph) -> None:
    """Make the place of the largest vote an output; skl2onnx gave it a name of its own."""
    argmax = next(node for node in graph.node if node.op_type == "ArgMax")
    given = argmax.output[0]
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [CLASS_INDEX if name == given else name for name in names]
    graph.output.append(helper.make_tensor_value_info(CLASS_INDEX, TensorProto.INT64, [None]))


def _colours_shape(operator):
    rows = operator.inputs[0].get_first_dimension()
    operator.outputs[0].type = FloatTensorType([rows, len(operator.raw_operator.pairs)])


def _convert_colours(scope, operator, container):
    X, version = operator.inputs[0], container.target_opset
    first, second = np.array(operator.raw_operator.pairs, dtype=np.int64).T
    OnnxSub(
        OnnxGather(X, first, axis=1, op_version=version),
        OnnxGather(X, second, axis=1, op_version=version),
        op_version=version,
        output_names=operator.outputs[:1],
    ).add_to(scope, container)


def _tree_attributes(boosting: Boosting) -> dict:
    classes = len(boosting.classes_)
    # With two classes there is one tree an iteration: for the second class, against a first one of score 0.
    first = classes - boosting.n_trees_per_iteration_
    trees = [(first + k, tree.nodes) for trees in boosting._predictors for k, tree in enumerate(trees)]
    nodes = np.concatenate([nodes for _, nodes in trees])
    tree_ids = np.repeat(np.arange(len(trees)), [len(nodes) for _, nodes in trees])
    node_ids = np.concatenate([np.arange(len(nodes)) for _, nodes in trees])
    leaf = nodes["is_leaf"].astype(bool)
    target_ids = np.array([target for target, _ in trees])[tree_ids]
    base_values = np.zeros(classes)
    base_values[first:] = boosting._baseline_prediction.ravel()
    return {
        "n_targets": classes,
        "base_values": base_values.tolist(),
        "nodes_treeids": tree_ids.tolist(),
        "nodes_nodeids": node_ids.tolist(),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        "nodes_featureids": np.where(leaf, 0, nodes["feature_idx"]).tolist(),
        "nodes_values": np.where(leaf, 0, float32_at_most(nodes["num_threshold"])).tolist(),
        "nodes_truenodeids": np.where(leaf, 0, nodes["left"]).tolist(),
        "nodes_falsenodeids": np.where(leaf, 0, nodes["right"]).tolist(),
        "nodes_missing_value_tracks_true": np.where(leaf, 0, nodes["missing_go_to_left"]).tolist(),
        "target_treeids": tree_ids[leaf].tolist(),
        "target_nodeids": node_ids[leaf].tolist(),
        "target_ids": target_ids[leaf].tolist(),
        "target_weights": nodes["value"][leaf].tolist(),
    }


def float32_at_most(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 that is not above each threshold: x <= it just when x <= threshold, for float32 x."""
    with np.errstate(over="ignore"):
        rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _add_trees(scope, colours, container, trees: Boosting):
    """The trees as one ensemble that gives the raw scores, a column a class.

    skl2onnx's own converter does not convert this estimator of scikit-learn 1.9.
    """
    scores = scope.get_unique_variable_name("scores")
    container.add_node(
        "TreeEnsembleRegressor",
        colours.full_name,
        scores,
        name=scope.get_unique_operator_name("TreeEnsembleRegressor"),
        op_domain="ai.onnx.ml",
        op_version=OPSET["ai.onnx.ml"],
        **_tree_attributes(trees),
    )
    return scores, FloatTensorType([None, len(trees.classes_)])


def _convert_calibrated(scope, operator, container):
    calibrated, version = operator.raw_operator, container.target_opset
    scores = _add_trees(scope, operator.inputs[0], container, calibrated.estimator)
    # The label comes from the scores, which are exact, and not from the probabilities, which are rounded.
    label = OnnxReshape(
        OnnxArrayFeatureExtractor(
            np.array(calibrated.classes_),
            OnnxArgMax(scores, axis=1, keepdims=0, op_version=version),
            op_version=version,
        ),
        np.array([-1], dtype=np.int64),
        op_version=version,
        output_names=operator.outputs[:1],
    )
    probabilities = OnnxSoftmax(
        OnnxDiv(scores, np.array([calibrated.temperature], dtype=np.float32), op_version=version),
        axis=1,
        op_version=version,
        output_names=operator.outputs[1:],
    )
    label.add_to(scope, container)
    probabilities.add_to(scope, container)


update_registered_converter(Colours, "SedsqlColours", _colours_shape, _convert_colours)
update_registered_converter(
    Calibrated,
    "SedsqlCalibrated",
    calculate_linear_classifier_output_shapes,
    _convert_calibrated,
    options={"zipmap": [True, False, "columns"], "nocl": [True, False], "output_class_labels": [False, True]},
)
