"""Make, write and read a prior: the share of each class on the sky, by magnitude, place and surveys.

A prior has four tables, in which every row adds up to one: by apparent G in zones of the sky, by absolute G where a
parallax gives it, and, for each of these two, by the surveys that see the source.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sedsql.errors import Error
from sedsql.learn.features import PRIOR_BANDS, absolute_g
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate.census import Sky, natural
from sedsql.simulate.published import PUBLISHED

Array = NDArray[np.float64]

G_EDGES = (11.0, 13.0, 14.5, 16.0, 17.5, 18.75, 19.75)
M_EDGES = (
    *(-6.0, -4.5, -3.0, -2.0, -1.0, 0.0, 0.75, 1.5, 2.25, 3.0, 3.75),
    *(4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5, 11.5, 12.5, 13.5, 14.5, 15.5, 16.5, 17.5),
)
G_SURVEY_EDGES = (12.0, 15.0, 17.5, 19.3)
M_SURVEY_EDGES = (-1.0, 3.0, 9.0, 13.5)

INNER_DEGREES = 40.0
"""The inner Galaxy reaches this far from its centre; the zones near the plane are divided there."""
ZONES = (
    ("|b| < 3, inner", 0, 3, True),
    ("|b| < 3, outer", 0, 3, False),
    ("|b| 3-10, inner", 3, 10, True),
    ("|b| 3-10, outer", 3, 10, False),
    ("|b| 10-30", 10, 30, None),
    ("|b| > 30", 30, 90, None),
)
NEAR_ZONES = (("|b| < 10", 0, 10, None), ("|b| > 10", 10, 90, None))
"""Zones for sources whose luminosity is known: most of these are near, where the Galaxy is alike on all sides."""
SURVEYS = tuple(
    f"{'BP, RP' if bp else 'no BP, RP'}; {'2MASS' if tmass else 'no 2MASS'}; {wise}"
    for bp in (False, True)
    for tmass in (False, True)
    for wise in ("no WISE", "W1, W2", "W1 to W4")
)
ANY = "any"

PRIOR_TABLE = "prior.csv"
"""The name of the file, beside the graph of a model that has a prior."""
LARGEST = 16 << 20
"""The most bytes that such a file may have."""
STRENGTH = 0.95
"""The power of the prior in shipped models: the weakest that costs no log loss on a simulated sky (docs/models.md)."""
_ROWS = 60_000
"""The number of simulated sources of each class from which the shares are counted."""

LEAST = 1e-7
"""The least probability of a class in any row, so that a clear SED outweighs any table of counts."""
SMOOTHING = 20.0
"""In a cell with this many simulated rows its own shares count as much as those of all places together."""


class PriorError(Error):
    """Raised for a file that is not a valid prior."""


@dataclass(frozen=True)
class Prior:
    """Shares of the classes, in arrays of shape (zones or surveys, bins, classes) whose last axis adds up to one.

    by_g : by zone and G
    by_m : by zone and absolute G, where it is known
    by_g_surveys, by_m_surveys : by the surveys that see a source; the first row is for all surveys together
    """

    classes: tuple[str, ...]
    by_g: Array
    by_m: Array
    by_g_surveys: Array
    by_m_surveys: Array

    def write(self, path: Path) -> None:
        """Write the prior as CSV, with one row for each cell."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["given", "where", "from", "to", *self.classes])
            for given, where, edges, name in _TABLES:
                table = getattr(self, name)
                ends = ["", *map(str, edges), ""]
                for place, label in enumerate(where):
                    for k in range(len(edges) + 1):
                        shares = [f"{share:.4g}" for share in table[place, k]]
                        writer.writerow([given, label, ends[k], ends[k + 1], *shares])


_TABLES = (
    ("G", [name for name, *_ in ZONES], G_EDGES, "by_g"),
    ("M_G", [name for name, *_ in NEAR_ZONES], M_EDGES, "by_m"),
    ("G and surveys", [ANY, *SURVEYS], G_SURVEY_EDGES, "by_g_surveys"),
    ("M_G and surveys", [ANY, *SURVEYS], M_SURVEY_EDGES, "by_m_surveys"),
)


