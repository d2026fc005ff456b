"""Whatever the grammar of ADQL can say, and whatever bytes and values come: SQL that DuckDB parses, or AdqlError."""

import datetime
import decimal
import fractions
from contextlib import suppress

import numpy as np
import pytest
from astropy import units as u
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sedsql.adql import AdqlError, translate
from sedsql.adql.functions import registry as language
from sedsql.adql.parser.parameters import plain

from .conftest import BANDS, Catalogue, Function, table
from .test_robust import survives

CATALOGUE = Catalogue(
    {
        "sky.stars": table(
            "source_id:BIGINT ra:DOUBLE dec:DOUBLE b:DOUBLE name:VARCHAR ok:BOOLEAN t:TIMESTAMP outline:DOUBLE[]"
            + "".join(f" {band}:REAL" for band in BANDS),
            position=("ra", "dec"),
            cell_column="source_id",
        ),
        "mine": table("id:INTEGER ra:REAL dec:REAL r:DOUBLE b:DOUBLE", position=("ra", "dec")),
    }
)
FUNCTIONS = {"sed_class": Function((1, 2, 10, 11)), "sed_proba": Function((2, 3, 11, 12)), "sed_alpha": Function((1,))}

alias = st.sampled_from(["s", "t", "b", "ra", '"S t"', "class", "sed_class"])
column = st.sampled_from(["ra", "dec", "s.ra", "s.dec", "t.ra", "t.dec", "b", "b.b", "source_id", "id", "r", "t.r",
                          "j_m", '"RA"', "x", "s.x", "sky.stars.ra"])  # fmt: skip
literal = st.sampled_from(["0", "1", "2.5", "1e9", "0x1F", "9223372036854775808", "1e308", "-1", "90", "91", "-361"])
odd = st.sampled_from(["'x'", "''", "'a''b'", "'CIRCLE 1 2 3'", "NULL", "TRUE", "?", "'yso'", "name", "ok", "outline"])
name = st.sampled_from([*language.LANGUAGE, *language.USER_DEFINED, *FUNCTIONS, "nosuch"])


def calls(value):
    return st.builds(lambda f, values: f"{f}({', '.join(values)})", name, st.lists(value, max_size=4))


def shapes(value):
    point = st.builds("POINT({}, {})".format, value, value)
    circle = st.builds("CIRCLE({}, {}, {})".format, value, value, value)
    circle |= st.builds("CIRCLE({}, {})".format, point, value)
    other = st.builds("BOX({}, {}, {}, 3)".format, value, value, value)
    other |= st.builds("POLYGON({}, 1, 2, {}, 3, {})".format, value, value, value)
    region = st.recursive(
        st.sampled_from(["CIRCLE 1 2 3", "BOX ICRS 1 2 3 4", "POLYGON 1 2 3 4 5 6", "POSITION 1 2", "CIRCLE 1", ""]),
        lambda inner: st.builds("{} ({})".format, st.sampled_from(["UNION", "INTERSECTION", "NOT"]),
                                st.lists(inner, max_size=3).map(" ".join)),
        max_leaves=6,
    )  # fmt: skip
    return point | circle | other | region.map("REGION('{}')".format) | st.just("outline")


value = st.recursive(
    st.one_of(column, literal, column, literal, odd),
    lambda inner: (
        calls(inner)
        | st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner)
        | st.builds("({} || {})".format, odd, inner)
        | st.builds("CAST({} AS {})".format, inner, st.sampled_from(["INTEGER", "VARCHAR(3)", "POINT", "TIMESTAMP"]))
        | st.builds("CASE WHEN {} > 1 THEN {} ELSE {} END".format, inner, inner, inner)
        | st.builds("{}({})".format, st.sampled_from(["COUNT", "MAX", "AVG", "COUNT"]), inner)
        | st.builds("DISTANCE({}, {})".format, shapes(inner), shapes(inner))
        | st.builds("-{}".format, inner)
    ),
    max_leaves=6,
)
test = st.builds("{} {} {}".format, value, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), value)
test |= st.builds("{} = {}({}, {})".format, st.sampled_from("01"), st.sampled_from(["CONTAINS", "INTERSECTS"]),
                  shapes(column | literal), shapes(column | literal))  # fmt: skip
test |= st.builds(
    "DISTANCE({}, {}) {} {}".format, shapes(column), shapes(column), st.sampled_from(["<", "<=", ">"]), value
)
test |= st.builds("{} {}BETWEEN {} AND {}".format, value, st.sampled_from(["", "NOT "]), value, value)
test |= st.builds("{} IN ({})".format, value, st.lists(value, min_size=1, max_size=3).map(", ".join))
test |= st.builds("{} LIKE {}".format, value, value) | st.builds("{} IS NULL".format, column)
test |= st.sampled_from(["sed_class(s) = 'yso'", "sed_proba(t, 'yso') > 0.5", "sed_alpha(b) > 0", "ok", "?"])


