"""Write regions of the sky as ranges of HEALPix cells, in the numbers of a column such as Gaia's source_id."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sedsql.catalogue.healpix import ORDER, SOURCE_ID_SHIFT

SLACK = 1e-9  # degrees: what the exact test may let in by rounding
ROUNDING = 1e-7  # degrees, 0.4 milliarcseconds: of positions and of borders of cells
MAX_RANGES = 10  # each costs a comparison for every row that is read; more of them skip little more


@lru_cache(maxsize=256)
def cone(ra: float, dec: float, radius: float, margin: float) -> tuple[tuple[int, int], ...] | None:
    """Find the ranges (both ends included) that a cone with a margin touches; None when it is too wide to help.

    All four are in degrees; the margin is how far a position lies from its cell at most. There are MAX_RANGES ranges
    at most: of more, those with the smallest gaps between them are joined.
    """
    import astropy.units as u  # most queries have no region
    from astropy.coordinates import Latitude, Longitude
    from cdshealpix import nested

    reach = radius + margin + ROUNDING
    if not (0 <= radius <= 60 and -90 <= dec <= 90):
        return None
    depth = max(0, min(ORDER, math.ceil(math.log2(58.6 / reach)) + 3))  # cells an eighth of the radius wide
    lon, lat = Longitude(ra % 360, u.deg), Latitude(dec, u.deg)
    cells, depths, _ = nested.cone_search(lon, lat, reach * u.deg, depth=depth)
    bits = SOURCE_ID_SHIFT + 2 * (ORDER - depths.astype(np.int64))
    order = np.argsort(cells.astype(np.int64) << bits)
    lows = (cells.astype(np.int64) << bits)[order]
    highs = ((cells.astype(np.int64) + 1) << bits)[order] - 1
    return _joined(lows, highs)


def together(parts: Iterable[tuple[tuple[int, int], ...]]) -> tuple[tuple[int, int], ...]:
    """Join several lists of ranges into one of at most MAX_RANGES ranges."""
    every = np.array(sorted(range_ for part in parts for range_ in part), dtype=np.int64)
    return _joined(every[:, 0], np.maximum.accumulate(every[:, 1]))


def _joined(lows: NDArray[np.int64], highs: NDArray[np.int64]) -> tuple[tuple[int, int], ...]:
    """Join sorted ranges that touch, and close the smallest gaps where there are too many."""
    gaps = lows[1:] - highs[:-1] - 1
    ends = np.sort(np.argsort(gaps)[::-1][: MAX_RANGES - 1])
    ends = ends[gaps[ends] > 0]
    first = np.concatenate([[0], ends + 1]).astype(int)
    last = np.concatenate([ends, [len(lows) - 1]]).astype(int)
    return tuple((int(lows[a]), int(highs[b])) for a, b in zip(first, last, strict=True))


def around_box(values: list[float]) -> tuple[float, float, float] | None:
    """Find a cone (ra, dec, radius) that holds a box; None for one so wide that its corners are not its ends."""
    ra, dec, width, height = values
    if not 0 <= width <= 90 or height < 0:
        return None
    low, high = max(-90.0, dec - height / 2), min(90.0, dec + height / 2)
    middle = (low + high) / 2
    if low > high:
        return None
    corners = [(ra + sign * width / 2, end) for sign in (-1, 1) for end in (low, middle, high)]
    return ra, middle, max(_apart((ra, middle), corner) for corner in corners)


def around_polygon(values: list[float]) -> tuple[float, float, float] | None:
    """Find a cone that holds a polygon: a cone below 90 degrees that holds the corners holds the sides as well."""
    corners = list(zip(values[::2], values[1::2], strict=True))
    vectors = [_vector(*corner) for corner in corners]
    x, y, z = (sum(axis) for axis in zip(*vectors, strict=True))
    ra, dec = math.degrees(math.atan2(y, x)) % 360, math.degrees(math.atan2(z, math.hypot(x, y)))
    radius = max(_apart((ra, dec), corner) for corner in corners)
    return (ra, dec, radius) if radius < 89 else None


def _vector(ra: float, dec: float) -> tuple[float, float, float]:
    a, d = math.radians(ra), math.radians(dec)
    return math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)


def _apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    a, b = _vector(*one), _vector(*other)
    chord = math.sqrt(sum((p - q) ** 2 for p, q in zip(a, b, strict=True)))
    return math.degrees(2 * math.asin(min(1.0, chord / 2))) + 1e-9
