"""What a call takes of its row, and columns that models give, as SQL."""

import math

import pytest

from sedsql.adql import AdqlError, translate
from sedsql.inference.answering import Answering
from sedsql.inference.calls import functions
from sedsql.inference.card import EXTRA, PARALLAX
from sedsql.inference.necessary_conditions import Bounds

from .conftest import BANDS, PLACE, SKY, Catalogue, table

ASKED = {name: f"_{name}" for name in ("class", "class_probability", "class_path", "outlier", "class_model")}
TEN = "".join(f" {band}:REAL" for band in BANDS)
CATALOGUE = Catalogue(
    {
        "sed.photometry": table(PLACE + " parallax_error:REAL:mas" + TEN, **SKY),
        "sed.classified": table(
            PLACE + " parallax_error:REAL:mas" + TEN + "".join(f" {name}:VARCHAR" for name in ASKED),
            base="sed.photometry",
            asked=ASKED,
            **SKY,
        ),
        "own.bands": table("id:BIGINT" + TEN),
        "own.places": table("id:BIGINT ra:DOUBLE dec:DOUBLE" + TEN),
        "own.words": table("id:BIGINT ra:VARCHAR dec:VARCHAR parallax:REAL" + TEN),
        "own.hours": table("id:BIGINT ra:DOUBLE:hourangle dec:DOUBLE:deg" + TEN),
        "own.labels": table("id:BIGINT label:VARCHAR s:DOUBLE"),
    }
)
SKY_1 = Answering({"shape-2": (), "luminosity-2": PARALLAX, "sky-1": EXTRA}, sky="sky-1")
ALL = "s.parallax, s.parallax_error, s.ra, s.dec"


def translated(query, answering=SKY_1, **rest):
    bounds = Bounds({}, answering.default, {}, math.inf)
    return translate(query, CATALOGUE, functions(bounds, answering), **rest)


@pytest.mark.parametrize(
    ("table", "call", "written"),
    [
        ("sed.photometry", "sed_class(s)", f"sed_class(s, {ALL}, 'sky-1')"),
        ("sed.photometry", "sed_proba(s, 'yso')", f"sed_proba(s, {ALL}, 'yso', 'sky-1')"),
        ("sed.photometry", "sed_set(s, 0.9)", f"sed_set(s, {ALL}, 0.9e0, 'sky-1')"),
        ("sed.photometry", "sed_explain(s)", f"sed_explain(s, {ALL}, 'sky-1')"),
        (
            "sed.photometry",
            "sed_class(s, 'luminosity-2')",
            "sed_class(s, s.parallax, s.parallax_error, 'luminosity-2')",
        ),
        ("sed.photometry", "sed_class(s, 'shape-2')", "sed_class(s, 'shape-2')"),
        ("sed.photometry", "sed_class(s, 3, 0.1, 'sky-1')", "sed_class(s, 3, 0.1e0, 'sky-1')"),
        ("sed.photometry", "sed_class(s, 3, 1, 9, 9, 'sky-1')", "sed_class(s, 3, 1, 9, 9, 'sky-1')"),
        ("sed.photometry", f"sed_class({', '.join(BANDS)})", f"sed_class({', '.join(BANDS)})"),
        ("sed.photometry", "sed_alpha(s)", "sed_alpha(s)"),
        ("sed.classified", "sed_class(s)", f"sed_class(s, {ALL}, 'sky-1')"),
        ("own.places", "sed_class(s)", "sed_class(s, NULL, NULL, s.ra, s.dec, 'sky-1')"),
        ("own.bands", "sed_class(s)", "sed_class(s)"),
        ("own.bands", "sed_class(s, 'sky-1')", "sed_class(s, 'sky-1')"),
        ("own.words", "sed_class(s)", "sed_class(s)"),
        ("own.words", "sed_class(s, 'sky-1')", "sed_class(s, s.parallax, NULL, 'sky-1')"),
        ("own.hours", "sed_class(s)", "sed_class(s)"),
        ("(SELECT * FROM sed.photometry)", "sed_class(s)", f"sed_class(s, {ALL}, 'sky-1')"),
    ],
)
def test_a_call_takes_what_its_row_has(table, call, written):
    alias = "" if call.startswith("sed_class(phot") else " AS s"
    sql = translated(f"SELECT {call} AS c FROM {table}{alias}")
    assert sql.startswith(f"SELECT {written} AS c FROM ")


