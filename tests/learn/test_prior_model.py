"""Compare the graph of a model with another prior with scikit-learn and with Bayes' theorem."""

import csv
import json
import shutil

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from refusal import refused
from scipy.special import softmax
from sklearn.base import clone

from sedsql.inference.answers import deepest_nodes
from sedsql.inference.card import EXTRA
from sedsql.inference.model import Model, ModelError, find_models
from sedsql.inference.session import Session
from sedsql.learn import prior, prior_trees
from sedsql.learn.export import check
from sedsql.learn.features import absolute_g
from sedsql.learn.prior import STRENGTH, PriorError
from sedsql.learn.prior_model import with_prior
from sedsql.photometry.bands import COLUMNS

SHARES = {"agb_oxygen": 0.02, "giant": 0.3, "main_sequence": 0.6, "white_dwarf": 0.03, "yso": 0.05}


@pytest.fixture(scope="module")
def rows():
    """Draw inputs, float32 of shape (n, 14), in all zones and bins; each is missing in some rows."""
    rng = np.random.default_rng(3)
    n = 6000
    magnitudes = rng.uniform(5, 21, (n, 1)) + rng.normal(0, 1.5, (n, 10))
    parallax = 10 ** rng.uniform(-2, 2.5, (n, 1)) * rng.choice([1, -1], (n, 1), p=[0.95, 0.05])
    error = 10 ** rng.uniform(-2, 0.5, (n, 1))
    dec = np.where(rng.random(n) < 0.5, rng.uniform(-90, 90, n), rng.normal(-29, 2, n))
    ra = np.where(rng.random(n) < 0.5, rng.uniform(0, 360, n), rng.normal(266, 5, n))
    found = np.hstack([magnitudes, parallax, error, ra[:, None], dec[:, None]]).astype(np.float32)
    found[rng.random(found.shape) < 0.15] = np.nan
    return found


def plain(path, shares=SHARES):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([shares, shares.values()])
    return path


def classifier_of(celestial, model):
    """Return the scikit-learn classifier with the prior of a model's card and table."""
    _, fitted = celestial
    card = model.card
    table = prior.read(model.folder / card.prior.table, model.classes)
    shares = np.array([card.prior.class_shares[label] for label in model.classes])
    corrections = np.array([card.prior.corrections[label] for label in model.classes])
    names, temperature = fitted[0].names, card.algorithm["temperature"]
    trees = prior_trees.trees(table, names, card.prior.strength, shares, temperature, corrections)
    changed = clone(fitted)
    for name, value in vars(fitted[-1].estimator).items():
        setattr(changed[-1].estimator, name, value)
    changed[-1].set_params(prior=trees)
    changed[-1].n_features_in_ = fitted[-1].n_features_in_
    return changed


def test_its_own_table_changes_nothing(celestial, rows, tmp_path):
    model, _ = celestial
    made = with_prior(model, model.folder / "prior.csv", tmp_path / "same-1")
    one, other = (Session(which).predict(rows) for which in (model, made))
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=2e-3)
    known = one.class_index >= 0
    top = np.sort(one.probabilities[known], axis=1)
    clear = top[:, -1] - top[:, -2] > 4e-3
    assert (one.class_index[known][clear] == other.class_index[known][clear]).all()
    again = with_prior(made, made.folder / "prior.csv", tmp_path / "again-1")
    assert again.graph() == made.graph()
    assert again.sha256 == made.sha256


@pytest.mark.parametrize("strength", [None, 0.0, 1.0])
def test_onnx_runtime_says_what_scikit_learn_says(celestial, rows, tmp_path, strength):
    made = with_prior(celestial[0], plain(tmp_path / "mine.csv"), tmp_path / "mine-1", strength=strength)
    assert made.card.prior.strength == (STRENGTH if strength is None else strength)
    assert check(made.graph(), classifier_of(celestial, made), rows) < 1e-5


def test_a_prior_of_full_strength_is_that_of_bayes(celestial, rows, tmp_path):
    """Scores without a position are likelihoods times the weights of the classes in training."""
    model, _ = celestial
    made = with_prior(model, plain(tmp_path / "mine.csv"), tmp_path / "mine-1", strength=1)
    here = rows[np.isfinite(rows[:, 12:]).all(axis=1)]
    nowhere = here.copy()
    nowhere[:, 12:] = np.nan
    with_it, without = (Session(made).run(some)[1].astype(float) for some in (here, nowhere))
    np.testing.assert_array_equal(without, Session(model).run(nowhere)[1])
    trained = np.array([model.card.prior.class_shares[label] for label in model.classes])
    ratio = np.array([SHARES[label] for label in model.classes]) / trained
    # Corrections hold where no luminosity is known.
    unknown = np.isnan(absolute_g(here[:, :10], here[:, 10:12]))[:, None]
    ratio = ratio * np.exp(unknown * np.array([model.card.prior.corrections[label] for label in model.classes]))
    usual = (without > 1e-6).all(axis=1) & (with_it > 1e-6).all(axis=1)
    assert usual.sum() > 1000
    expected = without[usual] * ratio[usual]
    # Leaves are multiples of 2^-12, and a score is a sum of at most eight of the prior's.
    np.testing.assert_allclose(
        with_it[usual],
        expected / expected.sum(axis=1, keepdims=True),
        atol=4 * 2**-12 / model.card.algorithm["temperature"],
    )
    assert (softmax(np.log(expected), axis=1).argmax(axis=1) == with_it[usual].argmax(axis=1)).mean() > 0.999


