"""Draw the density of sources on the sky in HEALPix cells."""

from typing import TYPE_CHECKING, Any

import numpy as np
from cdshealpix.nested import lonlat_to_healpix, vertices
from numpy.typing import NDArray

if TYPE_CHECKING:
    from astropy.wcs import WCS
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

MOST_ORDER = 13
_IN_A_CELL = 4
"""The average number of sources in a cell: with fewer, cells differ by chance; with more, cells are few and large."""
_MOST_CELLS = 60_000
HALF_WIDTH = float(np.degrees(2 * np.sqrt(2)))
"""Half the width of Mollweide's ellipse of the whole sky, in pixels of a degree."""


def fitting_order(ra: Array, dec: Array) -> int:
    """Return the finest HEALPix order whose cells have some sources each."""
    finest = _cells(ra, dec, MOST_ORDER)
    for order in range(MOST_ORDER, 0, -1):
        cells = len(np.unique(finest >> np.uint64(2 * (MOST_ORDER - order))))
        if cells <= _MOST_CELLS and len(ra) >= _IN_A_CELL * cells:
            return order
    return 0


def side_deg(order: int) -> float:
    """Return the side, in degrees, of a square with a cell's area."""
    return float(np.sqrt(_area(order)))


def draw(axes: "Axes", wcs: "WCS", ra: Array, dec: Array, order: int, is_whole: bool) -> tuple[Any, Array, Array]:
    """Draw the cells that have sources, coloured by their number.

    Returns
    -------
    The artist for a colour bar, and the pixels x and y of the cells' corners, shape (cells, corners).
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import LogNorm

    cells, counts = np.unique(_cells(ra, dec, order), return_counts=True)
    # The edges of a cell are curves on the whole sky, and straight where cells are small.
    corners = vertices(cells, order, step=4 if order < 5 else 1)
    lon, lat = corners[0].deg, corners[1].deg
    if is_whole:
        lon, lat, counts = _parted(lon, lat, counts)
    x, y = wcs.world_to_pixel_values(lon, lat)
    density = counts / _area(order)
    drawn = PolyCollection(
        list(np.stack([x, y], axis=2)), array=density, cmap="Greys", edgecolors="face", linewidths=0.2, rasterized=True,
        norm=LogNorm(density.min() / 2, max(density.max(), density.min() * 2)), zorder=0.1,
    )  # fmt: skip
    axes.add_collection(drawn)
    return drawn, x, y


def _cells(ra: Array, dec: Array, order: int) -> NDArray[np.uint64]:
    from astropy.coordinates import Latitude, Longitude

    cells: NDArray[np.uint64] = lonlat_to_healpix(Longitude(ra, "deg"), Latitude(dec, "deg"), order)
    return cells


def _area(order: int) -> float:
    return float(4 * np.pi * np.degrees(1) ** 2 / (12 * 4**order))


def _parted(lon: Array, lat: Array, counts: NDArray[np.int64]) -> tuple[Array, Array, NDArray[np.int64]]:
    """Part the cells that lie across the edge of the map of the whole sky, at 180 degrees, into one for each side."""
    lon = (lon + 180) % 360 - 180
    at_pole = np.abs(lat) > 90 - 1e-6  # where a corner has any longitude
    typical = np.nanmedian(np.where(at_pole, np.nan, lon), axis=1)
    lon = np.where(at_pole, typical[:, None], lon)
    across = np.ptp(lon, axis=1) > 180
    edge = 180 - 1e-6
    left = np.minimum(lon[across] % 360, edge)
    right = np.maximum(lon[across] % 360 - 360, -edge)
    lon, lat = np.concatenate([lon[~across], left, right]), np.concatenate([lat[~across], lat[across], lat[across]])
    return lon, lat, np.concatenate([counts[~across], counts[across], counts[across]])
