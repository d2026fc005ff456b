import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from sedsql.learn.comparison.published import SETTINGS, Setting, regrouped
from sedsql.photometry.classes import PARENTS

SETTING = Setting("A paper", {"young": ("yso",), "stars": ("giant", "dwarf")}, "Gaia", "", "")
CLASSES = np.array(["agn", "dwarf", "giant", "yso"])


def test_probabilities_are_summed_and_classes_without_a_place_left_out():
    p = np.array(
        [
            [0.0, 0.3, 0.3, 0.4],  # a giant, called yso as a class and a star as a group
            [0.9, 0.0, 0.02, 0.08],  # a yso, called agn; of what is left yso has 0.8
            [0.0, 0.0, 0.95, 0.05],  # a dwarf, called giant
            [1.0, 0.0, 0.0, 0.0],  # an agn, which has no place
            [0.0, 0.6, 0.1, 0.3],  # a yso, called a star
        ]
    )
    truth = np.array(["giant", "yso", "dwarf", "agn", "yso"])
    found = regrouped(p, CLASSES, truth, SETTING)
    assert found["rows"] == 4
    groups, called = ["stars", "young", "stars", "young"], ["stars", "young", "stars", "stars"]
    precision, recall, f1, _ = precision_recall_fscore_support(groups, called, labels=["stars", "young"])
    for k, name in enumerate(("stars", "young")):
        scores = found["per_class"][name]
        assert [scores[key] for key in ("precision", "recall", "f1")] == pytest.approx(
            [precision[k], recall[k], f1[k]], abs=1e-4
        )
    # Above 0.9: the dwarf alone, with 0.95
    assert found["sure"] == {"probability": 0.9, "share_of_rows": 0.25, "right": 1.0}


def test_a_setting_needs_two_of_its_groups():
    assert regrouped(np.full((2, 4), 0.25), CLASSES, np.array(["yso", "agn"]), SETTING) is None


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name[:5])
def test_the_groups_are_of_our_classes_each_once(setting):
    ours = [name for names in setting.groups.values() for name in names]
    assert len(ours) == len(set(ours))
    assert set(ours) <= set(PARENTS)
