"""Conditions that say nothing of the rows, and coordinates in the wrong order, are told before a query runs."""

import numpy as np
import pytest

import sedsql
from sedsql.adql import AdqlError

FROM = "FROM sed.photometry AS s WHERE"


@pytest.fixture(scope="module")
def con(sky):
    with sedsql.connect(sky) as con:
        yield con


@pytest.mark.parametrize(
    ("query", "values", "word", "sentence", "hint"),
    [
        (f"{FROM} s.parallax = NULL", (), "s.parallax", "A comparison with NULL is never true", "write IS NULL"),
        (f"{FROM} NOT NULL <> s.j_m", (), "s.j_m", "A comparison with NULL is never true", "IS NOT NULL"),
        (f"{FROM} s.j_m IN (1, NULL)", (), "s.j_m", "A comparison with NULL is never true", "write IS NULL"),
        (f"{FROM} s.parallax > ?", [np.array([1, 2])], "?", "A list of 2 values is handed in", "upload a table"),
        (f"{FROM} s.source_id IN (:ids)", {"ids": [1, 2, 3]}, ":ids", "A list of 3 values", "write a ? for each"),
        (f"{FROM} sed_proba(s, 'yso') > ?", [90], "?", "sed_proba lies between 0 and 1", "in percent? then write 0.9"),
        ("FROM sed.classified WHERE class_probability > 50", (), "50", "class_probability lies between", "write 0.5"),
        ("FROM sed.classified WHERE outlier < -1", (), "-1", "outlier lies between 0 and 1, never at -1", None),
        (f"{FROM} 1 = CONTAINS(POINT(s.dec, s.ra), CIRCLE(8, 5, 1))", (), "s.dec", "POINT takes", "s.ra, s.dec"),
        (f"{FROM} 1 = CONTAINS(POINT('', s.dec, s.ra), CIRCLE(8, 5, 1))", (), "s.dec", "POINT takes", "s.ra, s.dec"),
        (f"{FROM} 1 = CONTAINS(POINT(8, 5), CIRCLE(s.dec, s.ra, 1))", (), "s.dec", "CIRCLE takes the", "s.ra, s.dec"),
        (f"{FROM} DISTANCE(8, 5, s.dec, s.ra) < 1", (), "s.dec", "DISTANCE takes the right ascension", "s.ra, s.dec"),
        ("FROM (SELECT ra AS a, dec AS d FROM gaiadr3.gaia_source) AS q WHERE DISTANCE(d, a, 8, 5) < 1", (), "d",
         "DISTANCE takes the right ascension first, and d is a declination", "write a, d"),
    ],
)  # fmt: skip
def test_a_condition_that_says_nothing_is_told_with_its_place(con, query, values, word, sentence, hint):
    with pytest.raises(AdqlError) as caught:
        con.execute(f"SELECT COUNT(*) AS n {query}", values)
    text, underline = str(caught.value).splitlines()[1:]
    assert text[underline.index("^") : underline.rindex("^") + 1] == word
    assert caught.value.message.startswith(sentence)
    assert hint is None or hint in caught.value.hint


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("s.parallax = ?", [None]),  # from a program, which may not know
        ("s.parallax IS NULL AND COALESCE(s.j_m, NULL) > 3", ()),
        ("1 = CONTAINS(POINT(s.l, s.b), CIRCLE(8, 5, 1)) AND DISTANCE(s.ra, s.dec, 8, 5) < 3", ()),
        ("sed_outlier(s) <= 1 AND sed_proba(s, 'yso') >= 0 AND sed_alpha(s) > -3", ()),
        ("ARRAY_LENGTH(?) = 2", [[1, 2]]),
    ],
)
def test_what_may_tell_rows_apart_passes(con, condition, values):
    assert con.execute(f"SELECT COUNT(*) AS n {FROM} {condition}", values).fetchone()[0] >= 0


def test_a_table_with_some_bands_is_told_where_all_are(con):
    with pytest.raises(AdqlError) as caught:
        con.execute("SELECT sed_class(g) AS class FROM gaiadr3.gaia_source AS g")
    assert caught.value.message == "sed_class asks for columns that 'g' does not have"
    assert caught.value.hint == (
        "j_m, h_m, ks_m, w1mpro, w2mpro, w3mpro, w4mpro. sed.photometry has all of them; in a subquery, NULL AS j_m "
        "stands for a band that is not there"
    )
    others = ", ".join(f"NULL AS {band}" for band in ["j_m", "h_m", "ks_m", "w1mpro", "w2mpro", "w3mpro", "w4mpro"])
    followed = f"SELECT COUNT(sed_class(g)) AS n FROM (SELECT t.*, {others} FROM gaiadr3.gaia_source AS t) AS g"
    assert con.execute(followed).fetchone()[0] > 0
