"""Test that a newly trained model gets bounds, and that they hold."""

import json
import shutil
from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa

from sedsql.adql.tree.model_function import Comparison
from sedsql.inference.necessary_conditions import Bounds, Row
from sedsql.inference.session import Session
from sedsql.learn import class_bounds
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate

INPUTS = (*COLUMNS, "parallax", "parallax_error")


def test_a_model_that_takes_more_than_magnitudes_has_no_boxes(luminous, tmp_path):
    trained, _ = luminous
    shutil.copytree(trained.folder, tmp_path / "m")
    model = replace(trained, folder=tmp_path / "m")
    class_bounds.write_bounds(model)
    written = json.loads((model.folder / "bounds.json").read_text())
    assert (written["sha256"], written["parts"]) == (model.sha256, [])
    assert written["nodes"] > len(model.classes)


def test_a_trained_model_has_bounds_that_hold(built, tmp_path, monkeypatch):
    trained, _ = built
    shutil.copytree(trained.folder, tmp_path / "m")
    model = replace(trained, folder=tmp_path / "m")
    monkeypatch.setattr(class_bounds, "CUTS", (12, 8, 8))
    class_bounds.write_bounds(model)
    written = json.loads((model.folder / "bounds.json").read_text())
    assert written["sha256"] == model.sha256
    assert len(written["parts"]) == 3

    rng = np.random.default_rng(4)
    samples = [simulate(kind, 1200, rng) for kind in model.classes]
    rows = np.concatenate([sample.magnitudes for sample in samples])
    parallax = np.concatenate([1000 / sample.distance_pc for sample in samples])
    parallax[rng.random(len(parallax)) < 0.3] = np.nan
    rows = np.column_stack([rows, parallax, np.full(len(rows), 0.1)]).astype(np.float32)
    place = Session(model).predict(rows).class_index
    with duckdb.connect() as con:
        columns = {name: pa.array(rows[:, i], from_pandas=True) for i, name in enumerate(INPUTS)}
        con.register("t", pa.table({"id": np.arange(len(rows)), **columns}))
        known = Bounds({model.name: model}, model.name, {model.name: "onnx"})
        excluded = 0
        for k, label in enumerate(model.classes):
            names = [f"t.{name}" for name in INPUTS]
            condition = known.condition(Comparison("=", label), None, model.name, Row.of(names)) or "true"
            kept = np.isin(np.arange(len(rows)), con.execute(f"SELECT id FROM t WHERE {condition}").fetchnumpy()["id"])
            assert kept[place == k].all(), label
            excluded += (~kept).sum()
        assert excluded > len(rows) / 10
