"""Thousands of random shapes in one query, against sampling and sums of triangles in numpy."""

import duckdb
import numpy as np
import pytest

from sedsql.adql import translate

N = 1000


def vectors(ra, dec):
    a, d = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], -1)


def places(v):
    return np.degrees(np.arctan2(v[..., 1], v[..., 0])) % 360, np.degrees(
        np.arctan2(v[..., 2], np.hypot(*v[..., :2].T).T)
    )


@pytest.fixture(scope="module")
def shapes():
    """Boxes, and four-sided polygons that are star-shaped around a middle; every third pair at a pole or at RA 0."""
    rng = np.random.default_rng(11)
    ra, dec = rng.uniform(0, 360, N), np.degrees(np.arcsin(rng.uniform(-1, 1, N)))
    ra[::3] = rng.normal(0, 1, N)[::3] % 360
    dec[::6] = np.clip(90 - np.abs(rng.normal(0, 8, N)), -90, 90)[::6]
    dec[3::12] *= 0.01
    size = rng.choice([1.0, 8.0, 25.0], N)
    middle = vectors(ra, dec)
    east = np.stack([-np.sin(np.radians(ra)), np.cos(np.radians(ra)), 0 * ra], -1)
    north = np.cross(middle, east)
    angles = np.radians(np.arange(4) * 90 + rng.uniform(0, 60, (N, 4)))
    radii = np.radians(rng.uniform(0.4, 1, (N, 4)) * size[:, None])
    around = np.cos(angles)[..., None] * east[:, None] + np.sin(angles)[..., None] * north[:, None]
    corners = np.cos(radii)[..., None] * middle[:, None] + np.sin(radii)[..., None] * around
    box = np.stack(
        [
            (ra + rng.normal(0, 1, N) * size) % 360,
            np.clip(dec + rng.normal(0, 0.7, N) * size, -90, 90),
            rng.choice([0.3, 1, 4], N) * size * rng.uniform(0.3, 1, N),
            rng.choice([0.3, 1, 4], N) * size * rng.uniform(0.3, 1, N),
        ],
        -1,
    )
    box[5::20, 2] = 360
    return box, corners, middle


@pytest.fixture(scope="module")
def con(shapes):
    box, corners, middle = shapes
    connection = duckdb.connect()
    ra, dec = places(corners)
    numbers = np.concatenate([box, np.stack([ra, dec], -1).reshape(N, 8), np.stack(places(middle), -1)], 1)
    names = [*"abcd", *(f"p{i}" for i in range(8)), "ra", "dec"]
    connection.execute(f"CREATE TABLE pairs (i INTEGER, {', '.join(f'{name} DOUBLE' for name in names)})")
    rows = [[i, *row] for i, row in enumerate(numbers.tolist())]
    connection.executemany(f"INSERT INTO pairs VALUES ({', '.join('?' * len(rows[0]))})", rows)
    return connection


BOX = "BOX(a, b, c, d)"
POLYGON = f"POLYGON({', '.join(f'p{i}' for i in range(8))})"
REVERSED = f"POLYGON({', '.join(f'p{i}' for i in (6, 7, 4, 5, 2, 3, 0, 1))})"


def ask(con, what):
    return np.array([row[0] for row in con.execute(translate(f"SELECT {what} AS v FROM pairs ORDER BY i")).fetchall()])


def in_box(box, v):
    ra, dec = places(v)
    turn = np.abs((ra - box[:, 0, None] + 180) % 360 - 180)
    return (np.abs(dec - box[:, 1, None]) <= box[:, 3, None] / 2) & (turn <= box[:, 2, None] / 2)


def in_polygon(corners, middle, v):
    """Whether points lie in one of the triangles that a polygon's sides make with its middle."""
    found = np.zeros(v.shape[:2], bool)
    for k in range(4):
        triangle = [middle, corners[:, k], corners[:, (k + 1) % 4]]
        inside = np.ones(v.shape[:2], bool)
        for a, b in zip(triangle, [*triangle[1:], triangle[0]], strict=True):
            inside &= np.einsum("nk,nmk->nm", np.cross(a, b), v) >= 0
        found |= inside
    return found


@pytest.fixture(scope="module")
def samples(shapes):
    """Points of the boxes, on their borders, and on the sides of the polygons."""
    box, corners, _ = shapes
    grid = np.linspace(-0.5, 0.5, 41)
    x, y = (part.ravel() for part in np.meshgrid(grid, grid))
    low = np.maximum(box[:, 1] - box[:, 3] / 2, -90)
    high = np.minimum(box[:, 1] + box[:, 3] / 2, 90)
    dec = low[:, None] + (high - low)[:, None] * (y + 0.5)
    filled = vectors(box[:, 0, None] + box[:, 2, None] * x, dec)
    border = filled[:, (np.abs(x) == 0.5) | (np.abs(y) == 0.5)]
    step = np.linspace(0, 1, 100, endpoint=False)[:, None]
    sides = [corners[:, k, None] * (1 - step) + corners[:, (k + 1) % 4, None] * step for k in range(4)]
    sides = np.concatenate(sides, 1)
    return filled, border, sides / np.linalg.norm(sides, axis=-1, keepdims=True)


