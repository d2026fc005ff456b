"""What DuckDB would refuse in its own words, or convert row by row, is said in ADQL's terms and with its place."""

import pytest

import sedsql
from sedsql.adql import AdqlError, AdqlValueError, translate
from sedsql.errors import DataError

from .conftest import Catalogue, table

CATALOGUE = Catalogue(
    {
        "s.t": table("id:BIGINT ra:DOUBLE dec:DOUBLE name:VARCHAR ok:BOOLEAN epoch:TIMESTAMP", position=("ra", "dec")),
        "s.u": table("id:BIGINT ra:REAL note:VARCHAR"),
    }
)
NUMBER = "A number is expected here, this is a string"
REFUSED = [
    ("SELECT ra + name AS x FROM t", "name", NUMBER),
    ("SELECT 2 * (ra - ok) AS x FROM t", "ok", "A number is expected here, this is a condition"),
    ("SELECT -name AS x FROM t", "name", NUMBER),
    ("SELECT POINT(ra, dec) / 2 AS x FROM t", "POINT", "A number is expected here, this is a geometry"),
    ("SELECT ra FROM t WHERE name = 3", "3", "A number is compared with a string"),
    ("SELECT ra FROM t WHERE ra = 'abc'", "'abc'", "'abc' is compared with a number and spells none"),
    ("SELECT ra FROM t WHERE ra IN (1, '2', 'b')", "'b'", "'b' is compared with a number"),
    ("SELECT ra FROM t WHERE ra BETWEEN 'a' AND 'b'", "'a'", "'a' is compared with a number"),
    ("SELECT ra FROM t WHERE ok = 'nope'", "'nope'", "'nope' is compared with a condition"),
    ("SELECT ra FROM t WHERE epoch > 2016", "2016", "A time is compared with a number"),
    ("SELECT ra FROM t WHERE POINT(ra, dec) > 1", "1", "A geometry is compared with a number"),
    ("SELECT t.ra FROM t JOIN u ON t.id = u.note", "t.id", "A number is compared with a string"),
    ("SELECT ra FROM t WHERE ra LIKE '1%'", "ra", "A string is expected here, this is a number"),
    ("SELECT AVG(name) AS x FROM t", "name", NUMBER),
    ("SELECT COALESCE(ra, name) AS x FROM t", "name", "A number is expected here, this is a string"),
    ("SELECT CASE WHEN ra > 1 THEN 'a' ELSE 1 END AS x FROM t", "1", "A string is expected here, this is a number"),
    ("SELECT CASE ra WHEN 'a' THEN 1 END AS x FROM t", "'a'", "'a' is compared with a number"),
    ("SELECT GREATEST(ra, ok) AS x FROM t", "ok", "A number is expected here, this is a condition"),
    ("SELECT CAST(ok AS TIMESTAMP) AS x FROM t", "CAST", "CAST makes no TIMESTAMP of a condition"),
    ("SELECT CAST(ra AS POINT) AS x FROM t", "CAST", "CAST makes no POINT of a number"),
    ("SELECT ra FROM t UNION SELECT ra, id FROM u", "ra, id FROM u", "UNION asks for as many columns"),
    (
        "SELECT ra FROM t UNION SELECT POINT(ra, 1) FROM u",
        "POINT(ra, 1) FROM u",
        "UNION asks for columns of",
    ),
    (
        "SELECT ra FROM t WHERE ra IN (SELECT id, ra FROM u)",
        "id, ra FROM u",
        "IN asks for one column",
    ),
    (
        "SELECT ra FROM t WHERE ra IN (SELECT note FROM u)",
        "note FROM u",
        "A number is looked for",
    ),
    ("SELECT ra FROM t WHERE COUNT(*) > 1", "COUNT", "WHERE looks at rows, and COUNT at groups of rows"),
    ("SELECT ra FROM t WHERE STDDEV(ra) > 1", "STDDEV", "WHERE looks at rows, and STDDEV at groups of rows"),
    ("SELECT t.ra FROM t JOIN u ON t.id = MAX(u.id)", "MAX", "ON looks at rows, and MAX at groups of rows"),
    ("SELECT MAX(COUNT(*)) AS m FROM t", "COUNT", "MAX cannot be computed of COUNT"),
    ("SELECT COUNT(*) AS n FROM t GROUP BY n", "n", "GROUP BY makes the groups"),
    ("SELECT name, COUNT(*) AS n FROM t GROUP BY 2", "2", "GROUP BY makes the groups"),
    ("SELECT name, COUNT(*) AS n FROM t GROUP BY 5", "5", "GROUP BY asks for column 5 of an answer that has 2"),
    ("SELECT name, ra FROM t GROUP BY 1", "ra", "'ra' is neither in GROUP BY"),
    ("SELECT name, STDDEV(ra) AS d FROM t", "name", "'name' is neither in GROUP BY"),
    ("SELECT * FROM t GROUP BY ra", "*", "'*' has 'id', which is neither in GROUP BY"),
    ("SELECT t.*, COUNT(*) AS n FROM t GROUP BY id", "t", "'*' has 'ra', which is neither in GROUP BY"),
    ("SELECT name FROM t ORDER BY 2", "2", "ORDER BY asks for column 2 of an answer that has 1"),
    ("SELECT name FROM t ORDER BY 'name'", "'name'", "ORDER BY takes a column, or the number of one"),
    ("SELECT name FROM t ORDER BY (:n)", "(:n)", "ORDER BY takes a column, and this is a value"),
    ("SELECT :n AS x, COUNT(*) AS k FROM t GROUP BY x", "x", "GROUP BY takes a column, and this is a value"),
    ("SELECT name FROM t UNION SELECT note FROM u ORDER BY 3", "3", "ORDER BY asks for column 3 of an answer that has"),
    (
        "SELECT t.ra FROM t JOIN u AS v ON w.ra = 1 JOIN u AS w ON v.id = w.id",
        "w",
        "'w' is joined after this",
    ),
    (
        "SELECT v.ra FROM t JOIN u AS v ON t.id = v.id JOIN u AS w USING (id)",
        "id",
        "USING asks for 'id'",
    ),
    (
        "SELECT * FROM t JOIN u AS v ON t.id = v.id NATURAL JOIN u AS w",
        "u AS w",
        "NATURAL JOIN asks for 'id'",
    ),
    ("WITH q AS (SELECT ra FROM t), Q AS (SELECT id FROM u) SELECT * FROM q", "Q", "WITH has two queries 'Q'"),
]


