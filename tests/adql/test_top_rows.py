"""The threshold that TOP gets keeps every row that may be among the first, and is made where it pays."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsql.adql import translate

from .conftest import Catalogue, Function, table

COLUMNS = "id:BIGINT x:DOUBLE y:REAL n:INTEGER a:DOUBLE b:DOUBLE c:DOUBLE d:DOUBLE e:DOUBLE f:DOUBLE name:VARCHAR"
CATALOGUE = Catalogue(
    {
        "g.wide": table(COLUMNS, rows=1_000_000, sort_column="id"),
        "g.small": table(COLUMNS, rows=1_000),
        "g.narrow": table("id:BIGINT x:DOUBLE a:DOUBLE", rows=1_000_000),
    }
)
FUNCTIONS = {"sed_class": Function((1, 2, 10, 11))}
ROWS = 400


@pytest.fixture(scope="module")
def con():
    rng = np.random.default_rng(3)

    def numbers(kinds, of=float):
        return [None if k == 0 else of(k) for k in rng.integers(0, kinds, ROWS)]

    columns = {"id": rng.permutation(ROWS), "x": numbers(12), "y": pa.array(numbers(300), pa.float32())}
    columns |= {"n": pa.array(numbers(4, int), pa.int32())}
    columns |= {name: numbers(50) for name in "abcdef"}
    rows = pa.table({**columns, "name": [("a", "b", None)[k % 3] for k in range(ROWS)]})
    con = duckdb.connect()
    con.register("rows_", rows)
    con.execute("CREATE SCHEMA g; CREATE TABLE g.wide AS FROM rows_; CREATE VIEW g.small AS FROM g.wide")
    return con


def sql(query, rewrites=("top",), **rest):
    return translate(query, CATALOGUE, FUNCTIONS, rewrites=rewrites, **rest)


keys = st.sampled_from(["x", "t.x", "y", "n", "a"])
simple = st.builds("{} IS NOT NULL".format, keys) | st.sampled_from(["x IS NULL", "y IS NULL", "NOT (n IS NULL)"])
simple |= st.builds("{} {} {}".format, keys, st.sampled_from(["<", "<=", "=", "<>", ">", ">="]), st.integers(-1, 12))
simple |= st.builds("{} BETWEEN {} AND {}".format, keys, st.integers(0, 9), st.sampled_from(["5", "n", "y"]))
simple |= st.builds("{} {}IN (1, {}, 3)".format, keys, st.sampled_from(["", "NOT "]), st.sampled_from(["2", "n", "x"]))
simple |= st.sampled_from(["x > 2 * y - n", "t.x * n < a", "name = 'a'", "'b' <> t.name", "5 > x"])
conditions = st.recursive(
    simple, lambda inner: st.builds("({} OR {})".format, inner, inner) | inner.map("NOT ({})".format), max_leaves=3
)
orders = st.builds("{}{}".format, keys, st.sampled_from(["", " ASC", " DESC"]))


@settings(max_examples=400)
@given(
    st.integers(1, 30),
    st.sampled_from(["", " OFFSET 3"]),
    st.lists(conditions, min_size=1, max_size=3),
    st.lists(orders | st.just("again DESC"), min_size=1, max_size=2),
    st.sampled_from(["*, a AS again", "id, x, y AS again, n, a, b, c, d, e", "t.id, x + 1 AS x, b AS again, c, d"]),
)
def test_the_first_rows_are_the_same(con, wanted, offset, where, order, items):
    query = f"SELECT TOP {wanted} {items} FROM g.wide AS t WHERE {' AND '.join(where)} ORDER BY {', '.join(order)}, id"
    plain = con.execute(sql(query + offset, ())).fetchall()
    assert con.execute(sql(query + offset)).fetchall() == plain


WIDE = "SELECT TOP 5 * FROM g.wide"


@pytest.mark.parametrize(
    "query",
    [
        f"{WIDE} WHERE x IS NOT NULL ORDER BY x DESC",
        f"{WIDE} WHERE x > 3 AND y < 2 ORDER BY x",
        f"{WIDE} AS t WHERE t.x > ? ORDER BY t.x",
        "SELECT TOP 5 x AS other, a, b, c, d FROM g.wide WHERE x > 3 ORDER BY x",
        "SELECT TOP 5 a, b, c, d, e, x AS other FROM g.wide WHERE x > 3 ORDER BY other",
        "SELECT TOP 5 sed_class(a, b, c, d, e, f, x, y, n, a) FROM g.wide WHERE x > 3 ORDER BY x",
        "SELECT COUNT(*) FROM (SELECT TOP 5 * FROM g.wide WHERE x > 3 ORDER BY x) AS q",
    ],
)
def test_where_it_pays(query):
    explained = []
    assert "(SELECT m" in sql(query, values=[1.5] if "?" in query else None, explain=explained)
    assert explained == ["other columns are read of rows whose x is among the first 5"]


@pytest.mark.parametrize(
    "query",
    [
        f"{WIDE} ORDER BY x",  # NULL is among the last
        f"{WIDE} WHERE x IS NULL ORDER BY x",
        f"{WIDE} WHERE x > 3 OR a > 3 ORDER BY x",
        f"{WIDE} WHERE a IN (1, x) ORDER BY x",
        f"{WIDE} WHERE x > 3",
        "SELECT * FROM g.wide WHERE x > 3 ORDER BY x",
        "SELECT TOP 0 * FROM g.wide WHERE x > 3 ORDER BY x",
        "SELECT TOP 501 * FROM g.wide WHERE x > 3 ORDER BY x",
        "SELECT TOP 400 * FROM g.wide WHERE x > 3 ORDER BY x OFFSET 200",
        "SELECT TOP 5 * FROM g.small WHERE x > 3 ORDER BY x",
        "SELECT TOP 5 * FROM g.narrow WHERE x > 3 AND a > 3 ORDER BY x",
        f"{WIDE} WHERE x > 3 AND a > 3 AND b > 3 AND c > 3 AND d > 3 ORDER BY x",
        f"{WIDE} WHERE x > 3 AND id > 3 ORDER BY x",  # cells are read from few files
        f"{WIDE} WHERE x > 3 AND SQRT(a) > 1 ORDER BY x",
        f"{WIDE} WHERE name > 'a' ORDER BY name",
        f"{WIDE} WHERE x > 3 ORDER BY x + 1",
        f"{WIDE} WHERE x > 3 AND a IN (SELECT a FROM g.small) ORDER BY x",
        f"{WIDE} AS t JOIN g.narrow AS u USING (id) WHERE t.x > 3 ORDER BY t.x",
        "SELECT TOP 5 a AS x, b, c, d, e, f FROM g.wide WHERE x > 3 ORDER BY x",
        "SELECT TOP 5 x + 1 AS x, b, c, d, e, f FROM g.wide WHERE x > 3 ORDER BY x",
        "SELECT DISTINCT TOP 5 * FROM g.wide WHERE x > 3 ORDER BY x",
        "SELECT TOP 5 x, MAX(a), MAX(b), MAX(c), MAX(d) FROM g.wide WHERE x > 3 GROUP BY x ORDER BY x",
        "SELECT id FROM g.small AS s WHERE EXISTS (SELECT TOP 1 * FROM g.wide AS t WHERE t.x > s.x ORDER BY t.x)",
    ],
)
def test_where_it_is_left(query):
    assert sql(query) == sql(query, ())
