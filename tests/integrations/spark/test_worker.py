"""What a worker of Spark computes is what DuckDB's functions give, for every number of arguments; needs no Spark."""

import contextlib
from decimal import Decimal

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import sedsql
from benchmarks.agreement import awkward
from sedsql.errors import Error
from sedsql.inference.batch_columns import ColumnError
from sedsql.inference.batch_functions import CallError
from sedsql.inference.card import EXTRA
from sedsql.inference.macros import ERROR_COLUMNS
from sedsql.inference.model import find_model, find_models
from sedsql.inference.usage import usage
from sedsql.integrations.spark.worker import TYPES, WorkerError, compute, forms
from sedsql.photometry.bands import COLUMNS

KNOWN = {name: (model.digest, None) for name, model in find_models().items()}
OWN = {"sed_proba": "'yso'", "sed_node": "0.6", "sed_branch": "0.6", "sed_set": "0.8"}
QUERIED = [name for name in TYPES if not name.endswith("_of")]


@pytest.fixture(scope="module")
def rows():
    """A hundred awkward rows with errors of their magnitudes, and no source of which ONNX would say more."""
    found = awkward(find_model("sky-1"), 100)
    rng = np.random.default_rng(3)
    columns = {name: found[:, k] for k, name in enumerate((*COLUMNS, *EXTRA))}
    columns |= {name: rng.uniform(0.01, 0.3, len(found)).astype(np.float32) for name in ERROR_COLUMNS}
    return pa.table(
        {name: pa.array(column, from_pandas=k % 2 == 0) for k, (name, column) in enumerate(columns.items())}
    )


@pytest.fixture(scope="module")
def con():
    with sedsql.connect() as connection:
        yield connection.duckdb


def in_duckdb(con, rows, written, of):
    """What DuckDB gives for an expression of each row `s`, of the type that Spark is told."""
    return con.sql(f"SELECT {written} AS a FROM rows AS s").to_arrow_table()["a"].combine_chunks().cast(of)


def constant(value, rows):
    return pa.repeat(pa.scalar(value), len(rows))


def columns_of(rows, names):
    return [rows[name].combine_chunks() for name in names]


@pytest.mark.parametrize("name", QUERIED)
def test_each_form_of_a_function_gives_what_duckdb_gives(con, rows, name):
    rows = rows.slice(0, 12) if name == "sed_explain" else rows
    bands = (*COLUMNS, *ERROR_COLUMNS) if name == "sed_predict_errors" else COLUMNS
    own = OWN.get(name)
    value = own and (own[1:-1] if own.startswith("'") else Decimal(own))
    for more, model in (((), None), ((), "lite-2"), (EXTRA[:2], "luminosity-2"), (EXTRA, "sky-1")):
        written = ["s", *(f"s.{column}" for column in more), *([own] if own else []), f"'{model or 'shape-2'}'"]
        expected = in_duckdb(con, rows, f"{name}({', '.join(written)})", TYPES[name])
        after = [*columns_of(rows, more), *([constant(value, rows)] if own else [])]
        after += [constant(model, rows)] if model else []
        struct = rows.rename_columns([column.upper() for column in rows.column_names]).to_struct_array()
        for row in (columns_of(rows, bands), [struct.combine_chunks()]):
            found = compute(name, "shape-2", KNOWN, *row, *after)
            assert found.type == TYPES[name]
            if name == "sed_explain":
                values = [
                    [part["contribution"] for parts in column.to_pylist() for part in parts or []]
                    for column in (found, expected)
                ]
                assert values[0] == pytest.approx(values[1], abs=1e-6)
            else:
                assert found.equals(expected)


@pytest.mark.parametrize("name", ["sed_class", "sed_proba", "sed_predict_errors"])
def test_other_numbers_of_arguments_are_refused_as_duckdb_refuses_them(con, name):
    refused = 0
    for number in range(max(forms(name)) + 2):
        try:
            con.sql(f"SELECT {name}({', '.join(['NULL'] * number)})").fetchall()
            said = ""
        except duckdb.Error as error:
            said = str(error)
        if usage(name, number) in said:
            with pytest.raises(CallError) as found:
                compute(name, "shape-2", KNOWN, *[constant(None, [0])] * number)
            assert str(found.value) == usage(name, number, "struct(s.*)") + "."
            refused += 1
        elif number:
            with contextlib.suppress(ColumnError):  # of a row that is NULL
                compute(name, "shape-2", KNOWN, *[constant(None, [0])] * number)
    assert refused > 8


