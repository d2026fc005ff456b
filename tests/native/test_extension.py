"""The C extension gives what ONNX Runtime gives, for every function, on rows of all sorts."""

import math
import os
import re
import subprocess
import sys

import duckdb
import pytest

import sedsql
from sedsql import native
from sedsql.inference.engines import EngineError
from sedsql.inference.model import find_models
from sedsql.inference.uncertainties import DEVIATES
from sedsql.native.build import SOURCES

ROW = "s.parallax, s.parallax_error"


def same(found, expected, tolerance=1e-5):
    """Equal, numbers but for rounding; an outlier's distance is what is left when large numbers cancel."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(
            same(found[key], expected[key], 1e-2 if key == "outlier" else tolerance) for key in expected
        )
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, float):
        both_nan = isinstance(found, float) and math.isnan(found) and math.isnan(expected)
        return both_nan or (isinstance(found, float) and math.isclose(found, expected, abs_tol=tolerance))
    return found == expected


@pytest.mark.parametrize(
    "expression",
    [
        "sed_class(s)",
        "sed_class(s, 'lite-2')",
        f"sed_class(s, {ROW}, 'luminosity-2')",
        "sed_class(s, 'luminosity-2')",
        f"sed_class(s, {ROW}, nullif(s.model, 'a model whose name is long'))",
        "sed_proba(s, 'yso')",
        f"sed_proba(s, {ROW}, s.label, nullif(s.model, 'a model whose name is long'))",
        "sed_predict(s, nullif(s.model, 'a model whose name is long'))",
        "sed_answer(s, 'lite-2')",
        "sed_node(s, s.number)",
        "sed_branch(s, nullif(s.number, 0.9), 'lite-2')",
        f"sed_branch(s, {ROW}, s.number, 'luminosity-2').path",
        "sed_set(s, s.number)",
        "sed_place(s.label, 'lite-2')",
        "sed_node_of(sed_answer(s, 'lite-2').probabilities, 0.8, 'lite-2')",
        "sed_branch_of(sed_answer(s, 'lite-2').probabilities, nullif(s.number, 0.9), 'lite-2')",
        "sed_branch_of(sed_answer(s, 'lite-2').probabilities, s.number, 'lite-2').path",
        "sed_set_of(sed_answer(s, 'lite-2').probabilities, 0.8, 'lite-2')",
        f"sed_predict_errors(s, {ROW}, 'luminosity-2')",
        "sed_predict_errors(s, 'lite-2')",
        "sed_class(12.1, 12.6, 11.4, 10.4, NULL, 9.8, 9.6, 9.5, 9.1, 8.0)",
        "sed_class(9999, s.phot_bp_mean_mag, NULL, s.j_m, NULL, NULL, s.w1mpro, NULL, NULL, NULL)",
    ],
)
def test_each_function_is_that_of_onnx_runtime(asked, awkward, expression):
    found, expected = asked("native", awkward, expression), asked("onnx", awkward, expression)
    different = [k for k, (one, other) in enumerate(zip(found, expected, strict=True)) if not same(one, other)]
    assert not different, (len(different), found[different[0]], expected[different[0]])
    assert len({str(value) for value in found}) > 1 or "12.1" in expression


@pytest.mark.parametrize(
    "model, more", [("lite-2", ""), ("luminosity-2", f"{ROW}, "), ("sky-1", f"{ROW}, s.ra, s.dec, ")]
)
def test_the_columns_that_mirrors_store_are_those_of_the_whole_answer(asked, awkward, model, more):
    """sed_classified is quicker, and nothing else."""
    row = f"s, {more}'{model}'"
    found = asked("native", awkward, f"sed_classified({row})")
    answers = asked("native", awkward, f"sed_answer({row})")
    nodes = asked("native", awkward, f"sed_branch(s, {more}0.5, '{model}')")
    expected = [
        {
            "class": (node or {}).get("node"),
            "class_probability": (node or {}).get("probability"),
            "class_path": (node or {}).get("path"),
            "outlier": answer["prediction"]["outlier"],
            "label": answer["prediction"]["class"],
        }
        for node, answer in zip(nodes, answers, strict=True)
    ]
    assert list(map(repr, found)) == list(map(repr, expected))  # repr: an outlier may be NaN
    assert {None, "yso"} <= {row["label"] for row in found}


def test_an_extension_of_another_version_is_told(monkeypatch):
    monkeypatch.setattr(native, "INTERFACE", native.INTERFACE + 1)
    with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
        with pytest.raises(EngineError, match=r"^The C extension is of another .* run `python -m sedsql.native.build`"):
            sedsql.register(con)
        sedsql.register(con, engine="onnx")
        assert con.execute("SELECT sed_engine()").fetchone() == ("onnx",)


@pytest.mark.parametrize(
    "expression",
    [
        "sed_explain(s, 'lite-2')",
        f"sed_explain(s, {ROW}, 'luminosity-2')",
        f"sed_explain(s, {ROW}, s.ra, s.dec, 'sky-1')",
        f"sed_predict_errors(s, {ROW}, s.ra, s.dec, 'sky-1')",
    ],
)
def test_dear_functions_are_those_of_onnx_runtime(asked, awkward, expression):
    some = awkward.slice(0, 25)
    found, expected = asked("native", some, expression), asked("onnx", some, expression)
    assert all(map(same, found, expected))
    assert sum(value is not None for value in found) > 10


@pytest.mark.parametrize("model", ["lite-2", "shape-2", "luminosity-2"])
def test_a_lead_is_the_logarithm_of_two_probabilities(asked, awkward, model):
    """And a class that is the answer has log-odds of 0 or more against every other, to the last bit."""
    row = f"s, {ROW}" if model == "luminosity-2" else "s"
    classes = find_models()[model].classes
    fields = [f"c := sed_class({row}, '{model}')"]
    for label in classes:
        fields.append(f"{label} := sed_log_odds({row}, '{label}', 'yso', '{model}')")
    log_odds = asked("native", awkward, f"struct_pack({', '.join(fields)})")
    expected = asked("onnx", awkward, f"sed_answer({row}, '{model}').probabilities")
    for found, probabilities in zip(log_odds, expected, strict=True):
        label = found.pop("c")
        if label is None:
            assert set(found.values()) == {None}
            continue
        assert max(found.values()) == found[label]
        p = dict(zip(classes, probabilities, strict=True))
        assert all(math.isclose(found[c], math.log(p[c] / p["yso"]), abs_tol=1e-3) for c in classes if p[c] > 1e-5)
    assert sum(found["yso"] is not None for found in log_odds) > 1000


def test_an_empty_table_and_one_of_doubles(asked, awkward):
    assert asked("native", awkward.slice(0, 0), "sed_class(s)") == []
    with duckdb.connect() as con:
        wide = con.sql("SELECT COLUMNS(* EXCLUDE (model, label))::DOUBLE FROM awkward").to_arrow_table()
    assert asked("native", wide, "sed_class(s)") == asked("native", awkward, "sed_class(s)")


@pytest.mark.parametrize(
    "expression, sentence",
    [
        ("sed_class(s, 'nonesuch')", "No model 'nonesuch'; there are lite-2, luminosity-2, shape-2"),
        ("sed_class(s, s.model)", "No model 'a model whose name is long'; there are lite-2, luminosity-2, shape-2"),
        ("sed_proba(s, 'quasar')", "Model shape-2 has no class 'quasar'; it has agb_carbon, agb_oxygen, agn, "),
        ("sed_node(s, 0.3)", "sed_node takes a probability from 0.5 to 1, not 0.3: with less, two nodes"),
        ("sed_set(s, 0.999)", "sed_set takes a level above 0 and at most 0.99, not 0.999."),
        ("sed_set(s, 'NaN'::DOUBLE)", "sed_set takes a level above 0 and at most 0.99, not nan."),
        ("sed_node_of([0.1, 0.9], 0.8, 'lite-2')", "Model lite-2 has 11 classes, and the list of probabilities 2."),
        ("_sed_class({}, 'lite-2', 'no key')".format(", ".join(["1"] * 10)), "No models are known under this key"),
        ("sed_log_odds(s, 'quasar', 'yso', 'lite-2')", "Model lite-2 has no class 'quasar'; it has agb_carbon,"),
        ("sed_log_odds(s, 'yso', s.label, 'lite-2')", "sed_log_odds takes two classes, the same for all rows."),
        ("sed_models('k', 'shape-2', ['/nowhere'])", "No model in /nowhere: card.json: No such file or directory."),
        ("sed_models('k', NULL, ['/nowhere'])", "sed_models takes a key, the name of the default model, and a list"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_and_the_session_lives(awkward, expression, sentence):
    with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
        sedsql.register(con, engine="native")
        con.register("t", awkward)
        with pytest.raises(duckdb.InvalidInputException, match=re.escape(sentence)):
            con.execute(f"SELECT {expression} FROM t AS s").fetchall()
        assert len(con.execute("SELECT sed_class(s) FROM t AS s").fetchall()) == len(awkward)


def test_wrong_types_and_numbers_of_arguments_are_told(awkward):
    with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
        sedsql.register(con, engine="native")
        for wrong in ("_sed_class(1, 2)", "_sed_class()", "_sed_class({})".format(", ".join(["'x'"] * 12))):
            with pytest.raises(duckdb.Error, match=r"_sed_class|Could not convert|key"):
                con.execute(f"SELECT {wrong}").fetchall()


def test_the_engine_that_answers_is_told(awkward):
    with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
        for engine in ("native", "onnx"):
            sedsql.register(con, engine=engine)
            assert con.execute("SELECT sed_engine(), sed_engine('lite-2')").fetchall() == [(engine, engine)]
        sedsql.register(con)
        assert con.execute("SELECT sed_engine()").fetchall() == [("native",)]
        with pytest.raises(duckdb.Error, match="No model nonesuch; there are"):
            con.execute("SELECT sed_engine('nonesuch')").fetchall()
        with pytest.raises(EngineError, match="There is no engine 'cuda'; there are native, onnx, sql"):
            sedsql.register(con, engine="cuda")


def test_a_connection_that_loads_no_unsigned_extension_has_onnx_runtime(awkward):
    with duckdb.connect() as con:
        sedsql.register(con)
        assert con.execute("SELECT sed_engine()").fetchall() == [("onnx",)]
        with pytest.raises(EngineError, match=r'duckdb\.connect\(config=\{"allow_unsigned_extensions": True\}\)'):
            sedsql.register(con, engine="native")


def test_connect_loads_no_other_extension_that_is_unsigned():
    with sedsql.connect() as con:
        assert con.execute("SELECT sed_engine()", lang="sql").fetchall() == [("native",)]
        (allowed,) = con.execute("SELECT current_setting('allow_unsigned_extensions')", lang="sql").fetchone()
        assert not allowed


KERNEL = """
import duckdb, hashlib, sys, pyarrow.feather
import sedsql
table = pyarrow.feather.read_table(sys.argv[1])
with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
    con.execute("SET enable_progress_bar = false")  # it would be among the sums on a slow machine
    sedsql.register(con, engine="native")
    con.register("t", table)
    for model in ("lite-2", "shape-2", "luminosity-2"):
        rows = con.execute(f"SELECT sed_answer(s, s.parallax, s.parallax_error, '{model}') FROM t AS s").fetchall()
        print(hashlib.sha256(repr(rows).encode()).hexdigest())