def queries(inner):
    condition = st.recursive(
        test | inner.map("EXISTS ({})".format) | inner.map("s.ra IN ({})".format),
        lambda some: (
            st.builds("({} {} {})".format, some, st.sampled_from(["AND", "OR"]), some) | some.map("NOT ({})".format)
        ),
        max_leaves=4,
    )
    one = st.sampled_from(["sky.stars AS s", "stars", "mine AS t", "mine", "sky.stars AS b", "nosuch"])
    one |= st.builds("({}) AS {}".format, inner, alias)
    joined = st.builds(
        "{} {} {} ON {}".format, one, st.sampled_from(["JOIN", "LEFT JOIN", "FULL JOIN"]), one, condition
    )
    joined |= st.builds("{} NATURAL JOIN {}".format, one, one) | st.builds("{} JOIN {} USING (ra)".format, one, one)
    tables = st.lists(one | joined | joined.map("({})".format), min_size=1, max_size=3).map(", ".join)
    item = st.sampled_from(["*", "s.*", "t.*"]) | value | st.builds("{} AS {}".format, value, alias)
    rest = st.sampled_from(["", " GROUP BY ra", " ORDER BY ra", " ORDER BY s.ra, 1 + b DESC", " HAVING COUNT(*) > 1",
                            " GROUP BY s.ra, b ORDER BY x OFFSET 2"])  # fmt: skip
    select = st.builds(
        "SELECT {}{} FROM {}{}{}".format, st.sampled_from(["", "TOP 3 ", "DISTINCT "]),
        st.lists(item, min_size=1, max_size=3).map(", ".join), tables,
        st.just("") | condition.map(" WHERE {}".format), rest,
    )  # fmt: skip
    return select | st.builds("{} {} {}".format, select, st.sampled_from(["UNION", "EXCEPT ALL", "INTERSECT"]), select)


query = st.recursive(st.sampled_from(["SELECT ra FROM mine", "SELECT * FROM sky.stars AS s"]), queries, max_leaves=3)


@settings(max_examples=600)
@given(query, st.booleans())
def test_whatever_the_grammar_says(text, all_known):
    survives(text, CATALOGUE if all_known else None, FUNCTIONS if all_known else None)


@settings(max_examples=200)
@given(st.binary(max_size=60), st.sampled_from(["utf-8", "latin-1", "utf-16"]))
def test_any_bytes(found, encoding):
    text = found.decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")
    for around in ("{}", "SELECT {} FROM t", "SELECT '{}' FROM t", 'SELECT "{}" FROM t', "SELECT REGION('{}') FROM t"):
        survives(around.format(text))
    with pytest.raises(AdqlError, match="A query is a text"):
        translate(found)


numbers = st.integers() | st.floats() | st.decimals() | st.fractions() | st.sampled_from([10**400, -(2**127), 2**64])
values = st.recursive(
    numbers | st.none() | st.booleans() | st.text() | st.binary() | st.datetimes() | st.timedeltas()
    | st.complex_numbers() | st.floats(width=32).map(np.float32) | st.integers(0, 255).map(np.uint8)
    | st.sampled_from([np.bool_(True), np.ma.masked, np.array(3), np.longdouble(1) / 3, object(), "\udc80", 5 * u.deg,
                       u.Quantity(0.5), np.datetime64("NaT"), np.datetime64("2020-01-01T00:00:00.123456789")]),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=3,
)  # fmt: skip
PARAMETERS = ["ra > ?", "1 = CONTAINS(POINT(ra, dec), CIRCLE(1, 2, ?))",
              "0 = CONTAINS(POINT(?, 0), CIRCLE(ra, dec, 1))",
              "DISTANCE(ra, dec, ?, 1) < 3", "ra / ? > 1", "name = ?", "ok = ?", "? IN (ra, dec)", "name LIKE ?",
              "sed_class(s, ?) = 'yso'", "sed_class(s) = ?", "IVO_HEALPIX_INDEX(?, ra, dec) = 3",
              "REGION(?) = outline"]  # fmt: skip


@settings(max_examples=400)
@example("ra > ?", 5 * u.deg)
@example("ra > ?", np.ma.masked)
@example("ra > ?", np.array(3.0))
@given(st.sampled_from(PARAMETERS), values.map(lambda one: [one]) | values | st.dictionaries(st.text(), values))
def test_whatever_is_handed_in(condition, handed_in):
    with suppress(AdqlError):
        translate(f"SELECT ra FROM sky.stars AS s WHERE {condition}", CATALOGUE, FUNCTIONS, values=handed_in)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(1.5), 1.5),
        (np.int16(-3), -3),
        (np.uint64(2**63), 2**63),
        (np.True_, True),
        (np.array(2.5), 2.5),
        (np.array([1, 2]), [1, 2]),
        ([np.float64(1), np.int8(2)], [1.0, 2]),
        (np.str_("a"), "a"),
        (np.ma.masked, None),
        (np.datetime64("2020-02-03"), datetime.datetime(2020, 2, 3)),
        (np.datetime64("2020-02-03T04:05:06.000007008"), datetime.datetime(2020, 2, 3, 4, 5, 6, 7)),
        (np.datetime64("NaT"), None),
        (np.timedelta64(90, "s"), datetime.timedelta(seconds=90)),
        (decimal.Decimal("1.5"), 1.5),
        (decimal.Decimal("4295806720123456789"), 4295806720123456789),
        (decimal.Decimal("5.0"), 5.0),
        (fractions.Fraction(1, 4), 0.25),
        (u.Quantity(0.5), 0.5),
        (u.Quantity(50, u.percent), 0.5),
        (2**127 - 1, 2**127 - 1),
    ],
)
def test_values_of_other_kinds_become_pythons_own(value, expected):
    (found,) = plain([value])
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (10**400, "A whole number beyond 2\\^127 is handed in"),
        (3 * u.arcsec, "A value in arcsec is handed in where no unit is known; hand in its number"),
        ("\udc80", "and is no valid Unicode"),
    ],
)
def test_what_cannot_be_handed_in_is_told(value, sentence):
    for values_, mark in (([value], "?"), ({"a": value}, ":a")):
        with pytest.raises(AdqlError, match=sentence):
            translate(f"SELECT ra FROM t WHERE ra > {mark}", values=values_)
