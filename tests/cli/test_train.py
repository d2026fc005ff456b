"""Test the commands train, models, evaluate and explain as a user sees them."""

import json
import re
import shutil
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from refusal import refused
from sklearn.metrics import classification_report

import sedsql as package
from sedsql.files.resources import folder
from sedsql.inference import explain
from sedsql.inference.model import DEFAULT_MODEL, Model, find_models
from sedsql.inference.session import Session
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate

KINDS = ("main_sequence", "giant", "agb_oxygen", "white_dwarf")


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Simulate sources with labels, some of them wrong, and one label that the model does not know."""
    rng = np.random.default_rng(0)
    magnitudes = np.concatenate([simulate(kind, 60, rng).magnitudes for kind in KINDS]).astype(np.float32)
    labels = np.repeat(KINDS, 60).astype(object)
    labels[::10] = "giant"
    labels[:4] = "quasar"
    columns = {name: pa.array(magnitudes[:, k], from_pandas=True) for k, name in enumerate(COLUMNS)}
    path = tmp_path_factory.mktemp("sources") / "sources.parquet"
    pq.write_table(pa.table({"class": pa.array(labels), **columns}), path)
    return path, magnitudes, labels.astype(str)


# ---- train ----


def test_train_bad_input(sedsql, tmp_path):
    def write(labels, **columns):
        values = {band: pa.array([10.0 + k % 7 for k in range(len(labels))]) for band in COLUMNS}
        pq.write_table(pa.table({"class": pa.array(labels), **values, **columns}), tmp_path / "t.parquet")

    def train(*more):
        return sedsql("train", tmp_path / "t.parquet", "--label", "class", "-o", tmp_path / "m", *more)

    write(["a"] * 50)
    assert refused(sedsql("train", tmp_path / "t.parquet", "--label", "kind", "-o", tmp_path / "m"), "'kind'", "class")
    assert refused(train(), "training needs two")
    write(["a"] * 50 + ["b"] * 3)
    assert refused(train(), "'b' has 3 usable rows")
    write(["a", "b"] * 30, h_m=pa.array([12.0] * 60))
    assert refused(train(), "h_m", "has one value, 12, in every row")
    write(["a", "b"] * 30)
    assert train("--simulated", "a=many").code == 2
    assert refused(train("--simulated", "a=100"), "'a' cannot be simulated")
    assert refused(sedsql("train", tmp_path / "no.parquet", "--label", "class", "-o", tmp_path / "m"), "no.parquet")
    assert not (tmp_path / "m").exists()
    (tmp_path / "m").mkdir()
    assert refused(train(), "exists")


# ---- models ----


def test_models_and_a_changed_model(sedsql, photometry, tmp_path):
    ran = sedsql("models", "--json")
    assert json.loads(ran.out)["shape-2"]["verified"] is True
    assert "verified" in sedsql("models").out
    shutil.copytree(folder("models") / "shape-2", tmp_path / "shape-2")
    with open(tmp_path / "shape-2" / "model.onnx", "ab") as file:
        file.write(b"x")
    for command in (
        ["models"],
        ["models", "--json"],
        ["classify", "--model", "shape-2", photometry, "-o", tmp_path / "out.csv"],
    ):
        ran = sedsql(*command, "--models", tmp_path)
        assert ran.code == 1
        assert len(set(re.findall(r"\b[0-9a-f]{64}\b", ran.err))) == 2
    assert not (tmp_path / "out.csv").exists()
    assert refused(sedsql("models", "--models", tmp_path / "no"), "No folder")
    (tmp_path / "shape-2" / "card.json").write_text("{")
    assert refused(sedsql("models", "--models", tmp_path), "card.json")


def test_models_refuses_a_graph_that_is_not_what_its_card_says(sedsql, tmp_path):
    shutil.copytree(folder("models") / "lite-2", tmp_path / "lite-2")
    card = json.loads((tmp_path / "lite-2" / "card.json").read_text())
    card |= {"name": "mine-1", "bands": card["bands"][:5]}
    (tmp_path / "lite-2" / "card.json").write_text(json.dumps(card))
    ran = sedsql("models", "--models", tmp_path)
    assert ran.code == 1
    assert "REFUSED" in ran.out
    assert "Model mine-1 should have the input magnitudes" in ran.err


def test_missing_extras_are_named(sedsql, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] in ("sklearn",) or name.startswith("sedsql.learn")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(package, "learn", package.learn, raising=False)  # the import puts another in its place
    monkeypatch.setitem(sys.modules, "sklearn", None)
    ran = sedsql("train", tmp_path / "t.parquet", "--label", "class", "-o", tmp_path / "m")
    assert refused(ran, "sklearn", "pip install 'sedsql[train]'")


# ---- evaluate ----


def test_evaluate_has_the_figures_of_scikit_learn(sedsql, sources):
    path, magnitudes, labels = sources
    ran = sedsql("evaluate", path, "--label", "class", "--json")
    found = json.loads(ran.out)
    model = find_models()[DEFAULT_MODEL]
    prediction = Session(model).predict(magnitudes)
    rows = (prediction.class_index >= 0) & (labels != "quasar")
    classes = np.array(model.classes)[prediction.class_index[rows]]
    expected = classification_report(labels[rows], classes, labels=sorted(KINDS), output_dict=True, zero_division=0)
    for name in KINDS:
        got = found["all"]["per_class"][name]
        assert got["rows"] == expected[name]["support"]
        assert got["f1"] == pytest.approx(expected[name]["f1-score"], abs=1e-4)
        assert got["recall"] == pytest.approx(expected[name]["recall"], abs=1e-4)
    assert found["all"]["macro_f1"] == pytest.approx(expected["macro avg"]["f1-score"], abs=1e-4)
    many = rows & (np.isfinite(magnitudes).sum(axis=1) >= 6)
    assert found["6_bands_or_more"]["rows"] == many.sum()
    assert "4 rows are left out: shape-2 has no class quasar" in " ".join(found["notes"])
    level = found["conformal"]["0.9"]
    thresholds = model.card.conformal
    column = thresholds.levels.index(0.9)
    inside = [
        p[model.classes.index(label)] >= thresholds.thresholds[label][column]
        for p, label in zip(prediction.probabilities[rows], labels[rows], strict=True)
    ]
    assert level["covered"] == pytest.approx(np.mean(inside), abs=1e-3)
    assert "white_dwarf" in sedsql("evaluate", path, "--label", "class").out


def test_evaluate_takes_sentinels_for_missing(sedsql, sources, tmp_path):
    path, magnitudes, _ = sources
    table, some = pq.read_table(path), np.arange(len(magnitudes)) % 3 == 0
    place = table.column_names.index("w1mpro")
    for name, value in (("empty", np.nan), ("sentinel", -999)):
        w1 = pa.array(np.where(some, value, magnitudes[:, 6]), from_pandas=True)
        pq.write_table(table.set_column(place, "w1mpro", w1), tmp_path / f"{name}.parquet")
    expected, found = (
        json.loads(sedsql("evaluate", tmp_path / f"{name}.parquet", "--label", "class", "--json").out)
        for name in ("empty", "sentinel")
    )
    del expected["table"], found["table"]
    expected["mapping"] = {"sentinel.parquet": expected["mapping"]["empty.parquet"]}
    assert found == expected


def test_evaluate_takes_a_prior_of_ones_own(sedsql, sources, tmp_path):
    path = sources[0]
    table = pq.read_table(path)
    places = {"ra": [250.0] * len(table), "dec": [-24.0] * len(table)}
    for name, values in places.items():
        table = table.append_column(name, pa.array(values))
    pq.write_table(table, tmp_path / "placed.parquet")
    (tmp_path / "giants.csv").write_text("giant,yso\n1,0\n")
    asked = ("evaluate", tmp_path / "placed.parquet", "--label", "class", "--model", "sky-1", "--json")
    found = {
        prior: json.loads(sedsql(*asked, *(["--prior", prior] if prior else [])).out)
        for prior in (None, "flat", "sky", tmp_path / "giants.csv")
    }
    assert found[None] == found["flat"]
    assert [one["prior"] for one in found.values()] == ["flat", "flat", "sky", "sky"]
    recalls = [one["all"]["per_class"]["giant"]["recall"] for one in found.values()]
    assert recalls[3] == 1
    assert recalls[3] > recalls[0]


def test_evaluate_bad_input(sedsql, sources, tmp_path):
    path = sources[0]
    assert refused(sedsql("evaluate", path, "--label", "kind"), "no column 'kind'")
    assert refused(sedsql("evaluate", path, "--label", "class", "--model", "no-1"), "No model 'no-1'")
    asked = ("evaluate", path, "--label", "class", "--prior", "sky")
    assert refused(sedsql(*asked), "shape-2 takes no position")
    assert refused(sedsql(*asked, "--model", "sky-1"), "has no position")
    assert "--cross-validate tests with a flat prior" in sedsql(*asked, "--cross-validate").err.replace("\n│ ", " ")
    table = pq.read_table(path)
    table = table.set_column(0, "class", pa.array(["quasar"] * len(table)))
    pq.write_table(table, tmp_path / "other.parquet")
    ran = sedsql("evaluate", tmp_path / "other.parquet", "--label", "class")
    assert refused(ran, "No label of the table is a class of shape-2: the table has quasar")


# ---- explain ----


def test_explain_tells_bands_and_neighbours(sedsql, sources):
    path, magnitudes, labels = sources
    arguments = ("explain", path, "--model", "shape-2", "--row", 100, "--training", path, "--json")
    found = json.loads(sedsql(*arguments).out)
    session = Session(find_models()[DEFAULT_MODEL])
    expected = explain.contributions(session, magnitudes[99:100])[0]
    assert list(found["contributions"].values()) == pytest.approx(expected[np.isfinite(expected)].tolist())
    assert found["prediction"]["class"] == session.model.classes[session.predict(magnitudes[99:100]).class_index[0]]
    first, second, *_ = found["neighbours"]
    assert first["row"] == 100
    assert first["distance"] == pytest.approx(0, abs=1e-3)
    assert second["label"] == labels[second["row"] - 1]
    there = np.isfinite(magnitudes[99])
    difference = (magnitudes[second["row"] - 1] - magnitudes[99])[there]
    if np.isfinite(difference).all():
        spread = np.sqrt(((difference - difference.mean()) ** 2).sum() / (there.sum() - 1))
        assert second["distance"] == pytest.approx(spread, abs=1e-3)
    shown = sedsql(*arguments[:-1]).out
    assert "nearest training sources" in shown
    assert "adds to the probability" in shown


def test_explain_finds_neighbours_by_the_bands_that_both_tables_have(sedsql, sources, tmp_path):
    fewer = pq.read_table(sources[0]).drop_columns(["w3mpro", "w4mpro"])
    pq.write_table(fewer, tmp_path / "fewer.parquet")
    names = [{"j_m": "J2"}.get(name, name) for name in fewer.column_names]
    pq.write_table(fewer.rename_columns(names), tmp_path / "renamed.parquet")
    none = ("--map", "w3mpro=none", "--map", "w4mpro=none", "--json")
    renamed = (tmp_path / "renamed.parquet", "--map", "j_m=J2")
    for first, training in (
        ((tmp_path / "fewer.parquet",), tmp_path / "fewer.parquet"),
        (renamed, tmp_path / "fewer.parquet"),
        (renamed, tmp_path / "renamed.parquet"),
    ):
        ran = sedsql("explain", *first, "--model", "shape-2", "--row", 100, "--training", training, *none)
        nearest = json.loads(ran.out)["neighbours"][0]
        assert (nearest["row"], nearest["distance"]) == (100, pytest.approx(0, abs=1e-3))


def test_explain_bad_input(sedsql, sources, tmp_path):
    path = sources[0]
    assert refused(
        sedsql("explain", path, "--model", "shape-2", "--row", 10_000), "has 240 rows; there is no row 10,000"
    )
    assert sedsql("explain", path, "--model", "shape-2", "--row", 0).code == 2
    table = pq.read_table(path).slice(0, 1)
    for name in COLUMNS[1:]:
        table = table.set_column(table.column_names.index(name), name, pa.nulls(1, pa.float32()))
    pq.write_table(table, tmp_path / "one.parquet")
    assert "No class: the source has" in sedsql("explain", tmp_path / "one.parquet", "--model", "shape-2").out


def test_explain_hands_parallax_and_position_to_the_model_of_the_sky(sedsql, sources, sky_model, tmp_path):
    path, magnitudes, _ = sources
    further = {"Plx": 9.0, "e_Plx": 0.1, "RA_ICRS": 83.8, "delta": -5.4}
    table = pq.read_table(path)
    for name, value in further.items():
        table = table.append_column(name, pa.array([value] * len(table)))
    pq.write_table(table, tmp_path / "in.parquet")
    arguments = ("--row", 100, "--models", sky_model, "--map", "dec=delta", "--json")
    training = ("--training", tmp_path / "in.parquet")
    found = json.loads(sedsql("explain", tmp_path / "in.parquet", *arguments, *training).out)
    inputs = np.append(magnitudes[99], list(further.values())).astype(np.float32)[None]
    session = Session(Model.read(sky_model))
    prediction = session.predict(inputs)
    assert found["prediction"]["probability"] == pytest.approx(prediction.probabilities.max(), abs=1e-6)
    expected = explain.contributions(session, inputs)[0]
    assert list(found["contributions"].values()) == pytest.approx(expected[np.isfinite(expected)].tolist())
    assert list(found["contributions"])[-2:] == ["parallax", "position"]
    assert found["neighbours"][0]["row"] == 100


def test_explain_with_a_sentinel(sedsql, sources, tmp_path):
    path, magnitudes, _ = sources
    at = 1 + int(np.flatnonzero(np.isfinite(magnitudes).all(axis=1))[0])
    table = pq.read_table(path)
    place = table.column_names.index("w4mpro")
    table = table.set_column(place, "w4mpro", pa.array([-999.0] * len(table)))
    pq.write_table(table, tmp_path / "in.parquet")
    arguments = ("explain", tmp_path / "in.parquet", "--model", "shape-2", "--row", at, "--json")
    assert "w4mpro" in json.loads(sedsql(*arguments, "--keep-sentinels").out)["contributions"]
    found = json.loads(sedsql(*arguments).out)
    assert "w4mpro" not in found["contributions"]
    assert found["prediction"]["n_bands"] == 9


def test_explain_a_source_of_a_mirror(sedsql, sky):
    with package.connect(sky) as con:
        source_id, expected, probability = con.execute(
            "SELECT source_id, p.class, p.probability FROM (SELECT source_id, "
            "sed_predict(s, s.parallax, s.parallax_error, s.ra, s.dec, 'sky-1') AS p "
            "FROM sed.photometry AS s) AS t WHERE p.class = 'yso' ORDER BY source_id LIMIT 1",
            lang="sql",
        ).fetchone()
    ran = sedsql("explain", source_id, "-m", sky, "--json")
    found = json.loads(ran.out)
    assert found["prediction"]["class"] == expected
    assert found["prediction"]["probability"] == pytest.approx(probability, abs=1e-6)
    assert refused(sedsql("explain", 17, "-m", sky), "has no source 17 in sed.photometry")
    assert refused(sedsql("explain", 17), "name the mirror that has it with -m DIR")
