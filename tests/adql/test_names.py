"""The columns of an answer are called what they are without any rewrite; names that mean two things are told."""

import duckdb
import pytest
from sqlglot import exp

from sedsql.adql import AdqlError, translate
from sedsql.adql.optimizer.rules import REWRITES
from sedsql.adql.tree.model_function import Shared
from sedsql.adql.tree.nodes import call

from .conftest import BANDS, Catalogue, Function, table

CATALOGUE = Catalogue(
    {
        "sky.stars": table(
            "Source_ID:BIGINT ra:DOUBLE dec:DOUBLE b:DOUBLE" + "".join(f" {band.upper()}:REAL" for band in BANDS),
            position=("ra", "dec"),
        ),
        "sky.mine": table("Id:INTEGER RAJ2000:DOUBLE DEJ2000:DOUBLE", position=("RAJ2000", "DEJ2000")),
    }
)


def share(arguments):
    answer = call("sed_answer", [argument.copy() for argument in arguments], model=Function(()))
    return Shared(answer, lambda answer: exp.Dot(this=answer, expression=exp.Identifier(this="c")))


FUNCTIONS = {"sed_class": Function((1, 10), share=share), "sed_proba": Function((2, 11)), "sed_alpha": Function((1,))}
YSO = "sed_class(s) = 'yso' AND sed_proba(s, 'yso') > 0.1"


@pytest.fixture(scope="module")
def con():
    con = duckdb.connect()
    con.execute("CREATE SCHEMA sky")
    for name, described in CATALOGUE.tables.items():
        columns = ", ".join(f"{column.name} {column.datatype}" for column in described.columns.values())
        con.execute(f"CREATE TABLE {name} ({columns})")
    numbers = ", ".join(f"{12 + k} + i % {k + 2}" for k in range(10))
    con.execute(f"INSERT INTO sky.stars SELECT i, i / 10, i / 20, i / 30, {numbers} FROM range(200) AS t(i)")
    con.execute("INSERT INTO sky.mine SELECT i, i / 10, i / 20 FROM range(0, 200, 7) AS t(i)")
    bands = ", ".join(BANDS)
    con.execute(f"CREATE MACRO sed_class(s) AS CASE WHEN s.j_m > 16 THEN 'yso' ELSE 'giant' END,"
                f" ({bands}) AS CASE WHEN j_m > 16 THEN 'yso' ELSE 'giant' END")  # fmt: skip
    con.execute(f"CREATE MACRO sed_proba(s, label) AS s.j_m / 20, ({bands}, label) AS j_m / 20")
    con.execute("CREATE MACRO sed_alpha(s) AS s.ks_m - s.j_m")
    con.execute(f"CREATE MACRO sed_answer(s) AS {{'c': sed_class(s), 'p': s.j_m / 20}},"
                f" ({bands}) AS {{'c': CASE WHEN j_m > 16 THEN 'yso' ELSE 'giant' END, 'p': j_m / 20}}")  # fmt: skip
    return con