def agree(got, expected, slivers):
    assert 0.05 < np.mean(expected) < 0.95
    assert np.sum(got != expected) <= slivers, np.flatnonzero(got != expected)


def test_boxes_meet_polygons(con, shapes, samples):
    box, corners, middle = shapes
    filled, _, sides = samples
    expected = in_polygon(corners, middle, filled).any(1) | in_box(box, sides).any(1)
    got = ask(con, f"INTERSECTS({BOX}, {POLYGON})") == 1
    assert np.all(got[expected])
    agree(got, expected, 10)  # what meets between the samples alone
    for other in (f"INTERSECTS({POLYGON}, {BOX})", f"INTERSECTS({BOX}, {REVERSED})"):
        assert np.array_equal(ask(con, other) == 1, got)


def test_boxes_in_polygons(con, shapes, samples):
    box, corners, middle = shapes
    filled, _, sides = samples
    expected = in_polygon(corners, middle, filled).all(1) & ~in_box(box, sides).any(1)
    got = ask(con, f"CONTAINS({BOX}, {POLYGON})") == 1
    assert np.all(expected[got])
    assert np.sum(got != expected) <= 5
    assert got.sum() > 20


def test_polygons_in_boxes(con, shapes, samples):
    box, corners, middle = shapes
    _, border, sides = samples
    inner = in_polygon(corners, middle, border)
    open_border = box[:, 2] >= 360  # the border of those are two parallels or one; their polygons hold no pole outside
    expected = in_box(box, sides).all(1) & ~(inner.any(1) & ~open_border)
    got = ask(con, f"CONTAINS({POLYGON}, {BOX})") == 1
    different = (got != expected) & ~open_border
    assert different.sum() <= 5, np.flatnonzero(different)
    assert np.all(in_box(box, sides).all(1)[got])
    assert got.sum() > 20


def test_points_in_both(con, shapes):
    """Points of all pairs against the shapes of the pair, both ways round."""
    box, corners, middle = shapes
    rng = np.random.default_rng(1)
    point = middle + rng.normal(0, 0.1, (N, 3))
    point /= np.linalg.norm(point, axis=1, keepdims=True)
    ra, dec = places(point)
    con.execute("CREATE OR REPLACE TABLE points (i INTEGER, x DOUBLE, y DOUBLE)")
    con.executemany(
        "INSERT INTO points VALUES (?, ?, ?)", [[i, *map(float, p)] for i, p in enumerate(zip(ra, dec, strict=True))]
    )

    def among(shape):
        sql = translate(f"SELECT CONTAINS(POINT(x, y), {shape}) AS v FROM pairs JOIN points USING (i) ORDER BY i")
        return np.array([row[0] for row in con.execute(sql).fetchall()]) == 1

    agree(among(BOX), in_box(box, point[:, None])[:, 0], 0)
    agree(among(POLYGON), in_polygon(corners, middle, point[:, None])[:, 0], 0)
    agree(among(REVERSED), in_polygon(corners, middle, point[:, None])[:, 0], 0)
    radius = np.degrees(np.arccos(np.clip(np.sum(point * vectors(box[:, 0], box[:, 1]), 1), -1, 1)))
    for size in (20, 89.9, 90.1, 179):  # circles around the middle of the box, and around its antipodes
        got = among(f"CIRCLE(a + 180, -b, {180 - size})")
        assert np.array_equal(got, 180 - radius <= 180 - size)
        assert np.array_equal(among(f"CIRCLE(a, b, {size})"), radius <= size)


def triangle(a, b, c):
    """The area of a triangle of unit vectors (sr), after L'Huilier."""
    sides = [2 * np.arcsin(np.linalg.norm(x - y, axis=-1) / 2) for x, y in ((a, b), (b, c), (c, a))]
    half = sum(sides) / 2
    product = np.tan(half / 2) * np.prod([np.tan(np.maximum(half - side, 0) / 2) for side in sides], axis=0)
    return 4 * np.arctan(np.sqrt(np.maximum(product, 0)))


def test_areas(con, shapes):
    box, corners, middle = shapes
    expected = sum(triangle(middle, corners[:, k], corners[:, (k + 1) % 4]) for k in range(4)) * (180 / np.pi) ** 2
    for shape in (POLYGON, REVERSED):
        np.testing.assert_allclose(ask(con, f"AREA({shape})"), expected, rtol=1e-7)
    low = np.radians(np.maximum(box[:, 1] - box[:, 3] / 2, -90))
    high = np.radians(np.minimum(box[:, 1] + box[:, 3] / 2, 90))
    bands = np.minimum(box[:, 2], 360) * np.degrees(np.sin(high) - np.sin(low))
    np.testing.assert_allclose(ask(con, f"AREA({BOX})"), bands, rtol=1e-11)
    caps = 2 * np.pi * (1 - np.cos(np.radians(box[:, 2] / 2))) * (180 / np.pi) ** 2
    np.testing.assert_allclose(ask(con, "AREA(CIRCLE(a, b, c / 2))"), caps, rtol=1e-9)


