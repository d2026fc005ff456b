"""DataFrames and datasets get from a model what a batch gets, with the other columns and the index as they were."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import sedsql
from sedsql.inference.batch_columns import ColumnError
from sedsql.inference.classify_batch import PIECE
from sedsql.photometry.bands import COLUMNS

FUNCTIONS = {"what": "sed_class", "p": "sed_proba('yso')", "set": "sed_set(0.9)", "all": "sed_predict"}


@pytest.fixture(scope="module")
def table():
    """More rows than a piece, with a column that no function takes."""
    rng = np.random.default_rng(3)
    rows = PIECE + 1000
    X = (rng.uniform(3, 20, (rows, 1)) + rng.normal(0, 1.5, (rows, 10))).astype(np.float32)
    missing = rng.random(X.shape) < rng.choice([0, 0.15, 0.85], rows)[:, None]
    columns = {name: pa.array(X[:, k], mask=missing[:, k]) for k, name in enumerate(COLUMNS)}
    return pa.table({"id": np.arange(rows)[::-1], **columns})


@pytest.fixture(scope="module")
def expected(table):
    return sedsql.classify_batch(table, FUNCTIONS)


def batch(answers):
    """The columns of FUNCTIONS as a batch."""
    columns = (answers[name] for name in FUNCTIONS)
    return pa.RecordBatch.from_arrays(
        [one.combine_chunks() if isinstance(one, pa.ChunkedArray) else one for one in columns], names=[*FUNCTIONS]
    )


def test_pandas_keeps_index_and_columns(table, expected):
    frame = table.to_pandas().assign(any=object()).set_index("id")
    found = sedsql.pandas.with_functions(frame, FUNCTIONS)
    assert found.index.equals(frame.index)
    assert list(found.columns) == [*frame.columns, *FUNCTIONS]
    assert list(frame.columns) == [*COLUMNS, "any"]
    assert batch({name: found[name].array.__arrow_array__() for name in FUNCTIONS}).equals(expected)
    assert found["what"].isna().sum() == expected["what"].null_count > 0


def test_a_frame_of_pandas_in_pieces(table, expected):
    pieces = [
        table.slice(0, 10).to_pandas(types_mapper=pd.ArrowDtype),
        table.slice(10).to_pandas(types_mapper=pd.ArrowDtype),
    ]
    found = sedsql.pandas.with_functions(pd.concat(pieces), FUNCTIONS)
    assert batch({name: found[name].array.__arrow_array__() for name in FUNCTIONS}).equals(expected)


def test_a_frame_of_pandas_with_other_names(table, expected):
    frame = table.rename_columns([name.upper() for name in table.column_names]).to_pandas()
    found = sedsql.pandas.with_functions(frame, "sed_class", columns={name: name.upper() for name in COLUMNS})
    assert pa.array(found["sed_class"]).equals(expected["what"])


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_polars_answers_lazily(table, expected, engine):
    lazy = sedsql.polars.with_functions(pl.from_arrow(table).lazy(), FUNCTIONS)
    schema = lazy.collect_schema()
    found = lazy.collect(engine=engine)
    assert found.schema == schema
    assert batch(found.to_arrow().cast(pa.schema([*table.schema, *expected.schema]))).equals(expected)


def test_an_expression_of_polars_is_asked_of_the_rows_that_are_left(table, expected):
    p = expected["p"].to_numpy(zero_copy_only=False)
    usual = float(np.nanmedian(p))
    young = sedsql.polars.expression({"p": "sed_proba('yso')"}).struct.field("p") > usual
    found = pl.from_arrow(table).lazy().filter(pl.col("j_m") < 10).filter(young).collect()
    wanted = (p > usual) & (table["j_m"].to_numpy() < 10)
    assert 10 < len(found) == wanted.sum()


def test_a_mistake_in_polars_is_told_before_a_row_is_read(table):
    with pytest.raises(sedsql.Error, match="There is no function 'sed_clas'"):
        sedsql.polars.expression("sed_clas")
    with pytest.raises(ColumnError, match=r"The batch has no column phot_bp_mean_mag.* shape-2 needs 3"):
        sedsql.polars.with_functions(pl.from_arrow(table.select(["phot_g_mean_mag", "j_m"])))


def test_a_dataset_passes_through_in_order(table, expected, tmp_path):
    for k in range(4):
        part = table.slice(k * len(table) // 4, (k + 1) * len(table) // 4 - k * len(table) // 4)
        pq.write_table(part, tmp_path / f"{k}.parquet", row_group_size=5000)
    reader = sedsql.arrow.with_functions(ds.dataset(tmp_path), FUNCTIONS)
    found = reader.read_all()
    assert found.select(table.column_names).equals(table)
    assert batch(found).equals(expected)
    few = ds.dataset(tmp_path).scanner(columns=list(COLUMNS), filter=ds.field("id") < 100)
    assert (
        sedsql.arrow.with_functions(few, "sed_class")
        .read_all()["sed_class"]
        .combine_chunks()
        .equals(expected["what"].slice(len(table) - 100))
    )


def test_what_is_wrong_with_a_dataset_is_told_at_once(table):
    with pytest.raises(ColumnError, match="The batch has no column"):
        sedsql.arrow.with_functions(table.select(["id"]))


def test_what_goes_wrong_in_a_batch_is_told_to_the_reader(table):
    def batches():
        yield table.to_batches()[0]
        raise OSError("the disk is gone")

    reader = sedsql.arrow.with_functions(pa.RecordBatchReader.from_batches(table.schema, batches()))
    with pytest.raises(OSError, match="the disk is gone"):
        reader.read_all()


def test_pandas_columns_are_arrows(table):
    found = sedsql.pandas.with_functions(table.slice(0, 5).to_pandas(), FUNCTIONS)
    assert found["p"].dtype == pd.ArrowDtype(pa.float64())
    assert found["set"].dtype == pd.ArrowDtype(pa.list_(pa.string()))


def test_a_package_that_is_missing_is_named(tmp_path):
    (tmp_path / "polars.py").write_text("raise ModuleNotFoundError('gone', name='polars')")
    text = "import sedsql\ntry: sedsql.polars\nexcept ImportError as error: print(error)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    ran = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, env=environment, check=True)
    assert ran.stdout == "sedsql.polars needs the package polars, which is not installed here.\n"