"""


@pytest.mark.slow
def test_all_kernels_agree_to_the_last_bit(awkward, tmp_path):
    from pyarrow import feather

    feather.write_feather(awkward, tmp_path / "rows.feather")
    answers = {}
    for kernel in ("portable", "avx2", "avx512"):
        command = [sys.executable, "-c", KERNEL, str(tmp_path / "rows.feather")]
        environment = {**os.environ, "SEDSQL_KERNEL": kernel}
        answers[kernel] = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert len(answers["portable"].split()) == 3
    assert len(set(answers.values())) == 1


def test_the_deviates_are_those_of_python():
    text = (SOURCES / "model/deviates.h").read_text()
    numbers = [float(number) for number in re.findall(r"(-?\d+\.\d+(?:e-?\d+)?)f", text)]
    assert numbers == pytest.approx(DEVIATES.ravel().tolist(), abs=1e-7)


def test_the_extension_says_which_it_is():
    with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
        con.execute(f"LOAD '{native.path()}'")
        assert con.execute("SELECT sed_native_version()").fetchall() == [(sedsql.__version__,)]


def test_several_threads_and_databases_share_a_model(awkward):
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow as pa

    many = pa.concat_tables([awkward] * 10)

    def count(_):
        with duckdb.connect(config={"allow_unsigned_extensions": True, "threads": 4}) as con:
            sedsql.register(con, engine="native")
            con.register("t", many)
            return con.execute("SELECT sed_class(s) AS c, count(*) FROM t AS s GROUP BY c ORDER BY c").fetchall()

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(count, range(8)))
    assert all(one == counts[0] for one in counts)
    assert sum(n for _, n in counts[0]) == len(many)
    assert set(find_models()["shape-2"].classes) >= {label for label, _ in counts[0] if label}
