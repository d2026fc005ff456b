"""Test cross-validation by origins on tables whose answer is known."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from sedsql.files import TableError
from sedsql.learn import evaluate_model, origins, recipes


@pytest.fixture(scope="module")
def mixed(labelled):
    """Make three origins: only `far` has young stars, and nearly all white dwarfs are in `near`."""
    rng = np.random.default_rng(2)
    origin = rng.choice(["near", "far", "deep"], len(labelled)).astype("U9")
    origin[labelled.labels == "yso"] = "far"
    dwarfs = np.flatnonzero(labelled.labels == "white_dwarf")
    origin[dwarfs] = "near"
    origin[dwarfs[:7]] = "deep"
    simulated = np.arange(len(labelled)) % 10 == 0
    return replace(labelled, origins=origin, simulated=simulated)


def test_every_fold_leaves_the_shared_classes_of_an_origin_out(mixed):
    found = {}
    for fit, test in origins.origin_folds(mixed):
        (origin,) = set(mixed.origins[test])
        found[origin] = fit, test
        trained = {(o, c) for o, c in zip(mixed.origins[fit], mixed.labels[fit], strict=True) if o == origin}
        assert not {c for _, c in trained} & set(mixed.labels[test])
        assert len(np.intersect1d(fit, test)) == 0
        others = np.setdiff1d(np.arange(len(mixed)), np.flatnonzero(mixed.origins == origin))
        assert np.isin(others, fit).all()
        assert not mixed.simulated[test].any()
    assert set(found) == {"near", "far", "deep"}
    # Young stars occur in one origin: they stay in training when it is left out, and are not tested.
    assert (mixed.labels[found["far"][0]] == "yso").sum() == (mixed.labels == "yso").sum()
    tested = np.concatenate([test for _, test in found.values()])
    assert "yso" not in mixed.labels[tested]
    # Seven white dwarfs elsewhere are too few to learn from, and too few to be tested.
    assert "white_dwarf" not in mixed.labels[tested]
    for label in ("main_sequence", "giant", "agb_oxygen"):
        of_class = np.flatnonzero((mixed.labels == label) & ~mixed.simulated)
        assert np.array_equal(np.sort(tested[mixed.labels[tested] == label]), of_class)


def test_rows_that_cannot_be_told_are_neither_learnt_from_nor_tested(mixed):
    usable = mixed.labels != "giant"
    tested = np.concatenate([test for _, test in origins.origin_folds(mixed, usable)])
    assert set(mixed.labels[tested]) == {"main_sequence", "agb_oxygen"}


def test_a_table_of_one_origin_is_refused(labelled, mixed):
    with pytest.raises(TableError, match="for it has no column `origin`"):
        next(origins.origin_folds(labelled))
    with pytest.raises(
        TableError, match=r"No class of simulated.parquet has 20 rows in two origins \(those whose names"
    ):
        next(origins.origin_folds(replace(mixed, origins=np.full(len(mixed), "one"))))


@pytest.mark.thorough
def test_the_figures_are_those_of_models_fitted_without_the_origin(mixed, small_shape, built, monkeypatch):
    smaller = replace(small_shape, trees={**small_shape.trees, "max_iter": 3})
    truth, found, rows_of = [], [], {}
    for fit, test in origins.origin_folds(mixed):
        classifier = smaller.fit(mixed[fit], mixed.columns)
        answer = classifier.predict(mixed.magnitudes[test])
        truth.append(mixed.labels[test])
        found.append(answer)
        rows_of[mixed.origins[test][0]] = (len(test), (answer == mixed.labels[test]).mean())
    truth, found = np.concatenate(truth), np.concatenate(found)
    monkeypatch.setitem(recipes.RECIPES, "shape", smaller)
    steps = []
    metrics = evaluate_model.cross_validated(built[0], mixed, steps.append, by="origin")
    assert len(steps) == evaluate_model.steps(mixed, "origin") == 3
    expected = f1_score(truth, found, labels=np.unique(truth), average="macro")
    assert metrics["all"]["macro_f1"] == pytest.approx(expected, abs=1e-4)
    assert {one["origin"]: (one["rows"], pytest.approx(one["right"], abs=1e-4)) for one in metrics["by_origin"]} == (
        rows_of
    )
    assert metrics["not_tested"] == ["white_dwarf", "yso"]
    json.dumps(metrics)


def test_versions_of_a_catalogue_are_left_out_together(mixed):
    names = np.array(["gaia_2022", "gaia_2023", "Gaia3", "liu2019_lamost", "2mass", "_x", ""])
    assert origins.catalogues(names).tolist() == ["gaia", "gaia", "gaia", "liu", "2mass", "_x", ""]
    versions = replace(mixed, origins=np.where(mixed.origins == "deep", "near_2023", mixed.origins))
    folds = {frozenset(versions.origins[test]): fit for fit, test in origins.origin_folds(versions)}
    assert set(folds) == {frozenset({"near", "near_2023"}), frozenset({"far"})}
    fit = folds[frozenset({"near", "near_2023"})]
    assert set(versions.origins[fit][versions.labels[fit] == "giant"]) == {"far"}


def test_origins_without_a_class_in_common_are_left_out_at_once(mixed):
    names = mixed.origins.copy()
    names[mixed.labels == "giant"] = np.where(names[mixed.labels == "giant"] == "near", "one", "two")
    folds = list(origins.origin_folds(replace(mixed, origins=names)))
    assert len(folds) == 3
    for fit, test in folds:
        for label in np.unique(mixed.labels[test]):
            (origin,) = set(names[test][mixed.labels[test] == label])
            kept = np.flatnonzero((mixed.labels == label) & (names != origin))
            assert np.isin(kept, fit).all()
    assert sorted(len(set(names[test])) for _, test in folds) == [1, 2, 2]


def test_what_an_origin_is_mostly_taken_for():
    names = np.array(["one"] * 4 + ["two"] * 2)
    truth = np.array(["a", "a", "a", "b", "a", "b"])
    found = np.array(["a", "c", "c", "d", "a", "b"])
    assert origins.by_origin(names, truth, found) == [
        {"origin": "one", "rows": 4, "classes": ["a", "b"], "right": 0.25, "mostly_wrong": "c"},
        {"origin": "two", "rows": 2, "classes": ["a", "b"], "right": 1.0, "mostly_wrong": None},
    ]
