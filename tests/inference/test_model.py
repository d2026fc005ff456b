import hashlib
import json
import shutil

import duckdb
import onnx
import pytest

import sedsql
from sedsql.bands import COLUMNS
from sedsql.inference.model import DEFAULT_MODEL, Model, ModelError, find_models
from sedsql.inference.session import Session


@pytest.fixture
def copy(tmp_path):
    """A copy of the shipped model, to be spoilt."""
    return shutil.copytree(find_models()[DEFAULT_MODEL].folder, tmp_path / "copy-1")


def rewrite(folder, **changes):
    card = json.loads((folder / "card.json").read_text()) | changes
    (folder / "card.json").write_text(json.dumps({k: v for k, v in card.items() if v is not None}))


SHIPPED = ["lite-2", "luminosity-2", "shape-2", "sky-1"]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_is_what_its_card_says(name):
    model = find_models()[name]
    assert hashlib.sha256((model.folder / "model.onnx").read_bytes()).hexdigest() == model.sha256
    assert (model.folder / "model.onnx").stat().st_size < 5_000_000
    assert model.bands == COLUMNS
    metrics = model.card["metrics"]
    for rows in ("all", "8_bands_or_more"):
        assert metrics[rows]["per_class"].keys() == set(model.classes)
        assert metrics[rows]["macro_f1"] > metrics["baselines"]["colour cuts"][rows]


def test_a_changed_file_is_refused_with_both_hashes(copy):
    graph = bytearray((copy / "model.onnx").read_bytes())
    graph[len(graph) // 2] ^= 1
    (copy / "model.onnx").write_bytes(graph)
    expected = find_models()[DEFAULT_MODEL].sha256
    with pytest.raises(ModelError, match=f"was changed: .*{hashlib.sha256(graph).hexdigest()}.*{expected}"):
        Session(Model.read(copy))


def test_a_changed_file_stops_a_query_not_the_connection(copy):
    rewrite(copy, name="copy-1")
    (copy / "model.onnx").write_bytes(b"something else")
    with duckdb.connect() as con:
        sedsql.register(con, models=[copy])
        call = "sed_class(1, 1, 1, 1, 1, 1, 1, 1, 1, 1{})"
        with pytest.raises(duckdb.Error, match="copy-1 was changed"):
            con.execute(f"SELECT {call.format(', ' + repr('copy-1'))}")
        assert con.execute(f"SELECT {call.format('')} IS NOT NULL").fetchone() == (True,)
        with pytest.raises(ModelError, match="was changed"):
            sedsql.register(con, models=[copy], default="copy-1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_bands": None}, r"lacks 'min_bands' \(a whole number\)"),
        ({"bands": "all"}, "needs a list in 'bands', not \"all\""),
        ({"extra": ["parallax", "teff"]}, "names no further input with 'teff'; they are parallax, parallax_error"),
        ({"extra": ["parallax"]}, "needs parallax, parallax_error, or parallax, parallax_error, ra, dec, or nothing"),
        ({"extra": ["ra", "dec"]}, "or nothing in 'extra', in this order"),
        ({"bands": ["j_m", "j_m"]}, "names a band twice"),
        ({"classes": ["yso"]}, "needs two classes or more"),
        ({"parents": {"yso": "young", "young": "yso"}}, r"has a circle in 'parents', at '(yso|young)'"),
        ({"conformal": {"levels": [0.9, 0.5], "thresholds": {}}}, "needs levels between 0 and 1, increasing"),
        ({"conformal": {"levels": [0.9], "thresholds": {"yso": [0.1]}}}, "needs a threshold for each class and level"),
        ({"outlier": {"quantiles": [0, 1]}}, "needs 101 increasing distances"),
        ({"bands": ["Gmag"]}, "names no band with 'Gmag'; they are phot_g_mean_mag"),
        ({"conformal": "none"}, "needs an object in 'conformal', not \"none\""),
        ({"parents": ["yso"]}, r"needs an object in 'parents', not \["),
        ({"outputs": ["p"]}, "needs an object in 'outputs'"),
        ({"extra": "parallax"}, "needs a list in 'extra', not \"parallax\""),
        ({"missing": "-99"}, "needs a number in 'missing', not \"-99\""),
        ({"classes": [0, 1, 2]}, "needs names in 'classes', in quotes"),
    ],
)
def test_a_card_that_lacks_something_says_what(copy, change, message):
    rewrite(copy, **change)
    with pytest.raises(ModelError, match=message):
        Model.read(copy)


def test_a_card_that_is_no_json(copy):
    (copy / "card.json").write_text("{")
    with pytest.raises(ModelError, match="is not JSON"):
        find_models([copy])


def test_a_folder_without_models(tmp_path):
    with pytest.raises(ModelError, match=r"No model in .*: neither it nor a folder in it has a card\.json"):
        find_models([tmp_path])
    with pytest.raises(ModelError, match="No folder"):
        find_models([tmp_path / "nowhere"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"classes": ["a", "b"], "parents": {}, "conformal": None},
            r"should have the output probabilities tensor\(float\) \[n, 2\], but has label",
        ),
        ({"bands": ["j_m", "h_m"]}, r"should have the input magnitudes tensor\(float\) \[n, 2\], but has magnitudes"),
    ],
)
def test_a_graph_that_is_not_what_the_card_says(copy, change, message):
    rewrite(copy, **change)
    with pytest.raises(ModelError, match=message):
        Session(Model.read(copy))


def test_a_graph_that_is_no_onnx(copy):
    (copy / "model.onnx").write_bytes(b"no graph")
    rewrite(copy, sha256=hashlib.sha256(b"no graph").hexdigest())
    with pytest.raises(ModelError, match="ONNX Runtime cannot load model"):
        Session(Model.read(copy))


def test_a_folder_of_models_adds_to_the_shipped_ones(copy):
    rewrite(copy, name="copy-1")
    assert list(find_models([copy.parent])) == [*SHIPPED, "copy-1"]
    assert list(find_models([copy])) == [*SHIPPED, "copy-1"]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_graph_is_valid_and_names_its_classes(name):
    model = find_models()[name]
    graph = onnx.load(model.folder / "model.onnx")
    onnx.checker.check_model(graph, full_check=True)
    assert [tensor.name for tensor in graph.graph.input] == ["magnitudes"]
    assert {tensor.name for tensor in graph.graph.output} == {"label", "probabilities", "class_index", "distance"}
    strings = [list(t.string_data) for t in graph.graph.initializer if t.data_type == onnx.TensorProto.STRING]
    assert [[s.decode() for s in some] for some in strings] == [list(model.classes)]
