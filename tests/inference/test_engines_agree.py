"""All engines say the same of any row, for every function: of what is no number, and of magnitudes of no source."""

import math
import sys
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import sedsql
from sedsql import native
from sedsql.inference import sql_engine
from sedsql.inference.card import EXTRA
from sedsql.inference.macros import ERROR_COLUMNS
from sedsql.inference.model import Model, find_models
from sedsql.inference.session import STRANGE_MAG, Session
from sedsql.photometry.bands import COLUMNS

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.agreement import awkward

ROWS, EXPLAINED = 1_500, 20
PROBABILITY, OUTLIER = 2e-6, 1e-3
"""What softmax rounds; and what sums of squares in float32 do, in another order, of magnitudes up to STRANGE_MAG."""
BEYOND = 3.4028236e38
"""The nearest float32 is infinite."""
STRANGE = np.array(
    [
        *(np.nan, np.inf, -np.inf, 999, -999, 99.999, -99.999, STRANGE_MAG, 100.00001, 1e9, -1e9, 1e38, -1e38),
        *(1e39, -1e39, 1e300, BEYOND, 1e-310, 1e-45, -1e-45, 0.0, -0.0),
    ]
)
ROW = ", ".join(["s", *(f"s.{name}" for name in EXTRA)])
ANSWERS = {
    "class": "sed_class({row}, '{model}')",
    "proba": "sed_proba({row}, s.label, '{model}')",
    "probability": "sed_probability({row}, '{model}')",
    "outlier": "sed_outlier({row}, '{model}')",
    "node": "sed_node({row}, 0.5, '{model}')",
    "likely node": "sed_node({row}, 0.9, '{model}')",
    "branch": "sed_branch_of(sed_answer({row}, '{model}').probabilities, 0.5, '{model}')",
    "set": "sed_set({row}, 0.9, '{model}')",
    "answer": "sed_answer({row}, '{model}')",
}
MORE = {
    "errors": "sed_predict_errors({row}, '{model}')",
    "why": f"CASE WHEN s.id < {EXPLAINED} THEN sed_explain({{row}}, '{{model}}') END",
}
needs_extension = pytest.mark.skipif(not native.path(), reason="no C extension")


def table(model, seed):
    """Rows on the trees' thresholds and beside them, with STRANGE numbers in all columns, as DOUBLE."""
    rng = np.random.default_rng(seed)
    X = awkward(model, ROWS, seed).astype(float)
    often = rng.choice([0, 0.03, 0.3], ROWS)[:, None]
    X = np.where(rng.random(X.shape) < often, rng.choice(STRANGE, X.shape), X)
    X[:8, : len(COLUMNS)] = np.array([3.4e38, 1e9, -999, 99, 1e39, 1e300, 1e-310, 0])[:, None]
    errors = abs(rng.normal(0.05, 0.05, (ROWS, len(COLUMNS))))
    errors = np.where(rng.random(errors.shape) < often, rng.choice(STRANGE, errors.shape), errors)
    numbers = np.column_stack([X, errors])
    null = rng.random(numbers.shape) < rng.choice([0, 0.2], ROWS)[:, None]
    names = (*COLUMNS, *EXTRA, *ERROR_COLUMNS)
    columns = {name: pa.array(numbers[:, k], mask=null[:, k]) for k, name in enumerate(names)}
    return pa.table({"id": np.arange(ROWS), "label": rng.choice(model.classes, ROWS), **columns})


def told(engine, model, rows, expressions):
    """What an engine gives for each row, by name of what is asked."""
    with duckdb.connect(config={"allow_unsigned_extensions": True, "threads": 1}) as con:
        if engine == "sql":
            sql_engine.install(con, {model.name: model}, model.name, temporary=True)
        else:
            sedsql.register(con, models=[model.folder], engine=engine)
        con.register("t", rows)
        asked = ", ".join(f'{sql.format(row=ROW, model=model.name)} AS "{name}"' for name, sql in expressions.items())
        return con.sql(f"SELECT {asked} FROM t AS s ORDER BY id").to_arrow_table().to_pylist()


