"""Compare pictures of how good a model is with scikit-learn."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix

from sedsql import plot
from sedsql.plot import PlotError
from sedsql.plot.evaluation import BINS

rng = np.random.default_rng(3)
TRUTH = rng.choice(["agn", "giant", "yso"], 2_000)
FOUND = np.where(rng.random(2_000) < 0.8, TRUTH, rng.choice(["agn", "giant", "yso"], 2_000))
P = rng.uniform(0.35, 0.999, 2_000)


def test_confusion_is_scikit_learns():
    (axes,) = plot.confusion(TRUTH, FOUND).axes
    drawn = axes.images[0].get_array()
    assert np.allclose(drawn, confusion_matrix(TRUTH, FOUND, normalize="true"))
    rows = [f"{name} ({(name == TRUTH).sum()})" for name in ("agn", "giant", "yso")]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == rows


def test_the_titles_name_the_model_and_the_rows():
    (axes,) = plot.confusion(TRUTH, FOUND, model="shape-2").axes
    top, _ = plot.reliability(TRUTH, FOUND, P, model="shape-2").axes
    assert axes.get_title() == "% of each class\nshape-2, 2,000 rows"
    assert top.get_title() == "shape-2, 2,000 rows"


def test_reliability_is_scikit_learns():
    top, below = plot.reliability(TRUTH, FOUND, P).axes
    mean, share = top.containers[0].lines[0].get_xydata().T
    expected = calibration_curve(TRUTH == FOUND, P, n_bins=BINS)
    assert share == pytest.approx(expected[0])
    assert mean == pytest.approx(expected[1])
    assert sum(bar.get_height() for bar in below.patches) == len(P)


@pytest.mark.parametrize("missing", [None, np.nan, np.ma.masked, ""])
def test_rows_without_a_class_are_left_out_and_counted(missing):
    found = np.ma.array(FOUND.astype(object))
    found[:300] = missing
    (axes,) = plot.confusion(TRUTH, found, model="shape-2").axes
    assert np.allclose(axes.images[0].get_array(), confusion_matrix(TRUTH[300:], FOUND[300:], normalize="true"))
    assert axes.get_title().endswith("shape-2, 1,700 rows; 300 without a class left out")
    p = np.ma.array(P, mask=np.arange(len(P)) >= 1_900)
    top, below = plot.reliability(TRUTH, found, p).axes
    assert sum(bar.get_height() for bar in below.patches) == 1_600
    assert top.get_title() == "1,600 rows; 400 without a class left out"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((["a", "b"], [None, ""]), "No row has both a true class"),
        ((["a"], ["a"], [np.nan]), "No row has both classes and a probability"),
        ((["a", "b"], ["a", "b"], [0.5, 80]), "between 0 and 1, and these between 0.5 and 80"),
        (([], []), "one or more"),
        ((["a"], ["a", "b"]), "as many found"),
        ((["a"], ["a"], [0.1, 0.2]), "1 classes and 2 prob"),
    ],
)
def test_what_does_not_go_together_is_told(arguments, sentence):
    with pytest.raises(PlotError, match=sentence):
        (plot.reliability if len(arguments) == 3 else plot.confusion)(*arguments)
