"""Convert the steps of the pipelines to ONNX with skl2onnx: colours, luminosities, trees, the temperature."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from skl2onnx import update_registered_converter
from skl2onnx.algebra.onnx_ops import (
    OnnxAbs,
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
    OnnxSin,
    OnnxSoftmax,
    OnnxSub,
    OnnxWhere,
)
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

from sedsql.learn.classifier import Boosting, Calibrated
from sedsql.learn.decision_tree import Split
from sedsql.learn.features import (
    ANGLE_UNIT,
    DEGREE,
    GALACTIC_CENTRE,
    GALACTIC_POLE,
    LEAST_PARALLAX,
    LN_TO_MAGNITUDES,
    LUMINOUS,
    MODULUS_UNIT,
    SURE,
    Colours,
    G,
    Luminosities,
    Places,
)

_FIELDS = {
    "value": "f8",
    "feature_idx": "i8",
    "num_threshold": "f8",
    "missing_go_to_left": "u1",
    "left": "u4",
    "right": "u4",
    "is_leaf": "u1",
}
"""The fields of scikit-learn's nodes that a graph needs."""

OPSET = {"": 18, "ai.onnx.ml": 3}
"""The versions of the operator sets: old enough for every runtime in use."""


def _features_shape(operator):
    rows = operator.inputs[0].get_first_dimension()
    operator.outputs[0].type = FloatTensorType([rows, len(operator.raw_operator.names)])


def _features(operator, opset: int) -> list:
    """Write the nodes of colours, then of reddening-free indices."""
    v = {"op_version": opset}
    X, colours = operator.inputs[0], operator.raw_operator
    first, second = np.array(colours.pairs, dtype=np.int64).T
    differences = OnnxSub(OnnxGather(X, first, axis=1, **v), OnnxGather(X, second, axis=1, **v), **v)
    if not colours.indices:
        return [differences]
    one, other, ratio = zip(*colours.indices, strict=True)
    scaled = OnnxMul(OnnxGather(differences, np.array(other), axis=1, **v), np.array([ratio], np.float32), **v)
    return [differences, OnnxSub(OnnxGather(differences, np.array(one), axis=1, **v), scaled, **v)]


def _doubles(X, places, opset: int):
    return [
        OnnxCast(OnnxGather(X, np.array([place]), axis=1, op_version=opset), to=TensorProto.DOUBLE, op_version=opset)
        for place in places
    ]


def _absolute_magnitudes(operator, opset: int):
    """Write the steps of `Luminosities.transform`, with logarithms in float64."""
    v = {"op_version": opset}
    X, luminosities = operator.inputs[0], operator.raw_operator
    bands = len(luminosities.columns)
    parallax, error = _doubles(X, (bands, bands + 1), opset)
    least, no_error = np.array([LEAST_PARALLAX]), OnnxIsNaN(error, **v)
    # ONNX does not define the maximum of NaN and a number, so NaN is handled first.
    least = OnnxMax(OnnxWhere(no_error, least, error, **v), least, **v)
    missing = OnnxIsNaN(parallax, **v)
    near = OnnxWhere(missing, parallax, OnnxMax(parallax, least, **v), **v)
    modulus = OnnxMul(OnnxLog(OnnxDiv(near, np.array([100.0]), **v), **v), np.array([LN_TO_MAGNITUDES]), **v)
    modulus = OnnxCast(_to_multiples(modulus, MODULUS_UNIT, opset), to=TensorProto.FLOAT, **v)
    absolute = OnnxAdd(OnnxGather(X, np.array(luminosities.luminous), axis=1, **v), modulus, **v)
    known = OnnxWhere(no_error, np.array([0.0]), error, **v)
    tells = OnnxSub(parallax, OnnxMul(known, np.array([SURE]), **v), **v)
    if G in luminosities.columns:
        (g,) = _doubles(absolute, (luminosities.luminous.index(luminosities.columns.index(G)),), opset)
        fainter = OnnxWhere(OnnxIsNaN(g, **v), np.array([-1.0]), OnnxSub(np.array([LUMINOUS]), g, **v), **v)
        tells = OnnxMax(OnnxWhere(missing, np.array([-1.0]), tells, **v), fainter, **v)
    # The logarithm is NaN exactly where the parallax tells too little: there its argument is negative.
    unsure = OnnxIsNaN(OnnxLog(tells, **v), **v)
    # Zero or NaN is added to each magnitude; a Where would need the condition once for every column.
    mask = OnnxCast(OnnxWhere(unsure, np.array([np.nan]), np.array([0.0]), **v), to=TensorProto.FLOAT, **v)
    return OnnxAdd(absolute, mask, **v)


def _to_multiples(value, unit: float, opset: int):
    v = {"op_version": opset}
    return OnnxMul(OnnxRound(OnnxDiv(value, np.array([unit]), **v), **v), np.array([unit]), **v)


