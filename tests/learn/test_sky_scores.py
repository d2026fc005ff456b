"""Compare weighted scores with counts by hand or by scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import poisson
from sklearn.metrics import accuracy_score, precision_score, recall_score
from sklearn.metrics import log_loss as skl_log_loss

from sedsql.inference.card import Conformal
from sedsql.learn import evaluation, sky_scores
from sedsql.learn.sky_scores import Answers
from sedsql.photometry.classes import PARENTS

CLASSES = ("giant", "main_sequence", "supergiant")
ROWS = 6
# Six rows: among them a dwarf taken for a giant, a giant answered only with its branch, a dwarf with too few bands, and
# an active nucleus answered only with the root.
TINY = Answers(
    labels=np.array(["giant", "main_sequence", "main_sequence", "giant", "main_sequence", "agn"]),
    weights=np.array([2.0, 30.0, 50.0, 4.0, 10.0, 1.0]),
    g=np.array([10.0, 12.0, 19.5, 16.0, 20.5, 19.0]),
    latitude=np.array([1.0, 4.0, 10.0, 90.0, 30.0, 60.0]),
    n_bands=np.array([10, 6, 3, 6, 2, 5]),
    classes=CLASSES,
    parents={name: PARENTS[name] for name in CLASSES},
    probabilities=np.array(
        [[0.9, 0.1, 0], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.4, 0.3, 0.3], [0, 0, 0], [0.3, 0.4, 0.3]]
    ),
    nodes=np.array(["giant", "giant", "main_sequence", "evolved", "", "source"]),
    node_probability=np.array([0.9, 0.6, 0.8, 0.7, 0, 1.0]),
)


def test_purity_and_completeness_by_hand():
    found = sky_scores.by_class(TINY)
    giant, dwarf = found["giant"], found["main_sequence"]
    assert giant["purity"] == pytest.approx(2 / 32)  # the dwarf called a giant stands for 30
    assert giant["completeness"] == pytest.approx(2 / 6)
    assert giant["completeness_many_bands"] == pytest.approx(2 / 6)
    assert giant["completeness_branch"] == 1.0  # the other one is answered with `evolved`
    assert dwarf["purity"] == 1.0
    assert dwarf["completeness"] == pytest.approx(50 / 90)  # of these 10 have too few bands
    assert dwarf["completeness_many_bands"] == 0.0
    assert (giant["mostly_wrong"], giant["its_share"]) == ("main_sequence", pytest.approx(30 / 32))
    assert (dwarf["number"], dwarf["answered"]) == (90, 80)
    expected = 30 * 0.3 + 2 * 0.1 + 50 * 0.8 + 4 * 0.3 + 1 * 0.4
    assert dwarf["expected"] == pytest.approx(expected, rel=1e-3)
    assert dwarf["ratio"] == pytest.approx(expected / 80, rel=1e-3)
    assert found["supergiant"]["purity"] is found["supergiant"]["completeness"] is None
    # A class that the model lacks is on the sky all the same.
    assert found["agn"]["number"] == 1
    assert found["agn"]["completeness"] is found["agn"]["expected"] is None


def test_default_answers_and_what_is_right_by_hand():
    assert TINY.right.tolist() == [True, False, True, True, False, True]
    found = sky_scores.by_node(TINY)
    assert list(found) == ["main_sequence", "giant", "evolved", "source"]
    assert found["giant"] == {"share": pytest.approx(32 / 97, abs=1e-6), "right": 2 / 32}
    assert found["evolved"]["right"] == found["source"]["right"] == 1


def test_calibration_by_hand():
    # Each of the five answered rows is in a bin of its own.
    gaps = 2 * 0.1 + 30 * 0.6 + 50 * 0.2 + 4 * 0.3 + 1 * 0.0
    found = sky_scores.calibration(TINY)
    assert found["default_answer"] == pytest.approx(gaps / 87, abs=1e-6)
    # Of the most probable class: 0.4 of a giant and of an agn share a bin
    gaps = 2 * 0.1 + 30 * 0.6 + 50 * 0.2 + abs(4 * 0.6 - 1 * 0.4)
    assert found["most_probable_class"] == pytest.approx(gaps / 87, abs=1e-6)


def test_bins_and_thresholds_by_hand():
    by_g = sky_scores.by_g(TINY)["giant"]
    assert by_g["purity"][:2] == [1.0, 0.0]
    assert by_g["completeness"] == [1.0, None, None, 0.0, None, None, None, None]
    assert sky_scores.by_latitude(TINY)["giant"]["completeness"] == [1.0, None, None, 0.0]  # 90 degrees are within
    found = sky_scores.by_threshold(TINY)["giant"]
    at = sky_scores.THRESHOLDS.index(0.4)
    assert found["purity"][at] == pytest.approx(6 / 36, abs=1e-6)
    assert found["completeness"][at] == 1.0
    assert found["purity"][-1] is None


def test_coverage_by_hand():
    conformal = Conformal(
        levels=[0.5, 0.9],
        thresholds={"giant": [0.5, 0.4], "main_sequence": [0.5, 0.3], "supergiant": [0, 0]},
    )
    found = sky_scores.coverage(TINY, conformal)  # of the rows that have an answer and a class of the model
    assert found["0.5"]["covered"] == pytest.approx((2 + 50) / 86, abs=1e-6)
    assert found["0.9"]["per_class"] == {"giant": 1.0, "main_sequence": 1.0}
    assert found["0.9"]["classes"] == pytest.approx((2 * 2 + 30 * 3 + 50 * 2 + 4 * 3) / 86, abs=0.01)


@pytest.fixture(scope="module")
def many():
    """Draw random answers for rows with random weights."""
    rng = np.random.default_rng(5)
    n = 4000
    p = rng.dirichlet([0.5] * 3, n)
    best = p.argmax(axis=1)
    return Answers(
        labels=np.array(CLASSES)[np.where(rng.random(n) < 0.7, best, rng.integers(0, 3, n))],
        weights=10 ** rng.uniform(0, 4, n),
        g=rng.uniform(5, 21, n),
        latitude=rng.uniform(0, 90, n),
        n_bands=rng.integers(3, 11, n),
        classes=CLASSES,
        parents={},
        probabilities=p,
        nodes=np.array(CLASSES)[best],
        node_probability=p.max(axis=1),
    )


def test_weighted_scores_are_those_of_scikit_learn(many):
    found = sky_scores.by_class(many)
    for name in CLASSES:
        arguments = {"labels": [name], "average": "macro", "sample_weight": many.weights}
        assert found[name]["purity"] == pytest.approx(precision_score(many.labels, many.nodes, **arguments), abs=1e-6)
        assert found[name]["completeness"] == pytest.approx(
            recall_score(many.labels, many.nodes, **arguments), abs=1e-6
        )
    right = np.average(many.right, weights=many.weights)
    assert right == pytest.approx(accuracy_score(many.labels, many.nodes, sample_weight=many.weights))


def test_the_log_loss_is_that_of_scikit_learn(many):
    expected = skl_log_loss(many.labels, many.probabilities, sample_weight=many.weights, labels=list(CLASSES))
    assert sky_scores.log_loss(many) == pytest.approx(expected, rel=1e-5)
    tiny = (2 * -np.log(0.9) + 30 * -np.log(0.3) + 50 * -np.log(0.8) + 4 * -np.log(0.4)) / 86
    assert sky_scores.log_loss(TINY) == pytest.approx(tiny, rel=1e-5)  # neither the AGN nor the row with two bands


def test_equal_weights_give_the_unweighted_calibration_error(many):
    same = replace(many, weights=np.full(len(many.labels), 7.0))
    expected = evaluation.calibration_error(many.labels, many.nodes, many.node_probability)
    assert sky_scores.calibration(same)["default_answer"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("wrong", [0, 3, 40])
def test_the_bound_of_equal_weights_is_that_of_poisson_numbers(wrong):
    """The bound is the mean number of wrong rows that gives so few in one case of twenty."""
    n = 100 + wrong + 1  # the last one is a dwarf that is called none, as bright as the others
    labels = np.array(["giant"] * 100 + ["main_sequence"] * (wrong + 1))
    nodes = np.array(["giant"] * (n - 1) + ["main_sequence"])
    one = replace(
        TINY,
        labels=labels,
        nodes=nodes,
        weights=np.where(labels == "giant", 1.0, 50.0),
        g=np.full(n, 15.0),
        latitude=np.zeros(n),
        n_bands=np.full(n, 10),
        probabilities=np.zeros((n, 3)),
        node_probability=np.ones(n),
    )
    bound = sky_scores.by_class(one)["giant"]["purity_at_least"]
    most = (100 / bound - 100) / 50
    assert poisson.cdf(wrong, most) == pytest.approx(0.05, abs=1e-3)
    assert bound < sky_scores.by_class(one)["giant"]["purity"]


def test_a_class_that_none_are_called_has_no_purity(many):
    none = replace(many, nodes=np.full(len(many.labels), "giant"))
    found = sky_scores.by_class(none)["supergiant"]
    assert found["purity"] is found["purity_at_least"] is None
    assert (found["completeness"], found["called"]) == (0.0, 0.0)
