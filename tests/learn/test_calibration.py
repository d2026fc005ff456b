import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from sedsql.learn import calibration
from sedsql.learn.calibration import LEVELS, best_temperature, conformal_thresholds, coverage, in_set

CLASSES = np.array(["agn", "giant", "yso"])


@pytest.fixture(scope="module")
def drawn():
    """Draw scores of 20,000 sources, and labels with the probabilities that these have at temperature 1."""
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, (20_000, 3)) + np.array([0, 1, -2])
    cumulative = softmax(scores, axis=1).cumsum(axis=1)
    return scores, CLASSES[(rng.random((len(scores), 1)) > cumulative).sum(axis=1)]


@pytest.mark.parametrize("factor", [0.5, 1, 3])
def test_the_temperature_undoes_scores_that_are_too_sure_or_not_sure_enough(drawn, factor):
    scores, truth = drawn
    assert best_temperature(scores * factor, truth, CLASSES) == pytest.approx(factor, rel=0.03)


def test_no_other_temperature_makes_the_labels_more_likely(drawn):
    scores, truth = drawn
    rows, place = np.arange(len(truth)), np.searchsorted(CLASSES, truth)
    best = best_temperature(scores, truth, CLASSES)
    losses = [-log_softmax(scores / t, axis=1)[rows, place].mean() for t in np.geomspace(0.3, 3, 50)]
    assert -log_softmax(scores / best, axis=1)[rows, place].mean() <= min(losses) + 1e-9


def test_sets_hold_each_class_as_often_as_they_promise(drawn):
    scores, truth = drawn
    p = softmax(scores, axis=1)
    half = len(truth) // 2
    thresholds = conformal_thresholds(p[:half], truth[:half], CLASSES)
    for level in LEVELS:
        member = in_set(p[half:], CLASSES, thresholds, level)
        for place, name in enumerate(CLASSES):
            covered = member[truth[half:] == name, place]
            assert covered.mean() == pytest.approx(level, abs=6 * np.sqrt(level * (1 - level) / len(covered)) + 1e-3)


def test_thresholds_by_hand():
    """Of 9 rows and the source in question, one in ten may be excluded: the least probable one at 90 %."""
    p = np.column_stack([np.arange(1, 10) / 10, 1 - np.arange(1, 10) / 10])
    found = conformal_thresholds(p, np.full(9, "agn"), np.array(["agn", "yso"]))
    by_level = dict(zip(LEVELS, found["agn"], strict=True))
    assert by_level[0.9] == pytest.approx(0.1)
    assert by_level[0.8] == pytest.approx(0.2)
    assert by_level[0.95] == 0  # nine rows cannot tell
    assert set(found["yso"]) == {0.0}


def test_coverage_of_a_fold_does_not_use_its_own_rows(drawn):
    scores, truth = drawn
    p, folds = softmax(scores, axis=1), np.arange(len(truth)) % 2
    report = coverage(p, truth, CLASSES, folds)["0.9"]
    member = np.zeros(p.shape, bool)
    for fold in (0, 1):
        thresholds = conformal_thresholds(p[folds != fold], truth[folds != fold], CLASSES)
        member[folds == fold] = in_set(p[folds == fold], CLASSES, thresholds, 0.9)
    right = member[np.arange(len(truth)), np.searchsorted(CLASSES, truth)]
    assert report["covered"] == round(right.mean(), 4)
    assert report["classes"] == round(member.sum(axis=1).mean(), 2)
    assert report["per_class"]["yso"] == round(right[truth == "yso"].mean(), 4)


def test_probabilities_of_cross_validation_use_the_other_folds_temperature(labelled, validated):
    truth = labelled.labels[validated.rows]
    p = validated.probabilities(truth)
    for fold in np.unique(validated.folds):
        mine = validated.folds == fold
        t = best_temperature(validated.scores[~mine], truth[~mine], validated.classes)
        np.testing.assert_allclose(p[mine], calibration.probabilities(validated.scores[mine], t))
