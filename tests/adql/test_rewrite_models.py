"""Models are asked last, once a row, and of few rows, which leaves an answer as it is."""

import re
from typing import ClassVar

import pytest
from sqlglot import exp

from sedsql.adql import translate
from sedsql.adql.tree.model_function import Shared
from sedsql.adql.tree.nodes import call

from .conftest import BANDS, Function
from .stars import CATALOGUE, FUNCTIONS, connection


@pytest.fixture(scope="module")
def con():
    return connection()


CHEAP = "1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(10, 20, 1)) AND s.parallax > 0.5"
MODEL_QUERIES = [
    f"SELECT s.source_id, sed_class(s) AS c FROM sky.stars AS s WHERE sed_class(s) = 'yso' AND {CHEAP}",
    f"SELECT s.source_id, sed_proba(s, 'yso') AS p FROM sky.stars AS s WHERE sed_class(s) = 'yso'"
    f" AND {CHEAP} ORDER BY p, sed_class(s)",
    f"SELECT sed_class(s) AS c, COUNT(*) AS n FROM sky.stars AS s WHERE {CHEAP}"
    " AND sed_proba(s, 'yso') > 0.1 GROUP BY c",
    f"SELECT s.*, sed_class(s) AS c FROM sky.stars AS s WHERE {CHEAP} AND (sed_class(s) = 'yso' OR parallax > 3)",
    f"SELECT DISTINCT s.ra, o.id, s.ra + o.ra AS z FROM sky.stars AS s JOIN sky.other AS o "
    f"ON s.ra < o.ra AND o.id < 9 WHERE sed_class(s) <> 'x' AND {CHEAP}",
    f"SELECT q.c FROM (SELECT sed_class(s) AS c FROM sky.stars AS s WHERE sed_class(s) = 'yso' AND {CHEAP}) AS q",
    f"SELECT MAX(s.parallax) AS m FROM sky.stars AS s WHERE sed_class(s) = 'yso' AND {CHEAP} HAVING COUNT(*) > 1",
]


@pytest.mark.parametrize("query", MODEL_QUERIES)
def test_models_are_asked_last_and_once(con, query):
    connection, calls = con
    rows = connection.execute(translate(f"SELECT COUNT(*) AS n FROM sky.stars AS s WHERE {CHEAP}")).fetchone()[0]
    assert rows > 10
    explain = []
    sql = translate(query, CATALOGUE, FUNCTIONS, explain=explain)
    assert any("models" in line for line in explain)
    calls["rows"] = 0
    got = connection.execute(sql)
    names = [column[0] for column in got.description]
    got = got.fetchall()
    joins = 8 if "JOIN" in query else 1
    different = 2 if "sed_class(s)" in query and "sed_proba(s" in query else 1
    assert calls["rows"] <= rows * joins * different
    plain = translate(query).replace("udf.", "")
    expected = connection.execute(plain)
    assert got
    assert names == [column[0] for column in expected.description]
    assert sorted(map(str, got)) == sorted(map(str, expected.fetchall()))


@pytest.mark.parametrize(
    "select",
    [
        "s.source_id / 3 AS third FROM sky.stars AS s",
        "DISTANCE(s.phot_g_mean_mag, s.j_m, s.h_m, s.ks_m) AS d FROM sky.stars AS s",
        # Only of USING's own column it is right, and not of the one of the left side, that it has all sources.
        "o.ra AS a, ra AS b, s.ra AS c FROM sky.other AS o RIGHT JOIN sky.stars AS s USING (ra)",
    ],
)
def test_what_stands_around_a_model_keeps_its_types_and_columns(con, select):
    query = f"SELECT {select} WHERE sed_class(s) = 'yso' AND {CHEAP}"
    fast, plain = (
        con[0].sql(translate(query, CATALOGUE, FUNCTIONS, rewrites=names)) for names in (("ranges", "models"), ())
    )
    assert "unnest" in translate(query, CATALOGUE, FUNCTIONS)
    assert fast.types == plain.types
    assert fast.columns == plain.columns
    rows = sorted(map(str, plain.fetchall()))
    assert len(rows) > 10
    assert sorted(map(str, fast.fetchall())) == rows