QUERIES = [
    f"SELECT S.RA, DEC, j_m + 1, sed_class(s), -b, 1, 'x' || 'y', sed_proba(s, 'yso') * 2"
    f" FROM sky.stars AS s WHERE {YSO}",
    f"SELECT s.*, ra AS Alpha, s.\"ra\" AS \"Right Ascension\" FROM sky.stars AS s WHERE {YSO}",
    f"SELECT * FROM sky.stars AS s WHERE {YSO}",
    f"SELECT q.* FROM (SELECT s.Ra, ra + 1, s.DEC AS Xx, COUNT(*) FROM sky.stars AS s"
    f" WHERE {YSO} GROUP BY RA, s.dec) AS q",
    f"SELECT q.*, q.Xx FROM (SELECT ra / 2, dec AS Xx, j_m FROM sky.stars) AS q, sky.stars AS s"
    f" WHERE s.dec = q.xx AND {YSO}",
    f"WITH q(One, two) AS (SELECT ra, dec FROM sky.stars) SELECT q.*, s.RA FROM q, sky.stars AS s"
    f" WHERE s.ra = one AND {YSO}",
    f"SELECT DISTINCT s.Ra FROM sky.stars AS s WHERE {YSO} ORDER BY s.RA",
    f"SELECT B, COUNT(*) AS n FROM sky.stars AS s WHERE {YSO} GROUP BY s.b ORDER BY b",
    f"SELECT s.b, MAX(DEC) FROM sky.stars AS s WHERE {YSO} GROUP BY b HAVING COUNT(*) > 0",
    f"SELECT ra AS DEC, dec AS RA FROM sky.stars AS s WHERE {YSO} ORDER BY ra",
    f"SELECT ra, dec AS ra FROM sky.stars AS s WHERE {YSO}",
    f"SELECT q.* FROM (SELECT ra, dec AS ra FROM sky.stars) AS q, sky.stars AS s WHERE s.ra = q.ra AND {YSO}",
    "SELECT m.*, s.RA FROM sky.mine AS m JOIN sky.stars AS s ON DISTANCE(raj2000, dej2000, ra, dec) < 0.01",
    "SELECT * FROM sky.stars AS s, sky.mine AS m WHERE DISTANCE(m.Raj2000, dej2000, ra, dec) < 0.01",
    "SELECT q.Id, q.* FROM (SELECT Id + 1, m.* FROM sky.mine AS m) AS q, sky.stars AS s"
    " WHERE DISTANCE(raj2000, dej2000, ra, dec) < 0.01",
    "SELECT * FROM sky.stars WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(3, 1.5, 1))",
    # Rows whose alias is a column's name.
    "SELECT b.ra, sed_class(b), sed_alpha(b) FROM sky.stars AS b WHERE sed_class(b) = 'yso' AND sed_alpha(b) > 0",
    "SELECT b.ra FROM sky.stars AS b WHERE EXISTS (SELECT s.b FROM sky.stars AS s"
    " WHERE s.ra = b.ra AND sed_class(b) = 'yso' AND sed_proba(s, 'yso') > 0.5)",
    # A subquery, and a join, in a list of tables.
    "SELECT a.Id, t.RA FROM sky.mine AS a, (SELECT * FROM sky.stars) AS t JOIN sky.mine AS u ON t.source_id = u.id"
    " WHERE a.id = u.id",
    "SELECT t.ra, u.* FROM ((SELECT ra, dec FROM sky.stars) AS t JOIN sky.mine AS u ON t.ra = u.raj2000)",
    "SELECT s.ra FROM sky.stars AS s WHERE DISTANCE(s.ra, s.dec, 5, 2) BETWEEN sed_proba(s, 'yso') AND s.ra",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_names_and_rows_are_those_without_rewrites(con, query):
    answers = []
    for more in ({}, {"rewrites": ()}):
        found = con.execute(translate(query, CATALOGUE, FUNCTIONS, **more))
        answers.append(([column[0] for column in found.description], sorted(map(str, found.fetchall()))))
    assert answers[0] == answers[1]
    assert answers[0][1]


def test_what_is_computed_is_called_by_its_words(con):
    items = "ra  +1, abs( B ), COUNT(*), COALESCE(ra, 0), 'a' 'b', CASE WHEN ra>1 THEN 2 END"
    query = f"SELECT {items} FROM sky.stars GROUP BY ra, b"
    names = [column[0] for column in con.execute(translate(query, CATALOGUE)).description]
    assert names == ["ra+1", "abs", "count", "coalesce", "'ab'", "case"]


AMBIGUOUS = [
    ("SELECT ra, dec AS ra FROM sky.stars ORDER BY ra", "'ra' is ambiguous: several columns of the answer"),
    ("SELECT *, dec AS ra FROM sky.stars ORDER BY ra", "'ra' is ambiguous: several columns of the answer"),
    ("SELECT s.*, dec AS ra FROM sky.stars AS s ORDER BY ra", "'ra' is ambiguous: several columns of the answer"),
    (
        "SELECT ra AS dec FROM sky.stars ORDER BY dec + 1",
        "'dec' is ambiguous: a column of the answer and one of 'stars'",
    ),
    ("SELECT ra AS dec FROM sky.stars AS s ORDER BY ABS(dec)", "'dec' is ambiguous.*write s.dec"),
]


@pytest.mark.parametrize(("query", "sentence"), AMBIGUOUS)
def test_a_name_that_means_two_things_in_order_by_is_told(query, sentence):
    with pytest.raises(AdqlError, match=sentence):
        translate(query, CATALOGUE)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("SELECT 0 - ra AS ra FROM sky.stars ORDER BY ra", -19.9),  # as SQL has it: the answer's
        ("SELECT 0 - ra AS ra FROM sky.stars AS s ORDER BY s.ra", 0),
        ("SELECT ra, ra FROM sky.stars ORDER BY ra", 0),
        ("SELECT ra, dec AS x FROM sky.stars ORDER BY ABS(ra - 5)", 5),
        ("SELECT *, ra FROM sky.stars ORDER BY ra", 0),
        ("SELECT ra / 10 AS r, COUNT(*) AS n FROM sky.stars GROUP BY ra ORDER BY r", 0),
    ],
)
def test_a_name_alone_in_order_by_is_the_answers(con, query, first):
    found = con.execute(translate(query, CATALOGUE)).fetchone()
    assert found[0] == pytest.approx(first)


