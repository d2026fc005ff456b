"""HEALPix cells of order 12, the ones in Gaia's source_id: of positions, of regions, as ranges.

Ranges are sorted, half-open and apart: [(lo, hi), ...] of nested cell numbers.
"""

import re
from collections.abc import Iterable
from itertools import pairwise

import astropy.units as u
import numpy as np
from astropy.coordinates import Angle, Latitude, Longitude
from cdshealpix import nested
from numpy.typing import NDArray

from ..errors import Error

Ranges = list[tuple[int, int]]

ORDER = 12
FINEST = 29
SKY: Ranges = [(0, 12 << 2 * ORDER)]
MARGIN = 1 / 60
"""Degrees around a region: a source_id tells where its source was first seen, the position is a later one."""

_FINE = 800
"""A region is covered by about as many cells at least, so that little is fetched beside it."""


def fine_cells(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.int64]:
    """The nested cells of order 29 of ICRS positions in degrees; cell 0 where there is no position."""
    there = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90)
    cells = np.zeros(len(ra), dtype=np.int64)
    lon, lat = Longitude(ra[there] % 360, u.deg, copy=False), Latitude(dec[there], u.deg, copy=False)
    cells[there] = nested.lonlat_to_healpix(lon, lat, FINEST, num_threads=1).astype(np.int64)
    return cells


