"""A file of bounds that is not right is told, or counts for nothing."""

import shutil

import pytest

from sedsql.adql.tree.model_function import Comparison
from sedsql.inference.model import ModelError, find_models
from sedsql.inference.necessary_conditions import Bounds, Row
from sedsql.photometry.bands import COLUMNS

ROW = Row.of([f"s.{column}" for column in COLUMNS])
YSO = Comparison("=", "yso")
MODELS = find_models()
ONNX = dict.fromkeys(MODELS, "onnx")


@pytest.mark.parametrize("spoiled", ["of another graph", "gone"])
def test_bounds_of_another_graph_count_for_nothing(tmp_path, spoiled):
    folder = tmp_path / "lite-2"
    shutil.copytree(MODELS["lite-2"].folder, folder)
    bounds = Bounds(find_models([tmp_path]), "lite-2", ONNX)
    assert bounds.models["lite-2"].folder == folder
    file = folder / "bounds.json"
    if spoiled == "gone":
        file.unlink()
    else:
        file.write_text(file.read_text().replace('"sha256":"', '"sha256":"0'))
    assert bounds.condition(YSO, None, "lite-2", ROW) is None
    assert Bounds(MODELS, "lite-2", ONNX).condition(YSO, None, "lite-2", ROW)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text[:-9], "is not JSON"),
        (lambda text: "[" * 10_000, "has lists and objects more than 300 deep"),
        (lambda text: "[]", "is not a JSON object"),
        (lambda text: text.replace('"sha256":"', '"sha256":3,"s":"'), r"lacks 'sha256' \(str\)"),
        (lambda text: text.replace('"nodes":', '"nodes":0,"n":'), "needs a number above 0 in 'nodes', not 0"),
        (lambda text: text.replace('"parts":', '"parts":{},"p":'), r"needs a list of objects in 'parts', not \{\}"),
        (lambda text: text.replace('"phot_g_mean_mag"', '"Gmag"', 1), r"needs bands of the model in 'parts', 'bands'"),
        (lambda text: text.replace('"share":', '"share":0,"s":', 1), "needs a number from 0 to 1 in 'parts', 'share'"),
        (lambda text: text.replace('"tree":[[1,2,', '"tree":[[1,true,', 1), "needs a cut and two branches in 'parts'"),
        (lambda text: text.replace('"tree":[[1,2,', '"tree":[[1,3,', 1), "needs a cut and two branches in 'parts'"),
        (
            lambda text: text.replace('"tree":', '"tree":[0.1,"0 OR true"],"t":', 1),
            "needs a share and 11 log-odds in a box",
        ),
        (lambda text: text.replace('"nodes":', '"nodes":NaN,"n":'), "has NaN"),
    ],
)
def test_bounds_that_are_damaged_are_told(tmp_path, spoil, message):
    folder = tmp_path / "lite-2"
    shutil.copytree(MODELS["lite-2"].folder, folder)
    file = folder / "bounds.json"
    spoiled = spoil(file.read_text())
    assert spoiled != file.read_text()
    file.write_text(spoiled)
    for engine in ("native", "onnx"):
        bounds = Bounds(find_models([tmp_path]), "lite-2", dict.fromkeys(MODELS, engine))
        with pytest.raises(ModelError, match=f"The bounds .*bounds.json {message}"):
            bounds.condition(YSO, None, "lite-2", ROW)
