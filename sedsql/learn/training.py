"""A labelled table made ready for training: cuts, a split by sky, missing bands at random."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.coordinates import Latitude, Longitude
from cdshealpix.nested import lonlat_to_healpix
from numpy.typing import NDArray

from .. import tables
from ..simulate import POPULATIONS, simulate
from ..tables import TableError

MIN_BANDS = 3
LEAST_ROWS = 20
"""Fewest rows of a class; with less neither training nor testing means anything."""

SKY_ORDER = 3
"""HEALPix order of the cells that are held out whole (7.3 degrees across): neighbours share clusters and dust."""

HELD_OUT = 5
"""One sky cell in so many is held out."""


@dataclass
class LabelledTable:
    """Magnitudes and labels of n sources.

    Attributes
    ----------
    magnitudes : float32, shape (n, 10), NaN = missing
    labels : str, shape (n,)
    cells : sky cell (or a number drawn at random where the table has no positions), shape (n,)
    simulated : whether a row is simulated: then it is trained on and never tested on, shape (n,)
    origin : what the table is, for the card: file name, sha256, rows, rows per class
    """

    magnitudes: NDArray[np.float32]
    labels: NDArray[np.str_]
    cells: NDArray[np.int64]
    simulated: NDArray[np.bool_]
    origin: dict

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """The rows to test on: whole sky cells, always the same ones."""
        # A multiplicative hash spreads neighbouring cells over training and test.
        mixed = self.cells.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)
        return (mixed % np.uint64(HELD_OUT) == 0) & ~self.simulated

    @property
    def n_bands(self) -> NDArray[np.int64]:
        return np.isfinite(self.magnitudes).sum(axis=1)


def read_labelled(path: Path, label: str, band_map: Mapping[str, str] | None = None) -> LabelledTable:
    """Read a table with a label column; rows without a label or with fewer than MIN_BANDS bands are left out."""
    table = tables.read_table(path)
    if label not in table.colnames:
        raise TableError(
            f"{path.name} has no column {label!r} to take labels from; it has {', '.join(table.colnames)}."
        )
    bands = tables.find_bands(table.colnames, band_map)
    magnitudes = tables.magnitudes(len(table), table.__getitem__, bands)
    labels = np.ma.filled(np.ma.asarray(table[label]).astype(str), "")
    keep = (np.isfinite(magnitudes).sum(axis=1) >= MIN_BANDS) & (labels != "")
    _check(path, label, magnitudes[keep], labels[keep], bands)
    names, counts = np.unique(labels[keep], return_counts=True)
    return LabelledTable(
        magnitudes[keep],
        labels[keep],
        _sky_cells(table)[keep],
        np.zeros(keep.sum(), bool),
        {
            "table": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "label": label,
            "rows": int(keep.sum()),
            "left_out": int((~keep).sum()),
            "rows_per_class": {str(name): int(count) for name, count in zip(names, counts, strict=True)},
        },
    )


def add_simulated(table: LabelledTable, rows: Mapping[str, int], seed: int = 0) -> LabelledTable:
    """The table and simulated sources of some of its classes, for what no catalogue of labels has enough of.

    `rows` gives the number of them for each class; see `sedsql.simulate`.
    """
    if not rows:
        return table
    parts: list[NDArray] = []
    labels: list[str] = []
    for label, n in rows.items():
        if label not in POPULATIONS or label not in table.labels:
            known = [name for name in POPULATIONS if name in table.labels]
            raise TableError(f"Sources of class {label!r} cannot be simulated for this table; {', '.join(known)} can.")
        parts.append(simulate(label, n, np.random.default_rng([seed, len(parts)])).magnitudes.astype(np.float32))
        labels += [label] * n
    magnitudes, names = np.concatenate(parts), np.array(labels)
    keep = np.isfinite(magnitudes).sum(axis=1) >= MIN_BANDS
    cells = np.random.default_rng(seed).integers(1 << 30, 1 << 31, keep.sum())
    return LabelledTable(
        np.concatenate([table.magnitudes, magnitudes[keep]]),
        np.concatenate([table.labels, names[keep]]),
        np.concatenate([table.cells, cells]),
        np.concatenate([table.simulated, np.ones(keep.sum(), bool)]),
        {**table.origin, "simulated_rows": dict(rows)},
    )


def _check(path, label, magnitudes, labels, bands):
    names, counts = np.unique(labels, return_counts=True)
    if len(names) < 2:
        raise TableError(f"Column {label} of {path.name} has {len(names)} label(s) in usable rows; training needs two.")
    if counts.min() < LEAST_ROWS:
        raise TableError(
            f"Label {str(names[counts.argmin()])!r} has {counts.min()} usable rows in {path.name}; "
            f"training needs {LEAST_ROWS} of each. Leave the label out, or join it with another."
        )
    for place, (band, column) in enumerate(bands.items()):
        values = magnitudes[:, place]
        if np.isfinite(values).any() and np.nanmin(values) == np.nanmax(values):
            raise TableError(f"Column {column}, taken as the magnitude {band}, has one value in every row.")


def _sky_cells(table) -> NDArray[np.int64]:
    names = {name.lower(): name for name in reversed(table.colnames)}
    scattered = np.random.default_rng(0).integers(0, 1 << 30, len(table)) + (1 << 30)
    if "ra" not in names or "dec" not in names:
        return scattered
    ra, dec = (np.ma.filled(np.ma.asarray(table[names[c]]).astype(float), np.nan) for c in ("ra", "dec"))
    known = np.isfinite(ra) & np.isfinite(dec)
    cells = lonlat_to_healpix(Longitude(ra[known], u.deg), Latitude(dec[known], u.deg), SKY_ORDER)
    scattered[known] = cells.astype(np.int64)
    return scattered


def with_missing_bands(
    magnitudes: NDArray[np.float32], labels: NDArray[np.str_], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """The rows, and each once more with bands taken away at random.

    Which bands a catalogue lacks tells where its rows come from, and so their class; a model must not
    learn that. Whole surveys go as surveys lack sources (WISE most often, W3 and W4 together), single bands as
    quality flags strike them.
    """
    rng = np.random.default_rng(seed)
    n = len(magnitudes)
    gone = rng.random(magnitudes.shape) < 0.15
    for bands, chance in ((slice(0, 3), 0.1), (slice(3, 6), 0.15), (slice(6, 10), 0.3), (slice(8, 10), 0.3)):
        gone[:, bands] |= (rng.random(n) < chance)[:, None]
    thinned = np.where(gone, np.float32(np.nan), magnitudes)
    enough = np.isfinite(thinned).sum(axis=1) >= MIN_BANDS
    return np.concatenate([magnitudes, thinned[enough]]), np.concatenate([labels, labels[enough]])
