"""Values as PostgreSQL, behind the archives, has them: expected answers are PostgreSQL 15's, written out."""

import duckdb
import pytest

from sedsql.adql import translate


@pytest.fixture(scope="module")
def con():
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE one AS SELECT 1 AS x, 2147483647::INTEGER AS i4, 9223372036854775807 AS i8, true AS b,"
        " 'ab'::VARCHAR AS s, 'a_b' AS u, 'axb' AS w, 2.5e0 AS d, 0 AS z, 0e0 AS zero, NULL::INTEGER AS n"
    )
    connection.execute("CREATE TABLE few AS SELECT * FROM (VALUES (1, 'p'), (2, 'q'), (3, NULL), (NULL, 'p')) v(k, t)")
    return connection


def rows(con, query):
    return con.execute(translate(query)).fetchall()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("7/2", 3), ("-7/2", -3), ("7/(-2)", -3), ("7/2.0", 3.5), ("d/2", 1.25), ("x/2", 0), ("5/60", 0),
        ("MOD(-7, 3)", -1), ("MOD(7, -3)", 1), ("MOD(-7.5, 2)", -1.5), ("DIV(-7, 2)", -3), ("SIGN(-0.5)", -1),
        ("ROUND(2.5)", 3), ("ROUND(-2.5)", -3), ("ROUND(1234.567, -2)", 1200), ("ROUND(1234.567, 2)", 1234.57),
        ("TRUNCATE(-2.7)", -2), ("TRUNCATE(1299, -2)", 1200), ("TRUNCATE(-1299.9, -2)", -1200), ("CEILING(-1.5)", -1),
        ("TRUNCATE(1.239, 2)", 1.23), ("FLOOR(-1.5)", -2), ("LOG(EXP(2))", 2), ("LOG10(0.001)", -3),
        ("POWER(2, -1)", 0.5),
        ("'a' || 'b'", "ab"), ("s || 'c' || u", "abca_b"), ("CAST('ab' AS CHAR(4)) || '|'", "ab|"), ("0x1f", 31),
        ("CAST('abc ' AS VARCHAR(4)) || '|'", "abc |"), ("CAST(3.5 AS INTEGER)", 4), ("CAST('12' AS BIGINT)", 12),
        ("COALESCE(n, z)", 0), ("-x", -1), ("ABS(-3)", 3), ("CASE WHEN n = 1 THEN 'y' ELSE 'no' END", "no"),
    ],
)  # fmt: skip
def test_values(con, expression, expected):
    got = rows(con, f"SELECT {expression} AS v FROM one")[0][0]
    assert got == (expected if isinstance(expected, str) else pytest.approx(expected))
    assert isinstance(got, str) == isinstance(expected, str)


@pytest.mark.parametrize(
    "expression", ["s || n", "n + 1", "n / 2", "MOD(n, 2)", "ABS(n)", "POWER(n, 2)", "UPPER(NULL)"]
)
def test_null_stays_null(con, expression):
    if "||" in expression:
        expression = "s || CAST(n AS VARCHAR)"
    assert rows(con, f"SELECT {expression} AS v FROM one") == [(None,)]


@pytest.mark.parametrize(
    "expression", ["i4 + x", "i4 * 2", "i8 + 1", "-i8 - 2", "CAST(300000 AS SMALLINT)", "CAST('x' AS INTEGER)"]
)
def test_what_does_not_fit_is_an_error(con, expression):
    with pytest.raises(duckdb.Error):
        rows(con, f"SELECT {expression} AS v FROM one")