def apart(cells: NDArray[np.int64], ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many degrees positions (degrees, ICRS) lie from cells of order 12, at most 6 arcseconds more than that.

    0 inside of the cell, and where there is no position; 180 where the number is none of a cell.
    """
    there = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90)
    outside = there & (fine_cells(ra, dec) >> 2 * (FINEST - ORDER) != cells)
    found = np.where(outside, 180.0, 0.0)
    beside = np.flatnonzero(outside & (cells >= 0) & (cells < SKY[0][1]))
    if len(beside):
        # The nearest of sixteen points on the border is not much further than the border itself.
        lon, lat = nested.vertices(cells[beside], ORDER, step=4)
        here = _vectors(Longitude(ra[beside] % 360, u.deg), Latitude(dec[beside], u.deg))
        chords = sum((one[:, None] - other) ** 2 for one, other in zip(here, _vectors(lon, lat), strict=True))
        found[beside] = np.degrees(2 * np.arcsin(np.minimum(1.0, np.sqrt(chords.min(axis=1)) / 2)))
    return found


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """All of these ranges, which may overlap, as sorted ones that do not."""
    joined: Ranges = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(high, joined[-1][1])
        elif low < high:
            joined.append((low, high))
    return joined


def minus(ranges: Ranges, others: Ranges) -> Ranges:
    """What of `ranges` is in none of `others`."""
    left: Ranges = []
    for low, high in ranges:
        for a, b in others:
            if b <= low or a >= high:
                continue
            if low < a:
                left.append((low, a))
            low = max(low, b)
        if low < high:
            left.append((low, high))
    return left


def common(ranges: Ranges, others: Ranges) -> Ranges:
    """What is in both."""
    return minus(ranges, minus(ranges, others))


def bridged(ranges: Ranges, share: float = 0.15) -> Ranges:
    """With the smallest gaps filled, which together make this share of the whole: few ranges are asked for quickly."""
    room = size(ranges) * share
    gaps = sorted((after[0] - before[1], place) for place, (before, after) in enumerate(pairwise(ranges)))
    filled = list(ranges)
    for gap, place in gaps:
        room -= gap
        if room < 0:
            break
        filled.append((ranges[place][1], ranges[place + 1][0]))
    return union(filled)


def size(ranges: Ranges) -> int:
    """How many cells there are in the ranges."""
    return sum(high - low for low, high in ranges)


def pixels(ranges: Ranges) -> list[tuple[int, int]]:
    """The largest cells (order, number) that together are these ranges."""
    found = []
    for low, high in ranges:
        while low < high:
            up = 0
            while up < ORDER and low % (4 << 2 * up) == 0 and low + (4 << 2 * up) <= high:
                up += 1
            found.append((ORDER - up, low >> 2 * up))
            low += 1 << 2 * up
    return found


def circle_around(order: int, pixel: int) -> tuple[float, float, float]:
    """A cone (ra, dec, radius) in degrees that holds a cell."""
    lon, lat = nested.healpix_to_lonlat(np.array([pixel]), order)
    # Four points on each side: the edges bulge between the corners.
    edge_lon, edge_lat = nested.vertices(np.array([pixel]), order, step=4)
    x, y, z = _vectors(lon, lat)
    a, b, c = _vectors(edge_lon.ravel(), edge_lat.ravel())
    apart = np.arccos(np.clip(x * a + y * b + z * c, -1, 1))
    return float(lon.deg[0]), float(lat.deg[0]), float(np.degrees(apart.max())) * 1.01 + 1e-6


def _vectors(lon: Longitude, lat: Latitude) -> tuple[NDArray, NDArray, NDArray]:
    return np.cos(lat.rad) * np.cos(lon.rad), np.cos(lat.rad) * np.sin(lon.rad), np.sin(lat.rad)


_SHAPES = {
    "CIRCLE": "CIRCLE(ra, dec, radius)",
    "BOX": "BOX(ra, dec, width, height)",
    "POLYGON": "POLYGON(ra, dec, ...)",
}


def of_region(text: str, margin: float = MARGIN) -> Ranges:
    """The cells that a region of ADQL with constant numbers, such as CIRCLE(83.8, -5.4, 2), touches.

    Degrees, ICRS; 'ICRS' as the first argument may stand there. Raises Error where it is no such region.
    """
    shape, numbers = _parsed(text)
    coarse = 2
    while coarse < ORDER and len(_touched(shape, numbers, 0, coarse, flat=True)[0]) < _FINE:
        coarse += 1
    found, depths = _touched(shape, numbers, margin, coarse, flat=False)
    down = 2 * (ORDER - depths.astype(np.int64))
    low = found.astype(np.int64) << down
    return union(zip(low.tolist(), (low + (1 << down)).tolist(), strict=True))


def _touched(shape: str, numbers: list[float], margin: float, depth: int, flat: bool) -> tuple[NDArray, NDArray]:
    lon, lat = Longitude(np.array(numbers[0::2]) % 360, u.deg), np.array(numbers[1::2])
    if shape == "CIRCLE":
        reach = Angle(min(numbers[2] + margin, 180), u.deg)
        ra, dec = Longitude(numbers[0] % 360, u.deg), Latitude(numbers[1], u.deg)
        cells, depths, _ = nested.cone_search(ra, dec, reach, depth, flat=flat)
    elif shape == "BOX":
        ra0, dec0, width, height = numbers
        cells, depths = _box(ra0, dec0, width, height, margin, depth)
    else:
        cells, depths, _ = nested.polygon_search(lon, Latitude(lat, u.deg), depth, flat=flat)
        cells, depths = _grown(cells, depths, depth) if margin else (cells, depths)
    return cells, depths


def _box(ra: float, dec: float, width: float, height: float, margin: float, depth: int) -> tuple[NDArray, NDArray]:
    """Cells of a box, whose width is in degrees of right ascension, as in ADQL."""
    cells = np.arange(12)
    for order in range(depth + 1):
        if order:
            cells = (4 * cells[:, None] + np.arange(4)).ravel()
        lon, lat = nested.healpix_to_lonlat(cells, order)
        reach = 60 / 2**order + margin  # beyond what any point of a cell is away from its centre
        near_pole = np.abs(lat.deg) + reach > 89
        wide = width / 2 + reach / np.cos(np.radians(np.where(near_pole, 0, np.abs(lat.deg) + reach)))
        off = np.abs((lon.deg - ra + 180) % 360 - 180)
        cells = cells[(np.abs(lat.deg - dec) <= height / 2 + reach) & (near_pole | (off <= wide))]
    return cells, np.full(len(cells), depth)


def _grown(cells: NDArray, depths: NDArray, depth: int) -> tuple[NDArray, NDArray]:
    """With a ring of small neighbours around, which at order 11 are still wider than the margin."""
    order = min(depth + 2, 11)
    flat = np.unique(np.concatenate([_children(c, d, order) for c, d in zip(cells, depths, strict=True)]))
    around = nested.neighbours(flat, order).ravel()
    every = np.unique(np.concatenate([flat.astype(np.int64), around[around >= 0]]))
    return every, np.full(len(every), order)


def _children(cell: int, depth: int, order: int) -> NDArray[np.int64]:
    if depth >= order:
        return np.array([int(cell) >> 2 * (int(depth) - order)])
    down = 2 * (order - int(depth))
    return np.arange(int(cell) << down, (int(cell) + 1) << down)


def _parsed(text: str) -> tuple[str, list[float]]:
    """The shape and the numbers of a region; says where it is none."""

    def wrong(what: str, place: int) -> Error:
        return Error(
            f"The region {text!r} goes wrong at column {place + 1}: {what}. "
            f"A region is {', '.join(list(_SHAPES.values())[:-1])} or {list(_SHAPES.values())[-1]}, in degrees"
        )

    match = re.match(r"\s*(\w+)\s*\(", text)
    shape = match[1].upper() if match else ""
    if not match or shape not in _SHAPES:
        raise wrong(f"{match[1]!r} is no shape" if match else "a shape and a bracket are expected", 0)
    place, numbers = match.end(), []
    if frame := re.compile(r"\s*'(\w*)'\s*,").match(text, place):
        if frame[1].upper() not in ("", "ICRS"):
            raise wrong(f"the frame is ICRS, not {frame[1]}", frame.start(1))
        place = frame.end()
    while True:
        number = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*").match(text, place)
        if not number:
            raise wrong("a number is expected", place)
        numbers.append(float(number[1]))
        is_dec = len(numbers) == 2 or (shape == "POLYGON" and len(numbers) % 2 == 0)
        if is_dec and abs(numbers[-1]) > 90:
            raise wrong("a declination lies between -90 and 90", number.start(1))
        place = number.end()
        if text[place : place + 1] != ",":
            break
        place += 1
    if text[place : place + 1] != ")":
        raise wrong("a comma or the closing bracket is expected", place)
    if rest := text[place + 1 :].strip():
        raise wrong(f"nothing is expected after the bracket, but there is {rest!r}", text.rindex(rest))
    count = len(numbers)
    if (shape == "CIRCLE" and count != 3) or (shape == "BOX" and count != 4):
        raise wrong(f"{shape} has {3 if shape == 'CIRCLE' else 4} numbers, not {count}", place)
    if shape == "POLYGON" and (count < 6 or count % 2):
        raise wrong(f"POLYGON has three or more pairs of numbers, not {count} numbers", place)
    if shape != "POLYGON" and min(numbers[2:]) <= 0:
        raise wrong("a size is greater than 0", place)
    return shape, numbers
