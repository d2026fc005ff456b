import threading

import duckdb
import numpy as np
import onnxruntime
import pyarrow as pa
import pytest

import sedsql
from sedsql.inference.model import DEFAULT_MODEL, find_models
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate

ROWS = 5000
SOURCE = "10.7, 11.6, 9.8, 8.9, 8.1, 7.4, 6.5, 5.8, 3.9, 1.6"


@pytest.fixture(scope="module")
def magnitudes():
    """Simulated sources of several kinds, some with hardly a band."""
    rng = np.random.default_rng(1)
    kinds = ("main_sequence", "giant", "yso", "agn", "agb_carbon")
    some = np.concatenate([simulate(kind, ROWS // 5, rng).magnitudes for kind in kinds]).astype(np.float32)
    some[rng.random(some.shape) < 0.2] = np.nan
    some[:50, 2:] = np.nan
    return rng.permutation(some)


@pytest.fixture(scope="module")
def expected(magnitudes):
    """What ONNX Runtime says, called directly: labels, probabilities, enough bands."""
    model = find_models()[DEFAULT_MODEL]
    session = onnxruntime.InferenceSession(str(model.folder / "model.onnx"))
    labels, probabilities = session.run(["label", "probabilities"], {"magnitudes": magnitudes})
    return labels, probabilities, np.isfinite(magnitudes).sum(axis=1) >= model.min_bands


@pytest.fixture(scope="module")
def con(magnitudes):
    con = duckdb.connect()
    sedsql.register(con)
    load(con, magnitudes)
    yield con
    con.close()


def load(con, magnitudes):
    """Table t: NULL for every other missing magnitude, NaN for the rest; w?mpro DOUBLE, as in the archive."""
    missing = np.isnan(magnitudes)
    null = missing & (np.add.outer(np.arange(len(magnitudes)), np.arange(10)) % 2 == 0)
    columns = {name: pa.array(magnitudes[:, i], mask=null[:, i]) for i, name in enumerate(COLUMNS)}
    table = pa.table({"id": np.arange(len(magnitudes)), **columns})
    con.register("arrived", table)
    doubles = ", ".join(f"w{i}mpro::DOUBLE AS w{i}mpro" for i in (1, 2, 3, 4))
    con.execute(f"CREATE TABLE t AS SELECT * REPLACE ({doubles}) FROM arrived ORDER BY id")


def column(con, expression, source="t"):
    rows = con.execute(f"SELECT {expression} FROM {source} AS s ORDER BY id").fetchall()
    return np.array([row[0] for row in rows], dtype=object)


def test_classes_are_those_of_onnx_runtime_and_null_with_too_few_bands(con, expected):
    labels, _, enough = expected
    found = column(con, "sed_class(s)")
    assert (found[enough] == labels[enough]).all()
    assert (~enough).sum() >= 50
    assert not any(found[~enough])


@pytest.mark.slow
def test_probabilities_are_those_of_onnx_runtime(con, expected):
    _, probabilities, enough = expected
    for place, label in enumerate(find_models()[DEFAULT_MODEL].classes):
        found = column(con, f"sed_proba(s, '{label}')")
        assert found[enough].astype(float) == pytest.approx(probabilities[enough, place], abs=1e-6)
        assert not any(found[~enough])


def test_prediction_sums_up_the_others(con, expected, magnitudes):
    labels, probabilities, enough = expected
    found = column(con, "sed_predict(s)")
    assert [p["n_bands"] for p in found] == np.isfinite(magnitudes).sum(axis=1).tolist()
    assert {p["model"] for p in found} == {DEFAULT_MODEL}
    p = probabilities[enough].astype(float)
    assert [f["class"] for f in found[enough]] == labels[enough].tolist()
    assert [f["probability"] for f in found[enough]] == pytest.approx(p.max(axis=1), abs=1e-6)
    entropy = -np.nansum(p * np.log2(np.where(p > 0, p, np.nan)), axis=1)
    assert [f["entropy"] for f in found[enough]] == pytest.approx(entropy, abs=1e-4)
    none = {"class": None, "probability": None, "entropy": None, "outlier": None, "model": DEFAULT_MODEL, "path": None}
    assert all({k: v for k, v in f.items() if k != "n_bands"} == none for f in found[~enough])


@pytest.mark.parametrize("name", ["sed_class", "sed_predict"])
def test_row_magnitudes_and_model_are_four_ways_of_one_call(con, name):
    magnitudes = ", ".join(f"s.{c}" for c in COLUMNS)
    first, *others = (
        column(con, f"{name}({call})").tolist()
        for call in ("s", f"s, '{DEFAULT_MODEL}'", magnitudes, f"{magnitudes}, '{DEFAULT_MODEL}'")
    )
    assert all(other == first for other in others)


def test_the_row_may_be_any_subquery_with_the_ten_columns(con):
    found = column(con, "sed_class(s)", "(SELECT *, 1 AS other FROM t WHERE id % 7 = 0)")
    assert found.tolist() == column(con, "sed_class(s)")[::7].tolist()


def test_threads_and_chunks_change_nothing(con):
    one = column(con, "sed_predict(s)").tolist()
    con.execute("SET threads = 4")
    grouped = con.execute(
        "SELECT id, sed_predict(s) FROM (SELECT * FROM t, range(30) WHERE range = 3) AS s ORDER BY id"
    ).fetchall()
    assert [row[1] for row in grouped] == one


def test_infinity_is_missing(con):
    magnitudes = SOURCE.replace("6.5", "'{}'::FLOAT")
    classes = con.execute(f"SELECT {', '.join(f'sed_predict({magnitudes.format(v)})' for v in ('inf', '-inf', 'nan'))}")
    first, *others = classes.fetchone()
    assert first["n_bands"] == 9
    assert all(other == first for other in others)


def test_distance_does_not_matter(con):
    """shape-2 sees colours only. Steps of 0.5 mag are exact in float32 for magnitudes with few digits."""
    near = "10.75, 11.5, 9.75, 8.875, 8.125, 7.375, 6.5, 5.75, 3.875, 1.625"
    far = ", ".join(str(float(m) + 6.5) for m in near.split(", "))
    (near_class,), (far_class,) = (con.execute(f"SELECT sed_predict({m})").fetchone() for m in (near, far))
    # The distance from the typical SEDs is a sum of squares, rounded other where the numbers are larger.
    assert near_class.pop("outlier") == pytest.approx(far_class.pop("outlier"), abs=1e-4)
    assert near_class == far_class


def test_labels_and_models_may_differ_from_row_to_row(con):
    mixed = column(con, f"sed_proba(s, ['yso', 'agn', NULL][1 + id % 3], if(id % 2 = 0, NULL, '{DEFAULT_MODEL}'))")
    yso, agn = column(con, "sed_proba(s, 'yso')"), column(con, "sed_proba(s, 'agn')")
    expected = [[yso, agn, [None] * ROWS][i % 3][i] for i in range(ROWS)]
    assert mixed.tolist() == expected


def test_an_unknown_label_is_an_error_that_names_the_classes(con):
    with pytest.raises(duckdb.Error, match=r"has no class 'YSO'; it has .*white_dwarf.*yso"):
        con.execute("SELECT sed_proba(s, 'YSO') FROM t AS s").fetchall()
    assert column(con, "sed_class(s)").size == ROWS  # and the connection lives


def test_an_unknown_model_is_an_error_that_names_the_models(con):
    with pytest.raises(duckdb.Error, match=f"No model 'nosuch'; there are .*{DEFAULT_MODEL}"):
        con.execute("SELECT sed_class(s, 'nosuch') FROM t AS s").fetchall()


def test_a_table_without_a_column_is_an_error_that_names_it(con):
    with pytest.raises(duckdb.BinderException, match="w4mpro"):
        con.execute("SELECT sed_class(s) FROM (SELECT * EXCLUDE (w4mpro) FROM t) AS s")


def test_no_rows_give_no_rows(con):
    assert con.execute("SELECT sed_class(s), sed_predict(s) FROM t AS s WHERE false").fetchall() == []


def test_any_connection_can_register_even_twice_and_read_only(tmp_path, magnitudes):
    path = tmp_path / "own.duckdb"
    with duckdb.connect(path) as own:
        load(own, magnitudes[:100])
    before = path.read_bytes()
    with duckdb.connect(path, read_only=True) as own:
        sedsql.register(own)
        sedsql.register(own)
        assert own.execute("SELECT count(sed_class(s)) FROM t AS s").fetchone()[0] > 50
    assert path.read_bytes() == before


def test_queries_in_several_threads_at_once(magnitudes):
    with duckdb.connect() as con:
        sedsql.register(con)
        load(con, magnitudes)
        expected = column(con, "sed_class(s)").tolist()
        found = {}

        def query(number):
            cursor = con.cursor()
            sedsql.register(cursor)
            found[number] = column(cursor, "sed_class(s)").tolist()

        threads = [threading.Thread(target=query, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [found[n] == expected for n in range(4)] == [True] * 4


def test_functions_outlive_the_cursor_that_registered_them(tmp_path):
    with duckdb.connect() as con:
        first, second = con.cursor(), con.cursor()
        sedsql.register(first)
        sedsql.register(second)
        first.close()
        del first
        assert second.execute(f"SELECT sed_class({SOURCE})").fetchone() == ("yso",)
