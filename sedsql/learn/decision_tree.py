"""Evaluate a decision tree whose leaves hold a score for each class, in units that every engine adds alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

LEAF_UNIT = 2.0**-12
"""Leaf values are multiples of this; sums below 2048 then fit into the 24 bits of a float32."""

Values = NDArray[np.float64]


def rounded(values):
    """Round values to multiples of LEAF_UNIT."""
    return np.round(values / LEAF_UNIT) * LEAF_UNIT


@dataclass(frozen=True)
class Split:
    """A node of a tree: rows with x[feature] <= threshold go to `yes`, others to `no`.

    Rows with a missing x go to `yes` if `missing` is true. A child is another split, or a leaf: the values of all
    classes, shape (classes,).
    """

    feature: int
    threshold: float
    missing: bool
    yes: "Split | Values"
    no: "Split | Values"

    def leaves(self) -> Iterator[Values]:
        """Yield the values of the leaves, from the left."""
        for side in (self.yes, self.no):
            if isinstance(side, Split):
                yield from side.leaves()
            else:
                yield side

    def mapped(self, change: Callable[[Values], Values]) -> "Split":
        """Return the same tree with `change` applied to its leaves."""
        yes, no = (side.mapped(change) if isinstance(side, Split) else change(side) for side in (self.yes, self.no))
        return replace(self, yes=yes, no=no)

    def scores(self, X: NDArray[np.float32]) -> Values:
        """Return the value of the leaf of each row, shape (n, classes), for features of shape (n, features)."""
        x = X[:, self.feature]
        left = np.where(np.isnan(x), self.missing, x <= np.float32(self.threshold))
        result = np.empty((len(X), len(next(self.leaves()))))
        for rows, side in ((left, self.yes), (~left, self.no)):
            result[rows] = side.scores(X[rows]) if isinstance(side, Split) else side
        return result
