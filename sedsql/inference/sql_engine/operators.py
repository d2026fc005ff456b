"""Write the operators of ONNX as SQL (onnx.ai/onnx/operators): a tensor of shape (n, k) is k values of a row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedsql.inference.graph import Graph, Node
from sedsql.inference.model import ModelError
from sedsql.inference.sql_engine.arithmetic import (
    Columns,
    binary,
    choice,
    extreme,
    place_of_largest,
    product,
    softmax,
    total_of,
)
from sedsql.inference.sql_engine.expressions import BOOLEAN, DOUBLE, FLOAT, INTEGER, Value, clean, constant
from sedsql.inference.sql_engine.forest import forest

_KINDS = {"f4": FLOAT, "f8": DOUBLE, "i8": INTEGER, "i4": INTEGER, "b1": BOOLEAN}
_CAST = {1: FLOAT, 6: INTEGER, 7: INTEGER, 9: BOOLEAN, 11: DOUBLE}
"""TensorProto.DataType."""
MOST_NODES, MOST_COLUMNS = 1024, 4096
"""Some ten times what our models have; a few bytes of a graph must not become gigabytes of SQL."""


@dataclass
class Run:
    """A graph as far as it is translated.

    known : the columns of each value of the graph
    constants : those that do not depend on the row
    enough : SQL of whether a row has enough bands to be asked for
    """

    known: dict[str, Columns]
    constants: dict[str, NDArray]
    enough: Value

    def columns(self, name: str, width: int = 1) -> Columns:
        """Give the columns of a value; of a constant as many as are wanted."""
        if name in self.known:
            found = self.known[name]
        else:
            array = self.array(name)
            if array.size != (array.shape[-1] if array.shape else 1):
                raise ModelError("A constant of several rows stands where a row of numbers should.")
            kind = _KINDS.get(array.dtype.str[1:])
            if kind is None:
                raise ModelError(f"Constants of type {array.dtype} cannot be written as plain SQL.")
            found = [constant(number, kind) for number in array.ravel()]
        return found * width if len(found) == 1 else found

    def array(self, name: str) -> NDArray:
        if name not in self.constants:
            raise ModelError(f"{name!r} should be a constant, and is not one of the graph's.")
        return self.constants[name]


def translate(graph: Graph, inputs: dict[str, Columns], outputs: Sequence[str], enough: Value) -> dict[str, Columns]:
    """Write the columns of a graph's outputs, from those of its inputs.

    Raises ModelError for an operator that is not known here.
    """
    run = Run(dict(inputs), graph.initializers, enough)
    needed = _needed(graph, outputs)
    if len(needed) > MOST_NODES:
        raise ModelError(f"The graph has {len(needed):,} nodes; {MOST_NODES:,} at most can be written as plain SQL.")
    for node in needed:
        operator = _OPERATORS.get((node.domain.removeprefix("ai.onnx"), node.op))
        if operator is None:
            name = f"{node.domain}.{node.op}" if node.domain else node.op
            raise ModelError(f"The operator {name} cannot be written as plain SQL.")
        try:
            found = operator(run, node)
            run.known[node.outputs[0]] = found
        except ModelError:
            raise
        except (LookupError, ValueError, TypeError, ArithmeticError, AttributeError) as error:
            raise ModelError(f"The operator {node.op} is not as ONNX has it: {error}.") from None
        if not 0 < len(found) <= MOST_COLUMNS:
            raise ModelError(
                f"The operator {node.op} gives {len(found):,} columns; 1 to {MOST_COLUMNS:,} can be written."
            )
    return {name: run.columns(name) for name in outputs}


def _needed(graph: Graph, outputs: Sequence[str]) -> list[Node]:
    wanted, needed = set(outputs), []
    for node in reversed(graph.nodes):
        if wanted & set(node.outputs):
            wanted |= set(node.inputs)
            needed.append(node)
    return needed[::-1]


def _together(run: Run, node: Node) -> list[Columns]:
    """Give the inputs of an operator of numbers, each as wide as the widest."""
    width = max(len(run.columns(name)) for name in node.inputs)
    found = [run.columns(name, width) for name in node.inputs]
    if any(len(columns) != width for columns in found):
        raise ModelError(f"{node.op} is given {' and '.join(str(len(columns)) for columns in found)} columns.")
    return found


def _arithmetic(sign: str) -> Callable[[Run, Node], Columns]:
    def operator(run, node):
        return [binary(sign, a, b) for a, b in zip(*_together(run, node), strict=True)]

    return operator


def _function(before: str, after: str) -> Callable[[Run, Node], Columns]:
    def operator(run, node):
        return [
            Value([before, x, f"{after}::{x.kind}"], x.kind, null=x.null, infinite=x.infinite, nan=x.nan)
            for x in run.columns(node.inputs[0])
        ]

    return operator


def _log(run, node):
    """DuckDB's ln, and its sqrt, are errors where they give no number."""
    return [
        Value(
            ["CASE WHEN ", x, " > 0 THEN ln(", x, ") WHEN ", x, f" = 0 THEN '-inf'::DOUBLE END::{x.kind}"],
            *(x.kind, True, True, x.nan),
        )
        for x in run.columns(node.inputs[0])
    ]


def _sqrt(run, node):
    return [
        Value(
            ["CASE WHEN ", x, " >= 0 THEN sqrt(", x, f") END::{x.kind}"],
            x.kind,
            null=True,
            infinite=x.infinite,
            nan=x.nan,
        )
        for x in run.columns(node.inputs[0])
    ]