def test_a_parameter_may_name_the_model():
    sql = translated("SELECT sed_class(s, ?) AS c FROM sed.photometry AS s", values=["luminosity-2"])
    assert sql.startswith("SELECT sed_class(s, s.parallax, s.parallax_error, $1) AS c")


def test_an_alias_that_is_a_column_too_is_no_row_to_duckdb():
    sql = translated("SELECT sed_class(s) AS c FROM own.places AS s JOIN own.labels AS l ON l.id = s.id")
    assert sql.startswith(
        f"SELECT sed_class({', '.join(f's.{band}' for band in BANDS)}, NULL, NULL, s.ra, s.dec, 'sky-1')"
    )


@pytest.mark.parametrize(
    ("query", "sql"),
    [
        ("SELECT c.ra FROM sed.classified AS c", "SELECT c.ra FROM sed.photometry AS c"),
        ("SELECT sed.classified.ra FROM sed.classified", "SELECT classified.ra FROM sed.photometry AS classified"),
        (
            "SELECT class FROM sed.classified AS s WHERE ra < 3",
            f"SELECT sed_node(s, {ALL}, 0.5, 'sky-1') AS class FROM sed.photometry AS s WHERE ra < 3",
        ),
        (
            "SELECT outlier AS o FROM sed.classified AS s",
            f"SELECT sed_answer(s, {ALL}, 'sky-1').prediction.outlier AS o FROM sed.photometry AS s",
        ),
        (
            "SELECT s.class_model FROM sed.classified AS s ORDER BY s.class_model",
            "SELECT CAST('sky-1' AS TEXT) AS class_model FROM sed.photometry AS s ORDER BY CAST('sky-1' AS TEXT)",
        ),
        (
            "SELECT s.class, s.class_path FROM sed.classified AS s",
            "SELECT sed_branch_of(_rows._m1.probabilities, 0.5, 'sky-1').node AS class, "
            "sed_branch_of(_rows._m1.probabilities, 0.5, 'sky-1').path AS class_path "
            f"FROM (SELECT unnest([sed_answer(s, {ALL}, 'sky-1')]) AS _m1 FROM sed.photometry AS s) AS _rows",
        ),
        (
            "SELECT q.ra FROM (SELECT ra, class, outlier FROM sed.classified) AS q",
            "SELECT q.ra FROM (SELECT ra FROM sed.photometry AS classified) AS q",
        ),
        (
            "SELECT COUNT(*) AS n FROM (SELECT DISTINCT class FROM sed.classified AS s) AS q",
            f"SELECT COUNT(*) AS n FROM (SELECT DISTINCT sed_node(s, {ALL}, 0.5, 'sky-1') AS class "
            "FROM sed.photometry AS s) AS q",
        ),
    ],
)
def test_columns_that_a_model_gives(query, sql):
    assert translated(query) == sql


def test_a_default_of_the_user_gives_them():
    chosen = Answering(SKY_1.extra, "luminosity-2", "luminosity-2")
    sql = translated("SELECT class FROM sed.classified AS s", chosen)
    assert "sed_node(s, s.parallax, s.parallax_error, 0.5, 'luminosity-2') AS class" in sql
    alone = Answering({"shape-2": ()})
    assert "sed_node(s, 0.5, NULL) AS class" in translated("SELECT class FROM sed.classified AS s", alone)
    assert "sed_class(s) AS" in translated("SELECT sed_class(s) FROM sed.photometry AS s", alone)


@pytest.mark.parametrize(
    ("query", "underlined"),
    [
        ("SELECT s.klass FROM sed.classified AS s", "klass"),
        ("SELECT sed_class(s, 1, 2) FROM sed.classified AS s", "sed_class"),
        ("SELECT sed_class(l) FROM own.labels AS l", "l"),
        ("SELECT a.ra FROM sed.classified AS a JOIN sed.classified AS b USING (outlier)", "outlier"),
    ],
)
def test_mistakes_are_underlined(query, underlined):
    with pytest.raises(AdqlError) as caught:
        translated(query)
    assert query[caught.value.column - 1 :].startswith(underlined)
