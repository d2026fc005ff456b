import duckdb
import numpy as np
import pytest

import sedsql
from sedsql.photometry.bands import COLUMNS

CLASSES = ("a", "b", "c")
CONFORMAL = {
    "levels": [0.5, 0.9, 0.95],
    "thresholds": {"a": [0.5, 0.2, 0.1], "b": [0.6, 0.3, 0.0], "c": [0.9, 0.4, 0.2]},
}


@pytest.fixture
def con(write_model, linear_graph):
    """Probabilities are G, BP and RP, given as logarithms."""
    path = write_model(linear_graph(np.eye(10, 3)), classes=CLASSES, conformal=CONFORMAL)
    without = write_model(linear_graph(np.eye(10, 3)), name="bare-1", classes=CLASSES)
    with duckdb.connect() as con:
        sedsql.register(con, models=[path, without], default="mine-1")
        yield con


def ask(con, probabilities, expression):
    logs = [*np.log(probabilities), *[0.0] * 7]
    columns = ", ".join(f"{value}::FLOAT AS {name}" for name, value in zip(COLUMNS, logs, strict=True))
    return con.execute(f"SELECT {expression} FROM (SELECT {columns}) AS s").fetchone()[0]


@pytest.mark.parametrize(
    ("probabilities", "level", "expected"),
    [
        ((0.3, 0.5, 0.2), 0.9, ["b", "a"]),
        ((0.3, 0.5, 0.2), 0.95, ["b", "a", "c"]),
        ((0.3, 0.5, 0.2), 0.5, []),
        ((0.15, 0.05, 0.8), 0.9, ["c"]),
        ((0.15, 0.05, 0.8), 0.95, ["c", "a", "b"]),
        ((0.15, 0.05, 0.8), 0.91, ["c", "a", "b"]),  # the next higher level
        ((0.15, 0.05, 0.8), 0.1, []),
    ],
)
def test_sets_hold_the_classes_above_their_thresholds_the_most_probable_first(con, probabilities, level, expected):
    assert ask(con, probabilities, f"sed_set(s, {level})") == expected
    assert ask(con, probabilities, f"sed_set(s, {level}, 'mine-1')") == expected


def test_sets_of_many_rows_with_some_that_have_too_few_bands(con):
    con.execute("CREATE TABLE t AS SELECT range AS id, * FROM range(5000), (SELECT 0::FLOAT AS nothing)")
    columns = ", ".join(
        f"CASE WHEN id % 3 = 0 THEN NULL ELSE {value} END::FLOAT AS {name}"
        for name, value in zip(COLUMNS, ["ln(0.3)", "ln(0.5)", "ln(0.2)", *["0"] * 7], strict=True)
    )
    query = f"SELECT id, sed_set(s, 0.9) FROM (SELECT id, {columns} FROM t) AS s ORDER BY id"
    assert [found for _, found in con.execute(query).fetchall()] == [
        None if k % 3 == 0 else ["b", "a"] for k in range(5000)
    ]


@pytest.mark.parametrize("level", [0, -1, 0.97, 1])
def test_a_level_that_the_model_does_not_know(con, level):
    with pytest.raises(duckdb.Error, match=r"sed_set takes a level above 0 and at most 0\.95"):
        ask(con, (0.3, 0.5, 0.2), f"sed_set(s, {level})")


def test_a_model_without_sets(con):
    with pytest.raises(duckdb.Error, match="Model bare-1 has no sets: its card lacks 'conformal'"):
        ask(con, (0.3, 0.5, 0.2), "sed_set(s, 0.9, 'bare-1')")
    assert ask(con, (0.3, 0.5, 0.2), "sed_class(s, 'bare-1')") == "b"


def test_outliers_are_told_by_the_share_of_training_rows_that_are_nearer(write_model, linear_graph):
    """The distance of this model is G; half of the training rows were nearer than 1, all nearer than 2."""
    quantiles = list(np.interp(np.linspace(0, 1, 101), [0, 0.5, 1], [0, 1, 2]))
    path = write_model(linear_graph(np.eye(10, 3)), name="far-1", classes=CLASSES, outlier={"quantiles": quantiles})
    with duckdb.connect() as con:
        sedsql.register(con, models=[path], default="far-1")
        for g, expected in ((0, 0), (1, 0.5), (1.5, 0.75), (2, 1), (17, 1)):
            found = con.execute(f"SELECT sed_predict({g}, {', '.join(['0'] * 9)}).outlier").fetchone()[0]
            assert found == pytest.approx(expected, abs=1e-6)
        assert con.execute(f"SELECT sed_predict({', '.join(['NULL'] * 10)}).outlier").fetchone()[0] is None