def test_functions_may_share_one_inference(con):
    def share(arguments):
        both = call("sed_both", [arguments[0].copy()], model=Function((1,)))
        return Shared(both, lambda both: exp.Dot(this=both, expression=exp.Identifier(this="class")))

    functions = {"sed_class": Function((1,), share=share), "sed_kind": Function((1,), share=share)}
    query = f"SELECT sed_class(s) AS a, sed_kind(s) AS b FROM sky.stars AS s WHERE sed_kind(s) = 'yso' AND {CHEAP}"
    connection, calls = con
    calls["rows"] = 0
    rows = connection.execute(translate(f"SELECT COUNT(*) AS n FROM sky.stars AS s WHERE {CHEAP}")).fetchone()[0]
    got = connection.execute(translate(query, CATALOGUE, functions)).fetchall()
    assert got
    assert all(row == ("yso", "yso") for row in got)
    assert calls["rows"] <= rows


def test_columns_among_the_arguments_of_a_shared_call_are_found(con):
    """They are of the tables, which the query around the subquery does not see."""
    connection, _ = con
    connection.execute("CREATE OR REPLACE MACRO sed_is(answer, label) AS answer.class = label")

    def share(arguments):
        both = call("sed_both", [arguments[0].copy()], model=Function((1,)))
        return Shared(both, lambda both: call("sed_is", [both, arguments[1].copy()], model=Function((2,))))

    functions = {"sed_class": Function((2,), share=share), "sed_kind": Function((2,), share=share)}
    text = "CASE WHEN s.parallax > 1 THEN 'yso' ELSE 'giant' END"
    query = f"SELECT sed_class(s, {text}) AS a, sed_kind(s, 'yso') AS b FROM sky.stars AS s WHERE {CHEAP}"
    sql = translate(query, CATALOGUE, functions)
    assert "unnest" in sql
    plain = translate(f"SELECT s.phot_g_mean_mag AS g, s.parallax AS p FROM sky.stars AS s WHERE {CHEAP}", CATALOGUE)
    expected = [((g > 15) == (p > 1), g > 15) for g, p in connection.execute(plain).fetchall()]
    assert len(set(expected)) == 4
    assert sorted(connection.execute(sql).fetchall()) == sorted(expected)


class Bounded(Function):
    """As a model's function that says 'yso' only where G is above 15, and 'giant' elsewhere."""

    asked: ClassVar = []

    def bound(self, comparison, arguments, known, write):
        operator, value = comparison
        self.asked.append((operator, value, *map(write, arguments)))
        g = exp.column("phot_g_mean_mag", table=arguments[0].name)
        if operator == "=" and value in ("yso", "giant"):
            return g > 15 if value == "yso" else g <= 15
        if operator in (">", ">=") and value > 0.25 and len(arguments) == 2:
            return g > 15
        return None


@pytest.mark.parametrize(
    ("condition", "bound", "asked"),
    [
        ("sed_class(s) = 'yso'", "s.phot_g_mean_mag > 15", ("=", "yso", "s")),
        ("'giant' = sed_class(s)", "s.phot_g_mean_mag <= 15", ("=", "giant", "s")),
        ("sed_proba(s, 'yso') > 0.5", "s.phot_g_mean_mag > 15", (">", 0.5, "s", "'yso'")),
        ("0.5 <= sed_proba(s, 'yso')", "s.phot_g_mean_mag > 15", (">=", 0.5, "s", "'yso'")),
        ("sed_proba(s, 'yso') BETWEEN 0.5 AND 1", "s.phot_g_mean_mag > 15", ("<=", 1.0, "s", "'yso'")),
        (
            "(sed_class(s) = 'yso' OR sed_class(s) = 'giant')",
            "(s.phot_g_mean_mag > 15) OR (s.phot_g_mean_mag <= 15)",
            None,
        ),
        ("sed_class(s) IN ('yso', 'giant')", "(s.phot_g_mean_mag > 15) OR (s.phot_g_mean_mag <= 15)", None),
        ("(sed_class(s) = 'yso' OR s.parallax > 1)", None, None),
        ("sed_class(s) IN ('yso', 'agn')", None, ("=", "agn", "s")),
        ("sed_class(s) <> 'yso'", None, ("<>", "yso", "s")),
        ("NOT sed_class(s) = 'yso'", None, None),
    ],
)
def test_models_may_bound_their_rows(con, condition, bound, asked):
    connection, calls = con
    functions = {"sed_class": Bounded((1, 2)), "sed_proba": Bounded((2, 3))}
    query = f"SELECT s.source_id FROM sky.stars AS s WHERE {condition} AND {CHEAP}"
    Bounded.asked.clear()
    explain = []
    sql = translate(query, CATALOGUE, functions, explain=explain)
    assert asked is None or asked in Bounded.asked
    assert any("before a model is asked" in line for line in explain) == bool(bound)
    assert (bound or "") in sql
    calls["rows"] = 0
    got = connection.execute(sql).fetchall()
    few = connection.execute(
        translate(f"SELECT COUNT(*) AS n FROM sky.stars AS s WHERE {CHEAP}").replace(
            "WHERE", f"WHERE {f'(({bound}))' if bound else 'true'} AND"
        )
    ).fetchone()[0]
    assert calls["rows"] <= few
    expected = connection.execute(translate(query, CATALOGUE, FUNCTIONS)).fetchall()
    assert got
    assert sorted(got) == sorted(expected)


