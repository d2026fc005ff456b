"""Batches of Arrow get from the kernel what DuckDB's functions give, bit for bit, in whatever form they come."""

import decimal
import os
import shutil
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sedsql
from sedsql import native
from sedsql.inference import kernel_session
from sedsql.inference.batch_columns import ColumnError
from sedsql.inference.batch_functions import NAMES, Call, CallError, parsed
from sedsql.inference.classify_batch import PIECE, session_of
from sedsql.inference.macros import ERROR_COLUMNS
from sedsql.inference.model import ModelError
from sedsql.native import kernel
from sedsql.photometry.bands import COLUMNS

EXTRA = {"shape-2": "", "lite-2": "", "luminosity-2": ", s.parallax, s.parallax_error"}
EXTRA["sky-1"] = EXTRA["luminosity-2"] + ", s.ra, s.dec"
TYPES = {"sed_class": pa.string(), "sed_proba('yso')": pa.float64(), "sed_set(0.9)": pa.list_(pa.string())}


@pytest.fixture(scope="module")
def many(awkward):
    """More rows than a piece, so that the last piece is a short one."""
    return pa.concat_tables([awkward] * (PIECE // len(awkward) + 1)).combine_chunks()


@pytest.fixture(scope="module")
def in_duckdb():
    """`in_duckdb(table, expression)`: what the C extension gives for each row `s` of a table."""
    with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
        sedsql.register(con, engine="native")

        def ask(rows, expression):
            return con.sql(f"SELECT {expression} AS a FROM rows AS s").to_arrow_table()["a"].combine_chunks()

        yield ask


@pytest.mark.parametrize("model", EXTRA)
@pytest.mark.parametrize(
    ("function", "own"),
    [
        *((name, "") for name in ("sed_class", "sed_probability", "sed_outlier", "sed_predict", "sed_predict_errors")),
        *(("sed_proba", label) for label in (", 'yso'", ", 'main_sequence'")),
        *((name, ", 0.8") for name in ("sed_node", "sed_branch", "sed_set")),
        ("sed_answer", ""),
        ("sed_node", ", 0.5"),
    ],
)
def test_every_function_gives_what_duckdb_gives(in_duckdb, awkward, model, function, own):
    found = sedsql.classify_batch(awkward, f"{function}({own[2:]})", model).column(0)
    assert found.null_count < len(found)
    assert found.equals(in_duckdb(awkward, f"{function}(s{EXTRA[model]}{own}, '{model}')").cast(found.type))


def test_pieces_are_put_together_in_order(in_duckdb, many):
    found = sedsql.classify_batch(many, "sed_set(0.8)").column(0)
    assert found.equals(in_duckdb(many, "sed_set(s, 0.8)").cast(found.type))


def test_explanations_are_those_of_duckdb(asked, awkward):
    found = sedsql.classify_batch(awkward.slice(0, 40), "sed_explain").column(0).to_pylist()
    for ours, expected in zip(found, asked("native", awkward.slice(0, 40), "sed_explain(s)"), strict=True):
        assert [part["band"] for part in ours or []] == [part["band"] for part in expected or []]
        values = [[part["contribution"] for part in parts or []] for parts in (ours, expected)]
        assert values[0] == pytest.approx(values[1], abs=1e-6)


def test_onnx_runtime_gives_the_same_labels(awkward):
    functions = ["sed_class", "sed_proba('yso')", "sed_predict_errors", "sed_node(0.8)"]
    ours, theirs = (sedsql.classify_batch(awkward, functions, engine=engine) for engine in ("native", "onnx"))
    assert ours.column(0).equals(theirs.column(0))
    difference = np.abs(ours.column(1).to_numpy(zero_copy_only=False) - theirs.column(1).to_numpy(zero_copy_only=False))
    assert np.nanmax(difference) < 1e-6
    for column in (2, 3):
        labels = [batch.column(column) for batch in (ours, theirs)]
        labels = [one.field("class") if column == 2 else one for one in labels]
        assert np.mean(np.array(labels[0].to_pylist()) == np.array(labels[1].to_pylist())) > 0.999


def misaligned(column):
    """The same column in memory that no float begins at."""
    data = np.empty(len(column) * 4 + 1, np.uint8)
    data[1:] = column.to_numpy(zero_copy_only=False).view(np.uint8)
    return pa.Array.from_buffers(pa.float32(), len(column), [None, pa.py_buffer(data).slice(1)])


@pytest.mark.parametrize(
    "form",
    {
        "sliced": lambda t: pa.concat_tables([t.slice(0, 13), t]).combine_chunks().to_batches()[0].slice(13),
        "sliced within a byte, and short": lambda t: t.to_batches()[0].slice(3, 5),
        "chunked": lambda t: pa.concat_tables([t.slice(0, 1000), t.slice(1000, 0), t.slice(1000)]),
        "double": lambda t: pa.table({name: t[name].cast(pa.float64()) for name in COLUMNS}),
        "dictionary": lambda t: pa.table({name: t[name].dictionary_encode() for name in COLUMNS}),
        "a struct's columns": lambda t: pa.RecordBatch.from_struct_array(t.to_struct_array().chunk(0).slice(7)),
        "NaN for null": lambda t: pa.table({n: pa.array(t[n].to_numpy()) for n in COLUMNS}),
        "memory that no float begins at": lambda t: pa.table(
            {name: misaligned(pa.array(t[name].to_numpy())) for name in COLUMNS}
        ),
        "polars": lambda t: __import__("polars").from_arrow(t.select(COLUMNS)),
        "pandas": lambda t: t.select(COLUMNS).to_pandas(),
        "a reader": lambda t: pa.RecordBatchReader.from_batches(t.schema, t.to_batches(max_chunksize=777)),
    }.items(),
    ids=lambda form: form[0],
)
def test_the_form_of_a_batch_makes_no_difference(awkward, form):
    formed = form[1](awkward)
    found = sedsql.classify_batch(formed, list(TYPES))
    whole = sedsql.classify_batch(awkward, list(TYPES))
    if form[0] == "sliced within a byte, and short":
        whole = whole.slice(3, 5)
    if form[0] == "a struct's columns":
        whole = whole.slice(7)
    assert found.equals(whole)
    assert found.schema.types == list(TYPES.values())


@pytest.mark.parametrize("kind", [pa.int16(), pa.uint64(), pa.decimal128(5, 0), pa.float16()])
def test_numbers_of_other_types_are_numbers(kind):
    numbers = pa.array([12, None, 15], pa.int16())
    as_decimal = pa.array([decimal.Decimal(12), None, decimal.Decimal(15)], kind) if pa.types.is_decimal(kind) else None
    column = as_decimal if as_decimal is not None else numbers.cast(kind)
    found, expected = (
        sedsql.classify_batch(pa.table(dict.fromkeys(COLUMNS, one)), "sed_answer").column(0)
        for one in (column, numbers.cast(pa.float32()))
    )
    assert found.equals(expected)


def test_batches_without_rows_and_without_numbers():
    functions = [*TYPES, "sed_predict", "sed_branch(0.5)", "sed_predict_errors", "sed_explain"]
    empty = sedsql.classify_batch(pa.table({name: pa.array([], pa.float32()) for name in COLUMNS}), functions)
    assert empty.num_rows == 0
    assert empty.schema.types[:3] == list(TYPES.values())
    for column in (pa.nulls(3), pa.nulls(3, pa.float32()), pa.array([float("inf")] * 3), pa.array([1e300] * 3)):
        nothing = sedsql.classify_batch(pa.table(dict.fromkeys(COLUMNS, column)), functions)
        assert all(nothing.column(k).to_pylist() == [None] * 3 for k in (0, 1, 2, 4, 6))
        assert nothing["sed_predict"].field("n_bands").to_pylist() == [0, 0, 0]


def test_columns_are_called_as_they_are_said_to_be(awkward):
    other = awkward.rename_columns([f"my_{name}" for name in awkward.column_names])
    columns = {name: f"my_{name}" for name in (*COLUMNS, *ERROR_COLUMNS, "parallax", "parallax_error")}
    functions = {"what": "sed_class", "how": "sed_predict_errors"}
    found = sedsql.classify_batch(other, functions, "luminosity-2", columns=columns)
    assert found.schema.names == ["what", "how"]
    assert found["what"].equals(sedsql.classify_batch(awkward, "sed_class", "luminosity-2").column(0))
    assert found["how"].equals(sedsql.classify_batch(awkward, "sed_predict_errors", "luminosity-2").column(0))


@pytest.mark.parametrize(
    ("functions", "options", "error", "sentence"),
    [
        ("sed_clas", {}, CallError, "There is no function 'sed_clas'; there are sed_class, sed_proba, "),
        ("sed_proba", {}, CallError, "sed_proba is written sed_proba('yso'), not sed_proba."),
        ("sed_proba(yso)", {}, CallError, "'sed_proba(yso)' is no call of a function such as sed_class or "),
        ("sed_set('a')", {}, CallError, "sed_set is written sed_set(0.9), not sed_set('a')."),
        ("sed_class(1)", {}, CallError, "sed_class is written sed_class, not sed_class(1)."),
        ("sed_proba('star')", {}, ModelError, "Model shape-2 has no class 'star'; it has "),
        ("sed_set(0.999)", {}, ModelError, "sed_set takes a level above 0 and at most "),
        ("sed_node(0.1)", {}, ModelError, "sed_node takes a probability from 0.5 to 1, not 0.1"),
        ("sed_class", {"model": "shape-9"}, ModelError, "No model 'shape-9'; there are "),
        ("sed_class", {"columns": {"J": "j_m"}}, ColumnError, "No function takes 'J'; columns may be given for "),
        ("sed_class", {"columns": {"j_m": "Jmag"}}, ColumnError, "The batch has no column 'Jmag' for j_m; it has "),
    ],
)
def test_mistakes_are_told_in_a_sentence(awkward, functions, options, error, sentence):
    with pytest.raises(error) as told:
        sedsql.classify_batch(awkward, functions, **options)
    assert str(told.value).startswith(sentence)


def test_a_batch_without_the_bands_is_told_which_are_missing(awkward):
    with pytest.raises(ColumnError, match=r"^The batch has no column phot_bp_mean_mag, .* shape-2 needs 3 bands; say"):
        sedsql.classify_batch(awkward.select(["phot_g_mean_mag", "j_m"]))
    with pytest.raises(ColumnError, match=r"^Column j_m is string; a model takes numbers"):
        sedsql.classify_batch(pa.table({name: ["bright"] for name in COLUMNS[3:]}))
    with pytest.raises(ColumnError, match=r"^classify_batch takes a record batch or table of Arrow, or .* not dict;"):
        sedsql.classify_batch({"j_m": [1.0]})


@given(st.text() | st.tuples(st.sampled_from(NAMES), st.text(alphabet="()'0.9ynaso, \\")).map("".join))
def test_any_text_is_a_call_or_a_mistake(written):
    with suppress(CallError):
        assert isinstance(parsed(written), Call)


def test_other_threads_run_while_the_kernel_does(many):
    """Threads that wait get their turn only when the lock is let go, for it is never taken away here."""
    session_of("shape-2")
    columns = [many[name].combine_chunks() for name in COLUMNS]
    begun, done = threading.Event(), []

    def work():
        begun.set()
        loaded._kernel.run([*columns, *[None] * 14], len(many), kernel.WANT_CLASS)
        done.append(True)

    loaded, interval = session_of("shape-2"), sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        begun.wait()
        was_done = bool(done)
    finally:
        sys.setswitchinterval(interval)
    thread.join()
    assert done
    assert not was_done


def test_threads_share_a_model(many):
    expected = sedsql.classify_batch(many, "sed_answer")
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(sedsql.classify_batch(many, "sed_answer"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(one.equals(expected) for one in found)


def test_a_forked_process_asks_the_same_model(awkward):
    expected = sedsql.classify_batch(awkward)
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        assert pool.submit(sedsql.classify_batch, awkward).result().equals(expected)


def test_a_model_that_is_trained_again_answers_at_once(tmp_path, awkward):
    shutil.copytree(session_of("lite-2").model.folder, tmp_path / "mine")
    card = tmp_path / "mine" / "card.json"
    text = card.read_text().replace('"lite-2"', '"mine"')
    card.write_text(text)
    before = sedsql.classify_batch(awkward, "sed_predict", "mine", models=[tmp_path]).column(0)
    card.write_text(text.replace('"min_bands": 3', '"min_bands": 9'))
    os.utime(card, (1, 1))
    after = sedsql.classify_batch(awkward, "sed_predict", "mine", models=[tmp_path]).column(0)
    assert after.field("class").null_count > before.field("class").null_count


def test_without_the_kernel_onnx_runtime_answers(tmp_path, monkeypatch, awkward):
    expected = sedsql.classify_batch(awkward)
    monkeypatch.setattr(native, "EXTENSION", tmp_path / native.EXTENSION.name)
    with pytest.raises(ModelError, match="There is no C extension of sedsql here"):
        sedsql.classify_batch(awkward, model="lite-2", engine="native")
    (tmp_path / native.EXTENSION.name).write_bytes(b"")
    (tmp_path / native.KERNEL).write_bytes(b"no library")
    with pytest.raises(ModelError, match=r"^The kernel is of another version .* `python -m sedsql.native.build`"):
        sedsql.classify_batch(awkward, model="lite-2", engine="native")
    monkeypatch.setattr(kernel_session, "_loaded", {})
    assert session_of("shape-2").engine == "onnx"
    assert sedsql.classify_batch(awkward).equals(expected)


def test_the_examples_of_the_docstring_answer():
    with duckdb.connect() as con:
        batch = con.sql(f"SELECT {', '.join(f'{10 + k} AS {name}' for k, name in enumerate(COLUMNS))}")
        assert sedsql.classify_batch(batch).num_rows == 1


def test_nodes_of_several_probabilities_at_once(awkward):
    functions = ["sed_node(0.5)", "sed_branch(0.9)", "sed_node(0.9)"]
    alone = [sedsql.classify_batch(awkward, function).column(0) for function in functions]
    assert list(map(pa.Array.equals, sedsql.classify_batch(awkward, functions).columns, alone)) == [True] * 3
