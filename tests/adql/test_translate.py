"""ADQL -> DuckDB SQL, pairs of queries."""

import duckdb
import pytest

from sedsql.adql import AdqlError, translate, translation

PAIRS = [
    ("SELECT a FROM t", "SELECT a FROM t"),
    ("select top 3 * from t", "SELECT * FROM t LIMIT 3"),
    ("SELECT DISTINCT TOP 3 a AS x, t.* FROM t", "SELECT DISTINCT a AS x, t.* FROM t LIMIT 3"),
    ("SELECT a FROM t ORDER BY a DESC OFFSET 5", "SELECT a FROM t ORDER BY a DESC NULLS FIRST OFFSET 5"),
    ("SELECT LOG(a), LOG10(a) FROM t", "SELECT ln(a) AS log, log10(a) AS log10 FROM t"),
    ("SELECT 5/60 AS x FROM t", "SELECT 5 // 60 AS x FROM t"),
    ("SELECT 5./60 AS x FROM t", "SELECT 5.e0 / 60 AS x FROM t"),
    ("SELECT a FROM t NATURAL LEFT OUTER JOIN u", "SELECT a FROM t NATURAL LEFT OUTER JOIN u"),
    ("SELECT a FROM t JOIN u USING (b, c)", "SELECT a FROM t JOIN u USING (b, c)"),
    ("SELECT TOP 1 a FROM t UNION SELECT b FROM u", "(SELECT a FROM t LIMIT 1) UNION SELECT b FROM u"),
    ('SELECT "Offset", "a""b" FROM t', 'SELECT "Offset", "a""b" FROM t'),
    ("SELECT a FROM t WHERE b NOT IN (1, 2)", "SELECT a FROM t WHERE NOT b IN (1, 2)"),
    ("SELECT 'a' -- no\n 'b' AS x FROM t", "SELECT 'ab' AS x FROM t"),
    ('SELECT a FROM "I/239/hip_main"', 'SELECT a FROM "I/239/hip_main"'),
    ("SELECT a FROM ((t JOIN u USING (a)))", "SELECT a FROM (t JOIN u USING (a))"),
    ("SELECT a.b.c.* FROM a.b.c", "SELECT c.* FROM a.b.c"),
]


@pytest.mark.parametrize(("adql", "sql"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_pairs(adql, sql):
    assert translate(adql) == sql
    duckdb.connect().extract_statements(sql)


@pytest.mark.parametrize(
    ("adql", "line", "column"),
    [
        ("", 1, 1),
        ("SELECT a\nFROM t\nWHERE b", 3, 7),
        ("SELECT a FROM t LIMIT 10", 1, 17),
        ("SELECT distance FROM t", 1, 8),
        ("DROP TABLE t", 1, 1),
        ("SELECT a FROM 'file.parquet'", 1, 15),
        ('SELECT a FROM "file.parquet"', 1, 15),
        ("SELECT a FROM data.parquet", 1, 15),
        ("SELECT a FROM read_csv('x')", 1, 23),
    ],
)
def test_refused_with_place(adql, line, column):
    with pytest.raises(AdqlError) as caught:
        translate(adql)
    assert (caught.value.line, caught.value.column) == (line, column), str(caught.value)


@pytest.mark.parametrize(
    ("adql", "values", "parameters"),
    [
        ("SELECT a FROM t WHERE b = ? AND c = ?", None, ("1", "2")),
        ("SELECT a FROM t WHERE b = :x OR c = :y OR d = :x", None, ("x", "y")),
        ("SELECT a, '$3', \"$4\" FROM t WHERE b = ?", ["$5"], ("1",)),
        ("SELECT a FROM t WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(?, ?, ?)) AND b = ?", [1, 2, 3, 4], ("4",)),
        ("SELECT a FROM t WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(?, ?, ?))", [1, 2, 3], ()),
        ("SELECT LOG(:x) FROM t WHERE TRUNCATE(:y, 2) > 1", {"x": 1.5, "y": 2}, ("x", "y")),
    ],
)
def test_the_parameters_of_the_sql_are_told(adql, values, parameters):
    translated = translation(adql, values=values)
    assert translated.parameters == parameters
    (statement,) = duckdb.connect().extract_statements(translated.sql)
    assert set(statement.named_parameters) == set(parameters)
