"""Positions and radii that are none, or beyond their range: one meaning, with every rewrite and without."""

import duckdb
import numpy as np
import pytest
from astropy.coordinates import angular_separation
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsql.adql import AdqlError, translate

from .conftest import Catalogue, table

NONE = [None, float("nan"), float("inf"), -float("inf")]
RIGHT_ASCENSIONS = st.sampled_from(
    [*NONE, 0, -0.0, -1e-20, 359.9999999, 360, 361, 720, 721, -1, -360, -361, 1e6, 1e300]
)
DECLINATIONS = st.sampled_from(
    [*NONE, 0, 1e-12, 45, -45, 89.9999999, 90, -90, 90.0000001, -91, 95, 180, 360, -99.99, -999]
)
RADII = st.sampled_from(
    [*NONE, 0, -0.0, -1, -1e300, 1e-12, 1 / 3600, 0.1, 1, 30, 89, 90, 91, 150, 180, 181, 400, 1e300]
)
PLACES = st.tuples(RIGHT_ASCENSIONS | st.floats(-5, 365), DECLINATIONS | st.floats(-90, 90))
ROWS = st.lists(st.tuples(PLACES, RADII), min_size=1, max_size=6)
CLOSE = st.builds(lambda ra, dec, r: ((ra, dec), r), st.floats(-1, 1), st.floats(88, 90), RADII)

CATALOGUE = Catalogue(
    {
        "one": table("id:BIGINT ra:DOUBLE dec:DOUBLE r:DOUBLE", position=("ra", "dec")),
        "other": table("id:BIGINT ra:DOUBLE dec:DOUBLE r:DOUBLE", position=("ra", "dec")),
    }
)
MODERN = int(duckdb.__version__.split(".")[0]) >= 2
CON = duckdb.connect()
CON.execute("SET threads = 1")


def fill(name, rows):
    CON.execute(f"CREATE OR REPLACE TABLE {name} (id BIGINT, ra DOUBLE, dec DOUBLE, r DOUBLE)")
    CON.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?)", [[k, *place, r] for k, (place, r) in enumerate(rows)])


def rows(query, **more):
    return sorted(map(str, CON.execute(translate(query, CATALOGUE, **more)).fetchall()))


def is_place(place):
    ra, dec = place
    return ra is not None and dec is not None and -360 <= ra <= 720 and -90 <= dec <= 90


def apart(one, other):
    return np.degrees(float(angular_separation(*np.radians([*one, *other]))))


def holds(one, other, radius, circle):
    """Whether a distance is at most a radius; None where it is unknown, or on the border."""
    if not (is_place(one) and is_place(other)) or radius is None:
        return False
    if np.isnan(radius):
        return not circle
    distance = apart(one, other)
    return None if abs(distance - radius) < 1e-9 * max(1, radius) else distance <= radius


CONDITIONS = [
    "1 = CONTAINS(POINT(o.ra, o.dec), CIRCLE(m.ra, m.dec, {}))",
    "1 = INTERSECTS(POINT(o.ra, o.dec), CIRCLE(POINT(m.ra, m.dec), {}))",
    "DISTANCE(POINT(m.ra, m.dec), POINT(o.ra, o.dec)) <= {}",
    "{} >= DISTANCE(o.ra, o.dec, m.ra, m.dec)",
]
JOINS = ["one AS m JOIN other AS o ON {}", "other AS o, one AS m WHERE {}"]
OUTER = ["one AS m LEFT JOIN other AS o ON {}", "other AS o LEFT JOIN one AS m ON {}",
         "one AS m RIGHT JOIN other AS o ON {}"]  # fmt: skip


@settings(max_examples=150)
@given(
    ROWS, st.lists(st.tuples(PLACES, RADII) | CLOSE, min_size=1, max_size=6), st.sampled_from(CONDITIONS),
    st.sampled_from([*JOINS, *(OUTER if MODERN else [])]),
    st.sampled_from(["m.r", "o.r", "m.r * 1.5", "0.1", "9", "0", "-1"]),
)  # fmt: skip
def test_joins_have_the_pairs_that_all_distances_have(one, other, condition, join, radius):
    fill("one", one)
    fill("other", other)
    query = f"SELECT m.id, o.id FROM {join.format(condition.format(radius))}"
    explain = []
    got = rows(query, explain=explain)
    assert got == rows(query, rewrites=())
    assert "equal cells" in "".join(explain) or radius == "-1"

    if join in JOINS:
        circle = "CIRCLE" in condition
        for i, (place, r) in enumerate(one):
            for j, (there, s) in enumerate(other):
                factor = 1.5 if "1.5" in radius else 1
                given_ = {"m": r, "o": s}.get(radius[0], 0 if radius[0] not in "mo" else None)
                given_ = float(radius) if radius[0] not in "mo" else given_
                expected = holds(place, there, given_ if given_ is None else given_ * factor, circle)
                if expected is not None:
                    assert (str((i, j)) in got) == expected, (place, there, given_)


