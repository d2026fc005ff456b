"""The coordinate system of a geometry: a known constant, or an error that points at it (ADQL 2.0, section 2.4.1)."""

import pytest
from astropy.coordinates import SkyCoord

from sedsql.adql import AdqlError, translate

from .conftest import Catalogue, table

CATALOGUE = Catalogue({"s.t": table("ra:DOUBLE dec:DOUBLE name:VARCHAR place:DOUBLE[]", position=("ra", "dec"))})
KNOWN = ["''", "'ICRS'", "'icrs'", "'FK5'", "'fk4'", "'GALACTIC'", "'ICRS GEOCENTER'", "'J2000'", "NULL",
         "'ICRS BARYCENTER SPHERICAL2'", "'UNKNOWNFRAME'", "'GEOCENTER'", "'Ecliptic' ' LSR'"]  # fmt: skip
UNKNOWN = ["'ICSR'", "'galaxy'", "'ICRS FK5'", "'SPHERICAL2 ICRS'", "'1'", "name", "LOWER('ICRS')", "'IC' || 'RS'",
           "CAST('ICRS' AS VARCHAR)", "COORDSYS(POINT(1, 2))"]  # fmt: skip
SHAPES = ["POINT({}, ra, dec)", "CIRCLE({}, ra, dec, 1)", "CIRCLE({}, POINT(ra, dec), 1)", "BOX({}, ra, dec, 1, 1)",
          "POLYGON({}, 1, 2, 3, 2, 3, ra)", "POLYGON({}, POINT(1, 2), POINT(3, 2), POINT(3, ra))"]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("known", [None, CATALOGUE])
def test_a_known_system_passes_and_any_other_is_told_with_its_place(shape, known):
    for system in KNOWN:
        assert translate(f"SELECT {shape.format(system)} AS v FROM t", known)
    for system in UNKNOWN:
        if system == "name" and known is None and shape.count("POINT") == 3:
            continue  # it may be a column of points
        query = f"SELECT ra,\n  {shape.format(system)} AS v FROM t"
        with pytest.raises(AdqlError, match="coordinate system") as caught:
            translate(query, known)
        assert caught.value.line == 2
        assert caught.value.column == 3 + shape.index("{")


def test_a_system_may_be_a_parameter():
    query = "SELECT POINT(?, ra, dec) AS v FROM t"
    assert translate(query) == translate(query, values=["ICRS"])
    with pytest.raises(AdqlError, match="There is no coordinate system 'B2000'"):
        translate(query, values=["B2000"])


def test_a_column_of_texts_before_a_point_is_told():
    with pytest.raises(AdqlError, match="The coordinate system is no constant"):
        translate("SELECT CIRCLE(name, POINT(ra, dec), 1) AS v FROM t", CATALOGUE)


ELSEWHERE = "POINT('GALACTIC', ra, dec)"
MIXED = [
    ("CONTAINS(POINT('GALACTIC', ra, dec), CIRCLE('ICRS', 1, 2, 3))", "GALACTIC and in ICRS"),
    ("CONTAINS(POINT('ICRS', ra, dec), REGION('CIRCLE GALACTIC 1 2 3'))", "ICRS and in GALACTIC"),
    ("INTERSECTS(CIRCLE('FK4', 1, 2, 3), BOX('FK5', 1, 2, 3, 4))", "FK4 and in FK5"),
    ("DISTANCE(CENTROID(POLYGON('GALACTIC', 1, 2, 3, 4, 5, 6)), POINT('J2000', ra, dec))", "GALACTIC and in J2000"),
    ("CIRCLE('ICRS', POINT('GALACTIC', ra, dec), 1)", "ICRS and in GALACTIC"),
    ("POLYGON(POINT('FK4', 1, 2), POINT(3, 4), POINT('ECLIPTIC', 5, 6))", "FK4 and in ECLIPTIC"),
    ("IVO_GEOM_TRANSFORM('ICRS', 'FK4', POINT('GALACTIC', ra, dec))", "ICRS and in GALACTIC"),
    ("DISTANCE(IVO_GEOM_TRANSFORM('ICRS', 'GALACTIC', POINT(ra, dec)), POINT('ICRS', 1, 2))", "GALACTIC and in ICRS"),
    ("AREA(REGION('UNION (CIRCLE GALACTIC 1 2 3 CIRCLE ICRS 1 2 3)'))", "GALACTIC and in ICRS"),
]


@pytest.mark.parametrize(("value", "words"), MIXED)
def test_geometries_in_different_frames_do_not_meet(value, words):
    with pytest.raises(AdqlError, match=f"mixes positions in {words}"):
        translate(f"SELECT {value} AS v FROM t", CATALOGUE)


def test_the_language_allows_them_to_meet():
    """Where there is a database, one of them would have to be turned."""
    assert translate("SELECT ra FROM t WHERE 1 = CONTAINS(POINT('FK4', ra, dec), CIRCLE('GALACTIC', 1, 2, 3))")


def test_a_frame_is_followed_through_subqueries():
    inner = f"(SELECT {ELSEWHERE} AS p FROM t) AS s"
    with pytest.raises(AdqlError, match="mixes positions in GALACTIC and in ICRS") as caught:
        translate(f"SELECT p FROM {inner} WHERE 1 = CONTAINS(p, CIRCLE('ICRS', 1, 2, 3))", CATALOGUE)
    assert "ivo_geom_transform('ICRS', 'GALACTIC', ...)" in str(caught.value)
    assert translate(f"SELECT p FROM {inner} WHERE 1 = CONTAINS(p, CIRCLE('GALACTIC', 1, 2, 3))", CATALOGUE)


@pytest.mark.parametrize(
    "value",
    [
        "CONTAINS(POINT('GALACTIC', ra, dec), CIRCLE('GALACTIC', 1, 2, 3))",
        "CONTAINS(POINT('GALACTIC', ra, dec), CIRCLE(1, 2, 3))",
        "CONTAINS(POINT('J2000', ra, dec), CIRCLE('ICRS GEOCENTER', 1, 2, 3))",
        "DISTANCE(IVO_GEOM_TRANSFORM('GALACTIC', 'ICRS', POINT('GALACTIC', ra, dec)), POINT('ICRS', 1, 2))",
        "INTERSECTS(CIRCLE('UNKNOWNFRAME', 1, 2, 3), CIRCLE('', 1, 2, 3))",
    ],
)
def test_geometries_in_one_frame_meet(value):
    assert translate(f"SELECT {value} AS v FROM t", CATALOGUE)


def test_the_system_of_a_geometry_is_given_back():
    assert translate(f"SELECT COORDSYS({ELSEWHERE}) AS v FROM t", CATALOGUE) == "SELECT 'GALACTIC' AS v FROM s.t"
    assert translate("SELECT COORDSYS(POINT(1, 2)) AS v FROM t", CATALOGUE) == "SELECT 'ICRS' AS v FROM s.t"


def test_a_position_of_astropy_is_in_the_icrs():
    place = SkyCoord(10, 20, unit="deg")
    with pytest.raises(AdqlError, match="mixes positions in GALACTIC and in ICRS"):
        translate("SELECT ra FROM t WHERE DISTANCE(POINT('GALACTIC', ra, dec), ?) < 1", CATALOGUE, values=[place])
    assert translate("SELECT ra FROM t WHERE DISTANCE(POINT(ra, dec), ?) < 1", CATALOGUE, values=[place])
