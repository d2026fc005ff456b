"""The training sources most like a source: what a model's answer rests on."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .outlier import squared_distances
from .training import LabelledTable


class Neighbour(NamedTuple):
    """A labelled source near another.

    row : its row in the labelled table, from 1
    label : its class
    distance : root of the mean square of the differences in the bands that both have, after both are brought to the
        same brightness; a band that the neighbour lacks counts as in `outlier.MISSING_MAG`; in mag
    """

    row: int
    label: str
    distance: float


def nearest(magnitudes: NDArray[np.float32], table: LabelledTable, count: int = 5) -> list[Neighbour]:
    """The `count` rows of a labelled table that are nearest to a source with magnitudes of shape (10,)."""
    seds = table.magnitudes - np.nanmean(table.magnitudes, axis=1, keepdims=True)
    squares = squared_distances(magnitudes[None], seds)[0]
    distance = np.sqrt(np.maximum(squares, 0) / max(np.isfinite(magnitudes).sum() - 1, 1))
    first = np.argsort(distance, kind="stable")[:count]
    return [Neighbour(int(table.rows[k]), str(table.labels[k]), float(distance[k])) for k in first]
