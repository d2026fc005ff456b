"""Geometry against astropy's separations and against sampling."""

import math

import astropy.units as u
import duckdb
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsql.adql import AdqlError, translate

from .conftest import Catalogue, table

RNG = np.random.default_rng(20)


@pytest.fixture(scope="module")
def con():
    connection = duckdb.connect()
    connection.execute("CREATE TABLE one AS SELECT 1 AS x")
    return connection


def ask(con, what, table="one"):
    return con.execute(translate(f"SELECT {what} AS v FROM {table}")).fetchall()


def value(con, what):
    return ask(con, what)[0][0]


longitude = st.one_of(st.sampled_from([0.0, 180.0, 359.999999, 360.0, -10.0]), st.floats(0, 360))
latitude = st.one_of(st.sampled_from([90.0, -90.0, 0.0, 89.9999999]), st.floats(-90, 90))


@settings(max_examples=60, deadline=None)
@given(longitude, latitude, longitude, latitude)
def test_distance_is_astropys(con, ra1, dec1, ra2, dec2):
    expected = SkyCoord(ra1, dec1, unit="deg").separation(SkyCoord(ra2, dec2, unit="deg")).deg
    for form in (f"DISTANCE(POINT('ICRS', {ra1!r}, {dec1!r}), POINT({ra2!r}, {dec2!r}))",
                 f"DISTANCE({ra1!r}, {dec1!r}, {ra2!r}, {dec2!r})"):  # fmt: skip
        assert abs(value(con, form) - expected) < 1e-11


@settings(max_examples=40, deadline=None)
@given(longitude, st.floats(-89, 89), st.floats(0, 360), st.floats(-9, 0))
def test_tiny_distances_keep_their_digits(con, ra, dec, angle, exponent):
    size = 10**exponent
    a = SkyCoord(ra % 360, dec, unit="deg")
    b = a.directional_offset_by(angle * u.deg, size * u.deg)
    expected = a.separation(b).deg
    got = value(con, f"DISTANCE({float(a.ra.deg)!r}, {float(a.dec.deg)!r}, {float(b.ra.deg)!r}, {float(b.dec.deg)!r})")
    assert abs(got - expected) < 2e-13


def sphere_points(n):
    ra = RNG.uniform(0, 360, n)
    dec = np.degrees(np.arcsin(RNG.uniform(-1, 1, n)))
    special = [(0, 90), (0, -90), (0, 0), (180, 0), (359.9999, 0), (270, 89.999)]
    return np.append(ra, [p[0] for p in special]), np.append(dec, [p[1] for p in special])


@pytest.fixture(scope="module")
def sky(con):
    ra, dec = sphere_points(4000)
    con.execute("CREATE TABLE sky (i INTEGER, ra DOUBLE, dec DOUBLE)")
    con.executemany(
        "INSERT INTO sky VALUES (?, ?, ?)",
        [[i, float(a), float(d)] for i, (a, d) in enumerate(zip(ra, dec, strict=True))],
    )
    return SkyCoord(ra, dec, unit="deg")


def chosen(con, condition):
    sql = translate(f"SELECT i FROM sky WHERE {condition}")
    return {row[0] for row in con.execute(sql).fetchall()}


@pytest.mark.parametrize("radius", [0.0, 1.0, 30.0, 89.999, 90.0, 120.0, 179.0, 180.0, 200.0])
@pytest.mark.parametrize("centre", [(0, 0), (0.01, 89.9), (359.99, -45), (123, -90)])
def test_cones(con, sky, radius, centre):
    far = sky.separation(SkyCoord(*centre, unit="deg")).deg
    inside = set(np.flatnonzero(far <= radius - 1e-9).tolist())
    outside = set(np.flatnonzero(far > radius + 1e-9).tolist())
    ra, dec = centre
    for condition in (
        f"1 = CONTAINS(POINT(ra, dec), CIRCLE('ICRS', {ra}, {dec}, {radius}))",
        f"CONTAINS(POINT({ra}, {dec}), CIRCLE(ra, dec, {radius})) = 1",
        f"1 = INTERSECTS(CIRCLE(POINT({ra}, {dec}), {radius} + 0*ra), POINT(ra, dec))",
        f"0 <> CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, {radius}))",
    ):
        got = chosen(con, condition)
        assert inside <= got, condition
        assert not outside & got, condition
        assert got.isdisjoint(chosen(con, condition.replace("1 =", "0 =").replace("= 1", "= 0").replace("0 <>", "0 =")))


