import numpy as np
import pytest
from sklearn.metrics import classification_report, f1_score

from sedsql.learn import evaluation
from sedsql.learn.band_subsets import with_same_bands
from sedsql.learn.baselines import colour_cuts, majority
from sedsql.photometry.bands import COLUMNS
from sedsql.photometry.sed import WAVELENGTH_UM, lambda_flux

TRUTH = np.array(["a", "a", "b", "c", "b", "a", "c", "c"])
FOUND = np.array(["a", "b", "b", "c", "c", "a", "a", "d"])


def test_scores_are_those_of_scikit_learn():
    report = classification_report(TRUTH, FOUND, labels=["a", "b", "c"], output_dict=True, zero_division=0)
    scores = evaluation.scores(TRUTH, FOUND)
    for name in "abc":
        expected = report[name]
        assert scores["per_class"][name] == {
            "precision": pytest.approx(expected["precision"], abs=1e-4),
            "recall": pytest.approx(expected["recall"], abs=1e-4),
            "f1": pytest.approx(expected["f1-score"], abs=1e-4),
            "rows": expected["support"],
        }
    assert scores["macro_f1"] == pytest.approx(report["macro avg"]["f1-score"], abs=1e-4)
    assert scores["weighted_f1"] == pytest.approx(report["weighted avg"]["f1-score"], abs=1e-4)
    assert scores["accuracy"] == pytest.approx((TRUTH == FOUND).mean(), abs=1e-4)
    assert evaluation.macro_f1(TRUTH, FOUND) == pytest.approx(
        f1_score(TRUTH, FOUND, labels=list("abc"), average="macro")
    )


def test_calibration_error_of_probabilities_that_are_true_and_that_are_not():
    rng = np.random.default_rng(0)
    top = rng.uniform(0.2, 1, 200_000)
    truth = np.where(rng.random(top.size) < top, "a", "b")
    found = np.full(top.size, "a")
    assert evaluation.calibration_error(truth, found, top) < 0.005
    assert evaluation.calibration_error(truth, found, np.full(top.size, 0.9)) == pytest.approx(0.3, abs=0.005)


def test_calibration_error_by_hand():
    truth, found = np.array(["a", "a", "b", "b"]), np.array(["a"] * 4)
    # Bins of width 1/2: tops 0.3 and 0.4 of which one is right, 0.8 and 0.9 of which one is right
    assert evaluation.calibration_error(truth, found, np.array([0.3, 0.8, 0.4, 0.9]), bins=2) == pytest.approx(
        (abs(1 - 0.7) + abs(1 - 1.7)) / 4
    )


def test_rows_with_the_same_bands_lose_all_others():
    magnitudes = np.full((6, 10), 10, np.float32)
    magnitudes[:2, 6:] = np.nan
    found = with_same_bands(magnitudes)
    assert {name: len(rows) for name, (rows, _) in found.items()} == {
        "all ten bands": 4,
        "Gaia, 2MASS, W1, W2": 4,
        "Gaia, 2MASS": 6,
        "Gaia": 6,
        "2MASS, WISE": 4,
    }
    assert [np.isfinite(thinned).sum(axis=1).max() for _, thinned in found.values()] == [10, 8, 6, 3, 7]


def test_scores_of_rows_with_many_bands_and_with_the_same():
    n_bands = np.array([10, 8, 5, 3, 9, 6, 3, 3])
    scores = evaluation.by_bands(TRUTH, FOUND, np.ones(8), n_bands)
    many = n_bands >= 6
    assert scores["6_bands_or_more"] == evaluation.scores(TRUTH[many], FOUND[many], np.ones(4))
    assert scores["all"]["rows"] == 8
    placed = evaluation.by_bands(TRUTH, FOUND, np.ones(8), n_bands, np.array([np.nan, 2, 3, 4, -1, np.nan, 5, 6]))
    assert placed["6_bands_or_more_and_a_parallax"] == evaluation.scores(TRUTH[[1, 4]], FOUND[[1, 4]], np.ones(2))
    assert "6_bands_or_more_and_a_parallax" not in scores
    assert list(evaluation.by_bands(TRUTH, FOUND, np.ones(8), np.full(8, 3))) == ["all"]
    rows = np.array([0, 2, 3])
    same = evaluation.same_bands(TRUTH, {"Gaia": (rows, np.array(["a", "c", "c"]))})
    assert same == {
        "Gaia": {
            "rows": 3,
            "classes": 3,
            "macro_f1": round(f1_score(["a", "b", "c"], ["a", "c", "c"], average="macro"), 4),
        }
    }


def row(**magnitudes):
    values = np.full(10, np.nan, np.float32)
    for name, value in magnitudes.items():
        values[COLUMNS.index(name)] = value
    return values


def test_colour_cuts_know_the_plainest_cases():
    names = (
        "phot_g_mean_mag",
        "phot_bp_mean_mag",
        "phot_rp_mean_mag",
        "j_m",
        "h_m",
        "ks_m",
        "w1mpro",
        "w2mpro",
        "w3mpro",
    )
    cases = {
        "white_dwarf": row(phot_g_mean_mag=18, phot_bp_mean_mag=17.9, phot_rp_mean_mag=18.1),
        "agn": row(w1mpro=15, w2mpro=14, w3mpro=11, phot_g_mean_mag=19, j_m=17),
        "brown_dwarf": row(phot_g_mean_mag=20, j_m=15.2, ks_m=14),
        "main_sequence": row(**dict(zip(names, (10, 10.4, 9.5, 8.8, 8.5, 8.4, 8.3, 8.3, 8.3), strict=True))),
    }
    assert colour_cuts(np.stack(list(cases.values()))).tolist() == list(cases)


def test_majority():
    assert majority(TRUTH, 2).tolist() == ["a", "a"]


def test_young_stars_are_counted_by_the_stage_of_their_index():
    """Ks and W4 alone: the index is the slope between the two, and limits of stages are those of Greene et al. 1994."""
    magnitudes = np.full((5, 10), np.nan)
    magnitudes[:, 5] = 10
    for row, index in enumerate((0.5, 0.0, -1.0, -2.0)):
        decades = np.log10(WAVELENGTH_UM[9] / WAVELENGTH_UM[5])
        flux = lambda_flux(magnitudes)[row, 5] * 10 ** (index * decades)
        magnitudes[row, 9] = -2.5 * np.log10(flux / lambda_flux(np.zeros(10))[9])
    truth = np.array(["yso", "yso", "yso", "yso", "yso"])
    found = np.array(["yso", "agn", "yso", "giant", "agn"])
    assert evaluation.by_stage(truth, found, magnitudes) == {
        "I": {"rows": 1, "recall": 1},
        "flat": {"rows": 1, "recall": 0},
        "II": {"rows": 1, "recall": 1},
        "III": {"rows": 1, "recall": 0},
        "": {"rows": 1, "recall": 0},
    }
    assert evaluation.by_stage(np.array(["agn"]), np.array(["yso"]), magnitudes[:1]) == {}
