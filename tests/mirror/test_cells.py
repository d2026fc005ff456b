"""Cells and ranges; regions against astropy's separations."""

from itertools import pairwise

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from cdshealpix import nested
from hypothesis import given
from hypothesis import strategies as st

from sedsql.catalogue.healpix import cells_in, number_of_cells
from sedsql.errors import Error
from sedsql.mirror import cells, ranges
from sedsql.mirror.ranges import common, largest_cells, minus, size, union
from sedsql.mirror.regions import cells_of_region

RANGES = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 60)), max_size=8).map(
    lambda pairs: union((low, low + width) for low, width in pairs)
)


def members(ranges):
    return {cell for low, high in ranges for cell in range(low, high)}


@given(RANGES, RANGES)
def test_ranges_are_sets(a, b):
    assert members(union([*a, *b])) == members(a) | members(b)
    assert members(minus(a, b)) == members(a) - members(b)
    assert members(common(a, b)) == members(a) & members(b)
    assert size(a) == len(members(a))
    joined = union([*a, *b])
    assert all(one[1] < other[0] for one, other in pairwise(joined))


@given(RANGES)
def test_bridged_ranges_are_fewer_and_hardly_larger(some):
    bridged = ranges.bridged(some, 0.2)
    assert members(some) <= members(bridged)
    assert size(some) <= size(bridged) <= 1.2 * size(some)
    assert len(bridged) <= len(some)
    if len(some) > 1 and min(b[0] - a[1] for a, b in pairwise(some)) <= 0.2 * size(some):
        assert len(bridged) < len(some)


@given(RANGES)
def test_the_largest_cells_are_the_ranges_again(some):
    again = [(cell << 2 * (12 - order), (cell + 1) << 2 * (12 - order)) for order, cell in largest_cells(some)]
    assert union(again) == some
    assert sum(high - low for low, high in again) == size(some)


@pytest.fixture(scope="module")
def sky():
    rng = np.random.default_rng(1)
    n = 300_000
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    return ra, dec, cells.fine_cells(ra, dec) >> 34


def inside(ranges, at):
    low = np.array([a for a, _ in ranges])
    high = np.array([b for _, b in ranges])
    place = np.searchsorted(low, at, "right") - 1
    return (place >= 0) & (at < high[place])


@pytest.mark.parametrize(
    ("ra0", "dec0", "radius"), [(83.8, -5.4, 2), (0, 0, 10), (359.9, 30, 5), (10, 89.5, 3), (200, -90, 20), (1, 2, 120)]
)
def test_no_source_of_a_circle_is_left_out_and_few_others_are_in(sky, ra0, dec0, radius):
    ra, dec, at = sky
    apart = SkyCoord(ra0 * u.deg, dec0 * u.deg).separation(SkyCoord(ra * u.deg, dec * u.deg)).deg
    covered = inside(cells_of_region(f"CIRCLE('ICRS', {ra0}, {dec0}, {radius})"), at)
    assert covered[apart <= radius].all()
    assert not covered[apart > radius * 1.25 + 0.1].any()


@pytest.mark.parametrize(
    "box", [(0, 0, 4, 2), (10, 60, 20, 10), (5, 85, 100, 9.9), (0, 0, 360, 180), (180, -80, 90, 30)]
)
def test_no_source_of_a_box_is_left_out(sky, box):
    ra, dec, at = sky
    within = (np.abs((ra - box[0] + 180) % 360 - 180) <= box[2] / 2) & (np.abs(dec - box[1]) <= box[3] / 2)
    covered = inside(cells_of_region("BOX({}, {}, {}, {})".format(*box)), at)
    assert covered[within].all()


def test_no_source_of_a_polygon_is_left_out(sky):
    ra, dec, at = sky
    corners = SkyCoord([350, 20, 5] * u.deg, [-10, -5, 25] * u.deg).cartesian.xyz.value.T
    points = SkyCoord(ra * u.deg, dec * u.deg).cartesian.xyz.value.T
    sides = [points @ np.cross(corners[k], corners[(k + 1) % 3]) for k in range(3)]
    within = np.all(np.array(sides) > 0, axis=0)
    covered = inside(cells_of_region("POLYGON(350, -10, 20, -5, 5, 25)"), at)
    assert within.sum() > 1000
    assert covered[within].all()
    assert covered.sum() < 1.3 * within.sum()


@given(st.integers(0, 12), st.data())
def test_a_cell_lies_in_its_circle(order, data):
    pixel = data.draw(st.integers(0, 12 * 4**order - 1))
    ra0, dec0, radius = cells.circle_around(order, pixel)
    low, high = pixel << 2 * (29 - order), (pixel + 1) << 2 * (29 - order)
    some = np.random.default_rng(pixel).integers(low, high, 200)
    lon, lat = nested.healpix_to_lonlat(np.concatenate([some, [low, high - 1]]), 29)
    apart = SkyCoord(ra0 * u.deg, dec0 * u.deg).separation(SkyCoord(lon, lat)).deg
    assert apart.max() <= radius


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("CONE(1, 2, 3)", 1, "'CONE' is no shape"),
        ("", 1, "a shape and a bracket are expected"),
        ("CIRCLE(1, 2", 12, "a comma or the closing bracket"),
        ("CIRCLE(1, 2, 3, 4)", 18, "CIRCLE has 3 numbers, not 4"),
        ("CIRCLE(1, x, 3)", 10, "a number is expected"),
        ("CIRCLE(1, 95, 3)", 11, "a declination lies between -90 and 90"),
        ("CIRCLE('FK5', 1, 2, 3)", 9, "the frame is ICRS, not FK5"),
        ("CIRCLE(1, 2, 0)", 15, "a size is greater than 0"),
        ("POLYGON(1, 2, 3, 4)", 19, "three or more pairs"),
        ("CIRCLE(1, 2, 3) OR", 17, "nothing is expected after the bracket"),
    ],
)
def test_what_is_no_region_is_told_where(text, place, what):
    with pytest.raises(Error, match=rf"goes wrong at column {place}: .*{what}"):
        cells_of_region(text)


@pytest.mark.parametrize("order", [0, 3, 6, 11, 12])
def test_a_ring_holds_what_lies_near_cells(order):
    """Compared with points around the cells' own corners and edges."""
    rng = np.random.default_rng(order)
    cell = int(rng.integers(number_of_cells(order)))
    inside = [cells_in(cell, order)]
    found = cells.with_ring(inside)
    assert minus(inside, found) == []
    lon, lat = nested.vertices(np.array([cell]), order, step=16)
    places = SkyCoord(lon.ravel(), lat.ravel()).directional_offset_by(
        rng.uniform(0, 360, (40, 64)) * u.deg, rng.uniform(0, 0.75 / 60, (40, 64)) * u.deg
    )
    near = cells.cells_of(places.ra.deg.ravel(), places.dec.deg.ravel())
    assert all(any(low <= one < high for low, high in found) for one in near.tolist())
    ring = size(found) - size(inside)
    assert ring <= 4 * (4 * 2 ** max(11 - order, 0) + 4)
