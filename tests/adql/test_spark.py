"""ADQL as Spark SQL: what a query becomes, and what is refused. tests/integrations/spark compares the rows."""

import pytest
import sqlglot

import sedsql
from sedsql.adql import AdqlError, translate, translation
from sedsql.adql.functions import registry
from sedsql.adql.spark.generator import UnknownError, in_spark
from sedsql.adql.spark.views import view_in_spark

NEAR = "pow(sin(radians(dec - 20.0e0) / 2), 2) + cos(radians(dec)) * 0.9396926207859084e0 * "
PAIRS = [
    ("SELECT TOP 3 * FROM t", "SELECT * FROM t LIMIT 3"),
    ("SELECT a FROM t ORDER BY a DESC OFFSET 5", "SELECT a FROM t ORDER BY a DESC NULLS FIRST OFFSET 5"),
    ("SELECT a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a NULLS LAST"),
    ("SELECT 5/60 AS x FROM t", "SELECT 5 div 60 AS x FROM t"),
    ("SELECT x / 2. AS y FROM t", "SELECT x / 2.e0 AS y FROM t"),
    ("SELECT name FROM t WHERE name = 'it''s'", "SELECT name FROM t WHERE name = 'it\\'s'"),
    (r"SELECT a FROM t WHERE a LIKE 'x\_%'", r"SELECT a FROM t WHERE a LIKE 'x\\_%'"),
    ("SELECT a FROM t WHERE a LIKE b", r"SELECT a FROM t WHERE a LIKE b ESCAPE '\u0001'"),
    ('SELECT "5/60" AS "a`b" FROM t', "SELECT `5/60` AS `a``b` FROM t"),
    ("SELECT COORD1(p) AS ra FROM t", "SELECT get(p, 0) AS ra FROM t"),
    ("SELECT ARRAY_ELEMENT(v, k) AS e FROM t", "SELECT try_element_at((v), CAST(nullif(k, 0) AS INT)) AS e FROM t"),
    ("SELECT a FROM t WHERE x > :low AND y < :low", "SELECT a FROM t WHERE x > :low AND y < :low"),
    ("SELECT a FROM t WHERE x > ? AND y < ?", "SELECT a FROM t WHERE x > :p1 AND y < :p2"),
    (
        "SELECT a FROM t WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 1))",
        "SELECT a FROM t WHERE (CASE WHEN ra BETWEEN -360 AND 720 AND dec BETWEEN -90 AND 90 THEN "
        f"{NEAR}pow(sin(radians(ra - 10.0e0) / 2), 2) <= 7.615242180438042e-05 END)",
    ),
]
GIVEN = {"n": "x", "i": "k", "s": "name", "g": "CIRCLE(1, 2, 3)", "p": "POINT(1, 2)", "t": "ts", "b": "x > 1",
         "l": "v", "a": "x"}  # fmt: skip
CONSTANT = {
    "GAVO_SPECCONV",
    "IN_UNIT",
    "REGION",
    "IVO_GEOM_TRANSFORM",
    "GAVO_TRANSFORM",
    "ESDC_TRIM",
    "TO_CHAR",
    "ESDC_TO_CHAR",
}
"""Functions some of whose arguments must be constants; other tests ask them."""


@pytest.mark.parametrize("adql, spark", PAIRS)
def test_becomes(adql, spark):
    assert translate(adql, engine="spark") == spark


def calls():
    """Each form of each function, of columns where it takes them."""
    for name, function in {**registry.LANGUAGE, **registry.USER_DEFINED}.items():
        for form in function.forms if name not in CONSTANT else ():
            given = [GIVEN[letter] for letter in form]
            if form[:1] == "s" and name in ("POINT", "CIRCLE", "BOX", "POLYGON"):
                given[0] = "'ICRS'"
            yield f"SELECT {name}({', '.join(given)}) AS v FROM t"


@pytest.mark.parametrize("adql", list(calls()))
def test_every_function_is_a_word_of_sparks(adql):
    """Each is written, and nothing of DuckDB's own is left in it."""
    written = translate(adql, engine="spark")
    for word in ("list_", "array_value", "lambda", "array_inner_product", "array_cross_product", "epoch_us", "::"):
        assert word not in written
    if len(written) < 10_000:  # sqlglot reads no deeper
        sqlglot.parse_one(written, read="spark")


def test_a_row_is_its_columns(catalogue, functions):
    asked = "SELECT sed_class(s) AS c FROM photometry AS s WHERE parallax > 1"
    found = translate(asked, catalogue, functions, engine="spark")
    bands = ", ".join(f"s.{band}" for band in functions["sed_class"].columns)
    assert found == f"SELECT sed_class({bands}) AS c FROM sed.photometry AS s WHERE parallax > 1"