def sky_prior(classes: Sequence[str], seed: int = 0) -> Prior:
    """Count the shares of the whole sky from published numbers and the simulated Galaxy."""
    unknown = [name for name in classes if name not in PUBLISHED]
    if unknown:
        raise PriorError(
            f"There is no published number of sources of class {unknown[0]!r}; there is one for {', '.join(PUBLISHED)}."
        )
    return from_census(natural(dict.fromkeys(classes, _ROWS), np.random.default_rng([seed, 1])), classes)


def from_census(sky: Sky, classes: Sequence[str]) -> Prior:
    """Count the shares of weighted simulated sources; see `sedsql.simulate.census`."""
    inputs = sky.inputs
    magnitudes = inputs[:, : len(COLUMNS)]
    g, m_g = inputs[:, 0], absolute_g(magnitudes, inputs[:, len(COLUMNS) : len(COLUMNS) + 2])
    glat = np.abs(sky.sample.glat)
    inner = _from_centre(sky.sample.glon, sky.sample.glat) < INNER_DEGREES
    surveys = _surveys(magnitudes)
    known = np.isfinite(m_g)
    label = np.array([list(classes).index(name) for name in sky.labels])

    def shares(rows, value, edges, place, places, *, together=False):
        shape = (places, len(edges) + 1, len(classes))
        cell = np.ravel_multi_index((place[rows], np.digitize(value[rows], edges), label[rows]), shape)
        total = np.bincount(cell, sky.weights[rows], np.prod(shape)).reshape(shape)
        count = np.bincount(cell, None, np.prod(shape)).reshape(shape)
        if together:
            total, count = (np.concatenate([some.sum(axis=0, keepdims=True), some]) for some in (total, count))
        return _smoothed(total, count)

    return Prior(
        tuple(classes),
        shares(~known, g, G_EDGES, _zone(glat, inner, ZONES), len(ZONES)),
        shares(known, m_g, M_EDGES, _zone(glat, inner, NEAR_ZONES), len(NEAR_ZONES)),
        shares(~known, g, G_SURVEY_EDGES, surveys, len(SURVEYS), together=True),
        shares(known, m_g, M_SURVEY_EDGES, surveys, len(SURVEYS), together=True),
    )


def _smoothed(total: Array, count: NDArray[np.int64]) -> Array:
    """Return shares of classes; cells with few rows lean towards the shares of all places together."""
    weight = total.sum(axis=(0, 2))
    # A bin without a source takes the shares of the nearest one, because a user's source may be there.
    filled = np.flatnonzero(weight)
    nearest = filled[np.abs(np.arange(len(weight))[:, None] - filled).argmin(axis=1)]
    everywhere = total.sum(axis=0)[nearest] / weight[nearest, None]
    here = total / np.maximum(total.sum(axis=2, keepdims=True), 1e-30)
    n = count.sum(axis=2, keepdims=True)
    mixed = np.maximum((n * here + SMOOTHING * everywhere) / (n + SMOOTHING), LEAST)
    return mixed / mixed.sum(axis=2, keepdims=True)


def _zone(glat: Array, inner: NDArray[np.bool_], zones) -> NDArray[np.int64]:
    inside = [(glat >= low) & (glat <= high) & (where is None or inner == where) for _, low, high, where in zones]
    return np.argmax(inside, axis=0)


def _from_centre(glon: Array, glat: Array) -> Array:
    return np.degrees(np.arccos(np.cos(np.radians(glon)) * np.cos(np.radians(glat))))


