"""Mutates JSON, bytes and ONNX graphs."""

import copy
import json

import numpy as np
import onnx
from onnx import helper, numpy_helper

from sedsql.inference.card import EXTRA

ODD = [
    *(None, True, False, 0, 1, -1, 1.5, 1e300, -1e-300, 2**62, 10**40, "", "a", "\x00", "\ud800", "é" * 200, "source"),
    *([], {}, [[]], {"a": {}}, [None], ["a", "a"], [1, 2], {"a": "b", "b": "a"}, "../../card.json", "'; DROP"),
    *("parallax", "j_m", list(EXTRA), {"yso": 1}, {"levels": [0.5], "thresholds": {}}, float("nan"), float("inf")),
]
"""Values of all kinds, in the place of others."""


def places(tree) -> list:
    """All parts of a JSON value: what holds them, and where."""
    found, layer = [], [tree]
    while layer:
        parts = [(of, key) for of in layer for key in (of if isinstance(of, dict) else range(len(of)))]
        found += parts
        layer = [of[key] for of, key in parts if isinstance(of[key], dict | list)]
    return found


def mutated_json(tree, rng) -> bytes:
    """A JSON value with one to three parts changed; or its text, with bytes changed."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.integers(1, 4)):
        every = places(tree)
        if not every:
            break
        top = [place for place in every if place[0] is tree]
        (of, key), (other, its) = (
            (some := top if rng.random() < 0.3 else every)[rng.integers(len(some))] for _ in "ab"
        )
        match rng.integers(6):
            case 0 | 1:
                of[key] = copy.deepcopy(ODD[rng.integers(len(ODD))])
            case 2:
                of[key] = copy.deepcopy(other[its])
            case 3:
                del of[key]
            case 4 if isinstance(of, dict):
                of[str(its)] = copy.deepcopy(of[key])
            case 4:
                of.append(copy.deepcopy(other[its]))
            case _:
                for _ in range(rng.choice([1, 3, 70])):
                    of[key] = [of[key]]
    written = json.dumps(tree)
    if rng.random() < 0.02:
        written = written.replace(": ", ": " + "[" * 9_999, 1)
    if rng.random() < 0.05:
        written = written.replace('": ', '": 1, "name": ', 1)  # a key twice
    data = written.encode("utf-8", "surrogatepass")
    return mutated_bytes(data, rng) if rng.random() < 0.2 else data


def mutated_bytes(data: bytes, rng) -> bytes:
    """Bytes flipped, taken out, put in twice, or cut off."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        at, n = int(rng.integers(len(changed) + 1)), int(rng.integers(1, 20))
        match rng.integers(5):
            case 0 | 1 if at < len(changed):
                changed[at] = rng.integers(256)
            case 2:
                del changed[at : at + n]
            case 3:
                changed[at:at] = changed[at : at + n] * int(rng.integers(1, 4))
            case 4 if rng.random() < 0.2:
                del changed[at:]
    return bytes(changed)


def mutated_graph(data: bytes, rng) -> bytes:
    """A graph with nodes, attributes, constants or names changed so that the file stays one; or with bytes changed."""
    if rng.random() < 0.3:
        return mutated_bytes(data, rng)
    model = onnx.load_from_string(data)
    found = model.graph
    for _ in range(rng.integers(1, 4)):
        node = found.node[rng.integers(len(found.node))] if found.node else found.node.add()
        names = ["", "magnitudes", *(value for other in found.node for value in (*other.input, *other.output))]
        names += [tensor.name for tensor in found.initializer]
        name = names[rng.integers(len(names))]
        match rng.integers(10):
            case 0 if node.input:
                node.input[rng.integers(len(node.input))] = name
            case 1 if node.output:
                node.output[0] = name
            case 2:
                node.op_type = found.node[rng.integers(len(found.node))].op_type
            case 3:
                node.input.append(name)
            case 4 if found.initializer:
                tensor = found.initializer[rng.integers(len(found.initializer))]
                shape = [int(size) for size in rng.choice([0, 1, 2, 3, 10, 2**40], rng.integers(3))]
                values = rng.choice([0, 1, -1, 9, 1e30, np.inf, np.nan], int(np.prod([min(s, 99) for s in shape])))
                array = (
                    values.astype(rng.choice(["f4", "f8"])) if rng.random() < 0.7 else rng.integers(-3, 12, len(values))
                )
                tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
                tensor.dims[:] = shape
            case 5 if node.attribute:
                del node.attribute[rng.integers(len(node.attribute))]
            case 6 | 7 if node.attribute:
                _change(node.attribute[rng.integers(len(node.attribute))], rng)
            case 8:
                node.attribute.append(
                    helper.make_attribute(
                        *[
                            ("axis", 7),
                            ("axes", [1, 1]),
                            ("to", [1]),
                            ("n_targets", 2**60),
                            ("keepdims", 0),
                            ("alpha", 2.0),
                        ][rng.integers(6)]
                    )
                )
            case _:
                for _ in range(rng.choice([1, 40])):  # widths that double
                    found.node.append(helper.make_node("Concat", [name, name], [name + "+"], axis=1))
                    name += "+"
    return model.SerializeToString()


def _change(attribute, rng) -> None:
    """Other numbers in a list, another length, or another kind."""
    for values, odd in ((attribute.ints, [0, -1, 1, 5, 2**40]), (attribute.floats, [0, np.nan, np.inf, 1e30])):
        if len(values):
            values[rng.integers(len(values))] = odd[rng.integers(len(odd))]
            if rng.random() < 0.3:
                del values[rng.integers(len(values)) :]
    if attribute.type == onnx.AttributeProto.INT:
        attribute.i = int(rng.choice([0, 1, -1, 7, 2**62]))
    if rng.random() < 0.2:
        attribute.type = int(rng.integers(0, 12))