def test_centroids_of_polygons(con, shapes):
    """The mean direction of a polygon's area: of small triangles that fill it."""
    _, corners, middle = shapes
    total = np.zeros((N, 3))
    cuts = 24
    for k in range(4):
        a, b, c = middle, corners[:, k], corners[:, (k + 1) % 4]

        def at(i, j, a=a, b=b, c=c):
            v = a * (cuts - i - j) + b * i + c * j
            return v / np.linalg.norm(v, axis=1, keepdims=True)

        for i in range(cuts):
            for j in range(cuts - i):
                for tri in [(at(i, j), at(i + 1, j), at(i, j + 1))] + (
                    [(at(i + 1, j), at(i + 1, j + 1), at(i, j + 1))] if i + j < cuts - 1 else []
                ):
                    mean = sum(tri)
                    total += mean / np.linalg.norm(mean, axis=1, keepdims=True) * triangle(*tri)[:, None]
    total /= np.linalg.norm(total, axis=1, keepdims=True)
    for shape in (POLYGON, REVERSED):
        got = vectors(*ask(con, f"CENTROID({shape})").T)
        assert np.degrees(np.linalg.norm(got - total, axis=1)).max() < 5e-3


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        # The middle of a symmetric polygon, which the parity of crossed sides cannot tell by itself.
        ("CONTAINS(POINT(0, 0), POLYGON(-30, -30, 30, -30, 30, 30, -30, 30))", 1),
        ("CONTAINS(POINT(x - 1, 0), POLYGON(-30, -30, 30, -30, 30, 30, -30, 30 * x))", 1),
        ("CONTAINS(POINT(180, 0), POLYGON(-30, -30, 30, -30, 30, 30, -30, 30))", 0),
        ("CONTAINS(POINT(0, 90), POLYGON(0, 80, 120, 80, 240, 80))", 1),
        ("CONTAINS(POINT(0, -90), POLYGON(0, 80, 120, 80, 240, 80))", 0),
        ("CONTAINS(CIRCLE(0, 0, 5), POLYGON(-30, -30, 30, -30, 30, 30, -30, 30))", 1),
        ("CONTAINS(POINT(10, 20), POLYGON(9.9999999, 20, 10, 19.9999999, 10.0000001, 20, 10, 20.0000001))", 1),
        # Circles and boxes at the poles, and beyond 90 degrees.
        ("CONTAINS(CIRCLE(0, 89, 5), BOX(0, 80, 360, 40))", 1),
        ("CONTAINS(CIRCLE(0, 89, 5), BOX(0, 86, 360, 7))", 0),
        ("CONTAINS(CIRCLE(0, -85, 10), BOX(0, -90, 360, 60))", 1),
        ("CONTAINS(CIRCLE(0, 0, 120), BOX(0, 0, 360, 180))", 1),
        ("CONTAINS(CIRCLE(0, 89, 5), BOX(0, 80, 350, 40))", 0),
        ("INTERSECTS(CIRCLE(180, 85, 10), BOX(0, 87, 20, 2))", 1),
        ("CONTAINS(BOX(0, 0, 360, 180), CIRCLE(0, 0, 180))", 1),
        ("CONTAINS(CIRCLE(0, 0, 170), CIRCLE(0, 0, 175))", 1),
        ("INTERSECTS(CIRCLE(0, 0, 100), CIRCLE(180, 0, 70))", 0),
        ("INTERSECTS(CIRCLE(0, 0, 120), POLYGON(170, 0, 175, 0, 172, 5))", 0),
        ("CONTAINS(POLYGON(100, 0, 105, 0, 102, 5), CIRCLE(0, 0, 120))", 1),
        # The sides of a polygon bulge over a parallel; a box all around is not left through its meridian.
        ("INTERSECTS(BOX(0, 50.5, 20, 1), POLYGON(-40, 49, 40, 49, 0, 20))", 1),
        ("CONTAINS(POLYGON(0, 10, 120, 10, 240, 10), BOX(0, 0, 360, 60))", 0),
        ("CONTAINS(POLYGON(0, 80, 120, 80, 240, 80), BOX(200, 85, 360, 20))", 1),
        ("CONTAINS(BOX(0, 90, 360, 2), POLYGON(0, 80, 120, 80, 240, 80))", 1),
    ],
)
def test_special_places(con, test, expected):
    con.execute("CREATE OR REPLACE TABLE one AS SELECT 1 AS x")
    assert con.execute(translate(f"SELECT {test} AS v FROM one")).fetchall() == [(expected,)]