def test_the_card_says_what_it_is_and_goes_with_any_engine(celestial, rows, tmp_path):
    model, _ = celestial
    table = plain(tmp_path / "mine.csv")
    made = with_prior(model, table, tmp_path / "mine-1", strength=0.5)
    assert made.name == "mine-1"
    assert (made.folder / "prior.csv").read_bytes() == table.read_bytes()
    assert made.card.further["made_from"] == {"model": "celestial-1", "sha256": model.sha256, "prior": "mine.csv"}
    assert made.card.metrics == model.card.metrics
    assert "agreement" not in made.card.further
    assert sorted(path.name for path in made.folder.iterdir()) == ["card.json", "model.onnx", "prior.csv"]
    session = onnxruntime.InferenceSession(made.graph(), providers=["CPUExecutionProvider"])
    (named,) = session.run(["label"], {"magnitudes": rows[:50]})
    assert set(named) <= set(SHARES)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("giant,quasar\n0.5,0.5\n", ["'quasar', which the model lacks", "agb_oxygen"]),
        ("giant,yso\n1.5,-0.5\n", ["Line 2", "negative share, -0.5"]),
        ("giant,yso\n0.5,0.4\n", ["line 2", "add up to 0.9, not to 1"]),
        ("giant,yso\n0.5,half\n", ["Line 2", "no number"]),
        ("giant,yso\n0.5,nan\n", ["Line 2", "no number"]),
        ("giant,yso\n0.5,0.5\n0.4,0.6\n", ["2 rows and no column 'given'"]),
        ("giant,yso\n", ["is empty"]),
    ],
)
def test_bad_tables_are_refused(sedsql, celestial, tmp_path, content, words):
    (tmp_path / "bad.csv").write_text(content)
    arguments = ("models", "prior", "celestial-1", tmp_path / "bad.csv", "-o", tmp_path / "bad-1")
    ran = sedsql(*arguments, "--models", celestial[0].folder)
    assert refused(ran, "bad.csv", *words)
    assert not (tmp_path / "bad-1").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"giant": "1.5"}, r"line 8 of the prior bad.csv add up to (1\.[5-9]|2)"),
        ({"to": "21"}, r"Line 8 of the prior bad.csv should be for G, \|b\| < 3, inner, 18.75, 19.75\."),
    ],
)
def test_a_line_of_a_whole_table_is_named(celestial, tmp_path, change, told):
    with (celestial[0].folder / "prior.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    rows[6] = list((dict(zip(header, rows[6], strict=True)) | change).values())
    with (tmp_path / "bad.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    with pytest.raises(PriorError, match=told):
        with_prior(celestial[0], tmp_path / "bad.csv", tmp_path / "bad-1")


def test_a_model_without_a_prior_can_have_none(tmp_path):
    with pytest.raises(PriorError, match="Model shape-2 has no prior, so it can have no other"):
        with_prior(find_models()["shape-2"], plain(tmp_path / "mine.csv"), tmp_path / "mine-1")


# ---- the commands ----


def test_the_command_makes_a_model_that_others_use(sedsql, celestial, tmp_path):
    source = celestial[0].folder
    arguments = ("models", "prior", "celestial-1", plain(tmp_path / "mine.csv"), "-o", tmp_path / "mine-1")
    ran = sedsql(*arguments, "--strength", 1, "--models", source)
    assert (ran.code, ran.err) == (0, "")
    assert "mine-1 written" in ran.out
    made = json.loads(sedsql("models", "--json", "--models", tmp_path / "mine-1").out)["mine-1"]
    assert made["verified"]
    assert made["card"]["prior"]["strength"] == 1
    assert refused(sedsql(*arguments, "--models", source), "exists already")
    ran = sedsql(*arguments, "--models", source, "--force", "--json")
    assert json.loads(ran.out)["prior"]["strength"] == STRENGTH
    assert sedsql(*arguments, "--strength", -1, "--models", source).code == 2


def test_classify_with_a_prior_of_a_file(sedsql, celestial, rows, tmp_path):
    model, _ = celestial
    columns = {name: pa.array(rows[:500, k], from_pandas=True) for k, name in enumerate((*COLUMNS, *EXTRA))}
    pq.write_table(pa.table(columns), tmp_path / "in.parquet")
    table, out = plain(tmp_path / "mine.csv"), tmp_path / "out.parquet"
    command = ("classify", tmp_path / "in.parquet", "-o", out, "--model", "celestial-1", "--models", model.folder)
    ran = sedsql(*command, "--prior", table)
    assert (ran.code, ran.err) == (0, "")
    assert "(model celestial-1-mine)" in ran.out
    found = pq.read_table(out)
    made = with_prior(model, table, tmp_path / "mine-1")
    session = Session(made)
    assert (
        found["sed_class"].to_pylist()
        == deepest_nodes(made, session.predict(rows[:500]).probabilities, 0.5).to_pylist()
    )
    assert b"celestial-1-mine" in found.schema.field("sed_class").metadata[b"description"]
    assert sedsql(*command, "--force").code == 0
    assert pq.read_table(out)["sed_class"] != found["sed_class"]
    pq.write_table(pa.table(columns).drop_columns(["ra"]), tmp_path / "in.parquet")
    ran = sedsql(*command, "--force", "--prior", table)
    assert "no column ra" in ran.err
    assert refused(sedsql(*command, "--force", "--prior", tmp_path / "no.csv"), "no.csv cannot be read")


def test_a_changed_graph_gets_no_prior(celestial, tmp_path):
    shutil.copytree(celestial[0].folder, tmp_path / "celestial-1")
    with (tmp_path / "celestial-1" / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match="was changed"):
        with_prior(Model.read(tmp_path / "celestial-1"), plain(tmp_path / "mine.csv"), tmp_path / "mine-1")
