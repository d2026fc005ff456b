"""Conditions before a model is asked never lose a row of which it says what was asked."""

import json
import re
from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import sedsql
from sedsql import native
from sedsql.adql.tree.model_function import Comparison
from sedsql.inference import necessary_conditions as inference_bounds
from sedsql.inference.calls import functions
from sedsql.inference.model import DEFAULT_MODEL, find_models
from sedsql.inference.necessary_conditions import Bounds, Row
from sedsql.inference.session import Session
from sedsql.learn.class_bounds import SETS
from sedsql.learn.features import Colours
from sedsql.learn.intervals import Forest
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate

ROWS = 25_000
TEN = [f"s.{column}" for column in COLUMNS]
ROW = Row.of(TEN)
YSO = Comparison("=", "yso")
MODELS = find_models()
ONNX = dict.fromkeys(MODELS, "onnx")
BOUNDED = [
    name
    for name, model in MODELS.items()
    if (model.folder / "bounds.json").exists() and json.loads((model.folder / "bounds.json").read_text())["parts"]
]
"""Models that take more than magnitudes have no boxes."""


def stars(n, seed):
    rng = np.random.default_rng(seed)
    kinds = ("main_sequence", "giant", "yso", "agn", "white_dwarf", "massive")
    return np.concatenate([simulate(kind, n // 6, rng).magnitudes for kind in kinds]).astype(np.float32)


def cuts_of(tree):
    if isinstance(tree[0], list):
        yield tuple(tree[0])
        for branch in tree[1:]:
            yield from cuts_of(branch)


def awkward(model, n):
    """Sources with all sets of bands, mostly those that boxes are made for, on cuts and thresholds and a bit beside."""
    rng = np.random.default_rng(8)
    rows = rng.permutation(np.concatenate([stars(n, 3), np.float32(rng.normal(15, 2, (n // 4, 10)))]))[:n]
    of_set = rng.choice(len(SETS), len(rows))
    for k, places in enumerate(SETS):
        rows[np.ix_(of_set == k, ~np.isin(np.arange(10), places))] = np.nan
    many = rng.random(len(rows)) < 0.15
    rows[many] = np.where(rng.random((many.sum(), 10)) < 0.4, np.nan, rng.normal(14, 1.5, (many.sum(), 10)))
    forest = Forest.of(model.graph())
    pairs = Colours(model.bands).pairs
    inner = np.flatnonzero((forest.left >= 0) & (forest.feature < len(pairs)))
    at = [(*pairs[forest.feature[k]], forest.threshold[k]) for k in rng.choice(inner, 3000)]
    for part in json.loads((model.folder / "bounds.json").read_text())["parts"]:
        places = [COLUMNS.index(band) for band in part["bands"]]
        at += [(places[i], places[j], value) for i, j, value in cuts_of(part["tree"])] * 3
    at = np.array(at, dtype=object)
    for row, (i, j, value) in zip(rows, at[rng.choice(len(at), len(rows) // 2)], strict=False):
        if np.isfinite(row[i]) and np.isfinite(row[j]):
            row[i] = np.float32(row[j] + np.float32(value))
            row[i] = np.nextafter(row[i], np.float32(rng.choice([-99, row[i], 99])))
    wild = rng.random(rows.shape) < 0.002
    rows[wild] = rng.choice(np.float32([np.inf, -np.inf, 3e38, -3e38, 1e9, -1e8, 0, -9999]), wild.sum())
    return rows


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as con:
        yield con


@pytest.fixture(scope="module", params=BOUNDED)
def asked(request, con):
    """A model, a table of awkward rows in `con`, and what ONNX Runtime says of them: place of the class, p."""
    model = MODELS[request.param]
    rows = awkward(model, ROWS)
    null = np.isnan(rows) & (np.random.default_rng(1).random(rows.shape) < 0.9)
    columns = {name: pa.array(rows[:, i], mask=null[:, i]) for i, name in enumerate(COLUMNS)}
    con.register("arrived", pa.table({"id": np.arange(len(rows)), **columns}))
    con.execute("CREATE OR REPLACE TABLE awkward AS SELECT * FROM arrived")
    rows[np.isinf(rows)] = np.nan
    prediction = Session(model).predict(rows)
    return model, prediction.class_index, prediction.probabilities.astype(np.float64)


def kept(con, condition, n):
    ids = con.execute(f"SELECT id FROM awkward AS s WHERE {condition}").fetchnumpy()["id"]
    return np.isin(np.arange(n), ids)


COMPARED = {"=": np.equal, "<>": np.not_equal, ">": np.greater, ">=": np.greater_equal, "<": np.less}


def test_no_row_is_lost(asked, con, monkeypatch):
    for least in ("LEAST_EACH", "LEAST_ALL", "LEAST_SAVED_NS", "PLANNING_NS", "COMPARISON_NS"):
        monkeypatch.setattr(inference_bounds, least, 0)  # all that is known, whether it pays or not
    model, place, p = asked
    bounds = Bounds(MODELS, DEFAULT_MODEL, ONNX)
    made = 0
    for k, label in enumerate(model.classes):
        asks = [("=", label, None), ("<>", label, None)]
        asks += [(op, limit, label) for op, limit in ((">", 0.02), (">=", 0.5), (">", 0.9), (">=", 0.999))]
        asks += [("<", limit, label) for limit in (0.9, 0.05)]
        for operator, value, of in asks:
            condition = bounds.condition(Comparison(operator, value), of, model.name, ROW)
            if of is None:
                wanted = (place >= 0) & COMPARED[operator](place, k)
            else:
                wanted = np.nan_to_num(COMPARED[operator](p[:, k], value)) & (place >= 0)
            if condition is None:
                continue
            made += 1
            lost = wanted & ~kept(con, condition, len(place))
            assert not lost.any(), f"{label} {operator} {value}: {lost.sum()} of {wanted.sum()} rows lost"
    assert made > 5 * len(model.classes)


def test_columns_of_other_types_lose_no_row_either(asked, con):
    model, place, _ = asked
    condition = Bounds(MODELS, DEFAULT_MODEL, ONNX).condition(YSO, None, model.name, ROW)
    doubles = ", ".join(f"{column}::DOUBLE AS {column}" for column in COLUMNS)
    con.execute(f"CREATE OR REPLACE VIEW wide AS SELECT id, {doubles} FROM awkward")
    ids = con.execute(f"SELECT id FROM wide AS s WHERE {condition}").fetchnumpy()["id"]
    assert set(np.flatnonzero(place == model.classes.index("yso"))) <= set(ids)


@pytest.mark.parametrize("name", BOUNDED)
def test_most_stars_that_gaia_alone_sees_are_excluded(con, name):
    rng = np.random.default_rng(11)
    some = [simulate(kind, n, rng) for kind, n in (("main_sequence", 7_000), ("giant", 3_000))]
    rows = np.concatenate([one.magnitudes for one in some]).astype(np.float32)
    columns = {name: pa.array(rows[:, i], from_pandas=True) for i, name in enumerate(COLUMNS)}
    con.register("seen", pa.table(columns))
    few = f"seen AS s WHERE {' AND '.join(f'{column} IS NULL' for column in COLUMNS[3:])}"
    sources = con.execute(f"SELECT count(*) FROM {few}").fetchall()[0][0]
    assert sources > 500
    for label, most in (("yso", 0.4), ("agb_carbon", 0.4), ("brown_dwarf", 0.4)):
        condition = Bounds(MODELS, DEFAULT_MODEL, ONNX).condition(Comparison("=", label), None, name, ROW)
        assert con.execute(f"SELECT count(*) FROM {few} AND {condition}").fetchall()[0][0] < most * sources, label


@pytest.fixture
def connections(opened, monkeypatch):
    monkeypatch.setattr(inference_bounds, "PLANNING_NS", 0)  # as if the sky were larger
    return opened


@pytest.fixture(scope="module", params=["native", "onnx"])
def opened(request, sky_of):
    path = sky_of(6_000)
    if request.param == "native" and not native.path():
        pytest.skip(native.why_not())
    with (
        sedsql.connect(path, default=DEFAULT_MODEL, engine=request.param) as con,
        sedsql.connect(path, default=DEFAULT_MODEL, rewrites=("ranges", "joins", "models")) as plain,
    ):
        yield con, plain


def is_native(con):
    return con.duckdb.execute("SELECT sed_engine()").fetchall() == [("native",)]


@pytest.mark.parametrize(
    "condition",
    [
        "sed_class(s) = 'yso'",
        "sed_class(s, 'shape-2') = 'brown_dwarf'",
        "sed_class(s) IN ('agn', 'white_dwarf')",
        "(sed_class(s) = 'yso' OR sed_proba(s, 'agn') > 0.9)",
        "0.9 < sed_proba(s, 'agn')",
        "sed_proba(s, 'yso') BETWEEN 0.6 AND 0.9",
        f"sed_class({', '.join(TEN)}) = 'supergiant'",
        "sed_class(s, s.parallax, s.parallax_error, 'luminosity-2') = 'massive'",
        "sed_proba(s, s.parallax, s.parallax_error, 'white_dwarf', 'luminosity-2') >= 0.6",
        "sed_class(s, 'luminosity-2') = 'agb_carbon' AND s.phot_bp_mean_mag IS NOT NULL",
        "sed_class(s) = 'yso' AND s.w3mpro IS NULL AND s.j_m IS NULL",
    ],
)
def test_queries_give_the_same_rows_with_bounds(connections, condition):
    con, plain = connections
    query = f"SELECT s.source_id FROM sed.photometry AS s WHERE {condition}"
    explain = []
    sql = con.translate(query, explain)
    # Models that see more than magnitudes are compared class by class in the extension, and have no boxes.
    has_boxes = "luminosity" not in condition
    assert any(line.startswith("before a model is asked") for line in explain) == (has_boxes or is_native(con))
    if is_native(con):
        assert sql.count("sed_log_odds(") >= 2
        assert "sed_log_odds(" not in plain.translate(query)
    elif has_boxes:
        assert sql.count("CASE") > 3 > plain.translate(query).count("CASE")
    expected = sorted(plain.execute(query).fetchall())
    assert expected
    assert sorted(con.execute(query).fetchall()) == expected


@pytest.mark.parametrize(
    ("condition", "tested"),
    [
        ("s.j_m IS NULL AND w1mpro IS NULL", {"h_m", "ks_m", "w2mpro", "w3mpro", "w4mpro"}),
        ("s.w1mpro - s.w2mpro > 0.2", {"j_m", "h_m", "ks_m", "w3mpro", "w4mpro"}),
        ("w2mpro IS NOT NULL AND s.w4mpro IS NULL", {"j_m", "h_m", "ks_m", "w3mpro"}),
        ("s.w1mpro BETWEEN 1 AND 20 AND s.parallax > 0.1", {"j_m", "h_m", "ks_m", "w2mpro", "w3mpro", "w4mpro"}),
        ("s.j_m < 20", None),
        ("coalesce(s.j_m, 15) > 14", {*COLUMNS[3:]}),
    ],
)
def test_what_where_says_of_bands_is_used(connections, condition, tested):
    con, plain = connections
    query = f"SELECT s.source_id FROM sed.photometry AS s WHERE {condition} AND sed_class(s) = 'agn'"
    sql = con.translate(query)
    if is_native(con):
        assert "sed_log_odds(s, 'agn', 'giant', NULL) >= 0.0" in sql
    else:
        assert bool(re.search(r"\(CASE WHEN (.*?) THEN", sql)) == bool(tested)
        assert not tested or set(re.findall(r"TRY_CAST\(\+?s\.(\w+) AS FLOAT\) IS NULL", sql)) == tested
    expected = sorted(plain.execute(query).fetchall())
    assert expected
    assert sorted(con.execute(query).fetchall()) == expected


def test_conditions_that_do_not_pay_are_not_made(connections):
    con, _ = connections
    queries = {
        "sed_class(s) = 'main_sequence'": False,  # as most of the sky is
        "sed_class(s) = 'yso'": True,
        "sed_class(s) = 'yso' AND s.w3mpro > 3": is_native(con),  # all have bands that no box is made for
    }
    sign = "sed_log_odds(" if is_native(con) else "1e9"
    for condition, made in queries.items():
        assert (sign in con.translate(f"SELECT s.ra FROM sed.photometry AS s WHERE {condition}")) == made, condition


@pytest.mark.parametrize(
    ("engine", "region", "few", "many"),
    [("native", False, 10_000, 200_000), ("native", True, 10**7, 10**9), ("onnx", False, 500, 10_000)],
)
def test_small_tables_are_not_worth_a_condition(engine, region, few, many):
    row = replace(ROW, in_region=region)
    for rows, made in ((few, False), (many, True)):
        bounds = Bounds(MODELS, DEFAULT_MODEL, dict.fromkeys(MODELS, engine), rows)
        assert bool(bounds.condition(YSO, None, DEFAULT_MODEL, row)) == made


@pytest.mark.parametrize("engine", ["native", "onnx"])
@pytest.mark.parametrize(
    "condition",
    [
        "sed_class(s, s.name) = 'yso'",
        "sed_class(s) > 'yso'",
        "sed_class(s) = 'no_such'",
        "sed_proba(s, s.label) > 0.9",
        "sed_proba(s, 'yso') > 0",
        "sed_proba(s, 'yso') < 1",
        "NOT sed_class(s) = 'yso'",
        "(sed_class(s) = 'yso' OR s.parallax > 1)",
        "sed_class(s) IN ('yso', 'agn', 'white_dwarf', 'massive')",  # as dear as the model
    ],
)
def test_nothing_is_derived_where_nothing_is_known(condition, engine):
    bounds = Bounds(MODELS, DEFAULT_MODEL, dict.fromkeys(MODELS, engine))
    sql = sedsql.adql.translate(f"SELECT s.ra FROM t AS s WHERE {condition}", functions=functions(bounds))
    assert "1e9" not in sql
    assert "sed_log_odds" not in sql
