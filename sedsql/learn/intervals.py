"""Interval analysis of a forest: between which values its scores lie for all sources in a box of colours.

A box holds the sources of which certain bands are there and no others, and whose colours lie between limits. All
colours are differences of the same few magnitudes, so that limits of two of them limit a third (a difference bound
matrix: Dill 1990, LNCS 407, 197, Section 3).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedsql.inference import graph
from sedsql.learn.features import Colours

WIDEST = 2e9
"""No colour is wider, in mag; boxes are of sources with magnitudes within half of it."""
_PAD = 1e-9

Floats = NDArray[np.float64]
Limits = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Least and greatest values of features."""


@dataclass(frozen=True)
class Forest:
    """The trees of a graph; arrays have an entry for each node, and for each tree.

    feature, threshold : a row goes left where the feature is at most the threshold
    left, right : places of nodes; -1 in leaves
    missing_left : where a row without the feature goes
    value : what a leaf adds to the score of the tree's class
    roots, classes : of each tree
    base : of each class's score
    temperature : probabilities are the softmax of scores by it
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    value: Floats
    roots: NDArray[np.int64]
    classes: NDArray[np.int64]
    base: Floats
    temperature: float

    @classmethod
    def of(cls, data: bytes) -> "Forest":
        """The forest of a graph as `export.to_onnx` writes it, where all leaves of a tree add to one class's score."""
        found = graph.read(data)
        node = next(node for node in found.nodes if node.op == "TreeEnsembleRegressor")
        division = next(other for other in found.nodes if other.op == "Div" and other.inputs[0] == node.outputs[0])
        trees = graph.trees(node)
        roots = np.cumsum([0, *(len(tree.feature) for tree in trees[:-1])])
        value = np.zeros(sum(len(tree.feature) for tree in trees))
        for root, tree in zip(roots, trees, strict=True):
            value[root + tree.leaf] = tree.value
        return cls(
            feature=np.concatenate([tree.feature for tree in trees]),
            threshold=np.concatenate([tree.threshold for tree in trees]),
            left=_shifted([tree.left for tree in trees], roots),
            right=_shifted([tree.right for tree in trees], roots),
            missing_left=np.concatenate([tree.missing_left for tree in trees]),
            value=value,
            roots=roots,
            classes=np.array([tree.target[0] for tree in trees]),
            base=node.attributes["base_values"].astype(np.float64),
            temperature=float(found.initializers[division.inputs[1]].ravel()[0]),
        )


