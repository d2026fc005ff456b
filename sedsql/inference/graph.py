"""Read the nodes, constants and trees of a `model.onnx` without the onnx package.

ONNX is a protocol buffer; the numbers of its fields are those of onnx.proto.
"""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sedsql.inference.model import ModelError
from sedsql.inference.protobuf import Message, fields

_TYPES: dict[int, tuple[type, int]] = {
    1: (np.float32, 4),
    2: (np.uint8, 5),
    3: (np.int8, 5),
    6: (np.int32, 5),
    7: (np.int64, 7),
    9: (np.bool_, 5),
    11: (np.float64, 10),
}
"""TensorProto.DataType: what numpy calls it, and the field that holds it when it is not raw."""
_STRING = 8
LARGEST = 256 << 20
"""Bytes of a graph, which takes some ten times as many in memory."""
_FLIPPED = {
    "BRANCH_LEQ": (False, False),
    "BRANCH_LT": (False, True),
    "BRANCH_GT": (True, False),
    "BRANCH_GTE": (True, True),
}
"""Ways to branch: are the sides those of `<=` exchanged, does a value on the threshold belong to the other side?"""


@dataclass(frozen=True)
class Node:
    """One operation.

    op, domain : such as 'Sub' of '' or 'TreeEnsembleRegressor' of 'ai.onnx.ml'
    inputs, outputs : names of values
    attributes : int, float, str, an array, or a list of str
    """

    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which they can be run.

    initializers : constants by name; those of the operator Constant are among them
    inputs, outputs : names of values
    opsets : versions of the operators, by domain
    """

    nodes: tuple[Node, ...]
    initializers: dict[str, NDArray]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    opsets: dict[str, int]


@dataclass(frozen=True)
class Tree:
    """A tree; the arrays have an entry for each node, the root first, and a parent before its children.

    feature, threshold : a row goes left where the feature is at most the threshold, float32
    left, right : places of nodes; -1 in leaves
    missing_left : where a row goes of which the feature is NaN
    leaf, target, value : what leaves add: an entry for each, the node, what it adds to, and how much
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    leaf: NDArray[np.int64]
    target: NDArray[np.int64]
    value: NDArray[np.float32]


def read(data: bytes) -> Graph:
    """Read the bytes of a model.onnx; ModelError where they are not one, or are cut off."""
    if len(data) > LARGEST:
        raise ModelError(f"The graph has more than {LARGEST >> 20} MB; only ONNX Runtime and the C extension read it.")
    try:
        model = fields(data)
        opsets = {opset.text(1): opset.whole(2) for opset in model.messages(8)}
        if not opsets:
            raise ValueError("it names no version of ONNX's operators")
        return _graph(_only(model, 7), opsets)
    except (ValueError, IndexError, OverflowError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"This is no ONNX graph, or it is cut off: {error}.") from None


def trees(node: Node) -> list[Tree]:
    """Read the trees of a TreeEnsembleRegressor or TreeEnsembleClassifier, in order of their numbers."""
    prefix = "target" if node.op == "TreeEnsembleRegressor" else "class"
    names = ("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids")
    columns = [_array(node, f"nodes_{name}", np.int64) for name in names]
    columns.append(_array(node, "nodes_values", np.float32))
    modes = node.attributes.get("nodes_modes")
    if not isinstance(modes, list):
        raise ModelError(f"The attribute nodes_modes of {node.op} is missing, or not of texts.")
    rows = len(columns[0])
    tracks = "nodes_missing_value_tracks_true"
    missing = _array(node, tracks, np.int64) if tracks in node.attributes else np.zeros(0, np.int64)
    columns.append(missing if len(missing) else np.zeros(rows, np.int64))
    leaves = [_array(node, f"{prefix}_{name}", np.int64) for name in ("treeids", "nodeids", "ids")]
    leaves.append(_array(node, f"{prefix}_weights", np.float32))
    if (
        any(len(column) != rows for column in columns)
        or len(modes) != rows
        or len({len(column) for column in leaves}) > 1
    ):
        raise ModelError(f"The trees of {node.op} have arrays of different lengths.")
    wrong = set(modes) - {*_FLIPPED, "LEAF"}
    if wrong:
        raise ModelError(f"Trees that branch by {min(wrong)} cannot be read; only by {', '.join(_FLIPPED)}.")
    columns.append(np.array(modes, object))
    of_nodes, of_leaves = _by_tree(columns), _by_tree(leaves)
    if set(of_leaves) - set(of_nodes):
        raise ModelError(f"{node.op} has leaves of trees that it does not have.")
    none = [column[:0] for column in leaves[1:]]
    return [_tree(*of_nodes[number], *of_leaves.get(number, none)) for number in sorted(of_nodes)]


def _array(node: Node, name: str, kind: type) -> NDArray:
    array = node.attributes.get(name)
    if not isinstance(array, np.ndarray) or array.dtype != kind:
        raise ModelError(f"The attribute {name} of {node.op} is missing, or not of {kind.__name__}.")
    return array


