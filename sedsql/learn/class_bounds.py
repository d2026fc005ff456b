"""Which classes a model cannot give: bounds for boxes of colours, from which queries get cheap conditions.

For the commonest sets of bands, colours are cut into boxes, where simulated stars are many; interval analysis of the
trees gives for each box, and each class, its greatest log-odds. A class for which these are below 0 is not
the answer there, whatever the source. How the boxes are chosen decides how many sources can be excluded; that no source
is excluded wrongly hangs on the analysis alone.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sedsql.inference.bounds_file import BandSet, BoundsFile, Tree
from sedsql.inference.model import Model
from sedsql.learn.intervals import Floats, Forest, Seen, cut, whole
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate

SETS = ((0, 1, 2), (0, 1, 2, 6), (0, 1, 2, 6, 7))
"""Places in COLUMNS: Gaia alone, with W1, with W1 and W2. With more bands the boxes would have to be too many."""
CUTS = (100, 100, 150)
"""How many cuts each set gets."""
SKY = {"main_sequence": 16_000, "giant": 8_000, "agn": 1_000}
"""Simulated sources that tell where cuts exclude most."""
FEWEST = 5
"""Boxes with fewer of them are not cut."""
QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
UNIT = 64
"""Cuts are at multiples of 1 / UNIT mag, which all types of numbers hold exactly."""


def write_bounds(model: Model) -> None:
    """Write `bounds.json` beside a model's graph; docs/models.md tells what is in it.

    A model that takes more than magnitudes has no boxes: its answer depends on more than colours. The C extension,
    which compares two classes alone, needs to know how large the forest is.
    """
    forest = Forest.of(model.graph())
    parts = () if model.extra else tuple(_boxes(model, forest))
    BoundsFile(model.sha256, len(forest.feature), parts).write(model.folder)


def _boxes(model: Model, forest: Forest) -> Iterator[BandSet]:
    """The boxes of all sets of bands that the model has."""
    sky = _sky()
    for places, cuts in zip(SETS, CUTS, strict=True):
        if not {COLUMNS[place] for place in places} <= set(model.bands) or len(places) < model.min_bands:
            continue
        rows = (np.isfinite(sky) == np.isin(np.arange(len(COLUMNS)), places)).all(axis=1)
        names, magnitudes = tuple(COLUMNS[place] for place in places), sky[rows][:, list(places)]
        bands = [model.bands.index(name) for name in names]
        share = round(float(rows.mean()), 4)
        yield BandSet(names, share, grow(Seen(forest, model.bands, bands), magnitudes, cuts))


def _sky() -> Floats:
    """Magnitudes as the surveys see them, shape (n, 10)."""
    rng = np.random.default_rng(0)
    return np.concatenate([simulate(population, n, rng).magnitudes for population, n in SKY.items()])


@dataclass(order=True)
class _Box:
    """A box, by how much there is to gain in it; `split` is None until it is cut."""

    order: tuple[float, int]
    box: Floats = field(compare=False)
    leaves: NDArray = field(compare=False)
    rows: NDArray = field(compare=False)
    log_odds: Floats = field(compare=False)
    split: tuple | None = field(compare=False, default=None)

    def tree(self, sources: int) -> Tree:
        if self.split is None:
            return [round(len(self.rows) / sources, 4), *map(float, np.ceil(self.log_odds * 100) / 100)]
        i, j, value, *parts = self.split
        return [[i, j, value], *(part.tree(sources) for part in parts)]


def grow(seen: Seen, magnitudes: NDArray[np.float64], cuts: int) -> Tree:
    """A tree of boxes.

    magnitudes : of simulated sources with just these bands, shape (n, bands)
    """
    colours = np.stack([magnitudes[:, i] - magnitudes[:, j] for i, j in seen.pairs], axis=1)
    box = whole(magnitudes.shape[1])
    leaves = seen.reached(box, seen.leaves)
    root = _Box((0, 0), box, leaves, np.arange(len(magnitudes)), seen.log_odds(leaves))
    heap, made = [root], 0
    for _ in range(cuts):
        while heap and (len(heap[0].rows) < FEWEST or not (heap[0].log_odds >= 0).any()):
            heapq.heappop(heap)
        if not heap:
            break
        parent = heapq.heappop(heap)
        best = _best_cut(seen, parent, colours)
        if best is None:
            continue
        parent.split = best
        for part in best[3:]:
            made += 1
            part.order = (-len(part.rows) * (part.log_odds >= 0).sum(), made)
            heapq.heappush(heap, part)
    return root.tree(len(magnitudes))


def _best_cut(seen: Seen, parent: _Box, colours: NDArray[np.float64]):
    """The cut that leaves the least log-odds to possible classes, summed over the sources; None if there is none."""
    possible, around = parent.log_odds >= 0, seen.limits(parent.box)
    best, least = None, np.inf
    for colour, (i, j) in enumerate(seen.pairs):
        values = colours[parent.rows, colour]
        for value in np.unique(np.round(np.quantile(values, QUANTILES) * UNIT) / UNIT):
            yes = values <= value
            parts = []
            for box, rows in zip(cut(parent.box, i, j, value), (parent.rows[yes], parent.rows[~yes]), strict=True):
                leaves = seen.reached(box, parent.leaves, around)
                parts.append(_Box((0, 0), box, leaves, rows, seen.log_odds(leaves)))
            left = sum(len(part.rows) * np.maximum(part.log_odds, 0)[possible].sum() for part in parts)
            if left < least:
                best, least = (i, j, float(value), *parts), left
    return best
