"""The reader of graphs, against the onnx package, and on files that are not graphs."""

import contextlib

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from sedsql.inference import graph
from sedsql.inference.model import ModelError, find_models


def test_reads_what_onnx_reads():
    for model in find_models().values():
        data = model.graph()
        found, expected = graph.read(data), onnx.load_from_string(data).graph
        assert found.inputs == ("magnitudes",)
        assert found.outputs == tuple(output.name for output in expected.output)
        assert set(found.initializers) == {tensor.name for tensor in expected.initializer}
        for tensor in expected.initializer:
            array = numpy_helper.to_array(tensor)
            assert found.initializers[tensor.name].shape == array.shape
            np.testing.assert_array_equal(found.initializers[tensor.name], array)
        for node, other in zip(found.nodes, expected.node, strict=True):
            assert (node.op, node.domain) == (other.op_type, other.domain)
            assert (node.inputs, node.outputs) == (tuple(other.input), tuple(other.output))
            attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in other.attribute}
            assert set(node.attributes) == set(attributes)
            for name, value in attributes.items():
                if isinstance(value, list) and value and isinstance(value[0], bytes):
                    value = [text.decode() for text in value]
                np.testing.assert_array_equal(node.attributes[name], value)


@pytest.mark.parametrize("raw", [True, False])
def test_all_ways_to_write_a_constant(raw):
    arrays = [
        np.array([[1.5, -np.inf], [np.nan, 0]], np.float32),
        np.array([1e300, -2.5]),
        np.array(-7, np.int64),
        np.array([-1, 2**31 - 1], np.int32),
        np.array([], np.float32),
        np.array([True, False]),
    ]
    tensors = [
        numpy_helper.from_array(array, f"c{k}")
        if raw
        else helper.make_tensor(f"c{k}", helper.np_dtype_to_tensor_dtype(array.dtype), array.shape, array.ravel())
        for k, array in enumerate(arrays)
    ]
    found = graph.read(_model([], tensors).SerializeToString())
    for k, array in enumerate(arrays):
        assert found.initializers[f"c{k}"].dtype == array.dtype
        np.testing.assert_array_equal(found.initializers[f"c{k}"], array)


@pytest.mark.parametrize("mode", ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT", "BRANCH_GTE"])
@pytest.mark.parametrize("missing", [0, 1])
def test_trees_answer_as_in_onnx_runtime(mode, missing):
    """Nodes out of order, values on the threshold and beside it, and missing ones."""
    threshold = np.float32(0.3)
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        nodes_treeids=[0] * 5,
        nodes_nodeids=[0, 3, 1, 4, 2],
        nodes_featureids=[1, 0, 0, 0, 0],
        nodes_modes=[mode, mode, "LEAF", "LEAF", "LEAF"],
        nodes_values=[float(threshold), 0.5, 0.0, 0.0, 0.0],
        nodes_truenodeids=[3, 2, 0, 0, 0],
        nodes_falsenodeids=[1, 4, 0, 0, 0],
        nodes_missing_value_tracks_true=[missing, 1 - missing, 0, 0, 0],
        target_treeids=[0, 0, 0],
        target_nodeids=[1, 4, 2],
        target_ids=[0, 0, 1],
        target_weights=[1.0, 2.0, 4.0],
        n_targets=2,
    )
    data = _model([node], [], "x", "y").SerializeToString()
    beside = [np.nextafter(threshold, np.float32(side)) for side in (-1, 1)]
    values = np.array([threshold, *beside, 0.5, 0, np.nan, np.inf, -np.inf], np.float32)
    rows = np.array(np.meshgrid(values, values)).reshape(2, -1).T.copy()
    expected = ort.InferenceSession(data).run(["y"], {"x": rows})[0]
    (tree,) = graph.trees(graph.read(data).nodes[0])
    for row, outputs in zip(rows, expected, strict=True):
        place = 0
        while tree.left[place] >= 0:
            value = row[tree.feature[place]]
            goes = tree.missing_left[place] if np.isnan(value) else value <= tree.threshold[place]
            place = tree.left[place] if goes else tree.right[place]
        found = np.zeros(2)
        found[tree.target[tree.leaf == place]] = tree.value[tree.leaf == place]
        np.testing.assert_array_equal(found, outputs)


def test_what_is_cut_off_or_scrambled_is_refused():
    data = find_models()["lite-2"].graph()
    short = _model([], [numpy_helper.from_array(np.arange(5.0), "c")]).SerializeToString()
    needed = short.index(b"ai.onnx.ml") - 4  # what comes after is the version of further operators
    for file in [*(short[:length] for length in range(needed)), data[:1], data[:99], data[:-30]]:
        with pytest.raises(ModelError, match=r"no ONNX graph|cut off"):
            graph.read(file)
    rng = np.random.default_rng(0)
    for _ in range(300):
        broken = bytearray(short)
        broken[rng.integers(len(short))] = rng.integers(256)
        with contextlib.suppress(ModelError):
            graph.read(bytes(broken))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"nodes_truenodeids": [9, 0, 0]}, "refers to its node"),
        ({"nodes_truenodeids": [0, 0, 0]}, "not below its root"),
        ({"nodes_nodeids": [0, 1, 1]}, "refers to its node"),
        ({"nodes_values": [0.0]}, "different lengths"),
        ({"nodes_modes": ["BRANCH_EQ", "LEAF", "LEAF"]}, "branch by BRANCH_EQ"),
        ({"target_treeids": [0, 1]}, "leaves of trees that it does not have"),
    ],
)
def test_trees_that_are_none_are_refused(changed, says):
    given = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [0, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_values": [0.5, 0.0, 0.0],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
        "target_treeids": [0, 0],
        "target_nodeids": [1, 2],
        "target_ids": [0, 0],
        "target_weights": [1.0, 2.0],
        "n_targets": 1,
    }
    node = helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", **{**given, **changed})
    found = graph.read(_model([node], [], "x", "y").SerializeToString())
    with pytest.raises(ModelError, match=says):
        graph.trees(found.nodes[0])


def _model(nodes, tensors, input_name="x", output_name="x"):
    width = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2]) for name in {input_name: 0, output_name: 0}
    ]
    made = helper.make_graph(nodes, "g", width[:1], width[-1:], tensors)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(made, opset_imports=opsets, ir_version=8)
