"""The shipped models on every row of the real catalogue, where it is there: SQL answers what ONNX Runtime does."""

import hashlib

import duckdb
import numpy as np
import onnxruntime
import pytest

import sedsql
from sedsql.inference.model import find_models
from sedsql.photometry.bands import COLUMNS

ROWS = {"luminosity-2": "t, t.parallax, NULL"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lite-2", "luminosity-2", "shape-2"])
def test_sql_and_onnx_runtime_agree_on_every_row_of_the_catalogue(shared, name):
    file = shared / "catalogues" / "labelled.parquet"
    model = find_models()[name]
    row = ROWS.get(name, "t")
    with duckdb.connect() as con:
        sedsql.register(con)
        found = con.sql(
            f"SELECT sed_class({row}, '{name}') AS found, sed_proba({row}, 'yso', '{name}') AS yso, t.* "
            f"FROM '{file}' AS t"
        ).to_arrow_table()
    inputs = [found[column].to_numpy() for column in (*COLUMNS, "parallax")][: len(COLUMNS) + bool(model.extra)]
    X = np.column_stack([*inputs, *([np.full(len(found), np.nan)] * bool(model.extra))]).astype(np.float32)
    session = onnxruntime.InferenceSession(str(model.folder / "model.onnx"))
    label, p = session.run(["label", "probabilities"], {"magnitudes": X})
    enough = np.isfinite(X[:, : len(COLUMNS)]).sum(axis=1) >= model.min_bands
    assert enough.sum() > 19_000
    classes = found["found"].to_numpy(zero_copy_only=False)
    assert (classes[enough] == label[enough]).all()
    assert [value for value in classes[~enough] if value is not None] == []
    yso = found["yso"].to_numpy(zero_copy_only=False)
    assert abs(yso[enough] - p[enough, model.classes.index("yso")]).max() < 1e-5
    # scikit-learn was asked when the model was made, of the same rows: `learn.build` writes no model that differs.
    agreement = model.card.further["agreement"]
    assert agreement["labels_that_differ"] == 0
    if hashlib.sha256(file.read_bytes()).hexdigest() in model.card.training["files"].values():
        assert agreement["rows"] >= enough.sum()
