import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper


@pytest.fixture
def linear_graph():
    """`linear_graph(weights)`: probabilities are the softmax of magnitudes times weights, missing ones counting 0.

    Weights have the shape (inputs, classes); the output `distance` is the first magnitude.
    """

    def graph(weights):
        inputs, classes = weights.shape
        constants = {
            "weights": weights.astype(np.float32),
            "zero": np.float32(0).reshape(()),
            "start": np.array([0]),
            "end": np.array([1]),
            "axis": np.array([1]),
        }
        nodes = [
            helper.make_node("IsNaN", ["magnitudes"], ["missing"]),
            helper.make_node("Where", ["missing", "zero", "magnitudes"], ["filled"]),
            helper.make_node("MatMul", ["filled", "weights"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
            helper.make_node("ArgMax", ["scores"], ["class_index"], axis=1, keepdims=0),
            helper.make_node("Slice", ["filled", "start", "end", "axis"], ["first"]),
            helper.make_node("Squeeze", ["first", "axis"], ["distance"]),
        ]
        found = helper.make_graph(
            nodes,
            "linear",
            [helper.make_tensor_value_info("magnitudes", TensorProto.FLOAT, [None, inputs])],
            [
                helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, classes]),
                helper.make_tensor_value_info("class_index", TensorProto.INT64, [None]),
                helper.make_tensor_value_info("distance", TensorProto.FLOAT, [None]),
            ],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        )
        return helper.make_model(found, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

    return graph