def _sin(run, node):
    """DuckDB's sin is an error of an infinity."""
    return [
        Value(["CASE WHEN isfinite(", x, ") THEN sin(", x, f") END::{x.kind}"], x.kind, null=True)
        for x in run.columns(node.inputs[0])
    ]


def _extreme(name: str) -> Callable[[Run, Node], Columns]:
    """greatest() and least() pass over NULL, where ONNX gives NaN."""

    def operator(run, node):
        return [extreme(name, [clean(x) for x in values]) for values in zip(*_together(run, node), strict=True)]

    return operator


def _is_nan(run, node):
    return [Value([clean(x), " IS NULL"], BOOLEAN) for x in run.columns(node.inputs[0])]


def _not(run, node):
    return [Value(["NOT ", x], BOOLEAN) for x in run.columns(node.inputs[0])]


def _where(run, node):
    return [choice(*values) for values in zip(*_together(run, node), strict=True)]


def _cast(run, node):
    kind = _CAST.get(node.attributes["to"])
    if kind is None:
        raise ModelError(f"A cast to the type {node.attributes['to']} of ONNX cannot be written as plain SQL.")
    return [
        x if x.kind == kind else Value([x, f"::{kind}"], kind, null=x.null, infinite=x.infinite, nan=x.nan)
        for x in run.columns(node.inputs[0])
    ]


def _gather(run, node):
    if node.attributes.get("axis", 0) not in (1, -1):
        raise ModelError("Gather is known along the columns only.")
    columns = run.columns(node.inputs[0])
    return [columns[place] for place in run.array(node.inputs[1]).ravel().tolist()]


def _slice(run, node):
    starts, ends, axes, *steps = (run.array(name).ravel().tolist() for name in node.inputs[1:])
    if axes not in ([1], [-1]):
        raise ModelError("Slice is known along the columns only.")
    return run.columns(node.inputs[0])[starts[0] : ends[0] : steps[0][0] if steps else 1]


def _concat(run, node):
    if node.attributes.get("axis") not in (1, -1):
        raise ModelError("Concat is known along the columns only.")
    return [column for name in node.inputs for column in run.columns(name)]


def _same(run, node):
    return run.columns(node.inputs[0])


def _reduce(combine: Callable[[Columns], Value]) -> Callable[[Run, Node], Columns]:
    def operator(run, node):
        axes = node.attributes.get("axes")
        if axes is None and len(node.inputs) > 1:
            axes = run.array(node.inputs[1])
        if axes is None or np.ravel(axes).tolist() not in ([1], [-1]):
            raise ModelError(f"{node.op} is known along the columns only.")
        return [combine(run.columns(node.inputs[0]))]

    return operator


def _matmul(run, node):
    return product(run.columns(node.inputs[0]), run.array(node.inputs[1]))


def _gemm(run, node):
    given = node.attributes
    if given.get("transA", 0) or given.get("alpha", 1.0) != 1 or given.get("beta", 1.0) != 1:
        raise ModelError("Gemm is known without factors, and without its first input transposed.")
    weights = run.array(node.inputs[1])
    found = product(run.columns(node.inputs[0]), weights.T if given.get("transB", 0) else weights)
    if len(node.inputs) < 3:
        return found
    return [binary("+", a, b) for a, b in zip(found, run.columns(node.inputs[2], len(found)), strict=True)]


def _relu(run, node):
    return [extreme("greatest", [clean(x), constant(0, x.kind)]) for x in run.columns(node.inputs[0])]


def _softmax(run, node):
    if node.attributes.get("axis", -1) not in (1, -1):
        raise ModelError("Softmax is known along the columns only.")
    return softmax(run.columns(node.inputs[0]))


def _argmax(run, node):
    if node.attributes.get("axis", 0) not in (1, -1) or node.attributes.get("select_last_index", 0):
        raise ModelError("ArgMax is known along the columns, for the first of the largest, only.")
    return [place_of_largest(run.columns(node.inputs[0]))]


def _trees(run, node):
    return forest(node, run.columns(node.inputs[0]), run.enough)


_OPERATORS: dict[tuple[str, str], Callable[[Run, Node], Columns]] = {
    **{("", name): _arithmetic(sign) for name, sign in (("Add", "+"), ("Sub", "-"), ("Mul", "*"), ("Div", "/"))},
    ("", "Max"): _extreme("greatest"),
    ("", "Min"): _extreme("least"),
    ("", "Log"): _log,
    ("", "Sqrt"): _sqrt,
    ("", "Sin"): _sin,
    ("", "Tanh"): _function("tanh(", ")"),
    ("", "Sigmoid"): _function("1 / (1 + exp(-", "))"),
    ("", "Abs"): _function("abs(", ")"),
    ("", "Neg"): _function("-(", ")"),
    ("", "Round"): _function("round_even(", ", 0)"),  # halves to even numbers, as ONNX has it
    ("", "IsNaN"): _is_nan,
    ("", "Not"): _not,
    ("", "Where"): _where,
    ("", "Cast"): _cast,
    ("", "Gather"): _gather,
    ("", "Slice"): _slice,
    ("", "Concat"): _concat,
    ("", "Identity"): _same,
    ("", "Squeeze"): _same,
    ("", "ReduceSum"): _reduce(total_of),
    ("", "ReduceMin"): _reduce(lambda values: extreme("least", [clean(x) for x in values])),
    ("", "ReduceMax"): _reduce(lambda values: extreme("greatest", [clean(x) for x in values])),
    ("", "MatMul"): _matmul,
    ("", "Gemm"): _gemm,
    ("", "Relu"): _relu,
    ("", "Softmax"): _softmax,
    ("", "ArgMax"): _argmax,
    (".ml", "TreeEnsembleRegressor"): _trees,
}