def _by_tree(columns: list[NDArray]) -> dict[int, list[NDArray]]:
    order = np.argsort(columns[0], kind="stable")
    numbers, starts = np.unique(columns[0][order], return_index=True)
    parts = np.split(order, starts[1:])
    return {int(number): [column[part] for column in columns[1:]] for number, part in zip(numbers, parts, strict=False)}


def _tree(names, feature, yes, no, threshold, missing, modes, leaf, target, value) -> Tree:
    places = {name: place for place, name in enumerate(names.tolist())}
    inner = modes != "LEAF"
    try:
        children = [(places[a], places[b]) for a, b in zip(yes[inner].tolist(), no[inner].tolist(), strict=True)]
        leaf_places = [places[name] for name in leaf.tolist()]
    except KeyError as error:
        raise ModelError(f"A tree refers to its node {error}, which it does not have.") from None
    yes, no = np.full(len(names), -1), np.full(len(names), -1)
    yes[inner], no[inner] = np.array(children, np.int64).reshape(-1, 2).T
    order = _from_root(yes.tolist(), no.tolist())
    if len(places) < len(names) or len(order) < len(names):
        raise ModelError("A tree has a node twice, or nodes that are not below its root.")
    swapped = np.array([_FLIPPED.get(mode, (False, False))[0] for mode in modes])
    below = np.array([_FLIPPED.get(mode, (False, False))[1] for mode in modes])
    threshold = np.where(below, np.nextafter(threshold, np.float32(-np.inf)), threshold).astype(np.float32)
    left, right = np.where(swapped, no, yes), np.where(swapped, yes, no)
    moved = np.full(len(names) + 1, -1)
    moved[order] = np.arange(len(names))
    return Tree(
        feature=feature[order],
        threshold=threshold[order],
        left=moved[left][order],
        right=moved[right][order],
        missing_left=((missing != 0) ^ swapped)[order],
        leaf=moved[np.array(leaf_places, np.int64)],
        target=target,
        value=value,
    )


def _from_root(left: list[int], right: list[int]) -> list[int]:
    """Order the places of nodes, a parent before its children, without circles and nodes that no way leads to."""
    below = {place for place in (*left, *right) if place >= 0}
    roots = [place for place in range(len(left)) if place not in below]
    order: list[int] = []
    stack = roots[:1]
    while stack and len(order) <= len(left):
        place = stack.pop()
        order.append(place)
        if left[place] >= 0:
            stack += [right[place], left[place]]
    return order


def _only(message: Message, number: int) -> Message:
    found = list(message.messages(number))
    if len(found) != 1:
        raise ValueError("it has no graph")
    return found[0]


def _graph(message: Message, opsets: dict[str, int]) -> Graph:
    if 15 in message.values:
        raise ModelError("The graph has sparse constants, which cannot be read.")
    initializers = {tensor.text(8): _tensor(tensor) for tensor in message.messages(5)}
    nodes = []
    for found in message.messages(1):
        node = Node(
            op=found.text(4),
            domain=found.text(7),
            inputs=found.texts(1),
            outputs=found.texts(2),
            attributes=dict(map(_attribute, found.messages(5))),
        )
        if node.op == "Constant" and node.outputs and isinstance(node.attributes.get("value"), np.ndarray):
            initializers[node.outputs[0]] = node.attributes["value"]
        else:
            nodes.append(node)
    inputs = tuple(found.text(1) for found in message.messages(11))
    outputs = tuple(found.text(1) for found in message.messages(12))
    return Graph(
        tuple(nodes), initializers, tuple(name for name in inputs if name not in initializers), outputs, opsets
    )


def _attribute(message: Message) -> tuple[str, Any]:
    name, kind = message.text(1), message.whole(20)
    value: Any
    match kind:
        case 1:
            value = float(message.numbers(2, np.float32)[-1]) if 2 in message.values else 0.0
        case 2:
            value = int(message.numbers(3, np.int64)[-1]) if 3 in message.values else 0
        case 3:
            value = message.text(4)
        case 4:
            value = _tensor(_only(message, 5))
        case 6:
            value = message.numbers(7, np.float32)
        case 7:
            value = message.numbers(8, np.int64)
        case 8:
            value = list(message.texts(9))
        case _:
            raise ModelError(f"The attribute {name!r} is of a kind (AttributeType {kind}) that cannot be read.")
    return name, value


def _tensor(message: Message) -> NDArray:
    shape = [int(size) for size in message.numbers(1, np.int64)]
    kind = message.whole(2)
    if message.whole(14):
        raise ModelError(f"The constant {message.text(8)!r} lies in another file, which is not read.")
    if kind == _STRING:
        values = np.array(list(message.texts(6)), object)
    elif kind not in _TYPES:
        raise ModelError(f"The constant {message.text(8)!r} is of a type (DataType {kind}) that cannot be read.")
    else:
        dtype, number = _TYPES[kind]
        if 9 in message.values:
            raw = message.all(9, bytes)[-1]
            values = np.frombuffer(raw, np.dtype(dtype).newbyteorder("<")).astype(dtype)
        else:
            values = message.numbers(number, dtype)
    if any(size < 0 for size in shape) or prod(shape) != len(values):
        raise ValueError(f"the constant {message.text(8)!r} of shape {shape} has {len(values)} values")
    return values.reshape(shape)