def test_null_coordinates_are_unknown(con):
    con.execute("CREATE TABLE holes AS SELECT * FROM (VALUES (NULL::DOUBLE, 1e0), (1e0, NULL), (1e0, 1e0)) v(ra, dec)")
    shapes = (
        "CIRCLE(1, 1, 5)",
        "CIRCLE(1, 1, 200)",
        "BOX(1, 1, 5, 5)",
        "POLYGON(0, 0, 3, 0, 1, 3)",
        "POLYGON(0 * x, 0, 3, 0, 1, 3)",
    )
    for shape in shapes:
        rows = ask(con, f"CONTAINS(POINT(ra, dec), {shape})", "holes, one")
        assert sorted(map(str, rows)) == ["(1,)", "(None,)", "(None,)"], shape


# An independent judge of polygons: the turns of the corners as seen from the point.


def winding(ra, dec, corners):
    p = np.stack(
        [
            np.cos(np.radians(dec)) * np.cos(np.radians(ra)),
            np.cos(np.radians(dec)) * np.sin(np.radians(ra)),
            np.sin(np.radians(dec)),
        ],
        -1,
    )
    east = np.stack([-np.sin(np.radians(ra)), np.cos(np.radians(ra)), 0 * ra], -1)
    north = np.cross(p, east)
    total = np.zeros(len(p))
    bearings = []
    for a, d in corners:
        v = np.array(
            [
                math.cos(math.radians(d)) * math.cos(math.radians(a)),
                math.cos(math.radians(d)) * math.sin(math.radians(a)),
                math.sin(math.radians(d)),
            ]
        )
        bearings.append(np.arctan2((north * v).sum(-1), (east * v).sum(-1)))
    for one, other in zip(bearings, bearings[1:] + bearings[:1], strict=True):
        turn = other - one
        total += (turn + np.pi) % (2 * np.pi) - np.pi
    return np.rint(total / (2 * np.pi))


