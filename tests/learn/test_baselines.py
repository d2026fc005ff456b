import numpy as np
import pytest

from sedsql.learn.baselines import NearestTemplate, colour_cuts, koenig_leisawitz, mistaken, young_by_index
from sedsql.photometry import sed
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate


def wise(w12, w23):
    """Return magnitudes of a source that has only these colours."""
    magnitudes = np.full((1, 10), np.nan, np.float32)
    magnitudes[0, 6:9] = 10, 10 - w12, 10 - w12 - w23
    return magnitudes


# By hand, of the paper's lines at W2 - W3 = 3: class I above -0.42 * 3 + 2.2 = 0.94; both above 0.46 * 3 - 0.9 = 0.48;
# class II below 0.9 * 3 - 0.25 = 2.45. At W2 - W3 = 1: class II above -1.5 + 2.1 = 0.6, and below 0.9 - 0.25 = 0.65.
@pytest.mark.parametrize(
    ("w12", "w23", "expected"),
    [
        (1.0, 3.0, "I"),
        (0.9, 3.0, "II"),
        (0.46, 3.0, ""),
        (0.5, 3.0, "II"),
        (1.0, 1.9, "II"),
        (1.5, 1.9, ""),
        (1.5, 2.1, "I"),
        (0.62, 1.0, "II"),
        (0.58, 1.0, ""),
        (0.67, 1.0, ""),
        (0.24, 1.3, ""),
        (2.0, 4.4, "I"),
        (2.0, 4.6, ""),
        (0.0, 0.0, ""),
    ],
)
def test_young_stars_by_wise_colours(w12, w23, expected):
    assert koenig_leisawitz(wise(w12, w23)).tolist() == [expected]
    assert (colour_cuts(wise(w12, w23))[0] == "yso") == (expected != "")


def test_a_source_without_w3_is_not_young():
    magnitudes = wise(1.0, 3.0)
    magnitudes[0, 8] = np.nan
    assert koenig_leisawitz(magnitudes).tolist() == [""]


@pytest.mark.parametrize(
    ("slope", "young"), [(0.5, True), (0.0, True), (-1.0, True), (-1.55, True), (-1.65, False), (-2.8, False)]
)
def test_young_stars_by_the_slope_of_their_spectrum(slope, young):
    flux = 1e-12 * sed.WAVELENGTH_UM**slope  # lambda F_lambda
    jy = flux * sed.WAVELENGTH_UM / (1e-26 * sed.SPEED_OF_LIGHT_UM_S)
    magnitudes = -2.5 * np.log10(jy / sed.ZERO_POINT_JY)
    assert young_by_index(magnitudes[None]).tolist() == [young]
    magnitudes[5:] = np.nan
    assert young_by_index(magnitudes[None]).tolist() == [False]


def test_what_a_rule_mistakes():
    truth, found = np.array(["yso", "agn", "agb", "agb", "agn"]), np.array([True, True, True, True, False])
    assert list(mistaken(truth, found, "yso").items()) == [("agb", 2), ("agn", 1)]


def test_nearest_template_knows_the_classes_that_it_was_made_of():
    rng = np.random.default_rng(0)
    kinds = ("white_dwarf", "agb_oxygen")
    magnitudes = np.concatenate([simulate(kind, 200, rng).magnitudes for kind in kinds]).astype(np.float32)
    labels = np.repeat(kinds, 200)
    nearest = NearestTemplate(magnitudes[::2], labels[::2])
    assert (nearest.predict(magnitudes[1::2]) == labels[1::2]).mean() > 0.95
    assert (nearest.predict(magnitudes[1::2] + 5) == nearest.predict(magnitudes[1::2])).all()
    assert len(COLUMNS) == nearest.seds.shape[1]
