"""The coordinate system of a geometry: a known constant, or an error that points at it (ADQL 2.0, section 2.4.1)."""

import pytest

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