class Quick(Function):
    """As a model's function that costs much less than the value that it can be had from."""

    def is_quick(self, arguments):
        return True


@pytest.mark.parametrize(
    ("select", "condition", "first"),
    [
        ("s.source_id, sed_class(s) AS c, sed_kind(s) AS k", "sed_class(s) = 'yso'", True),
        ("s.ra + s.dec AS z, sed_kind(s) AS k, sed_rank(s) AS r", "sed_class(s) <> 'giant' AND parallax > 1", True),
        ("sed_class(s) AS c, COUNT(*) AS n, MAX(sed_rank(s)) AS m", "sed_class(s) = 'yso'", True),
        ("s.source_id, sed_class(s) AS c", "sed_class(s) = 'yso'", False),
        ("s.source_id, sed_class(s) AS c", "sed_class(s) = 'yso' AND sed_kind(s) = 'yso'", False),
        ("s.source_id, sed_class(s) AS c", "sed_kind(s) = 'yso'", False),
        ("s.source_id, sed_alone(s) AS a", "sed_class(s) = 'yso'", False),
    ],
)
def test_a_quick_call_is_computed_first_where_it_decides(con, select, condition, first):
    connection, calls = con
    others = ", ".join(f"x{k}" for k in range(1, len(BANDS)))
    for name, value in (("sed_kind", "_model(g, 'kind')"), ("sed_rank", "length(_model(g, 'rank'))")):
        of_row = value.replace("g,", "s.phot_g_mean_mag,")
        connection.execute(f"CREATE OR REPLACE MACRO {name}(s) AS {of_row}, (g, {others}) AS {value}")
    arity = (1, len(BANDS))
    connection.execute("CREATE OR REPLACE MACRO sed_alone(s) AS s.phot_g_mean_mag")
    functions = {"sed_class": Quick(arity), "sed_kind": Function(arity), "sed_rank": Function(arity)}
    functions["sed_alone"] = Function((1,))
    group = " GROUP BY c" if "COUNT" in select else ""
    query = f"SELECT {select} FROM sky.stars AS s WHERE {condition} AND {CHEAP}{group}"
    explain = []
    sql = translate(query, CATALOGUE, functions, explain=explain)
    assert any("is asked first" in line for line in explain) == first
    calls["rows"] = 0
    got = connection.execute(sql).fetchall()
    asked = calls["rows"]
    expected = connection.execute(translate(query, CATALOGUE, functions, rewrites=())).fetchall()
    assert got
    assert sorted(got) == sorted(expected)
    if first:
        cheap = f"{CHEAP} AND parallax > {1 if 'parallax' in condition else 0}"
        rows, left = (
            connection.execute(translate(f"SELECT COUNT(*) AS n FROM sky.stars AS s WHERE {which}")).fetchall()[0][0]
            for which in (cheap, f"{cheap} AND s.phot_g_mean_mag > 15")
        )
        assert left < rows
        assert asked <= rows + left * len({"sed_kind", "sed_rank"} & set(re.findall(r"sed_\w+", select)))
