import duckdb
import numpy as np
import pytest

import sedsql
from sedsql.inference.card import PARALLAX
from sedsql.inference.model import Model
from sedsql.inference.session import Session
from sedsql.mirror.sample import write_sample
from sedsql.photometry.bands import COLUMNS

ONES = ", ".join(f"s.{name}" for name in COLUMNS)


@pytest.fixture
def near(write_model, linear_graph):
    """`hot` is probable where G - BP + parallax / 10 is large; the error counts too."""
    weights = np.zeros((12, 2))
    weights[0, 1], weights[1, 1], weights[10, 1], weights[11, 1] = 1, -1, 0.1, -0.5
    return write_model(
        linear_graph(weights),
        name="near-1",
        extra=list(PARALLAX),
        conformal={"levels": [0.9], "thresholds": {"cold": [0.4], "hot": [0.4]}},
    )


@pytest.fixture
def con(near):
    rng = np.random.default_rng(0)
    with duckdb.connect() as con:
        sedsql.register(con, models=[near], default="near-1")
        values = rng.normal(0, 1, (3000, 12))
        values[rng.random(values.shape) < 0.2] = np.nan
        con.register(
            "arrived", {name: values[:, k] for k, name in enumerate((*COLUMNS, *PARALLAX))} | {"id": np.arange(3000)}
        )
        con.execute("CREATE TABLE t AS FROM arrived ORDER BY id")
        yield con


def column(con, expression):
    return [row[0] for row in con.execute(f"SELECT {expression} FROM t AS s ORDER BY id").fetchall()]


def expected(con, near, parallax):
    names = ", ".join((*COLUMNS, *PARALLAX))
    found = con.execute(f"SELECT {names} FROM t ORDER BY id").fetchnumpy()
    inputs = np.stack([np.ma.filled(found[name], np.nan) for name in (*COLUMNS, *PARALLAX)], axis=1).astype(np.float32)
    if not parallax:
        inputs[:, 10:] = np.nan
    return Session(Model.read(near)).predict(inputs)


def test_a_parallax_and_its_error_come_before_the_model(con, near):
    with_it, without = expected(con, near, True), expected(con, near, False)
    assert abs(with_it.probabilities - without.probabilities)[with_it.class_index >= 0].max() > 0.05
    for row in ("s", ONES):
        call = f"sed_proba({row}, s.parallax, s.parallax_error, 'hot', 'near-1')"
        found = np.array(column(con, call), dtype=float)
        np.testing.assert_allclose(found, with_it.probabilities[:, 1], atol=1e-6)
        labels = column(con, f"sed_class({row}, s.parallax, s.parallax_error, 'near-1')")
        assert labels == [None if k < 0 else ("cold", "hot")[k] for k in with_it.class_index]
    for call in (
        "sed_proba(s, 'hot')",
        "sed_proba(s, NULL, NULL, 'hot', 'near-1')",
        f"sed_proba({ONES}, 'hot', 'near-1')",
    ):
        np.testing.assert_allclose(np.array(column(con, call), dtype=float), without.probabilities[:, 1], atol=1e-6)


def test_a_model_of_bands_alone_does_not_mind_a_parallax(con):
    assert column(con, "sed_class(s, s.parallax, s.parallax_error, 'shape-2')") == column(
        con, "sed_class(s, 'shape-2')"
    )


@pytest.mark.parametrize(
    "call", ["sed_predict(s, {})", "sed_node(s, {p}0.9, {m})", "sed_set(s, {p}0.9, {m})", "sed_explain(s, {})"]
)
def test_every_function_takes_it(con, call):
    with_it = call.format("s.parallax, s.parallax_error, 'near-1'", p="s.parallax, s.parallax_error, ", m="'near-1'")
    without = call.format("'near-1'", p="", m="'near-1'")
    assert column(con, with_it) != column(con, without)
    zero = with_it.replace("s.parallax,", "'inf'::FLOAT,").replace("s.parallax_error", "NULL")
    assert column(con, zero) == column(con, without)  # infinite is missing


def test_adql_asks_a_model_once_for_all_functions_of_a_parallax(near, tmp_path):
    write_sample(tmp_path / "sky", 500, seed=1, rich=True)
    with sedsql.connect(tmp_path / "sky", models=[near]) as con:
        query = """
          SELECT s.source_id, sed_class(s, s.parallax, s.parallax_error, 'near-1') AS c,
                 sed_proba(s, s.parallax, s.parallax_error, 'hot', 'near-1') AS p,
                 sed_node(s, s.parallax, s.parallax_error, 0.9, 'near-1') AS n
          FROM sed.photometry AS s WHERE sed_class(s, s.parallax, s.parallax_error, 'near-1') = 'hot'
        """
        assert con.translate(query).lower().count("sed_answer(") == 1
        rows = con.execute(query).fetchall()
        sql = """
          SELECT source_id, sed_class(s, parallax, parallax_error, 'near-1') AS c,
                 sed_proba(s, parallax, parallax_error, 'hot', 'near-1'),
                 sed_node(s, parallax, parallax_error, 0.9, 'near-1')
          FROM sed.photometry AS s WHERE c = 'hot'
        """
        assert sorted(rows) == sorted(con.execute(sql, lang="sql").fetchall())
        assert len(rows) > 10