@pytest.mark.parametrize(("query", "word", "sentence"), REFUSED)
def test_refused_with_its_place(query, word, sentence):
    with pytest.raises(AdqlError) as caught:
        translate(query, CATALOGUE)
    text, underline = str(caught.value).splitlines()[1:]
    assert text[underline.index("^") : underline.rindex("^") + 1] == word
    assert caught.value.message.startswith(sentence)


RUNS = [
    "SELECT name, STDDEV(ra) AS d, IVO_STRING_AGG(name, ',') AS n FROM t GROUP BY name",
    "SELECT ra FROM t WHERE ra = '3' OR id IN ('1', '2') OR ok = 'True' OR epoch > '2016-01-01' OR name = '3'",
    "SELECT epoch - epoch AS d, COALESCE(ra, id, 3) AS c, COALESCE(name, 'x') AS e FROM t",
    "SELECT COALESCE(epoch, '2016-01-01') AS c, CASE WHEN ok = TRUE THEN ra END AS d, LEAST(ra, id) AS l FROM t",
    "SELECT name, COUNT(*) AS n FROM t GROUP BY 1 ORDER BY 2 DESC, 1",
    "SELECT name FROM t GROUP BY name HAVING EXISTS (SELECT 1 FROM u WHERE u.ra = MAX(t.ra))",
    "SELECT COUNT(*) AS n FROM t, u AS v JOIN u AS w USING (id) WHERE t.id = v.id",
    "SELECT * FROM t NATURAL JOIN u JOIN u AS w USING (id)",
    "SELECT u.*, COUNT(*) AS n FROM u GROUP BY id, ra, note",
    "SELECT ra FROM t WHERE EXISTS (SELECT COUNT(*) FROM u WHERE u.id = t.id) AND id IN (SELECT id FROM u)",
    "SELECT name FROM t UNION SELECT note FROM u ORDER BY 1",
    "SELECT ra, name FROM t UNION SELECT id, NULL FROM u",
    "SELECT CAST(ra AS VARCHAR) AS a, CAST(ok AS INTEGER) AS b, CAST('1 2' AS POINT) AS p FROM t",
    "SELECT t.ra FROM t JOIN u AS v ON t.id = v.id AND v.ra > 1 JOIN u AS w ON w.id = t.id AND w.id = v.id",
]


@pytest.fixture(scope="module")
def con():
    with sedsql.connect() as con:
        con.duckdb.execute("CREATE SCHEMA s")
        for name, described in CATALOGUE.tables.items():
            columns = ", ".join(f"{column.name} {column.datatype}" for column in described.columns.values())
            con.duckdb.execute(f"CREATE TABLE memory.{name} ({columns})")
        con.duckdb.execute("INSERT INTO memory.s.t VALUES (9223372036854775807, 1, 2, 'a', true, '2016-01-01')")
        con.catalogue = CATALOGUE
        yield con


@pytest.mark.parametrize("query", RUNS)
def test_what_goes_together_runs(con, query):
    assert con.execute(query).fetchall() is not None


def test_what_duckdb_still_says_of_adql_has_none_of_its_sql(con):
    with pytest.raises(AdqlValueError, match=r"^The sum 9223372036854775807 \+ 1 is beyond the largest[^\n]*$"):
        con.execute("SELECT id + 1 AS x FROM t").fetchall()
    with pytest.raises(AdqlError, match=r"^BIT_AND does not take columns.*BIT_AND\(whole number, whole number\)"):
        con.execute("SELECT BIT_AND(ra, dec) AS x FROM t").fetchall()
    with pytest.raises(DataError, match="LINE 1: SELECT 'a' & 2"):
        con.sql("SELECT 'a' & 2").fetchall()