REGIONS = [
    "1 = CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, {r}))",
    "0 <> CONTAINS(POINT(ra, dec), CIRCLE(POINT({ra}, {dec}), {r}))",
    "0 = CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, {r}))",
    "1 = INTERSECTS(CIRCLE({ra}, {dec}, {r}), POINT(ra, dec))",
    "1 = CONTAINS(POINT({ra}, {dec}), CIRCLE(ra, dec, {r}))",
    "DISTANCE(ra, dec, {ra}, {dec}) <= {r}",
    "DISTANCE(ra, dec, {ra}, {dec}) BETWEEN 0 AND {r}",
    "1 = CONTAINS(POINT(ra, dec), BOX({ra}, {dec}, {r}, 1))",
    "1 = CONTAINS(POINT(ra, dec), REGION('CIRCLE {ra} {dec} {r}'))",
    "1 = CONTAINS(POINT(ra, dec), POLYGON({ra}, {dec}, {ra} + {r} / 9, {dec}, {ra}, {dec} * 0.9))",
]


@settings(max_examples=150)
@given(
    ROWS, st.sampled_from(REGIONS), st.floats(-359, 690).map(lambda x: round(x, 3)) | st.sampled_from([0, 360, 89.9]),
    st.floats(-80, 80).map(lambda x: round(x, 1)) | st.sampled_from([0, 90, -90]),
    st.floats(0, 9).map(lambda x: round(x, 1)) | st.sampled_from([0, 1e-9, 30, 89, 91, 179, 180, 200]),
)  # fmt: skip
def test_regions_have_the_rows_that_the_exact_test_has(some, region, ra, dec, r):
    # Rows on the very border, north and south.
    fill("one", [*some, ((ra, dec + r), 1), ((ra, dec - r), 1), ((ra, dec), 1)])
    query = f"SELECT id FROM one WHERE {region.format(ra=ra, dec=dec, r=r)}"
    assert rows(query) == rows(query, rewrites=())


SHAPES = ["CIRCLE(1, -95.4, 1)", "CIRCLE(1000, 4, 1)", "BOX(1, 91, 1, 1)", "POLYGON(1, 1, 2, 1, 2, 100)",
          "REGION('CIRCLE 1 90.1 1')", "POINT(1, -91)"]  # fmt: skip
NOWHERE = [f"1 = CONTAINS(POINT(ra, dec), {shape})" for shape in SHAPES]
NOWHERE += ["DISTANCE(ra, dec, 1, 90.5) < 1", "1 = CONTAINS(POINT(1, 95), CIRCLE(ra, dec, r))"]


@pytest.mark.parametrize("test", NOWHERE)
def test_a_constant_that_is_no_position_is_told(test):
    with pytest.raises(AdqlError, match=r"A (declination|right ascension) of .* is out of range: it lies between"):
        translate(f"SELECT id FROM one WHERE {test}", CATALOGUE)


VALUES = ["CIRCLE(1, -95, 1)", "CIRCLE('ICRS', POINT(1, -95), 1)", "POINT(ra, 90.5)", "AREA(BOX(1, -91, 1, 1))",
          "POLYGON(1, 1, 2, 1, 2, 100)", "AREA(REGION('CIRCLE 1 90.1 1'))", "CENTROID(CIRCLE(721, 1, 1))",
          "INTERSECTS(CIRCLE(ra, dec, 1), CIRCLE(1, -95, 1))", "CONTAINS(BOX(1, 91, 1, 1), CIRCLE(ra, dec, 5))",
          "CONTAINS(CIRCLE(ra, dec, 1), REGION('NOT (CIRCLE 1 95 1)'))"]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("known", [None, CATALOGUE])
def test_a_constant_that_is_no_position_is_told_in_any_shape(value, known):
    with pytest.raises(AdqlError, match="is out of range: it lies between") as caught:
        translate(f"SELECT id,\n{value} AS v FROM one", known)
    assert caught.value.line == 2
    assert translate("SELECT id FROM one WHERE 1 = CONTAINS(POINT(ra, dec), BOX(1, 89, 1, 20))", known)
