"""Find the labelled sources that are most like a source."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sedsql.learn.outlier import squared_distances
from sedsql.learn.training import LabelledTable


class Neighbour(NamedTuple):
    """A labelled source near another.

    row : its row in the labelled table, from 1
    label : its class
    distance : root of the mean square of the differences in the bands that both have, after both are brought to the
        same brightness, in mag; a band that the neighbour lacks counts as a difference of `outlier.MISSING_MAG`
    """

    row: int
    label: str
    distance: float


def nearest(magnitudes: NDArray[np.float32], table: LabelledTable, count: int = 5) -> list[Neighbour]:
    """Find the `count` rows of a labelled table that are nearest to a source with magnitudes of shape (10,)."""
    seds = table.magnitudes - np.nanmean(table.magnitudes, axis=1, keepdims=True)
    squares = squared_distances(magnitudes[None], seds)[0]
    distance = np.sqrt(np.maximum(squares, 0) / max(np.isfinite(magnitudes).sum() - 1, 1))
    first = np.argsort(distance, kind="stable")[:count]
    return [Neighbour(int(table.rows[k]), str(table.labels[k]), float(distance[k])) for k in first]
