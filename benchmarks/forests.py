"""Convert trees of other libraries, and artificial ones, to models of sedsql, so that competitors run the same trees.

Our models compare float32 numbers with `<=`; thresholds are moved to the float32 number that sends every float32
magnitude the same way, so nothing is lost.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sedsql.inference.binding import CLASS_INDEX, INPUT, PROBABILITIES
from sedsql.learn.converters import OPSET, float32_at_most
from sedsql.learn.decision_tree import LEAF_UNIT
from sedsql.photometry.bands import COLUMNS

MIN_BANDS = 3


@dataclass
class Tree:
    """A tree of n nodes, the root first; arrays of shape (n,).

    Attributes
    ----------
    target : the class to which the leaves add
    feature : number of the magnitude that is compared
    threshold : float32; magnitudes that are at most this go left
    left, right : numbers of nodes; both 0 in a leaf
    missing_left : whether a missing magnitude goes left
    value : what a leaf adds to the score of the class
    """

    target: int
    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    value: NDArray[np.float64]

    @property
    def leaf(self) -> NDArray[np.bool_]:
        return self.left == 0


def rounded(values):
    """Round leaf values as sedsql does in training: their sum is exact in float32 too, so rounding decides no tie."""
    return np.round(np.asarray(values) / LEAF_UNIT) * LEAF_UNIT


def of_lightgbm(booster) -> list[Tree]:
    """Convert the trees of a LightGBM booster of several classes."""
    dump = booster.dump_model()
    trees = []
    for place, one in enumerate(dump["tree_info"]):
        nodes: list[tuple] = []

        def add(node: dict[str, Any], nodes=nodes) -> int:
            number = len(nodes)
            if "leaf_value" in node:
                nodes.append((0, 0.0, 0, 0, False, node["leaf_value"]))
                return number
            if node["decision_type"] != "<=":
                raise ValueError(f"a LightGBM node that decides by {node['decision_type']!r}")
            # LightGBM takes a missing magnitude for 0 if none was missing in training.
            missing = node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0
            nodes.append(())
            left, right = add(node["left_child"]), add(node["right_child"])
            nodes[number] = (node["split_feature"], node["threshold"], left, right, missing, 0.0)
            return number

        add(one["tree_structure"])
        feature, threshold, left, right, missing, value = map(np.array, zip(*nodes, strict=True))
        trees.append(
            Tree(
                place % dump["num_tree_per_iteration"],
                feature,
                float32_at_most(threshold.astype(np.float64)),
                left,
                right,
                missing.astype(bool),
                value,
            )
        )
    return trees


def of_xgboost(booster) -> list[Tree]:
    """Convert the trees of an XGBoost booster of several classes."""
    model = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]
    trees = []
    for target, one in zip(model["tree_info"], model["trees"], strict=True):
        left, right = np.array(one["left_children"]), np.array(one["right_children"])
        leaf = left < 0
        conditions = np.array(one["split_conditions"], np.float32)
        trees.append(
            Tree(
                target,
                np.where(leaf, 0, one["split_indices"]),
                # XGBoost sends values left that are below the threshold, and not those equal to it.
                np.where(leaf, np.float32(0), np.nextafter(conditions, np.float32(-np.inf))),
                np.where(leaf, 0, left),
                np.where(leaf, 0, right),
                np.array(one["default_left"], bool),
                np.where(leaf, conditions.astype(np.float64), 0.0),
            )
        )
    return trees


def of_gradient_boosting(boosting) -> tuple[list[Tree], NDArray[np.float64]]:
    """Convert the trees of scikit-learn's GradientBoostingClassifier of several classes, and its initial scores."""
    trees = []
    for row in boosting.estimators_:
        for target, one in enumerate(row):
            tree = one.tree_
            leaf = tree.children_left < 0
            trees.append(
                Tree(
                    target,
                    np.where(leaf, 0, tree.feature),
                    np.where(leaf, np.float32(0), float32_at_most(tree.threshold)),
                    np.where(leaf, 0, tree.children_left),
                    np.where(leaf, 0, tree.children_right),
                    np.zeros(len(leaf), bool),
                    np.where(leaf, tree.value[:, 0, 0] * boosting.learning_rate, 0.0),
                )
            )
    return trees, np.log(boosting.init_.class_prior_)