@pytest.mark.parametrize(
    "kind", [pa.int16(), pa.int64(), pa.float64(), pa.float16(), pa.decimal128(20, 7), pa.decimal128(38, 30), pa.null()]
)
def test_numbers_of_any_type_are_those_of_duckdb(con, kind):
    rng = np.random.default_rng(2)
    numbers = rng.uniform(4, 20, (200, 10)).round(7)
    if pa.types.is_float64(kind):
        numbers[rng.random(numbers.shape) < 0.2] = rng.choice([1e300, -1e300, np.inf, np.nan, 3.4028235677973366e38])
    columns = [
        pa.array([None if pa.types.is_null(kind) else Decimal(str(one)) for one in column], kind)
        if pa.types.is_decimal(kind) or pa.types.is_null(kind)
        else pa.array(column.astype(np.int64) if pa.types.is_integer(kind) else column).cast(kind, safe=False)
        for column in numbers.T
    ]
    rows = pa.table(dict(zip(COLUMNS, columns, strict=True)))
    if pa.types.is_float16(kind) or pa.types.is_null(kind):  # DuckDB has no such columns
        rows = rows.cast(pa.schema([(column, pa.float32()) for column in COLUMNS]))
    assert compute("sed_answer", "shape-2", KNOWN, *columns).equals(
        in_duckdb(con, rows, "sed_answer(s, NULL)", TYPES["sed_answer"])
    )


def test_what_is_no_number_is_refused(rows):
    columns = columns_of(rows, COLUMNS)
    with pytest.raises(Error, match=r"^Column j_m is string; a model takes numbers\.$"):
        compute("sed_class", "shape-2", KNOWN, *columns[:3], constant("12.5", rows), *columns[4:])
    with pytest.raises(Error, match=r"^sed_class takes a row as a struct, such as struct\(s\.\*\), not float\.$"):
        compute("sed_class", "shape-2", KNOWN, columns[0])
    with pytest.raises(Error, match=r"has no j_m, h_m, ks_m, w1mpro, w2mpro, w3mpro, w4mpro; it has phot_g_mean_mag"):
        compute("sed_class", "shape-2", KNOWN, rows.select(COLUMNS[:3]).to_struct_array().combine_chunks())
    with pytest.raises(Error, match=r"^sed_node takes a probability as a number, not 'half'\.$"):
        compute("sed_node", "shape-2", KNOWN, *columns, constant("half", rows))


def test_arguments_and_models_may_change_from_row_to_row(con, rows):
    labels = ["yso", None, "agn", "giant"] * 25
    models = [None, "lite-2", "luminosity-2"] * 33 + [None]
    of_rows = rows.append_column("label", pa.array(labels)).append_column("model", pa.array(models))
    columns = columns_of(of_rows, [*COLUMNS, "label", "model"])
    expected = in_duckdb(con, of_rows, "sed_proba(s, s.label, s.model)", pa.float64())
    assert compute("sed_proba", "shape-2", KNOWN, *columns).equals(expected)
    assert expected.null_count > 25


def test_functions_of_probabilities_are_those_of_duckdb(con, rows):
    answer = compute("sed_answer", "shape-2", KNOWN, *columns_of(rows, COLUMNS))
    with_answer = rows.append_column("p", answer.field("probabilities"))
    for name in ("sed_node_of", "sed_branch_of", "sed_set_of"):
        found = compute(
            name, "shape-2", KNOWN, answer.field("probabilities"), constant(0.7, rows), constant(None, rows)
        )
        assert found.equals(in_duckdb(con, with_answer, f"{name}(s.p, 0.7, NULL)", TYPES[name]))


@pytest.mark.parametrize("name", QUERIED)
def test_no_rows_and_rows_that_are_null_as_a_whole(rows, name):
    own = [constant(0.7, [])] if OWN.get(name, "'")[0] != "'" else [constant("yso", [])] if name in OWN else []
    bands = (*COLUMNS, *ERROR_COLUMNS) if name == "sed_predict_errors" else COLUMNS
    assert len(compute(name, "shape-2", KNOWN, *columns_of(rows.slice(0, 0), bands), *own)) == 0
    if name == "sed_class":
        row = rows.to_struct_array().combine_chunks()
        empty = pa.array([None] * len(rows), row.type)
        assert compute(name, "shape-2", KNOWN, empty).null_count == len(rows)


def test_a_model_that_is_not_the_driver_s_is_refused(rows):
    columns = columns_of(rows, COLUMNS)
    with pytest.raises(
        WorkerError, match=r"^Model shape-2 on the worker .* is not the driver's, for .* the same sedsql"
    ):
        compute("sed_class", "shape-2", {**KNOWN, "shape-2": ("0" * 64, None)}, *columns)
    with pytest.raises(Error, match=r"^No model 'none-1'; there are lite-2, luminosity-2, shape-2, sky-1\.$"):
        compute("sed_class", "shape-2", KNOWN, *columns, constant("none-1", rows))
