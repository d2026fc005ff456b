"""No score leaves the bounds of its box."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsql.learn.class_bounds import grow
from sedsql.learn.features import Colours
from sedsql.learn.intervals import Forest, Seen, cut, whole
from sedsql.photometry.bands import COLUMNS


def tree_of(rng, features, depth):
    """A random tree as lists: a leaf's value, or feature, threshold, where missing goes, left and right."""
    if depth == 0 or rng.random() < 0.2:
        return round(rng.normal() * 4096) / 4096
    below = [tree_of(rng, features, depth - 1) for _ in range(2)]
    return [int(rng.integers(features)), np.float32(rng.normal(0.3, 1)), bool(rng.integers(2)), *below]


def forest_of(trees, classes, n_classes):
    columns = [[] for _ in range(6)]

    def add(tree):
        place = len(columns[0])
        leaf = not isinstance(tree, list)
        feature, threshold, missing, *below = [0, 0, False] if leaf else tree
        for column, value in zip(columns, (feature, threshold, -1, -1, missing, tree if leaf else 0), strict=True):
            column.append(value)
        for side, branch in zip((2, 3), below, strict=False):
            columns[side][place] = add(branch)
        return place

    roots = np.array([add(tree) for tree in trees])
    kinds = (np.int64, np.float32, np.int64, np.int64, bool, float)
    nodes = [np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    return Forest(*nodes, roots, np.array(classes), np.arange(n_classes) - 0.5, 1.25)


def value_of(tree, features):
    while isinstance(tree, list):
        feature, threshold, missing, left, right = tree
        x = features[feature]
        tree = left if (missing if np.isnan(x) else x <= threshold) else right
    return tree


@settings(max_examples=15)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 5),
    st.sampled_from([(0, 1, 2), (0, 3, 4, 5), (1, 2, 6, 7, 8)]),
)
def test_scores_lie_within_the_bounds_of_their_box(seed, n_classes, bands):
    rng = np.random.default_rng(seed)
    colours = Colours(COLUMNS)
    classes = rng.integers(n_classes, size=8)
    trees = [tree_of(rng, len(colours.names) + 2, 4) for _ in classes]
    forest = forest_of(trees, classes, n_classes)
    rows = np.full((60, 10), np.nan, np.float32)
    rows[:, bands] = rng.normal(15, 0.7, (60, len(bands)))
    other = rng.choice([np.nan, 0.1, 5], (60, 2)).astype(np.float32)  # features of which nothing is known
    features = np.hstack([colours.transform(rows), other])
    scores = np.tile(forest.base, (60, 1))
    for tree, which in zip(trees, classes, strict=True):
        scores[:, which] += [value_of(tree, row) for row in features]

    magnitudes = rows[:, list(bands)].astype(np.float64)
    seen = Seen(forest, COLUMNS, bands)
    tree = grow(seen, magnitudes, 8)
    for row, score in zip(magnitudes, scores, strict=True):
        box, node = whole(len(row)), tree
        leaves = seen.reached(box, seen.leaves)
        while isinstance(node[0], list):
            (i, j, value), *branches = node
            side = 0 if np.float32(row[i]) - np.float32(row[j]) <= value else 1
            around = seen.limits(box)
            box, node = cut(box, i, j, value)[side], branches[side]
            leaves = seen.reached(box, leaves, around)
        assert np.array_equal(leaves, seen.reached(box, seen.leaves))
        least, greatest = seen.scores(seen.reached(box, seen.leaves))
        assert (least <= score).all()
        assert (score <= greatest).all()
        log_odds = [score[k] - np.delete(score, k).max() for k in range(n_classes)]
        assert (np.array(log_odds) / forest.temperature <= node[1:]).all()


def test_bounds_of_a_single_tree_are_its_leaves():
    tree = [0, np.float32(0.5), True, 1.0, [0, np.float32(1.5), False, -2.0, 3.0]]  # of BP - G
    seen = Seen(forest_of([tree], [1], 2), COLUMNS, (0, 1, 2))
    below, above = cut(whole(3), 1, 0, 1.0)
    for box, expected in ((whole(3), (-2.0, 3.0)), (below, (-2.0, 1.0)), (above, (-2.0, 3.0))):
        least, greatest = seen.scores(seen.reached(box, seen.leaves))
        assert (least[1] - 0.5, greatest[1] - 0.5) == expected
    narrow = cut(cut(below, 0, 2, 0.25)[0], 1, 2, 0.5)[1]  # BP - RP > 0.5 and G - RP <= 0.25: so BP - G > 0.25
    assert seen.scores(seen.reached(cut(narrow, 1, 0, 0.25)[0], seen.leaves))[1].size == 2
    only = cut(cut(whole(3), 1, 2, 1.0)[1], 0, 2, 0.25)[0]  # so BP - G > 0.75
    assert seen.scores(seen.reached(only, seen.leaves))[1][1] - 0.5 == 3.0
    assert seen.scores(seen.reached(only, seen.leaves))[0][1] - 0.5 == -2.0
    without = Seen(forest_of([tree], [1], 2), COLUMNS, (0, 2))
    assert list(without.scores(without.leaves)[0] - [-0.5, 0.5]) == [0, 1]  # BP is missing: to the left
