"""How skl2onnx converts the steps of our pipelines: colours, luminosities, trees, the temperature."""

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from skl2onnx import update_registered_converter
from skl2onnx.algebra.onnx_ops import (
    OnnxAdd,
    OnnxArgMax,
    OnnxArrayFeatureExtractor,
    OnnxCast,
    OnnxConcat,
    OnnxDiv,
    OnnxGather,
    OnnxIsNaN,
    OnnxLog,
    OnnxMax,
    OnnxMul,
    OnnxReshape,
    OnnxRound,
    OnnxSoftmax,
    OnnxSub,
    OnnxWhere,
)
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

from .classifier import Boosting, Calibrated
from .features import LEAST_PARALLAX, LN_TO_MAGNITUDES, MODULUS_UNIT, Colours, Luminosities

OPSET = {"": 18, "ai.onnx.ml": 3}
"""Old enough for every runtime in use; nothing newer is needed."""


def _features_shape(operator):
    rows = operator.inputs[0].get_first_dimension()
    operator.outputs[0].type = FloatTensorType([rows, len(operator.raw_operator.names)])


def _features(operator, opset: int) -> list:
    """Colours, then reddening-free indices."""
    v = {"op_version": opset}
    X, colours = operator.inputs[0], operator.raw_operator
    first, second = np.array(colours.pairs, dtype=np.int64).T
    differences = OnnxSub(OnnxGather(X, first, axis=1, **v), OnnxGather(X, second, axis=1, **v), **v)
    if not colours.indices:
        return [differences]
    one, other, ratio = zip(*colours.indices, strict=True)
    scaled = OnnxMul(OnnxGather(differences, np.array(other), axis=1, **v), np.array([ratio], np.float32), **v)
    return [differences, OnnxSub(OnnxGather(differences, np.array(one), axis=1, **v), scaled, **v)]


def _absolute_magnitudes(operator, opset: int):
    """The same steps as in `Luminosities.transform`, the logarithm in float64."""
    v = {"op_version": opset}
    X, luminosities = operator.inputs[0], operator.raw_operator
    bands = len(luminosities.columns)
    parallax, error = (
        OnnxCast(OnnxGather(X, np.array([place]), axis=1, **v), to=TensorProto.DOUBLE, **v)
        for place in (bands, bands + 1)
    )
    least = np.array([LEAST_PARALLAX])
    # What ONNX's Max makes of NaN is left to the runtime, so NaN is told apart first.
    least = OnnxMax(OnnxWhere(OnnxIsNaN(error, **v), least, error, **v), least, **v)
    near = OnnxWhere(OnnxIsNaN(parallax, **v), parallax, OnnxMax(parallax, least, **v), **v)
    modulus = OnnxMul(OnnxLog(OnnxDiv(near, np.array([100.0]), **v), **v), np.array([LN_TO_MAGNITUDES]), **v)
    unit = np.array([MODULUS_UNIT])
    modulus = OnnxMul(OnnxRound(OnnxDiv(modulus, unit, **v), **v), unit, **v)
    apparent = OnnxGather(X, np.array(luminosities.luminous), axis=1, **v)
    return OnnxAdd(apparent, OnnxCast(modulus, to=TensorProto.FLOAT, **v), **v)


def _convert_features(scope, operator, container):
    opset = container.target_opset
    parts = _features(operator, opset)
    if isinstance(operator.raw_operator, Luminosities):
        parts.append(_absolute_magnitudes(operator, opset))
    OnnxConcat(*parts, axis=1, op_version=opset, output_names=operator.outputs[:1]).add_to(scope, container)


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


for kind in (Colours, Luminosities):
    update_registered_converter(kind, f"Sedsql{kind.__name__}", _features_shape, _convert_features)
update_registered_converter(
    Calibrated,
    "SedsqlCalibrated",
    calculate_linear_classifier_output_shapes,
    _convert_calibrated,
    options={"zipmap": [True, False, "columns"], "nocl": [True, False], "output_class_labels": [False, True]},
)