SHADOWED = [
    # Within the inner query x.b and y.b are columns, so that DuckDB alone takes b.ra for a field of one of them.
    "SELECT {0}.source_id, {0}.*, {0}.ra / 2 AS half FROM sky.stars AS {0} WHERE EXISTS (SELECT {0}.ra FROM sky.stars"
    " AS x JOIN sky.stars AS y ON x.source_id = y.source_id WHERE x.source_id = {0}.source_id + 1) ORDER BY {0}.dec",
    "SELECT {0}.h, {0}.id FROM (SELECT source_id AS id, h_m AS h FROM sky.stars) AS {0} WHERE {0}.id IN (SELECT"
    " y.source_id FROM sky.stars AS x, sky.stars AS y WHERE x.source_id = y.source_id AND y.source_id < {0}.h)",
    "SELECT COUNT(*) AS n, MAX(sed_class({0})) AS c FROM sky.stars AS {0} JOIN sky.mine AS m ON m.id = {0}.source_id"
    " WHERE EXISTS (SELECT {0}.ra FROM sky.stars AS x JOIN sky.stars AS y USING (source_id) WHERE y.source_id ="
    " {0}.source_id) AND EXISTS (SELECT 1 FROM sky.mine AS b WHERE b.id < 50)",
    "SELECT {0}.ra FROM sky.mine AS m, sky.stars AS {0} WHERE m.id = {0}.source_id AND EXISTS (SELECT CASE WHEN EXISTS"
    " (SELECT 1 FROM sky.mine AS n WHERE n.id = x.source_id) THEN {0}.dec END FROM sky.stars AS x WHERE x.ra = m.id)",
]


@pytest.mark.parametrize("query", SHADOWED)
@pytest.mark.parametrize("rewrites", [(), tuple(REWRITES)], ids=["as it stands", "rewritten"])
def test_a_table_may_have_the_name_of_a_column_further_in(con, query, rewrites):
    def asked(name):
        sql = translate(query.format(name), CATALOGUE, FUNCTIONS, rewrites=rewrites)
        answer = con.cursor().sql(sql)
        return answer.columns, answer.fetchall()

    assert asked("b") == asked("outermost")
    assert asked("b")[1]