def full(count: int, depth: int, classes: int, magnitudes: NDArray[np.float32], seed: int = 0) -> list[Tree]:
    """Make `count` trees of 2**depth leaves each; their thresholds are magnitudes of the rows that reach the node."""
    rng = np.random.default_rng(seed)
    inner, nodes = 2**depth - 1, 2 ** (depth + 1) - 1
    trees = []
    for number in range(count):
        at = np.arange(nodes)
        feature, threshold = rng.integers(0, len(COLUMNS), nodes), np.zeros(nodes, np.float32)
        reached = {0: magnitudes[rng.integers(0, len(magnitudes), 4096)]}
        for node in range(inner):
            rows = reached.pop(node)
            column = rows[:, feature[node]]
            there = column[np.isfinite(column)]
            threshold[node] = np.median(there) if len(there) else 15.0
            goes_left = ~(column > threshold[node])
            reached[2 * node + 1], reached[2 * node + 2] = rows[goes_left], rows[~goes_left]
        split = at < inner
        trees.append(
            Tree(
                number % classes,
                np.where(split, feature, 0),
                threshold,
                np.where(split, 2 * at + 1, 0),
                np.where(split, 2 * at + 2, 0),
                np.ones(nodes, bool),
                np.where(split, 0.0, rounded(rng.normal(size=nodes))),
            )
        )
    return trees


def write_model(folder: Path, trees: list[Tree], classes: list[str], base: NDArray[np.float64] | None = None) -> Path:
    """Write the trees as a model of ours: `folder` gets model.onnx and card.json, and gives the model its name."""
    return write_card(folder, _graph(trees, classes, np.zeros(len(classes)) if base is None else base), classes)


def write_card(folder: Path, graph: bytes, classes: list[str]) -> Path:
    """Write a graph into a folder, with the card that loading it needs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(graph)
    card = {
        "name": folder.name,
        "description": "Made for a benchmark.",
        "classes": classes,
        "bands": list(COLUMNS),
        "min_bands": MIN_BANDS,
        "sha256": hashlib.sha256(graph).hexdigest(),
    }
    (folder / "card.json").write_text(json.dumps(card))
    return folder


def _graph(trees: list[Tree], classes: list[str], base: NDArray[np.float64]) -> bytes:
    """Make the nodes that sedsql.learn writes for a classifier of trees, on the magnitudes themselves."""
    sizes = [len(tree.leaf) for tree in trees]
    tree_ids = np.repeat(np.arange(len(trees)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])
    joined = {
        name: np.concatenate([getattr(tree, name) for tree in trees])
        for name in ("feature", "threshold", "left", "right", "missing_left", "value", "leaf")
    }
    leaf, targets = joined["leaf"], np.array([tree.target for tree in trees])[tree_ids]
    ensemble = helper.make_node(
        "TreeEnsembleRegressor",
        [INPUT],
        ["scores"],
        domain="ai.onnx.ml",
        n_targets=len(classes),
        base_values=np.asarray(base, np.float32).tolist(),
        nodes_treeids=tree_ids.tolist(),
        nodes_nodeids=node_ids.tolist(),
        nodes_modes=np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_featureids=joined["feature"].tolist(),
        nodes_values=joined["threshold"].tolist(),
        nodes_truenodeids=joined["left"].tolist(),
        nodes_falsenodeids=joined["right"].tolist(),
        nodes_missing_value_tracks_true=joined["missing_left"].astype(int).tolist(),
        target_treeids=tree_ids[leaf].tolist(),
        target_nodeids=node_ids[leaf].tolist(),
        target_ids=targets[leaf].tolist(),
        target_weights=joined["value"][leaf].tolist(),
    )
    constants = {
        "classes": np.array(classes, dtype=object),
        "all": np.array([-1], np.int64),
        "temperature": np.array([1], np.float32),
    }
    nodes = [
        ensemble,
        helper.make_node("ArgMax", ["scores"], [CLASS_INDEX], axis=1, keepdims=0),
        helper.make_node("ArrayFeatureExtractor", ["classes", CLASS_INDEX], ["labels"], domain="ai.onnx.ml"),
        helper.make_node("Reshape", ["labels", "all"], ["label"]),
        helper.make_node("Div", ["scores", "temperature"], ["scaled"]),
        helper.make_node("Softmax", ["scaled"], [PROBABILITIES], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "sedsql",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, len(COLUMNS)])],
        [
            helper.make_tensor_value_info("label", TensorProto.STRING, [None]),
            helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, [None, len(classes)]),
            helper.make_tensor_value_info(CLASS_INDEX, TensorProto.INT64, [None]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(*item) for item in OPSET.items()], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)