def _shifted(places: list[NDArray[np.int64]], roots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of nodes in their trees as places among the nodes of all trees; -1 stays."""
    return np.concatenate([np.where(one < 0, -1, root + one) for one, root in zip(places, roots, strict=True)])


def whole(bands: int) -> Floats:
    """The box of all sources: entry i, j is the most that magnitude i less magnitude j can be, shape (bands, bands)."""
    box = np.full((bands, bands), WIDEST)
    np.fill_diagonal(box, 0)
    return box


def cut(box: Floats, i: int, j: int, value: float) -> tuple[Floats, Floats]:
    """The boxes of the sources with magnitude i less magnitude j, in float32, at most `value`, and above it."""
    rounded = value + max(abs(value), 1) * 2.0**-23  # what float32 rounds to `value` may be as much above it
    return _limited(box, i, j, rounded), _limited(box, j, i, -value)


def _limited(box: Floats, i: int, j: int, most: float) -> Floats:
    return np.minimum(box, box[:, i, None] + most + box[None, j])


class Seen:
    """A forest for sources of which just certain bands are there.

    Its leaves, with the limits of their features; those that only sources with other bands reach are left out. A
    feature that is none of those of `Colours` is taken to have any value, or to be missing.

    Parameters
    ----------
    columns : all bands that the model takes
    bands : places in `columns` of those that are there
    """

    def __init__(self, forest: Forest, columns: Sequence[str], bands: Sequence[int]):
        features = Colours(tuple(columns))
        place = {band: k for k, band in enumerate(bands)}
        indices = features.indices
        kept = [number for number, pair in enumerate(features.pairs) if set(pair) <= set(place)]
        among = {number: k for k, number in enumerate(kept)}
        combined = [
            (len(features.pairs) + k, among[one], among[other], ratio)
            for k, (one, other, ratio) in enumerate(indices)
            if one in among and other in among
        ]
        self.forest = forest
        self.pairs = [(place[a], place[b]) for a, b in (features.pairs[number] for number in kept)]
        self._i, self._j = np.array(self.pairs).T
        self._one, self._other = (np.array([index[k] for index in combined], np.int64) for k in (1, 2))
        self._ratio = np.array([index[3] for index in combined], np.float64)
        column = np.full(max(len(features.names), forest.feature.max() + 1), -1)
        column[len(features.names) :] = -2
        column[[*kept, *(index[0] for index in combined)]] = np.arange(len(kept) + len(combined))
        leaves, above, most = _leaves(forest, column, len(kept) + len(combined))
        tree = np.searchsorted(forest.roots, leaves, side="right") - 1
        order = np.argsort(tree, kind="stable")
        # By features, as `reached` looks at a few of them in many leaves.
        self._above, self._most = np.ascontiguousarray(above[order].T), np.ascontiguousarray(most[order].T)
        self._tree = tree[order]
        self._value = forest.value[leaves[order]]
        self.leaves = np.arange(len(leaves))

    def reached(self, box: Floats, among: NDArray[np.int64], around: Limits | None = None) -> NDArray[np.int64]:
        """Those of some leaves that a source in the box can end in.

        around : limits of a larger box, all of whose leaves `among` are; only features with others are looked at
        """
        low, high = self.limits(box)
        features = range(len(low)) if around is None else np.flatnonzero((low != around[0]) | (high != around[1]))
        for k in features:
            above, most = self._above[k], self._most[k]
            among = among[(above[among] < high[k]) & (most[among] >= low[k])]
        return among

    def scores(self, leaves: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """The least and the greatest score of each class, shape (classes,), when sources end in some of `leaves`."""
        tree, value = self._tree[leaves], self._value[leaves]
        starts = np.flatnonzero(np.diff(tree, prepend=-1))
        classes, base = self.forest.classes[tree[starts]], self.forest.base
        least, greatest = np.minimum.reduceat(value, starts), np.maximum.reduceat(value, starts)
        return base + np.bincount(classes, least, len(base)), base + np.bincount(classes, greatest, len(base))

    def log_odds(self, leaves: NDArray[np.int64]) -> Floats:
        """The greatest log-odds of each class against the best of the others, shape (classes,)."""
        least, greatest = self.scores(leaves)
        first, second = np.sort(least)[[-1, -2]]
        return (greatest - np.where(least == first, second, first)) / self.forest.temperature

    def limits(self, box: Floats) -> Limits:
        """Least and greatest value of each feature as float32 arithmetic gives it, widened by its rounding."""
        low, high = _widened(-box[self._j, self._i], box[self._i, self._j])
        one, other = low[self._other] * self._ratio, high[self._other] * self._ratio
        less, more = np.minimum(one, other), np.maximum(one, other)
        size = 2.0**-22 * (np.abs([low[self._one], high[self._one]]).max(axis=0) + np.abs([less, more]).max(axis=0))
        low_q, high_q = _widened(low[self._one] - more - size, high[self._one] - less + size)
        return np.concatenate([low, low_q]), np.concatenate([high, high_q])


def _widened(low: Floats, high: Floats) -> Limits:
    infinity = np.float32(np.inf)
    low, high = (low - _PAD).astype(np.float32), (high + _PAD).astype(np.float32)
    return np.nextafter(low, -infinity), np.nextafter(high, infinity)


def _leaves(forest: Forest, column: NDArray[np.int64], width: int):
    """Leaves, and for each feature what it is above and what it is at most there, float32 (leaves, width).

    column : of each feature in these; -1 if it is missing, -2 if it may be anything
    """
    infinity = np.float32(np.inf)
    node = forest.roots
    above, most = np.full((len(node), width), -infinity), np.full((len(node), width), infinity)
    ends: list[tuple[NDArray, NDArray, NDArray]] = []
    while len(node):
        end = forest.left[node] < 0
        ends.append((node[end], above[end], most[end]))
        node, above, most = node[~end], above[~end], most[~end]
        at, threshold = column[forest.feature[node]], forest.threshold[node]
        rows = np.flatnonzero(at >= 0)
        left_most, right_above = most.copy(), above.copy()
        left_most[rows, at[rows]] = np.minimum(most[rows, at[rows]], threshold[rows])
        right_above[rows, at[rows]] = np.maximum(above[rows, at[rows]], threshold[rows])
        missing = forest.missing_left[node]
        left = np.where(at == -1, missing, True) & (above < left_most).all(axis=1)
        right = np.where(at == -1, ~missing, True) & (right_above < most).all(axis=1)
        node = np.concatenate([forest.left[node][left], forest.right[node][right]])
        above = np.concatenate([above[left], right_above[right]])
        most = np.concatenate([left_most[left], most[right]])
    parts = [np.concatenate(part) for part in zip(*ends, strict=True)]
    return parts[0], parts[1], parts[2]
