import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from sedsql.inference.model import Model, find_model
from sedsql.learn import build, evaluate_model, recipes
from sedsql.learn.crossvalidation import out_of_fold, sky_folds


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
