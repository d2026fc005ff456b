"""A stand-in for a model that takes the position: colours, parallax and galactic latitude decide, by four trees.

It has the operators that such a graph has: the sine of the latitude in float64, cut to 2^-12, and trees whose leaves
are multiples of 2^-12.
"""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from sedsql.inference.card import EXTRA
from sedsql.photometry import classes

CLASSES = ("agb_carbon", "agn", "giant", "main_sequence", "yso")
POLE = np.radians([192.85948, 27.12825])
"""Right ascension and declination of the galactic pole, J2000 (Reid & Brunthaler 2004, ApJ 616, 872, Appendix A)."""
PLANE, RED, COOL, NEAR = 0.25, 0.5, 3.0, 5.0
"""Where the trees branch: |sin b|, W1 - W2, G - Ks, and the parallax in mas."""
CARD = {
    "classes": CLASSES,
    "extra": list(EXTRA),
    "parents": {label: classes.PARENTS[label] for label in CLASSES},
    "conformal": {"levels": [0.9, 0.95], "thresholds": {label: [0.1, 0.05] for label in CLASSES}},
    "outlier": {"quantiles": [float(q) for q in np.linspace(-5, 5, 101)]},
}

_TREES = (
    # feature, threshold, weights where it is not above, where it is
    (1, RED, {"main_sequence": 2.0}, {"yso": 2.0, "agn": 1.75}),
    (0, COOL, {"main_sequence": 1.0}, {"giant": 3.5, "agb_carbon": 3.25, "yso": 0.5}),
    (3, NEAR, {"giant": 0.25}, {"main_sequence": 1.5}),
)


def graph():
    """The ONNX graph."""
    constants = {
        "blue": [0, 6],
        "red": [5, 7],
        "parallax_at": [10],
        "ra_at": [12],
        "dec_at": [13],
        "first": [0],
        "axis": [1],
    }
    constants = {name: np.array(value, np.int64) for name, value in constants.items()}
    numbers = {
        "degree": np.pi / 180,
        "right": np.pi / 2,
        "pole_ra": POLE[0],
        "sin_pole": np.sin(POLE[1]),
        "cos_pole": np.cos(POLE[1]),
        "grid": 4096.0,
        "step": 1 / 4096,
    }
    constants |= {name: np.array(value, np.float64) for name, value in numbers.items()}
    constants |= {
        "nowhere": np.array(-1, np.float32),
        "zero": np.array(0, np.float32),
        "heat": np.array(1.25, np.float32),
    }
    nodes = [
        ("Gather", ["magnitudes", "blue"], "one", {"axis": 1}),
        ("Gather", ["magnitudes", "red"], "other", {"axis": 1}),
        ("Sub", ["one", "other"], "colours", {}),
        ("Gather", ["magnitudes", "parallax_at"], "parallax", {"axis": 1}),
        *(
            node
            for name in ("ra", "dec")
            for node in (
                ("Gather", ["magnitudes", f"{name}_at"], f"{name}_float", {"axis": 1}),
                ("Cast", [f"{name}_float"], f"{name}_degrees", {"to": TensorProto.DOUBLE}),
                ("Mul", [f"{name}_degrees", "degree"], name, {}),
            )
        ),
        ("Sub", ["ra", "pole_ra"], "from_pole", {}),
        ("Add", ["from_pole", "right"], "turned", {}),
        ("Sin", ["turned"], "cos_from_pole", {}),
        ("Sin", ["dec"], "sin_dec", {}),
        ("Add", ["dec", "right"], "dec_turned", {}),
        ("Sin", ["dec_turned"], "cos_dec", {}),
        ("Mul", ["sin_dec", "sin_pole"], "along", {}),
        ("Mul", ["cos_dec", "cos_from_pole"], "projected", {}),
        ("Mul", ["projected", "cos_pole"], "across", {}),
        ("Add", ["along", "across"], "sin_b", {}),
        ("Mul", ["sin_b", "grid"], "scaled", {}),
        ("Round", ["scaled"], "whole", {}),
        ("Abs", ["whole"], "either", {}),
        ("Mul", ["either", "step"], "cut", {}),
        ("Cast", ["cut"], "height", {"to": TensorProto.FLOAT}),
        ("IsNaN", ["height"], "lost", {}),
        ("Where", ["lost", "nowhere", "height"], "place", {}),
        ("Concat", ["colours", "place", "parallax"], "features", {"axis": 1}),
        ("TreeEnsembleRegressor", ["features"], "scores", _trees()),
        ("Div", ["scores", "heat"], "cooled", {}),
        ("Softmax", ["cooled"], "probabilities", {"axis": 1}),
        ("ArgMax", ["scores"], "class_index", {"axis": 1, "keepdims": 0}),
        ("Gather", ["colours", "first"], "colour", {"axis": 1}),
        ("IsNaN", ["colour"], "colourless", {}),
        ("Where", ["colourless", "zero", "colour"], "filled", {}),
        ("Squeeze", ["filled", "axis"], "distance", {}),
    ]
    ends = [
        helper.make_tensor_value_info("magnitudes", TensorProto.FLOAT, [None, 14]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, len(CLASSES)]),
        helper.make_tensor_value_info("class_index", TensorProto.INT64, [None]),
        helper.make_tensor_value_info("distance", TensorProto.FLOAT, [None]),
    ]
    made = helper.make_graph(
        [
            helper.make_node(op, inputs, [output], domain="ai.onnx.ml" if op.startswith("Tree") else "", **attributes)
            for op, inputs, output, attributes in nodes
        ],
        "sky",
        ends[:1],
        ends[1:],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(made, opset_imports=opsets, ir_version=9)


def _trees():
    """Attributes of the trees: three stumps, and a tree of the place: nowhere, in the plane, above it."""
    nodes = {key: [] for key in ("treeids", "nodeids", "modes", "featureids", "values", "truenodeids", "falsenodeids")}
    votes = {key: [] for key in ("treeids", "nodeids", "ids", "weights")}

    def add(tree, node, mode, feature, value, true, false):
        for key, number in zip(nodes, (tree, node, mode, feature, value, true, false), strict=True):
            nodes[key].append(number)

    def leaf(tree, node, weights):
        add(tree, node, "LEAF", 0, 0.0, 0, 0)
        for label in CLASSES:
            for key, number in zip(votes, (tree, node, CLASSES.index(label), weights.get(label, 0.0)), strict=True):
                votes[key].append(number)

    for tree, (feature, threshold, below, above) in enumerate(_TREES):
        add(tree, 0, "BRANCH_LEQ", feature, threshold, 1, 2)
        leaf(tree, 1, below)
        leaf(tree, 2, above)
    tree = len(_TREES)
    add(tree, 0, "BRANCH_LEQ", 2, -0.5, 1, 2)
    leaf(tree, 1, {})
    add(tree, 2, "BRANCH_LEQ", 2, PLANE, 3, 4)
    leaf(tree, 3, {"yso": 2.0})
    leaf(tree, 4, {"agn": 2.5})
    missing = [int(mode != "LEAF") for mode in nodes["modes"]]
    return {
        **{f"nodes_{key}": value for key, value in nodes.items()},
        "nodes_missing_value_tracks_true": missing,
        **{f"target_{key}": value for key, value in votes.items()},
        "n_targets": len(CLASSES),
    }
