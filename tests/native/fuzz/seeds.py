"""Small files to begin fuzzing from: a graph for each operator, a card, and both. `seeds.py FOLDER` writes them."""

import json
import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from sedsql.photometry.bands import COLUMNS

NUMBERS = {
    "row": np.arange(10, dtype=np.float32)[None],
    "one": np.array(2, np.float32),
    "double": np.array([2.0]),
    "places": np.array([3, 1, 2]),
    "last": np.array([1]),
    "matrix": np.ones((10, 3), np.float32),
    "turned": np.ones((3, 10), np.float32),
    "bias": np.ones(3, np.float32),
}
ML = "ai.onnx.ml"


def graph(*nodes, outputs=("probabilities",)) -> bytes:
    """The file of these nodes, from `magnitudes` to `probabilities` and other outputs."""
    made = helper.make_graph(
        [helper.make_node(op, inputs, [output], **attributes) for op, inputs, output, attributes in nodes],
        "g",
        [helper.make_tensor_value_info("magnitudes", TensorProto.FLOAT, [None, 10])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [None, 3]) for output in outputs],
        [numpy_helper.from_array(value, name) for name, value in NUMBERS.items()],
    )
    return helper.make_model(made).SerializeToString()


def trees(op: str, votes: str, leaves: int, output: str = "probabilities", **more) -> tuple:
    """An ensemble of one tree that leans to the right."""
    inner, count = leaves - 1, 2 * leaves - 1
    ends = [k for k in range(count) if k % 2 or k == count - 1]
    return (
        op,
        ["magnitudes"],
        output,
        {
            "domain": ML,
            "nodes_treeids": [0] * count,
            "nodes_nodeids": list(range(count)),
            "nodes_modes": [
                "LEAF" if k in ends else ["BRANCH_LEQ", "BRANCH_GT", "BRANCH_LT"][k % 3] for k in range(count)
            ],
            "nodes_featureids": [0 if k in ends else k % 10 for k in range(count)],
            "nodes_values": [float(k % 5) for k in range(count)],
            "nodes_truenodeids": [0 if k in ends else k + 1 for k in range(count)],
            "nodes_falsenodeids": [0 if k in ends else k + 2 for k in range(count)],
            "nodes_missing_value_tracks_true": [k % 2 for k in range(count)],
            f"{votes}_treeids": [0] * (inner + 1),
            f"{votes}_nodeids": ends,
            f"{votes}_ids": [k % 3 for k in range(inner + 1)],
            f"{votes}_weights": [0.25 * k for k in range(inner + 1)],
            **more,
        },
    )


def model(graph: bytes) -> bytes:
    """A card and a graph of three classes and ten bands."""
    card = {"name": "a-1", "classes": ["a", "b", "c"], "bands": COLUMNS, "min_bands": 1, "sha256": "00"}
    card |= {"outlier": {"quantiles": list(range(101))}, "missing": -99}
    written = json.dumps(card).encode()
    return b"\2" + len(written).to_bytes(2, "little") + written + graph


def seeds() -> dict[str, bytes]:
    """Names and contents; the first byte tells the fuzzer what the rest is."""
    x, p = ["magnitudes"], "probabilities"
    alone = ["Neg", "Abs", "Exp", "Log", "Sqrt", "Sin", "Round", "Relu", "Tanh", "Sigmoid", "Softmax", "Identity"]
    found = {op: graph((op, x, p, {})) for op in [*alone, "IsNaN"]}
    found |= {op: graph((op, [*x, "row"], p, {})) for op in ["Add", "Sub", "Mul", "Div", "Max", "Min"]}
    found |= {op: graph((op, [*x, "last"], p, {})) for op in ["ReduceSum", "ReduceMin", "ReduceMax", "ReduceMean"]}
    found |= {
        "Where": graph(("IsNaN", x, "gone", {}), ("Where", ["gone", "one", *x], p, {})),
        "Not": graph(("IsNaN", x, "gone", {}), ("Not", ["gone"], "there", {}), ("Cast", ["there"], p, {"to": 1})),
        "Cast": graph(("Cast", x, "wide", {"to": 11}), ("Log", ["wide"], "log", {}), ("Cast", ["log"], p, {"to": 1})),
        "Double": graph(
            ("Cast", x, "wide", {"to": 11}), ("Max", ["wide", "double"], "m", {}), ("Cast", ["m"], p, {"to": 1})
        ),
        "Gather": graph(("Gather", [*x, "places"], p, {"axis": 1})),
        "Extract": graph(("ArrayFeatureExtractor", [*x, "places"], p, {"domain": ML})),
        "Concat": graph(("Gather", [*x, "places"], "some", {"axis": 1}), ("Concat", ["some", *x], p, {"axis": 1})),
        "Squeeze": graph(("ReduceSum", [*x, "last"], "sum", {"keepdims": 1}), ("Squeeze", ["sum", "last"], p, {})),
        "ArgMax": graph(("ArgMax", x, p, {"axis": 1, "keepdims": 0})),
        "MatMul": graph(("MatMul", [*x, "matrix"], p, {})),
        "Gemm": graph(("Gemm", [*x, "turned", "bias"], p, {"transB": 1})),
        "Normalizer": graph(("Normalizer", x, p, {"domain": ML, "norm": "L2"})),
        "Scaler": graph(("Scaler", x, p, {"domain": ML, "offset": [1.0] * 10, "scale": [2.0]})),
        "Imputer": graph(
            ("Imputer", x, p, {"domain": ML, "imputed_value_floats": [1.0] * 10, "replaced_value_float": float("nan")})
        ),
        "few": graph(trees("TreeEnsembleRegressor", "target", 3, n_targets=3)),
        "many": graph(trees("TreeEnsembleRegressor", "target", 70, n_targets=3, base_values=[0.5] * 3)),
        "classes": graph(trees("TreeEnsembleClassifier", "class", 4, classlabels_int64s=[0, 1, 2])),
    }
    card = {"name": "a-1", "classes": ["a", "b", "c"], "bands": ["j_m", "h_m"], "min_bands": 1}
    card |= {"extra": ["parallax", "parallax_error", "ra", "dec"]}
    card |= {"sha256": "00", "parents": {"a": "x", "b": "x", "x": "y"}, "missing": -1e3}
    card |= {"conformal": {"levels": [0.5, 0.9], "thresholds": {c: [0.1, 0.2] for c in "abc"}}}
    card |= {"outlier": {"quantiles": list(range(101))}, "note": 'é\\"', "flags": [True, False, None]}
    models = {f"model {name}": model(found[name]) for name in ("few", "Gemm", "MatMul", "classes")}
    models["log-odds"] = model(
        graph(
            trees("TreeEnsembleRegressor", "target", 3, n_targets=3, output="scores"),
            ("Div", ["scores", "one"], "cooler", {}),
            ("Softmax", ["cooler"], p, {"axis": 1}),
            ("ArgMax", ["scores"], "class_index", {"axis": 1, "keepdims": 0}),
            ("ReduceSum", [*x, "last"], "distance", {"keepdims": 0}),
            outputs=("probabilities", "class_index", "distance"),
        )
    )
    graphs = {name: b"\1" + data for name, data in found.items()}
    return graphs | {"card": b"\0" + json.dumps(card).encode()} | models


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds().items():
        (folder / name).write_bytes(data)