def test_models_come_last_and_once(catalogue, functions):
    asked = "SELECT sed_class(s) AS c FROM photometry AS s WHERE sed_class(s) = 'yso' AND parallax > 1"
    found = translate(asked, catalogue, functions, engine="spark")
    assert found.count("sed_class(") == 1
    _, inner = found.split(" FROM (SELECT ")
    assert "explode(array(sed_class(" in inner
    assert inner.index("parallax > 1") < inner.index(") AS _rows") < inner.index("_rows._m1 = 'yso'")


def test_functions_of_the_extension_are_not_asked():
    """What is known of a model's answer before it is asked is asked of the C extension, which Spark has not."""
    with sedsql.connect() as con:
        magnitudes = ", ".join("ghbcdefjkl")
        asked = f"SELECT a FROM t WHERE sed_class({magnitudes}) = 'yso' AND sed_proba({magnitudes}, 'yso') > 0.9"
        found = translate(asked, functions=con.functions, engine="spark")
    assert "sed_log_odds" not in found
    assert "sed_answer" in found


def test_columns_have_the_names_of_their_tables(catalogue):
    asked = "SELECT RA, s.Dec, PARALLAX AS p FROM photometry AS s"
    assert translate(asked, catalogue, engine="spark") == "SELECT ra, s.dec, parallax AS p FROM sed.photometry AS s"


def test_stars_over_using_keep_their_order(catalogue):
    asked = "SELECT * FROM gaiadr3.allwise_best_neighbour AS n JOIN gaiadr2.gaia_source AS g USING (source_id)"
    found = translate(asked, catalogue, engine="spark")
    names = "n.source_id, n.allwise_oid, n.angular_distance, g.ra, g.dec, g.parallax"
    assert found.startswith(f"SELECT {names} FROM ")


def test_only_tables_that_are_merged_lose_columns(catalogue):
    asked = (
        "SELECT * FROM gaiadr3.allwise_best_neighbour AS n NATURAL JOIN gaiadr2.gaia_source AS g"
        " JOIN gaiadr1.allwise_original_valid AS w ON w.allwise_oid = n.allwise_oid"
    )
    names = translate(asked, catalogue, engine="spark").removeprefix("SELECT ").partition(" FROM ")[0]
    assert names == (
        "n.source_id, n.allwise_oid, n.angular_distance, g.ra, g.dec, g.parallax, w.allwise_oid, w.ra, w.dec, w.w1mpro"
    )


def test_a_name_with_a_dot_is_no_path():
    found = translate('SELECT a AS "x.y" FROM t GROUP BY "x.y"', engine="spark")
    assert found == "SELECT a AS `x.y` FROM t GROUP BY a"


def test_files_are_read_by_name():
    sql = "SELECT t.a FROM read_parquet(in_mirror(['/x/a.parquet', '/x/b.parquet']), hive_partitioning = false) AS t"
    one, other = (f"SELECT * FROM parquet.`/x/{name}.parquet`" for name in "ab")
    assert in_spark(sql) == f"SELECT t.a FROM ({one} UNION ALL {other}) AS t"


def test_several_values_that_each_row_gives_come_from_one_expression():
    """Spark allows one in a SELECT."""
    found = in_spark(
        "SELECT a, unnest([f(a)]) AS _m1, unnest([g(a)]) AS _m2 FROM t".replace("f(", "sed_f(").replace("g(", "sed_g(")
    )
    assert found == "SELECT a, inline(array(named_struct('_m1', sed_f(a), '_m2', sed_g(a)))) FROM t"


def test_a_view_has_the_definitions_of_its_macros():
    macros = {"sed.kept": (["letter"], "(coalesce(letter, 'A') IN ('A', 'B'))")}
    found = view_in_spark("SELECT CASE WHEN sed.kept(q[2]) THEN j END AS j FROM t", macros)
    kept = "(coalesce(substring(q, 2, 1), 'A') IN ('A', 'B'))"
    assert found == f"SELECT CASE WHEN ({kept}) THEN j END AS j FROM t"


def test_what_spark_lacks_is_refused_by_name():
    with pytest.raises(UnknownError) as refused:
        in_spark("SELECT pg_size_pretty(a) FROM t")
    assert refused.value.sentence == "Spark has nothing for DuckDB's function pg_size_pretty"


def test_no_other_engine():
    with pytest.raises(AdqlError, match="'duckdb' or 'spark', not 'presto'"):
        translate("SELECT a FROM t", engine="presto")


def test_parameters_are_told():
    made = translation("SELECT a FROM t WHERE x > ? AND y < :high", engine="spark")
    assert made.parameters == ("1", "high")
