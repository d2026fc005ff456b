"""Write trees as SQL: each feature is looked up once among its thresholds; each tree is a CASE on these integers."""

from collections import defaultdict

import numpy as np

from sedsql.inference.card import MOST_CLASSES
from sedsql.inference.graph import Node, Tree, trees
from sedsql.inference.model import ModelError
from sedsql.inference.sql_engine.expressions import FLOAT, INTEGER, Parts, Value, balanced, clean, constant

_MOST_BITS = 24
"""Sums of at most so many bits are exact in float32, whatever the order."""


def forest(node: Node, features: list[Value], enough: Value) -> list[Value]:
    """Write the outputs of a TreeEnsembleRegressor; NULL where `enough` is false.

    Raises ModelError for trees of which a sum could be rounded, for it would then depend on the order.
    """
    attributes = node.attributes
    if attributes.get("aggregate_function", "SUM") != "SUM" or attributes.get("post_transform", "NONE") != "NONE":
        raise ModelError("Trees whose leaves are not simply added cannot be written as plain SQL.")
    found = trees(node)
    outputs = int(attributes.get("n_targets", 1))
    if not 0 < outputs <= MOST_CLASSES:
        raise ModelError(f"{node.op} has {outputs:,} outputs; there may be {MOST_CLASSES:,}.")
    starts = np.asarray(attributes.get("base_values", np.zeros(outputs, np.float32)), np.float64)
    if len(starts) != outputs or any(((tree.target < 0) | (tree.target >= outputs)).any() for tree in found):
        raise ModelError(f"{node.op} has other outputs than the {outputs} that it says.")
    bits = _bits(found, starts)
    scale = 2.0**bits
    columns = _columns(found, [clean(feature) for feature in features])
    terms: dict[int, list[Value]] = defaultdict(list)
    for tree in found:
        for target in np.unique(tree.target).tolist():
            terms[target].append(_tree(tree, target, scale, columns))
    sums = [balanced([constant(round(start * scale), INTEGER), *terms[k]], INTEGER) for k, start in enumerate(starts)]
    unit = constant(1 / scale, FLOAT)
    # Without the CASE, DuckDB's optimizer would look for sums that are alike, at great length.
    return [Value(["CASE WHEN ", enough, " THEN ", total, "::FLOAT * ", unit, " END"]) for total in sums]


def _bits(found: list[Tree], starts: np.ndarray) -> int:
    """Count the bits after the point that all leaves need."""
    values = np.concatenate([starts, *(tree.value.astype(np.float64) for tree in found)])
    largest = np.abs(starts).sum() + sum(float(np.abs(tree.value).max(initial=0)) for tree in found)
    bits = 0
    while bits <= _MOST_BITS and (values * 2.0**bits != np.round(values * 2.0**bits)).any():
        bits += 1
    if not largest * 2.0**bits < 2.0**_MOST_BITS:
        raise ModelError(
            "The leaves of its trees are not multiples of a power of two, so that plain SQL could round their sum "
            "otherwise than ONNX Runtime; `sedsql train` makes trees whose are."
        )
    return bits


class _Column:
    """A feature's place among the thresholds: how many are below it; missing is beyond all, or before all.

    Attributes
    ----------
    places : place of each threshold
    right, left : the integer where a missing value goes right, and where it goes left
    """

    def __init__(self, feature: Value, thresholds: list[float]):
        self.places = {threshold: place for place, threshold in enumerate(thresholds)}
        beyond, kind = (255, "UTINYINT") if len(thresholds) < 255 else (2**31 - 1, "INTEGER")
        search = _search(feature, thresholds, 0, len(thresholds))
        known: Parts = ["CASE WHEN ", feature, f" IS NULL THEN {beyond} ELSE ", *search, f" END::{kind}"]
        always: Parts = ["(", *search, f")::{kind}"]
        self.right = Value(known if feature.null else always, kind)
        before: Parts = ["CASE WHEN ", self.right, f"={beyond} THEN 0 ELSE ", self.right, f" END::{kind}"]
        self.left = Value(before, kind) if feature.null else self.right


def _search(feature: Value, thresholds: list[float], low: int, high: int) -> Parts:
    if low == high:
        return [str(low)]
    middle = (low + high) // 2
    test: Parts = ["CASE WHEN ", feature, "<=", constant(thresholds[middle], FLOAT), " THEN "]
    not_above = _search(feature, thresholds, low, middle)
    return [*test, *not_above, " ELSE ", *_search(feature, thresholds, middle + 1, high), " END"]


def _columns(found: list[Tree], features: list[Value]) -> dict[int, _Column]:
    thresholds = defaultdict(set)
    for tree in found:
        inner = tree.left >= 0
        for feature, threshold in zip(tree.feature[inner].tolist(), tree.threshold[inner].tolist(), strict=True):
            thresholds[feature].add(threshold)
    wrong = [feature for feature in thresholds if not 0 <= feature < len(features)]
    if wrong or any(np.isnan(list(values)).any() for values in thresholds.values()):
        raise ModelError("Its trees branch on a feature, or at a threshold, that there is not.")
    return {feature: _Column(features[feature], sorted(values)) for feature, values in thresholds.items()}


def _tree(tree: Tree, target: int, scale: float, columns: dict[int, _Column]) -> Value:
    """Write a tree; the larger branch comes last, as one more WHEN of the same CASE: fewer CASEs are quicker."""
    leaves: dict[int, float] = defaultdict(float)
    for place, value in zip(tree.leaf[tree.target == target], tree.value[tree.target == target], strict=True):
        leaves[int(place)] += float(value)
    left, right = tree.left.tolist(), tree.right.tolist()
    sizes = [1] * len(left)
    for place in range(len(left) - 1, -1, -1):  # children stand after their parents
        if left[place] >= 0:
            sizes[place] = sizes[left[place]] + sizes[right[place]]

    def parts(place: int) -> Parts:
        found: Parts = []
        while left[place] >= 0:
            column = columns[int(tree.feature[place])]
            value = column.left if tree.missing_left[place] else column.right
            threshold = column.places[float(tree.threshold[place])]
            goes_left = sizes[left[place]] <= sizes[right[place]]
            then, otherwise = (left, right) if goes_left else (right, left)
            found += [" WHEN ", value, f"{'<=' if goes_left else '>'}{threshold} THEN ", *parts(then[place])]
            place = otherwise[place]
        leaf = str(round(leaves[place] * scale))
        return ["CASE", *found, f" ELSE {leaf} END"] if found else [leaf]

    return Value(parts(0), INTEGER)
