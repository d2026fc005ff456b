import time
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sedsql.learn.algorithms import ALGORITHMS, Algorithm, Shipped, scores
from sedsql.learn.augment import training_rows
from sedsql.learn.comparison import nested
from sedsql.learn.comparison.ensemble import Trial, best_elsewhere, ensemble
from sedsql.learn.crossvalidation import OutOfFold
from sedsql.learn.features import Colours


@pytest.fixture(scope="module")
def some(labelled):
    """300 rows of the table, of three classes."""
    rows = np.flatnonzero(np.isin(labelled.labels, ("main_sequence", "yso", "white_dwarf")))
    return labelled[np.random.default_rng(0).permutation(rows)[:300]]


@pytest.mark.parametrize("name", [name for name, some in ALGORITHMS.items() if isinstance(some, Algorithm)])
def test_each_algorithm_learns_and_does_not_see_the_distance(name, some):
    algorithm = ALGORITHMS[name]
    settings = dict(algorithm.settings[0])
    if "max_iter" in settings:
        settings["max_iter"] = 10
    classifier = algorithm.fit(some, some.columns, 0, settings)
    found = scores(classifier, some.magnitudes, some.columns)
    assert found.shape == (len(some), 3)
    assert np.isfinite(found).all()
    assert (classifier.classes_[found.argmax(axis=1)] == some.labels).mean() > 0.8
    nearer = scores(classifier, some.magnitudes - np.float32(4), some.columns)
    assert np.abs(softmax(found, axis=1) - softmax(nearer, axis=1)).max() < 0.05


def test_a_pipeline_is_what_scikit_learn_does_step_by_step(some):
    rows = training_rows(some, 0)
    colours = Colours(some.columns).fit(rows.magnitudes)
    fill, scale = SimpleImputer(strategy="median", add_indicator=True), StandardScaler()
    X = scale.fit_transform(fill.fit_transform(colours.transform(rows.magnitudes)))
    expected = LogisticRegression(C=0.1, max_iter=300).fit(X, rows.labels, sample_weight=rows.weights)
    classifier = ALGORITHMS["logistic"].fit(some, some.columns, 0, {"C": 0.1})
    p = softmax(scores(classifier, some.magnitudes, some.columns), axis=1)
    new = scale.transform(fill.transform(colours.transform(some.magnitudes)))
    assert p == pytest.approx(expected.predict_proba(new), abs=1e-6)


@pytest.mark.parametrize("name", ["svm", "logistic"])
def test_two_classes_have_two_columns_of_scores(name, some):
    two = some[some.labels != "yso"]
    classifier = ALGORITHMS[name].fit(two, two.columns, 0, ALGORITHMS[name].settings[0])
    found = scores(classifier, two.magnitudes, two.columns)
    assert found.shape == (len(two), 2)
    assert (classifier.classes_[found.argmax(axis=1)] == classifier.predict(two.magnitudes)).all()


def test_the_shipped_recipe_is_fitted_as_it_is(some, small_shape):
    shipped = Shipped(small_shape, "small")
    ours, recipe = shipped.fit(some, some.columns, 0, {}), small_shape.fit(some, some.columns, 0)
    assert np.array_equal(ours.predict_proba(some.magnitudes), recipe.predict_proba(some.magnitudes))


NEIGHBOURS = replace(
    ALGORITHMS["neighbours"], settings=({"n_neighbors": 150}, {"n_neighbors": 5}, {"n_neighbors": 120})
)


def test_the_better_settings_are_chosen_wherever_they_stand(some):
    choice = nested.choose(NEIGHBOURS, some, some.columns, 0, seconds=60)
    assert choice.settings == {"n_neighbors": 5}
    assert (choice.tried, choice.folds) == (3, nested.INNER_FOLDS)
    assert choice.macro_f1[1] == max(choice.macro_f1)


def test_without_time_the_first_settings_are_taken(some):
    begun = time.process_time()
    choice = nested.choose(NEIGHBOURS, some, some.columns, 0, seconds=1.0, one_fit=5.0)
    assert (choice.settings, choice.tried) == ({"n_neighbors": 150}, 0)
    assert time.process_time() - begun < 1


LABELS = np.array(["a", "b"] * 12)
FOLDS = np.repeat([0, 1, 2], 8)


def _says(right, seed) -> Trial:
    """An algorithm that is sure of the truth where `right`, and of the other class elsewhere."""
    scores = np.random.default_rng(seed).uniform(1, 2, (24, 2))
    scores[np.arange(24), np.where((LABELS == "a") == right, 0, 1)] += 2
    whole = OutOfFold(np.arange(24), FOLDS, np.array(["a", "b"]), scores, {})
    return Trial(whole, {}, 1.0 + seed, 0.1)


def test_members_of_an_ensemble_are_chosen_by_the_other_folds():
    candidates = {f"often wrong {k}": _says(np.arange(24) % 4 == k, k) for k in range(3)}
    candidates["right in fold 0 alone"] = _says(FOLDS == 0, 3)
    assert "right in fold 0 alone" not in best_elsewhere(candidates, LABELS, 0)
    assert best_elsewhere(candidates, LABELS, 1)[0] == "right in fold 0 alone"


def test_an_ensemble_is_the_mean_of_its_members():
    rng = np.random.default_rng(0)
    candidates = {str(k): _says(rng.random(24) < share, k) for k, share in enumerate((0.9, 0.8, 0.7, 0.1))}
    together = ensemble(candidates, LABELS)
    p = softmax(together.whole.scores, axis=1)
    assert [choice["members"] for choice in together.choices] == [
        best_elsewhere(candidates, LABELS, k) for k in range(3)
    ]
    for fold, choice in enumerate(together.choices):
        members = [candidates[name].whole.probabilities(LABELS)[fold == FOLDS] for name in choice["members"]]
        assert len(members) == 3
        assert p[fold == FOLDS] == pytest.approx(sum(members) / 3, abs=1e-9)
    assert together.fit_seconds == pytest.approx(
        np.mean([sum(candidates[n].fit_seconds for n in choice["members"]) for choice in together.choices])
    )
