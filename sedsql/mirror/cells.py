"""Find the HEALPix cells of positions, and how far positions lie from a cell."""

import astropy.units as u
import numpy as np
from astropy.coordinates import Latitude, Longitude
from cdshealpix import nested
from numpy.typing import NDArray

from sedsql.catalogue.healpix import CELL_SHIFT, FINEST, ORDER, number_of_cells
from sedsql.mirror.ranges import Ranges, largest_cells, union

_RING_ORDER = 11
"""Cells of it are 1.7 arcminutes wide."""


def fine_cells(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.int64]:
    """The nested cells of order 29 of ICRS positions in degrees; cell 0 where there is no position."""
    there = are_positions(ra, dec)
    cells = np.zeros(len(ra), dtype=np.int64)
    lon, lat = Longitude(ra[there] % 360, u.deg, copy=False), Latitude(dec[there], u.deg, copy=False)
    cells[there] = nested.lonlat_to_healpix(lon, lat, FINEST, num_threads=1).astype(np.int64)
    return cells


def cells_of(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.int64]:
    """The nested cells of order 12 of ICRS positions in degrees; cell 0 where there is no position."""
    return fine_cells(ra, dec) >> CELL_SHIFT


def are_positions(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell where there is a position, in degrees."""
    return np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90)


def with_ring(ranges: Ranges) -> Ranges:
    """Add to ranges of cells of order 12 a ring that is at least 0.8 arcminutes wide, and for larger cells 1.7."""
    found = list(ranges)
    for order, cell in largest_cells(ranges):
        small = max(order, _RING_ORDER)
        sides = nested.external_neighbours(np.array([cell]), order, small - order, num_threads=1)
        around = np.unique(np.concatenate([side.ravel() for side in sides]).astype(np.int64))
        around = around[around >= 0]
        first = np.flatnonzero(np.diff(around, prepend=-2) > 1)
        last = np.append(first[1:], len(around)) - 1
        down = 2 * (ORDER - small)
        found += zip((around[first] << down).tolist(), ((around[last] + 1) << down).tolist(), strict=True)
    return union(found)


def apart(cells: NDArray[np.int64], ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure the degrees from positions (degrees, ICRS) to cells of order 12, or at most 6 arcseconds more.

    0 inside of the cell, and where there is no position; 180 where there is no cell of that number.
    """
    outside = are_positions(ra, dec) & (cells_of(ra, dec) != cells)
    found = np.where(outside, 180.0, 0.0)
    beside = np.flatnonzero(outside & (cells >= 0) & (cells < number_of_cells(ORDER)))
    if len(beside):
        # The nearest of sixteen points on the border is not much further than the border itself.
        lon, lat = nested.vertices(cells[beside], ORDER, step=4)
        here = _vectors(Longitude(ra[beside] % 360, u.deg), Latitude(dec[beside], u.deg))
        chords = sum((one[:, None] - other) ** 2 for one, other in zip(here, _vectors(lon, lat), strict=True))
        found[beside] = np.degrees(2 * np.arcsin(np.minimum(1.0, np.sqrt(chords.min(axis=1)) / 2)))
    return found


def circle_around(order: int, cell: int) -> tuple[float, float, float]:
    """A cone (ra, dec, radius) in degrees that holds a cell."""
    lon, lat = nested.healpix_to_lonlat(np.array([cell]), order)
    # Four points on each side: the edges bulge between the corners.
    edge_lon, edge_lat = nested.vertices(np.array([cell]), order, step=4)
    x, y, z = _vectors(lon, lat)
    a, b, c = _vectors(edge_lon.ravel(), edge_lat.ravel())
    apart = np.arccos(np.clip(x * a + y * b + z * c, -1, 1))
    return float(lon.deg[0]), float(lat.deg[0]), float(np.degrees(apart.max())) * 1.01 + 1e-6


def centres_of(cells: NDArray[np.int64], order: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ICRS ra and dec in degrees of the centres of cells of an order."""
    lon, lat = nested.healpix_to_lonlat(cells, order, num_threads=1)
    return lon.deg, lat.deg


def _vectors(lon: Longitude, lat: Latitude) -> tuple[NDArray, NDArray, NDArray]:
    return np.cos(lat.rad) * np.cos(lon.rad), np.cos(lat.rad) * np.sin(lon.rad), np.sin(lat.rad)