def polygon_around(ra, dec, size, n, rng):
    centre = SkyCoord(ra, dec, unit="deg")
    angles = np.sort(rng.uniform(0, 360, n))
    while np.max(np.diff(np.append(angles, angles[0] + 360))) > 150:
        angles = np.sort(rng.uniform(0, 360, n))
    radii = rng.uniform(0.4, 1, n) * size
    there = centre.directional_offset_by(angles * u.deg, radii * u.deg)
    return list(zip(there.ra.deg.tolist(), there.dec.deg.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(12))
def test_polygons(con, sky, seed):
    rng = np.random.default_rng(seed)
    centre = [(0, 0), (10, 89), (359.9, -88), (180, 45)][seed % 4]
    corners = polygon_around(*centre, [5, 30, 75][seed % 3], int(rng.integers(3, 9)), rng)
    ra, dec = sky.ra.deg, sky.dec.deg
    turns = winding(ra, dec, corners)
    near = sky.separation(SkyCoord(*centre, unit="deg")).deg < 90  # the antipodes wind as well
    expected = set(np.flatnonzero((turns != 0) & near).tolist())
    assert expected or seed % 3 == 0
    for order in (corners, corners[::-1], [*corners, corners[0]]):
        numbers = ", ".join(f"{number!r}" for corner in order for number in map(float, corner))
        assert chosen(con, f"1 = CONTAINS(POINT(ra, dec), POLYGON('ICRS', {numbers}))") == expected
    first, rest = numbers.split(", ", 1)
    # The same with a polygon that is no constant.
    moving = f"POLYGON({first} + 0 * ra, {rest})"
    few = chosen(con, f"(i < 1000 OR i > 3990) AND 1 = CONTAINS(POINT(ra, dec), {moving})")
    assert few == chosen(con, f"(i < 1000 OR i > 3990) AND INTERSECTS({moving}, POINT(ra, dec)) = 1")
    assert few == {i for i in expected if i < 1000 or i > 3990}


def test_boxes(con, sky):
    ra, dec = sky.ra.deg, sky.dec.deg
    east = np.abs((ra - 1 + 180) % 360 - 180)
    expected = set(np.flatnonzero((east <= 10) & (np.abs(dec - 5) <= 15)).tolist())
    assert expected
    assert chosen(con, "1 = CONTAINS(POINT(ra, dec), BOX('ICRS', 1, 5, 20, 30))") == expected
    assert chosen(con, "1 = CONTAINS(POINT(ra, dec), BOX(361 + 0*ra, 5, 20, 30))") == expected


# Shapes among each other, judged by their points.


def sampled(con, shape, n=3000):
    """Which of many points near the equator lie in a shape."""
    return {
        row[0]
        for row in con.execute(translate(f"SELECT i FROM near WHERE 1 = CONTAINS(POINT(ra, dec), {shape})")).fetchall()
    }


@pytest.fixture(scope="module")
def near(con):
    con.execute(
        "CREATE TABLE near AS SELECT row_number() OVER () AS i, (a * 0.2 + 350) % 360 AS ra, d * 0.2 - 10 AS dec"
        " FROM range(101) x(a), range(101) y(d)"
    )


def random_shape(rng):
    ra, dec = rng.uniform(-5, 5), rng.uniform(-5, 5)
    size = rng.uniform(1, 4.5)
    match rng.integers(3):
        case 0:
            return f"CIRCLE({ra}, {dec}, {size})"
        case 1:
            return f"BOX({ra}, {dec}, {size * 1.5}, {size})"
    corners = polygon_around(ra % 360, dec, size, int(rng.integers(3, 6)), rng)
    return "POLYGON(" + ", ".join(f"{number!r}" for corner in corners for number in corner) + ")"


def shrunk(shape):
    """A circle or box a good deal smaller; a polygon as it is."""
    name, numbers = shape[:-1].split("(")
    values = [float(number) for number in numbers.split(", ")]
    if name != "POLYGON":
        values[2:] = [value - 0.5 for value in values[2:]]
    return f"{name}({', '.join(map(repr, values))})"


@pytest.mark.parametrize("seed", range(16))
def test_shapes_among_each_other(con, near, seed):
    rng = np.random.default_rng(seed)
    one, other = random_shape(rng), random_shape(rng)
    first, second = sampled(con, one), sampled(con, other)
    meet = value(con, f"INTERSECTS({one}, {other})")
    assert meet == value(con, f"INTERSECTS({other}, {one})")
    assert meet == 1 or not first & second
    # Disjoint samples of shapes that meet leave only a sliver between the points.
    assert not meet or first & second or value(con, f"INTERSECTS({shrunk(one)}, {shrunk(other)})") == 0
    within = value(con, f"CONTAINS({one}, {other})")
    assert not within or first <= second
    assert within or not first or not first <= second or len(second - first) < 400


def test_shapes_whose_kinds_are_known_only_when_it_runs(con):
    """Each with each other kind in one query, as that takes long to bind."""
    pairs = []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        one, other = random_shape(rng), random_shape(rng)
        pairs.append((one, other, value(con, f"INTERSECTS({one}, {other})")))
    shapes = [
        translate(f"SELECT {i} AS i, {one} AS a, {other} AS b FROM one") for i, (one, other, _) in enumerate(pairs)
    ]
    con.execute("CREATE OR REPLACE TABLE pair AS " + " UNION ALL ".join(shapes))
    expected = [(meet, meet) for _, _, meet in pairs]
    assert ask(con, "INTERSECTS(a, b), INTERSECTS(b, a)", "pair ORDER BY i") == expected
    assert {meet for _, _, meet in pairs} == {0, 1}


def test_measures(con):
    assert value(con, "AREA(CIRCLE(10, 20, 180))") == pytest.approx(41252.96124941927)
    assert value(con, "AREA(BOX(10, 0, 360, 180))") == pytest.approx(41252.96124941927)
    assert value(con, "AREA(POLYGON(0, 0, 90, 0, 0, 90))") == pytest.approx(41252.96124941927 / 8)
    assert value(con, "AREA(POLYGON(0, 90, 90, 0, 0, 0))") == pytest.approx(41252.96124941927 / 8)
    assert value(con, "AREA(POLYGON(10, 20, 10.001, 20, 10.001, 20.001))") == pytest.approx(
        0.5e-6 * math.cos(math.radians(20)), rel=1e-4
    )
    ra, dec = value(con, "CENTROID(POLYGON(0, 0, 90, 0, 0, 90))")
    assert (ra, dec) == pytest.approx((45, math.degrees(math.atan(1 / math.sqrt(2)))))
    assert value(con, "CENTROID(CIRCLE('ICRS', 359, -1, 3))") == [359, -1]
    assert value(con, "COORD1(POINT(3, 4))") == 3
    assert value(con, "COORD2(CENTROID(BOX(3, 4, 1, 1)))") == 4
    assert value(con, "POLYGON(POINT(1, 2), POINT(3, 4), POINT(5, 6))") == [1, 2, 3, 4, 5, 6]
    assert value(con, "REGION('Circle ICRS 1 2 3')") == [1, 2, 3]


def test_compound_regions(con, near):
    def points(region):
        return sampled(con, f"REGION('{region}')")

    a, b = points("Circle ICRS 0 0 3"), points("Box 2 0 4 4")
    assert points("Union ICRS (Circle 0 0 3 Box ICRS GEOCENTER 2 0 4 4)") == a | b
    assert points("Intersection (Circle 0 0 3 Not (Box 2 0 4 4))") == a - b
    for test, expected in (
        ("CONTAINS(CIRCLE(0, 0, 1), REGION('Union (Circle 0 0 3 Box 2 0 4 4)'))", 1),
        ("CONTAINS(CIRCLE(30, 0, 1), REGION('Union (Circle 0 0 3 Box 2 0 4 4)'))", 0),
        ("CONTAINS(REGION('Intersection (Circle 0 0 3 Circle 30 40 2)'), CIRCLE(9, 9, 1))", 1),
        ("CONTAINS(REGION('Union (Position 1 2 Circle 1 2 1)'), CIRCLE(1, 2, 3))", 1),
        ("INTERSECTS(REGION('Not (Circle 1 2 3)'), CIRCLE(1, 2, 1))", 0),
        ("INTERSECTS(CIRCLE(1, 2, 4), REGION('Not (Circle 1 2 3)'))", 1),
        ("INTERSECTS(REGION('Intersection (Circle 0 0 3 Circle 2 0 3)'), CIRCLE(1, 0, 0.1))", 1),
        ("INTERSECTS(REGION('Intersection (Circle 0 0 3 Circle 2 0 3)'), CIRCLE(50, 0, 1))", 0),
    ):
        assert value(con, test) == expected, test
    with pytest.raises(duckdb.Error, match="does not support"):
        value(con, "CONTAINS(CIRCLE(3, 0, 1), REGION('Union (Circle 0 0 3 Circle 5 0 2.5)'))")
    for region in ("Circle 1 2", "Square 1 2 3", "Union ()", "Union (Circle 1 2 3", "1 2", "", "Circle 1 2 3 4"):
        with pytest.raises(AdqlError, match="does not support"):
            translate(f"SELECT REGION('{region}') FROM one", Catalogue({"one": table("x:INTEGER")}))
        with pytest.raises(duckdb.Error, match="does not support"):  # the language takes any string
            value(con, f"REGION('{region}')")


def test_geometries_from_strings(con):
    assert value(con, "CAST('1.5 -2e0' AS POINT)") == [1.5, -2]
    assert value(con, "CAST('1 2 3' AS CIRCLE)") == [1, 2, 3]
    assert value(con, "CONTAINS(POINT(1, 2), CAST('0 0 9 0 0 9' AS POLYGON))") == 1