def test_division_by_zero_is_duckdbs(con):
    """Documented, for PostgreSQL raises: whole numbers an error (2.0) or NULL (1.5), others infinity."""
    try:
        assert rows(con, "SELECT x / z AS v FROM one") == [(None,)]
    except duckdb.Error as error:
        assert "ivision by zero" in str(error)  # noqa: PT017
    assert rows(con, "SELECT d / zero AS v FROM one") == [(float("inf"),)]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("b = 'True'", True), ("b = 't'", True), ("b = 'true'", True), ("b = TRUE", True), ("b = 'false'", False),
        ("b = 'f'", False), ("b <> 'False'", True), ("'True' = b", True), ("s = 'ab '", False), ("s = 'AB'", False),
        ("CAST('ab ' AS CHAR(4)) = 'ab'", True), ("CAST(s AS CHAR(4)) = 'ab  '", True),
        ("'ab ' <> CAST(s AS CHAR(2))", False),
        ("s LIKE 'a_'", True), ("s LIKE 'A%'", False), ("s ILIKE 'A%'", True), ("u LIKE 'a\\_b'", True),
        ("w LIKE 'a_b'", True),
        ("w LIKE 'a\\_b'", False), ("w ILIKE 'A\\_B'", False), ("u NOT LIKE 'a\\_b'", False), ("s LIKE '%'", True),
        ("s LIKE ''", False),
        ("n = n", False), ("NOT n = 1", False), ("n IN (1, 2)", False), ("x NOT IN (2, n)", False),
        ("x IN (1, n)", True),
        ("x BETWEEN 1 AND 1", True), ("x BETWEEN 2 AND 0", False), ("NOT x BETWEEN 2 AND 0", True), ("n IS NULL", True),
    ],
)  # fmt: skip
def test_conditions(con, condition, holds):
    assert rows(con, f"SELECT COUNT(*) AS v FROM one WHERE {condition}") == [(int(holds),)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT k FROM few ORDER BY k", [1, 2, 3, None]),
        ("SELECT k FROM few ORDER BY k DESC", [None, 3, 2, 1]),
        ("SELECT k FROM few ORDER BY k OFFSET 2", [3, None]),
        ("SELECT TOP 1 k FROM few ORDER BY k OFFSET 1", [2]),
        ("SELECT TOP 0 k FROM few", []),
        ("SELECT TOP 99 k FROM few ORDER BY 1 OFFSET 9", []),
        ("SELECT DISTINCT t FROM few ORDER BY t", ["p", "q", None]),
        ("SELECT DISTINCT TOP 2 t FROM few ORDER BY t DESC", [None, "q"]),
        ("SELECT ALL t FROM few WHERE t = 'p'", ["p", "p"]),
        ("SELECT t FROM few UNION SELECT t FROM few ORDER BY t", ["p", "q", None]),
        ("SELECT t FROM few UNION ALL SELECT t FROM few ORDER BY 1 OFFSET 4", ["q", "q", None, None]),
        ("SELECT t FROM few EXCEPT SELECT t FROM few WHERE k = 1 ORDER BY t", ["q", None]),
        ("SELECT t FROM few EXCEPT ALL SELECT t FROM few WHERE k = 1 ORDER BY t", ["p", "q", None]),
        ("SELECT t FROM few INTERSECT SELECT 'p' AS t FROM one", ["p"]),
        ("SELECT k FROM few WHERE k = 1 UNION SELECT k FROM few WHERE k = 2 INTERSECT SELECT k FROM few WHERE k > 1"
         " ORDER BY k DESC", [2, 1]),
        ("SELECT COUNT(k) FROM few", [3]),
        ("SELECT COUNT(*) FROM few WHERE k > 9", [0]),
        ("SELECT SUM(k) FROM few WHERE k > 9", [None]),
        ("SELECT AVG(k) FROM few", [2.0]),
        ("SELECT COUNT(DISTINCT t) FROM few", [2]),
        ("SELECT MAX(k) AS m FROM few GROUP BY t HAVING COUNT(*) > 1", [1]),
        ("SELECT a.k FROM few AS a LEFT JOIN few AS b ON a.k = b.k + 1 WHERE b.k IS NULL ORDER BY a.k", [1, None]),
    ],
)  # fmt: skip
def test_queries(con, query, expected):
    assert [row[0] for row in rows(con, query)] == expected