def _surveys(magnitudes: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return places in SURVEYS, shape (n,); a survey sees a source that has its band of `features.PRIOR_BANDS`."""
    bp, j, w1, w3 = np.isfinite(magnitudes[:, [COLUMNS.index(name) for name in PRIOR_BANDS[1:]]]).T
    return bp * 6 + j * 3 + w1 * (1 + w3)


def read(path: Path, classes: Sequence[str]) -> Prior:
    """Read a prior for a model with these classes, written by `Prior.write` or as a plain table of shares.

    A plain table has one column for each class and one row: the same shares everywhere. Raises PriorError for a class
    that the model lacks, and for a row that is negative, not a number or does not add up to one.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise PriorError(f"The prior {path} has more than {LARGEST >> 20} MB, so it is none.")
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PriorError(f"The prior {path} cannot be read: {error}.") from None
    header = list(reader.fieldnames or ())
    if len(set(header)) < len(header) or any(None in row for row in rows):
        raise PriorError(f"The prior {path.name} has a column twice, or a row with more cells than columns.")
    if not rows:
        raise PriorError(f"The prior {path.name} is empty: it should have a column a class, and a row of their shares.")
    names = [name for name in rows[0] if name not in ("given", "where", "from", "to")]
    if unknown := [name for name in names if name not in classes]:
        raise PriorError(
            f"The prior {path.name} has the class {unknown[0]!r}, which the model lacks; it has {', '.join(classes)}."
        )
    shares = np.full((len(rows), len(classes)), 0.0)
    for k, row in enumerate(rows):
        shares[k, [list(classes).index(name) for name in names]] = _row(path, k + 2, [row[name] for name in names])
    shares = np.maximum(shares, LEAST)
    if "given" not in rows[0]:
        if len(rows) > 1:
            raise PriorError(f"The prior {path.name} has {len(rows)} rows and no column 'given' to tell them apart.")
        return _everywhere(tuple(classes), shares[0])
    return _tables(path, rows, tuple(classes), shares)


def _row(path: Path, line: int, cells: Sequence[str | None]) -> Array:
    try:
        found = np.array([float(cell or 0) for cell in cells])
    except ValueError:
        raise PriorError(f"Line {line} of the prior {path.name} holds something that is no number.") from None
    if not np.isfinite(found).all():
        raise PriorError(f"Line {line} of the prior {path.name} holds something that is no number.")
    if not (found >= 0).all():
        raise PriorError(f"Line {line} of the prior {path.name} has a negative share, {found.min():g}.")
    if not abs(found.sum() - 1) < 0.01:
        raise PriorError(f"The shares in line {line} of the prior {path.name} add up to {found.sum():g}, not to 1.")
    return found


def _everywhere(classes: tuple[str, ...], shares: Array) -> Prior:
    tables = {
        name: np.broadcast_to(shares, (len(where), len(edges) + 1, len(shares))) for _, where, edges, name in _TABLES
    }
    return Prior(classes, **tables)


def _tables(path: Path, rows: list[dict], classes: tuple[str, ...], shares: Array) -> Prior:
    for column in ("where", "from", "to"):
        if column not in rows[0]:
            raise PriorError(f"The prior {path.name} has a column 'given', so it needs the column {column!r} too.")
    found: dict[str, Array] = {}
    at = 0
    for given, where, edges, name in _TABLES:
        size = len(where) * (len(edges) + 1)
        some = rows[at : at + size]
        ends = ["", *map(str, edges), ""]
        wanted = [(given, label, ends[k], ends[k + 1]) for label in where for k in range(len(edges) + 1)]
        for line, (row, cell) in enumerate(zip(some, wanted, strict=False), at + 2):
            if (row["given"], row["where"], row["from"], row["to"]) != cell:
                raise PriorError(f"Line {line} of the prior {path.name} should be for {', '.join(filter(None, cell))}.")
        if len(some) < size:
            raise PriorError(f"The prior {path.name} ends before its rows by {given} do.")
        found[name] = shares[at : at + size].reshape(len(where), len(edges) + 1, len(classes))
        at += size
    if at < len(rows):
        raise PriorError(f"The prior {path.name} goes on after its last cell, in line {at + 2}.")
    return Prior(classes, **found)
