"""ADQL as one of sqlglot's dialects."""

import subprocess
import sys

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from sedsql.adql import ADQL, AdqlError

PAIRS = [
    ("SELECT TOP 5 a FROM t", "SELECT a FROM t LIMIT 5"),
    ("SELECT LOG(a), CEILING(b) FROM t", "SELECT ln(a), ceil(b) FROM t"),
    ("SELECT 5/60, 5/60. FROM t", "SELECT CAST(TRUNC(5 / 60) AS BIGINT), 5 / 60. FROM t"),
    ("SELECT COORD2(POINT(1, 2)) FROM t", "SELECT [CAST(1.0e0 AS DOUBLE), CAST(2.0e0 AS DOUBLE)][2] FROM t"),
    ("SELECT a FROM t ORDER BY a DESC", "SELECT a FROM t ORDER BY a DESC NULLS FIRST"),
]


@pytest.mark.parametrize(("adql", "sql"), PAIRS)
def test_transpile(adql, sql):
    assert sqlglot.transpile(adql, read="adql", write="duckdb") == [sql]
    duckdb.connect().extract_statements(sql)


@pytest.mark.parametrize(
    "adql",
    [
        "SELECT DISTINCT TOP 5 a AS x, t.* FROM s.t AS t",
        "SELECT TOP 3 LOG(a), LOG10(b), POWER(a, 2) FROM t ORDER BY 1 DESC, b OFFSET 2",
        "SELECT CAST(a AS DOUBLE PRECISION), CAST(a AS REAL), CAST(b AS CHAR(3)), CAST(c AS INTEGER) FROM t",
        "SELECT CONTAINS(POINT('ICRS', ra, dec), CIRCLE('', 1, 2, 3)) FROM t WHERE 1 = INTERSECTS(a, BOX(1, 2, 3, 4))",
        "SELECT CAST(a AS POINT) FROM t",
        "SELECT a FROM t UNION ALL (SELECT TOP 3 b FROM u) EXCEPT SELECT c FROM v",
        "WITH q AS (SELECT a FROM t) SELECT * FROM q NATURAL LEFT OUTER JOIN r JOIN s USING (a, b)",
        'SELECT "Offset", "a""b" FROM t WHERE a LIKE \'%x\' AND NOT b ILIKE c OR EXISTS(SELECT * FROM u)',
        "SELECT COUNT(*), COUNT(DISTINCT a), 'it''s' || b FROM t GROUP BY c HAVING COUNT(*) > 1",
        "SELECT IVO_HEALPIX_INDEX(5, ra, dec), CASE WHEN a = 1 THEN 2 ELSE 3 END, COALESCE(a, b) FROM t",
        "SELECT a FROM t WHERE a BETWEEN 1 AND 2 AND b IN (1, 2) AND c IS NULL AND d <> -1.5e3",
    ],
)  # fmt: skip
def test_adql_comes_back_as_it_was(adql):
    assert sqlglot.transpile(adql, read="adql", write="adql") == [adql]


@pytest.mark.parametrize(
    ("sql", "adql"),
    [
        ("SELECT ln(a), pow(a, 2), ceil(a) FROM t LIMIT 3", "SELECT TOP 3 LOG(a), POWER(a, 2), CEILING(a) FROM t"),
        ("SELECT a % 2 AS x FROM t", "SELECT MOD(a, 2) AS x FROM t"),
    ],
)
def test_sql_becomes_adql(sql, adql):
    assert sqlglot.transpile(sql, read="duckdb", write="adql") == [adql]


def test_errors_are_sqlglots_too():
    with pytest.raises(sqlglot.errors.ParseError, match="line 1, column 8"):
        sqlglot.parse_one("SELECT FROM t", read="adql")
    with pytest.raises(AdqlError):
        sqlglot.parse_one("SELECT a FROM t LIMIT 3", read=ADQL)


def test_a_condition_can_be_parsed_alone():
    assert sqlglot.parse_one("a = 1 AND b < 2", read="adql", into=exp.Condition).sql("adql") == "a = 1 AND b < 2"


def test_a_tree_is_changed_and_copied_with_the_calls_in_it():
    tree = sqlglot.parse_one("SELECT LOG(a) + LOG(LOG10(b)) FROM t", read="adql")
    assert [column.name for column in tree.find_all(exp.Column)] == ["a", "b"]
    for column in tree.find_all(exp.Column):
        column.set("table", exp.to_identifier("t"))
    assert tree.copy().sql("duckdb") == "SELECT ln(t.a) + ln(log10(t.b)) FROM t"
    assert tree.copy().sql("adql") == "SELECT LOG(t.a) + LOG(LOG10(t.b)) FROM t"


def test_sqlglot_finds_the_dialect_by_itself():
    code = "import sqlglot; print(sqlglot.transpile('SELECT TOP 5 a FROM t', read='adql', write='duckdb')[0])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout.strip() == "SELECT a FROM t LIMIT 5", ran.stderr