@pytest.mark.parametrize("rewrites", [(), tuple(REWRITES)], ids=["as it stands", "rewritten"])
def test_a_group_by_a_column_of_the_answer_that_is_called_as_the_table(con, rewrites):
    """DuckDB alone groups by the rows of the table."""
    query = (
        "SELECT ROUND({0}.h_m, 0) AS {0}, COUNT(*) AS n FROM sky.stars AS {0} WHERE sed_class({0}) = 'yso' GROUP BY {0}"
        " HAVING {0} > 14 ORDER BY {0} DESC"
    )
    one, other = (
        con.cursor().sql(translate(query.format(name), CATALOGUE, FUNCTIONS, rewrites=rewrites)).fetchall()
        for name in ("s", "outermost")
    )
    assert one == other
    assert len(one) > 1


UNGROUPED = [
    ("SELECT ra, COUNT(*) FROM sky.stars", "ra", 8),
    ("SELECT s.ra / 2 AS x, COUNT(*) FROM sky.stars AS s GROUP BY x ORDER BY s.dec", "dec", 72),
    ("SELECT MAX(ra) AS m FROM sky.stars GROUP BY b HAVING dec > 1", "dec", 54),
    ("SELECT FLOOR(ra) AS f, ra + 1 FROM sky.stars GROUP BY FLOOR(ra)", "ra", 24),
    ("SELECT b, MAX(sed_alpha(s)) AS a FROM sky.stars AS s GROUP BY b, ABS(ra), dec + 1 HAVING dec + 2 > 1", "dec", 90),
    ("SELECT sed_alpha(s) AS b, COUNT(*) FROM sky.stars AS s GROUP BY b", "s", 18),  # sky.stars has a column b
    ("SELECT ra FROM sky.stars WHERE ra IN (SELECT dec FROM sky.stars GROUP BY b)", "dec", 46),
]


@pytest.mark.parametrize(("query", "name", "place"), UNGROUPED)
def test_a_column_that_is_not_grouped_by_is_told(con, query, name, place):
    with pytest.raises(AdqlError, match=rf"'{name}' is neither in GROUP BY .*column {place}\): add it to GROUP BY"):
        translate(query, CATALOGUE, FUNCTIONS)
    with pytest.raises(duckdb.BinderException, match="GROUP BY"):
        con.cursor().sql(query.replace("sed_alpha(s)", "s.ra"))


GROUPED = [
    "SELECT FLOOR(s.RA / 3) + 1, s.DEC - 1, COUNT(*) FROM sky.stars AS s GROUP BY FLOOR(ra / 3), s.dec ORDER BY dec",
    "SELECT ra / 2 AS x, 2 * (ra / 2), MAX(b) FROM sky.stars GROUP BY x HAVING x > 1 ORDER BY ra / 2",
    "SELECT sed_class(s) AS c, MAX(sed_proba(s, 'yso')) FROM sky.stars AS s GROUP BY sed_class(s) ORDER BY c",
    "SELECT id, m.id, COUNT(*) FROM sky.mine AS m JOIN (SELECT source_id AS id FROM sky.stars) AS s USING (id)"
    " GROUP BY id",
    "SELECT COUNT(*), 'x' FROM sky.stars HAVING MAX(ra) > 1",
    "SELECT s.ra FROM sky.stars AS s WHERE EXISTS (SELECT s.ra, MAX(m.id) FROM sky.mine AS m WHERE m.id = s.source_id)",
]


@pytest.mark.parametrize("query", GROUPED)
def test_what_a_query_groups_by_may_be_asked_for_as_it_is(con, query):
    assert con.cursor().sql(translate(query, CATALOGUE, FUNCTIONS)).fetchall()


def test_a_long_condition_on_groups_is_looked_through():
    many = " AND ".join(["MAX(ra) > 1"] * 1000)
    assert translate(f"SELECT b FROM sky.stars GROUP BY b HAVING {many}", CATALOGUE).count("MAX(") == 1000
    with pytest.raises(AdqlError, match="'dec' is neither in GROUP BY"):
        translate(f"SELECT b FROM sky.stars GROUP BY b HAVING {many} AND dec > 1", CATALOGUE)