def differences(one, other, tolerance=PROBABILITY, where=""):
    """Where two answers are not the same."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from differences(one[key], other[key], OUTLIER if key == "outlier" else tolerance, f"{where} {key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for k, parts in enumerate(zip(one, other, strict=True)):
            yield from differences(*parts, tolerance, f"{where} {k}")
    elif isinstance(one, float) and isinstance(other, float):
        if not math.isclose(one, other, rel_tol=0, abs_tol=tolerance):
            yield where, one, other
    elif one != other:
        yield where, one, other


def assert_same(found, expected, rows):
    for k, pair in enumerate(zip(found, expected, strict=True)):
        assert not list(differences(*pair)), rows.slice(k, 1).to_pylist()


@pytest.fixture(params=["stand-in", "shape-2", "sky-1"])
def model(request):
    if request.param == "stand-in":
        return Model.read(request.getfixturevalue("sky_model"))
    return find_models()[request.param]


@needs_extension
def test_the_extension_says_what_onnx_runtime_says(model):
    rows = table(model, 1)
    found, expected = (told(engine, model, rows, ANSWERS | MORE) for engine in ("native", "onnx"))
    assert_same(found, expected, rows)
    classes = {row["class"] for row in found}
    assert len(classes) > 4
    assert None in classes
    assert sum(row["why"] is not None for row in found) > EXPLAINED / 3


def test_plain_sql_says_what_onnx_runtime_says(sky_model):
    model = Model.read(sky_model)
    rows = table(model, 3)
    found, expected = (told(engine, model, rows, ANSWERS) for engine in ("sql", "onnx"))
    assert_same(found, expected, rows)


@needs_extension
def test_log_odds_are_missing_where_the_class_is_and_else_the_logarithm_of_two_probabilities(model):
    rows = table(model, 4)
    one, other = "yso", "main_sequence"
    log_odds = {"log_odds": f"sed_log_odds({{row}}, '{one}', '{other}', '{{model}}')"}
    places = [model.classes.index(label) for label in (one, other)]
    expected = told("onnx", model, rows, {"p": "sed_answer({row}, '{model}').probabilities"})
    for found, answer in zip(told("native", model, rows, log_odds), expected, strict=True):
        p, q = (answer["p"][place] for place in places)
        assert (found["log_odds"] is None) == (p is None)
        if p and q and min(p, q) > 1e-5:
            assert found["log_odds"] == pytest.approx(math.log(p / q), abs=1e-3)


def test_python_says_what_sql_says(model):
    """Session.predict of the numbers as they are, in float64."""
    rows = table(model, 5)
    numbers = np.column_stack([rows[name].to_numpy(zero_copy_only=False) for name in (*COLUMNS, *EXTRA)])
    prediction = Session(model).predict(numbers)
    expected = told("onnx", model, rows, {"answer": "sed_answer({row}, '{model}').prediction"})
    labels = [model.classes[place] if place >= 0 else None for place in prediction.class_index]
    assert labels == [row["answer"]["class"] for row in expected]
    assert prediction.n_bands.tolist() == [row["answer"]["n_bands"] for row in expected]


@pytest.mark.parametrize("engine", [pytest.param("native", marks=needs_extension), "onnx", "sql"])
@pytest.mark.parametrize("beyond", [1e39, -1e39, BEYOND, 1e300])
def test_a_double_beyond_float_is_missing_and_no_error(sky_model, engine, beyond):
    model = Model.read(sky_model)
    nine = {name: [12.0 + k / 4] for k, name in enumerate(COLUMNS[1:])}
    rows = [
        pa.table({"id": [0], COLUMNS[0]: pa.array([value], pa.float64()), **nine, **{name: [0.5] for name in EXTRA}})
        for value in (beyond, None)
    ]
    (found,), (expected,) = (told(engine, model, one, {"answer": ANSWERS["answer"]}) for one in rows)
    assert found == expected
    assert found["answer"]["prediction"]["n_bands"] == 9


@pytest.mark.parametrize("engine", [pytest.param("native", marks=needs_extension), "onnx"])
def test_a_source_with_a_magnitude_of_no_source_is_the_greatest_outlier(engine):
    """Sums of squares of such lose all that is small: the distance was 0 for some of them, another in each engine."""
    model = find_models()["shape-2"]
    numbers = np.random.default_rng(6).normal(12, 1, (500, len(COLUMNS)))
    numbers[np.arange(500), np.arange(500) % 10] = np.repeat([999, -999, 9999, 1e9, 1e30], 100)
    rows = pa.table({"id": np.arange(500), **{name: numbers[:, k] for k, name in enumerate(COLUMNS)}})
    outlier = {"outlier": "sed_predict(s, '{model}').outlier"}
    assert {row["outlier"] for row in told(engine, model, rows, outlier)} == {1.0}