def _places(operator, opset: int) -> list:
    """Write the steps of `Places.transform`, with sines in float64."""
    v = {"op_version": opset}
    X, places = operator.inputs[0], operator.raw_operator
    first = len(places.columns) + 2
    ra, dec = _doubles(X, (first, first + 1), opset)

    def sine(angle):
        return OnnxSin(OnnxMul(angle, np.array([DEGREE]), **v), **v)

    sine_of_dec, cosine_of_dec = sine(dec), sine(OnnxAdd(dec, np.array([90.0]), **v))

    def cosine_from(pole_ra, pole_dec):
        ahead = sine(OnnxAdd(ra, np.array([90 - pole_ra]), **v))
        up = OnnxMul(cosine_of_dec, np.cos(np.radians([pole_dec])), **v)
        angle = OnnxAdd(OnnxMul(sine_of_dec, np.sin(np.radians([pole_dec])), **v), OnnxMul(up, ahead, **v), **v)
        return OnnxCast(_to_multiples(angle, ANGLE_UNIT, opset), to=TensorProto.FLOAT, **v)

    shown = OnnxGather(X, np.array(places.shown), axis=1, **v)
    return [shown, OnnxAbs(cosine_from(*GALACTIC_POLE), **v), cosine_from(*GALACTIC_CENTRE)]


def _convert_features(scope, operator, container):
    opset = container.target_opset
    parts = _features(operator, opset)
    if isinstance(operator.raw_operator, Luminosities):
        parts.append(_absolute_magnitudes(operator, opset))
    if isinstance(operator.raw_operator, Places):
        parts += _places(operator, opset)
    OnnxConcat(*parts, axis=1, op_version=opset, output_names=operator.outputs[:1]).add_to(scope, container)


def _ensemble_attributes(boosting: Boosting, prior: Sequence[Split]) -> dict:
    classes = len(boosting.classes_)
    # With two classes each iteration has one tree: it scores the second class, and the first has the score 0.
    first = classes - boosting.n_trees_per_iteration_
    trees = [(first + k, tree.nodes) for trees in boosting._predictors for k, tree in enumerate(trees)]
    base_values = np.zeros(classes)
    base_values[first:] = boosting._baseline_prediction.ravel()
    return {
        "n_targets": classes,
        "base_values": base_values.tolist(),
        **tree_attributes([*trees, *prior_nodes(prior, classes)]),
    }


def tree_attributes(trees: Sequence[tuple[int, NDArray]], first: int = 0) -> dict[str, list]:
    """Return the attributes of an ONNX ensemble; its trees are numbered from `first` on.

    Each tree is given as the place of the class to whose score it adds, and its nodes as scikit-learn has them.
    """
    nodes = np.concatenate([nodes[list(_FIELDS)] for _, nodes in trees])
    tree_ids = np.repeat(np.arange(first, first + len(trees)), [len(nodes) for _, nodes in trees])
    node_ids = np.concatenate([np.arange(len(nodes)) for _, nodes in trees])
    leaf = nodes["is_leaf"].astype(bool)
    target_ids = np.array([target for target, _ in trees])[tree_ids - first]
    return {
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


def prior_nodes(prior: Sequence[Split], classes: int) -> list[tuple[int, NDArray]]:
    """Return the trees of a prior as `tree_attributes` takes them, each once for each class."""
    return [(k, nodes) for tree in prior for k, nodes in enumerate(_flat(tree, classes))]


def _flat(tree: Split, classes: int) -> list[NDArray]:
    """Flatten a tree of a prior into nodes like scikit-learn's, once for each class."""
    shape: list[tuple] = []
    leaves: list[tuple[int, NDArray]] = []

    def add(side) -> int:
        at = len(shape)
        if not isinstance(side, Split):
            leaves.append((at, side))
            shape.append((0, 0, 0, 0, 0, 0, 1))
            return at
        shape.append(())
        left, right = add(side.yes), add(side.no)
        shape[at] = (0, side.feature, np.float32(side.threshold), side.missing, left, right, 0)
        return at

    add(tree)
    nodes = np.array(shape, list(_FIELDS.items()))
    flat = []
    for k in range(classes):
        flat.append(nodes.copy())
        for at, values in leaves:
            flat[-1]["value"][at] = values[k]
    return flat


def float32_at_most(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round each threshold down to a float32, so that float32 x <= the result exactly when x <= threshold."""
    with np.errstate(over="ignore"):
        rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _add_trees(scope, colours, container, trees: Boosting, prior: Sequence[Split]):
    """Write the trees as one ensemble that gives the raw scores, one column for each class.

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
        **_ensemble_attributes(trees, prior),
    )
    return scores, FloatTensorType([None, len(trees.classes_)])


def _convert_calibrated(scope, operator, container):
    calibrated, version = operator.raw_operator, container.target_opset
    scores = _add_trees(scope, operator.inputs[0], container, calibrated.estimator, calibrated.prior)
    # The label is taken from the scores, because these are exact and the probabilities are rounded.
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


for kind in (Colours, Luminosities, Places):
    update_registered_converter(kind, f"Sedsql{kind.__name__}", _features_shape, _convert_features)
update_registered_converter(
    Calibrated,
    "SedsqlCalibrated",
    calculate_linear_classifier_output_shapes,
    _convert_calibrated,
    options={"zipmap": [True, False, "columns"], "nocl": [True, False], "output_class_labels": [False, True]},
)
