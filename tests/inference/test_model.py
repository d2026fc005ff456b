import hashlib
import json
import re
import secrets
import shutil
from dataclasses import replace

import duckdb
import onnx
import pytest

import sedsql
from sedsql import native
from sedsql.inference.card import Card
from sedsql.inference.model import DEFAULT_MODEL, Model, ModelError, find_models
from sedsql.inference.session import Session
from sedsql.photometry.bands import COLUMNS


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
    metrics = model.card.metrics
    for rows in ("all", "6_bands_or_more"):
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


REFUSED = [
    ({"min_bands": None}, r"lacks 'min_bands' \(int\)"),
    ({"bands": "all"}, r"lacks 'bands' \(list\)"),
    (
        {"extra": ["parallax", "teff"]},
        "names no further input with 'teff' in 'extra'; they are parallax, parallax_error",
    ),
    ({"extra": ["parallax"]}, "needs parallax, parallax_error, or parallax, parallax_error, ra, dec, or nothing"),
    ({"extra": ["ra", "dec"]}, "or nothing in 'extra', in this order"),
    ({"bands": ["j_m", "j_m"]}, "names a band twice"),
    ({"classes": ["yso"]}, "needs two classes or more"),
    ({"parents": {"yso": "young", "young": "yso"}}, r"has a circle in 'parents', at '(yso|young)'"),
    ({"conformal": {"levels": [0.9, 0.5], "thresholds": {}}}, "needs levels between 0 and 1, increasing"),
    ({"conformal": {"levels": [0.9], "thresholds": {"yso": [0.1]}}}, "needs a threshold for each class and level"),
    ({"outlier": {"quantiles": [0, 1]}}, "needs 101 increasing distances"),
    ({"bands": ["Gmag"]}, "names no band with 'Gmag' in 'bands'; they are phot_g_mean_mag"),
    ({"conformal": "none"}, "needs an object in 'conformal', not \"none\""),
    ({"parents": ["yso"]}, r"needs an object in 'parents', not \["),
    ({"outputs": ["p"]}, "needs an object in 'outputs'"),
    ({"extra": "parallax"}, "needs a list in 'extra', not \"parallax\""),
    ({"missing": "-99"}, "needs a number in 'missing', not \"-99\""),
    ({"classes": [0, 1, 2]}, r"needs names in quotes in 'classes', not \[0, 1, 2\]"),
    ({"min_bands": True}, r"lacks 'min_bands' \(int\)"),
    ({"min_bands": -1}, "needs a whole number from 0 on in 'min_bands', not -1"),
    ({"bands": []}, "needs a band or more in 'bands'"),
    ({"bands": [["j_m"]]}, "needs names in quotes in 'bands'"),
    ({"classes": [f"c{k}" for k in range(1025)]}, "has 1,025 classes in 'classes'; there may be 1,024"),
    ({"classes": ["a", "b\x1b[31m"]}, "needs names in quotes in 'classes'"),
    ({"name": "n" * 128}, "needs a name of at most 127 bytes in 'name'"),
    ({"parents": {"yso": ["young"]}}, "needs an object of names in 'parents'"),
    ({"parents": {"yso": "source"}}, "names the root, 'source', in 'parents'"),
    ({"parents": {"yso": "0", **{str(k): str(k + 1) for k in range(15)}}}, "more than 15 levels in 'parents'"),
    ({"parents": {**{str(k): str(k + 1) for k in range(9_999)}, "9999": "0"}}, "more than 15 levels in 'parents'"),
    ({"conformal": {}}, "lacks 'conformal', 'levels', which 'conformal' needs"),
    ({"conformal": {"levels": ["0.9"]}}, "needs a list of numbers in 'conformal', 'levels'"),
    ({"conformal": {"levels": [0.9], "thresholds": [0.1]}}, "needs an object of lists of numbers in 'conformal'"),
    ({"conformal": {"levels": [0.9], "thresholds": {"yso": 3}}}, "in 'conformal', 'thresholds', not"),
    ({"outlier": {"typical_seds": 3}}, "lacks 'outlier', 'quantiles'"),
    ({"outlier": {"quantiles": [True] * 101}}, "needs a list of numbers in 'outlier', 'quantiles'"),
    ({"outlier": {"quantiles": {"0": 1}}}, "needs a list of numbers in 'outlier', 'quantiles'"),
    ({"missing": True}, "needs a number in 'missing', not true"),
    ({"missing": 1e300}, r"needs a number in 'missing', not 1e\+300"),
    ({"inputs": {"Jmag": "j_m"}}, "names no column of the model with 'Jmag' in 'inputs'"),
    ({"inputs": {"j_m": "x", "h_m": "x"}}, "names an input of the graph for two columns in 'inputs'"),
    ({"inputs": {"j_m": 1}}, "needs an object of names in 'inputs'"),
    ({"outputs": {"probabilities": ["p"]}}, "needs an object of names in 'outputs'"),
    ({"input": ["X"]}, "needs text in 'input'"),
    ({"algorithm": {"recipe": ["sky"]}}, "needs text in 'algorithm', 'recipe'"),
    ({"algorithm": {"temperature": 0}}, "needs a number above 0 in 'algorithm', 'temperature'"),
    ({"training": {"files": ["a"]}}, "needs an object of texts in 'training', 'files'"),
    ({"metrics": {"all": [1]}}, r"needs an object in 'metrics', 'all', not \[1\]"),
    ({"metrics": {"all": {"macro_f1": "0.9"}}}, "needs a number in 'metrics', 'all', 'macro_f1'"),
    ({"prior": {"table": "../../prior.csv"}}, "needs the name of a file in the model's folder in 'prior', 'table'"),
    ({"prior": {"table": "prior.csv"}}, "lacks 'prior', 'strength', which 'prior' needs"),
    ({"prior": {"class_shares": {"yso": 0}}}, "needs an object of numbers above 0 in 'prior', 'class_shares'"),
    ({"prior": {"first_tree": 1.5}}, "needs a whole number from 0 on in 'prior', 'first_tree'"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_a_card_that_lacks_something_says_what(copy, change, message):
    rewrite(copy, **change)
    with pytest.raises(ModelError, match=message):
        Model.read(copy)


def refused_by_the_extension(folder):
    """What the C extension says of a model's card; None where it takes it."""
    with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
        con.execute(f"LOAD '{native.path()}'")
        try:
            con.execute("SELECT sed_models(?, 'copy-1', [?])", [secrets.token_hex(), str(folder)])
        except duckdb.Error as error:
            return str(error)
    return None


@pytest.mark.skipif(not native.path(), reason="no C extension")
@pytest.mark.parametrize("change", [change for change, _ in REFUSED])
def test_the_c_extension_refuses_the_same_cards(copy, change):
    rewrite(copy, name="copy-1")
    assert refused_by_the_extension(copy) is None
    rewrite(copy, **change)
    assert re.search(r"has a (card|name)", str(refused_by_the_extension(copy)))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_card_is_written_as_it_was_read(name, copy):
    written = (find_models()[name].folder / "card.json").read_bytes()
    card = Card.parsed(written)
    assert card.as_object() == json.loads(written)
    replace(card, name="copy-1").write(copy)
    assert Card.parsed((copy / "card.json").read_bytes()) == replace(card, name="copy-1")
    if native.path():
        assert refused_by_the_extension(copy) is None


def test_a_card_that_would_be_refused_is_not_written(copy):
    card = find_models()[DEFAULT_MODEL].card
    before = (copy / "card.json").read_bytes()
    with pytest.raises(ValueError, match="The card of model shape-2 names a band twice in 'bands'"):
        replace(card, bands=("j_m", "j_m")).write(copy)
    assert (copy / "card.json").read_bytes() == before


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{", "is not JSON"),
        ("\xff", "is not JSON"),
        ("[]", "is not a JSON object"),
        ("[" * 100_000, "has lists and objects more than 64 deep"),
        ('{"a": ' + "[" * 64 + "]" * 64 + "}", "has lists and objects more than 64 deep"),
        ('{"name": "a", "name": "b"}', "has the key 'name' twice"),
        ('{"a": {"yso": 1, "yso": 2}}', "has the key 'yso' twice"),
        ('{"missing": NaN}', "has NaN, which is no number"),
        ('{"missing": -Infinity}', "has -Infinity, which is no number"),
        ('{"missing": 1e999}', "has the number 1e999, which is too large"),
        ('{"missing": ' + "9" * 5_000 + "}", "has a number of 5,000 digits"),
        (r'{"name": "\ud800"}', "has a text with half a character"),
        (r'{"a\u0000b": 1}', "has a text with half a character, or the character 0"),
        ('{"name": "' + "a" * (4 << 20) + '"}', "has more than 4 MB"),
    ],
)
def test_a_card_that_is_no_json_is_refused_by_both_readers(copy, written, message):
    (copy / "card.json").write_bytes(written.encode("latin-1"))
    with pytest.raises(ModelError, match=f"The card .*card.json {message}"):
        find_models([copy])
    with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
        con.execute(f"LOAD '{native.path()}'")
        with pytest.raises(
            duckdb.Error, match=r"card\.json is no file of a reasonable size|has a card that is not JSON"
        ):
            con.execute("SELECT sed_models(?, 'copy-1', [?])", [secrets.token_hex(), str(copy)])


def test_a_card_that_cannot_be_read(copy):
    (copy / "card.json").unlink()
    (copy / "card.json").mkdir()
    with pytest.raises(ModelError, match=r"The card .*card\.json cannot be read: .* is no file"):
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
