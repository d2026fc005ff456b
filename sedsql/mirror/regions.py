"""Cover a region of the sky, such as CIRCLE(83.8, -5.4, 2), with HEALPix cells of order 12.

First the region is read, then the order of cells is chosen that covers it closely, then its cells are found.
"""

from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
from astropy.coordinates import Angle, Latitude, Longitude
from cdshealpix import nested
from numpy.typing import NDArray

from sedsql.catalogue.healpix import ARCMINUTE, CELL_SHIFT, ORDER, cells_in, number_of_cells
from sedsql.errors import Error
from sedsql.files.place import at_home
from sedsql.mirror.ranges import Ranges, union
from sedsql.mirror.region_text import Region, parse

_FEWEST = 800
"""A region is covered by about as many cells at least, so that little is fetched beside it."""

_COARSEST = 2


_MOC_ENDINGS = {".fits": "fits", ".moc": "fits", ".json": "json", ".txt": "ascii"}
_MOC_MARGIN_ORDER = 11
"""The order of the cells that are put around a MOC: 1.7 arcminutes wide."""


def cells_of_region(text: str, margin: float = ARCMINUTE) -> Ranges:
    """The cells of order 12 that a region touches, as ranges.

    text : a region of ADQL with constant numbers in degrees, ICRS, or sexagesimal ones; a name, or a position, with a
        radius after a comma; or a file with a MOC (IVOA MOC 2.0)
    margin : degrees around the region: a source_id has the cell where its source was first seen, and stars move

    Raises Error where the text is no such region, and says where.
    """
    if (file := moc_file(text)) is not None:
        return _cells_of_moc(file, margin)
    region = parse(text)
    cells, orders = _cover(region, margin, _order(region), flat=False)
    return union(cells_in(int(cell), int(order)) for cell, order in zip(cells, orders, strict=True))


def _order(region: Region) -> int:
    """Choose the coarsest order of which at least _FEWEST cells touch the region."""
    order = _COARSEST
    while order < ORDER and len(_cover(region, 0, order, flat=True)[0]) < _FEWEST:
        order += 1
    return order


def _cover(region: Region, margin: float, order: int, flat: bool) -> tuple[NDArray, NDArray]:
    """Cells that touch the region, and the order of each.

    flat : whether all cells are of `order`; otherwise four that fill a larger one become that one
    """
    numbers = region.numbers
    if region.shape == "CIRCLE":
        ra, dec, radius = numbers
        reach = Angle(min(radius + margin, 180), u.deg)
        cells, orders, _ = nested.cone_search(Longitude(ra % 360, u.deg), Latitude(dec, u.deg), reach, order, flat=flat)
        return cells, orders
    if region.shape == "BOX":
        ra, dec, width, height = numbers
        cells = _cover_box(ra, dec, width, height, margin, order)
        return cells, np.full(len(cells), order)
    lon, lat = Longitude(np.array(numbers[0::2]) % 360, u.deg), Latitude(np.array(numbers[1::2]), u.deg)
    cells, orders, _ = nested.polygon_search(lon, lat, order, flat=flat)
    return _with_neighbours(cells, orders, order) if margin else (cells, orders)


def _cover_box(ra: float, dec: float, width: float, height: float, margin: float, order: int) -> NDArray:
    """Cells of a box, whose width is in degrees of right ascension, as in ADQL; found from order to order."""
    cells = np.arange(number_of_cells(0))
    for this in range(order + 1):
        if this:
            cells = (4 * cells[:, None] + np.arange(4)).ravel()
        lon, lat = nested.healpix_to_lonlat(cells, this)
        reach = 60 / 2**this + margin  # beyond what any point of a cell is away from its centre
        near_pole = np.abs(lat.deg) + reach > 89
        wide = width / 2 + reach / np.cos(np.radians(np.where(near_pole, 0, np.abs(lat.deg) + reach)))
        off = np.abs((lon.deg - ra + 180) % 360 - 180)
        cells = cells[(np.abs(lat.deg - dec) <= height / 2 + reach) & (near_pole | (off <= wide))]
    return cells


def _with_neighbours(cells: NDArray, orders: NDArray, order: int) -> tuple[NDArray, NDArray]:
    """Add a ring of small cells around, which at order 11 are still wider than the margin."""
    small = min(order + 2, ORDER - 1)
    flat = np.unique(np.concatenate([_cells_at(c, o, small) for c, o in zip(cells, orders, strict=True)]))
    around = nested.neighbours(flat, small).ravel()
    every = np.unique(np.concatenate([flat.astype(np.int64), around[around >= 0]]))
    return every, np.full(len(every), small)


def _cells_at(cell: int, order: int, small: int) -> NDArray[np.int64]:
    """The cells of order `small` in a cell, or the one that it is in."""
    if order >= small:
        return np.array([int(cell) >> 2 * (int(order) - small)])
    return np.arange(*cells_in(int(cell), int(order), small))


def moc_file(text: str) -> Path | None:
    """The file that a region names; None where it names none."""
    path = at_home(text.strip())
    return path if path.suffix.lower() in _MOC_ENDINGS else None


def load_moc(file: Path) -> Any:
    """Read a MOC, as mocpy's object. Raises Error where the file holds none."""
    try:
        from mocpy import MOC
    except ImportError:
        raise Error("A MOC needs mocpy, which is not installed; `pip install 'sedsql[plot]'` installs it") from None
    if not file.is_file():
        raise Error(f"There is no file {file} with a MOC")
    try:
        moc = MOC.load(str(file), format=_MOC_ENDINGS[file.suffix.lower()])
    except Exception as error:  # mocpy's readers, in Rust, have exceptions of their own
        raise Error(f"{file} holds no MOC: {' '.join(str(error).split())}") from None
    if moc.empty():
        raise Error(f"The MOC in {file} is empty")
    return moc


def _cells_of_moc(file: Path, margin: float) -> Ranges:
    moc = load_moc(file)
    if margin:
        if moc.max_order > _MOC_MARGIN_ORDER:
            moc = moc.degrade_to_order(_MOC_MARGIN_ORDER)
        elif moc.max_order < _MOC_MARGIN_ORDER:
            moc = moc.refine_to_order(_MOC_MARGIN_ORDER)
        moc = moc.add_neighbours()
    return union((int(low) >> CELL_SHIFT, ((int(high) - 1) >> CELL_SHIFT) + 1) for low, high in moc.to_depth29_ranges)
