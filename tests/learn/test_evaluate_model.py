import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

import sedsql
from sedsql.inference.model import Model, find_model
from sedsql.learn import build, evaluate_model, recipes
from sedsql.learn.crossvalidation import out_of_fold, sky_folds
from sedsql.photometry.bands import COLUMNS


def test_a_model_evaluated_on_its_own_table_is_said_to_be(built, labelled):
    model, classifier = built
    steps = []
    found = evaluate_model.evaluate_model(model, labelled, steps.append)
    assert steps == ["all rows", *(f"only {name}" for name in found["same_bands"])]
    assert len(steps) == evaluate_model.STEPS
    assert "was trained on this very table" in found["notes"][0]
    labels = classifier.predict(labelled.magnitudes)
    assert found["all"]["macro_f1"] == pytest.approx(f1_score(labelled.labels, labels, average="macro"), abs=1e-4)
    assert found["all"]["macro_f1"] > model.card.metrics["all"]["macro_f1"]


def test_a_model_of_parallaxes_is_given_them(luminous, labelled):
    model, classifier = luminous
    X = np.hstack([labelled.magnitudes, labelled.parallax])
    found = evaluate_model.evaluate_model(model, labelled)
    expected = f1_score(labelled.labels, classifier.predict(X), average="macro")
    assert found["all"]["macro_f1"] == pytest.approx(expected, abs=1e-4)


def test_a_model_that_knows_the_sky_is_said_to_be_tested_without_it(labelled):
    notes = evaluate_model.evaluate_model(find_model("sky-1"), labelled[:300])["notes"]
    assert "sky-1 is tested without positions, that is with a flat prior" in notes[-1] + notes[0]
    for name in ("luminosity-2", "shape-2"):
        assert "flat prior" not in str(evaluate_model.evaluate_model(find_model(name), labelled[:300])["notes"])


def test_a_prior_by_position_is_that_of_a_classification(labelled, labelled_file):
    """As SQL asks the model for the same rows, positions included."""
    sky_1 = find_model("sky-1")
    flat, placed = (evaluate_model.evaluate_model(sky_1, labelled, prior=one) for one in ("flat", "sky"))
    with sedsql.connect() as con:
        given = f"{', '.join(COLUMNS)}, parallax, NULL, ra, dec, 'sky-1'"
        rows = con.sql(f"SELECT kind, sed_class({given}) FROM read_parquet('{labelled_file}')").fetchall()
    truth, found = zip(*((kind, label) for kind, label in rows if label), strict=True)
    expected = f1_score(truth, found, labels=np.unique(truth), average="macro", zero_division=0)
    assert placed["all"]["macro_f1"] == pytest.approx(expected, abs=1e-4)
    assert placed["all"]["rows"] == flat["all"]["rows"] == len(truth)
    assert (flat["prior"], placed["prior"]) == ("flat", "sky")
    assert flat["all"] != placed["all"]
    assert flat["same_bands"] != placed["same_bands"]
    assert flat["conformal"] != placed["conformal"]
    assert "with the prior of each row's position" in placed["notes"][-1]
    assert "without a position" not in placed["notes"][-1]


def test_rows_without_a_position_have_the_flat_prior(labelled):
    sky_1, some = find_model("sky-1"), labelled[:300]
    nowhere = replace(some, positions=np.full((300, 2), np.nan, np.float32))
    with pytest.raises(evaluate_model.EvaluationError, match=r"^simulated\.parquet has no position \("):
        evaluate_model.evaluate_model(sky_1, nowhere, prior="sky")
    partly = replace(some, positions=np.where(np.arange(300)[:, None] < 40, some.positions, np.nan))
    found = evaluate_model.evaluate_model(sky_1, partly, prior="sky")
    assert found["notes"][-1].endswith("260 rows without a position have a flat prior.")


@pytest.mark.parametrize(
    ("name", "prior", "says"),
    [
        ("shape-2", "sky", "shape-2 takes no position"),
        ("sky-1", "position", "not 'position'; `sedsql evaluate --prior` takes a file too"),
    ],
)
def test_a_prior_that_cannot_be_had(labelled, name, prior, says):
    with pytest.raises(evaluate_model.EvaluationError, match=says):
        evaluate_model.evaluate_model(find_model(name), labelled, prior=prior)


@pytest.mark.thorough
def test_cross_validation_of_a_model_is_that_of_its_recipe(built, labelled, small_shape, monkeypatch):
    model, _ = built
    smaller = replace(small_shape, trees={**small_shape.trees, "max_iter": 4})
    monkeypatch.setitem(recipes.RECIPES, "shape", smaller)
    expected = build.metrics_of(out_of_fold(smaller, labelled, sky_folds(labelled)), labelled)
    steps = []
    assert evaluate_model.cross_validated(model, labelled, steps.append) == expected
    assert len(steps) == evaluate_model.steps(labelled)
    assert expected["all"]["macro_f1"] < evaluate_model.evaluate_model(model, labelled)["all"]["macro_f1"]


def test_a_model_of_someone_else_cannot_be_trained_anew(built, labelled, tmp_path):
    card = json.loads((built[0].folder / "card.json").read_text())
    del card["algorithm"]
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises(evaluate_model.EvaluationError, match="small-1 was not made by a recipe of sedsql"):
        evaluate_model.cross_validated(Model.read(tmp_path), labelled)


@pytest.mark.thorough
def test_training_twice_gives_the_same_model(labelled, validated, small_shape, tmp_path):
    graphs = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        classifier = small_shape.fit(labelled, labelled.columns)
        build.write_model(classifier, validated, small_shape, labelled, tmp_path / name, name="m-1")
        graphs.append((tmp_path / name / "model.onnx").read_bytes())
    assert graphs[0] == graphs[1]
