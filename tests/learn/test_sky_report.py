"""Test the report of a model on a small simulated sky."""

import json
from dataclasses import replace

import numpy as np
import pytest
import skymodel
from astropy.coordinates import SkyCoord

from sedsql.inference.model import Model, find_models
from sedsql.inference.session import Session
from sedsql.learn import oracle, sky_report
from sedsql.simulate import POPULATIONS
from sedsql.simulate.census import join_skies, natural
from sedsql.simulate.published import PUBLISHED

ROWS = 120


@pytest.fixture(scope="module")
def model():
    return find_models()["luminosity-2"]


@pytest.fixture(scope="module")
def found(model):
    return sky_report.report(model, ROWS)


def test_the_sky_has_the_numbers_of_gaia_dr3_and_the_rows_asked_for(found):
    assert "simulated" in found["what"]
    assert found["rows"] == {name: ROWS * (10 if name in ("main_sequence", "giant") else 1) for name in POPULATIONS}
    for name, one in PUBLISHED.items():
        assert found["classes"][name]["number"] == pytest.approx(one.number, rel=1e-3)
        assert found["classes"][name]["published"] == one.number
    json.dumps(found)


def test_the_expected_numbers_add_up_to_the_sources_that_have_an_answer(found):
    expected = [some["expected"] for some in found["classes"].values() if some["expected"] is not None]
    answered = [some["answered"] for some in found["classes"].values()]
    assert sum(expected) == pytest.approx(sum(answered), rel=1e-3)
    assert sum(answered) / sum(one.number for one in PUBLISHED.values()) == pytest.approx(found["answered"], abs=1e-3)
    assert sum(some["share"] for some in found["default_answer"].values()) == pytest.approx(found["answered"], abs=1e-3)


def test_a_model_of_positions_is_asked_with_them(sky_model):
    """The model of `tests/skymodel.py` votes for young stars in the plane and for active nuclei off it."""
    sky = natural(dict.fromkeys(("giant", "agn", "yso"), 200), np.random.default_rng(0))
    places = SkyCoord(sky.sample.glon, sky.sample.glat, unit="deg", frame="galactic").icrs
    nowhere = np.column_stack([sky.sample.magnitudes, sky.parallax, sky.parallax_error]).astype(np.float32)
    inputs = np.column_stack([nowhere, places.ra.deg, places.dec.deg]).astype(np.float32)
    model = Model.read(sky_model)
    expected, without = (np.nan_to_num(Session(model).predict(some).probabilities) for some in (inputs, nowhere))
    answers = sky_report.asked(model, sky)
    clear = abs(np.sin(np.radians(answers.latitude)) - skymodel.PLANE) > 0.001
    assert answers.probabilities[clear] == pytest.approx(expected[clear], abs=1e-6)
    assert np.abs(expected - without)[answers.answered].max(axis=1).min() > 0.01
    assert (answers.nodes == "").sum() == (np.isfinite(sky.sample.magnitudes).sum(axis=1) < model.min_bands).sum()


def test_other_rows_than_those_of_training():
    one, again, other = (sky_report.drawn_sky(100, stream=stream) for stream in (0, 0, 1))
    trained = join_skies([natural({name: 100}, np.random.default_rng([0, k])) for k, name in enumerate(POPULATIONS)])
    assert np.array_equal(one.parallax, again.parallax, equal_nan=True)
    for some in (other, trained):
        assert not set(one.ra) & set(some.ra)


def test_a_model_that_knows_everything_is_perfect(model):
    sky = natural({"giant": 60, "agn": 60}, np.random.default_rng(0))
    told = replace(model, classes=tuple(POPULATIONS))
    truth = (np.array(list(POPULATIONS)) == sky.labels[:, None]).astype(float)
    found = sky_report.figures(sky_report.answers_of(told, sky, truth), None)
    assert found["answered"] == found["right"] == 1
    assert found["calibration_error"] == {"default_answer": 0, "most_probable_class": 0}
    for name in ("giant", "agn"):
        assert found["classes"][name]["purity"] == found["classes"][name]["completeness"] == 1
        assert found["classes"][name]["ratio"] == 1
        assert found["by_threshold"]["classes"][name]["purity"][-1] == 1


@pytest.mark.thorough
def test_the_oracle_has_the_numbers_of_the_sky(model):
    """A class with a thousandth of the weights has a thousandth of the probabilities, and these are useful."""
    classes = ("giant", "main_sequence", "white_dwarf")
    skies = [natural(dict.fromkeys(classes, 1000), np.random.default_rng(k)) for k in (0, 1)]
    p = oracle.best_possible(*skies, classes, trees={"max_iter": 40})
    answered = np.isfinite(skies[1].sample.magnitudes).sum(axis=1) >= 3
    assert np.array_equal(np.isfinite(p[:, 0]), answered)
    assert p[answered].sum(axis=1) == pytest.approx(1)
    weights, labels = skies[1].weights[answered], skies[1].labels[answered]
    expected = weights @ p[answered]
    for k, name in enumerate(classes):
        assert 0.3 < expected[k] / weights[labels == name].sum() < 3
    best = np.array(classes)[p[answered].argmax(axis=1)]
    assert np.average(best == labels, weights=weights) > weights[labels == "main_sequence"].sum() / weights.sum()


def test_a_model_of_other_classes_is_refused(model):
    other = replace(model, name="cats-1", classes=("cat", "dog"))
    with pytest.raises(sky_report.SkyReportError, match="No class of cats-1 can be simulated: it has cat, dog"):
        sky_report.asked(other, natural({"giant": 3}, np.random.default_rng(0)))


@pytest.mark.thorough
def test_the_command_prints_and_draws(sedsql, tmp_path):
    ran = sedsql("census", "--model", "luminosity-2", "-n", 100, "--plot", tmp_path / "figures")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("luminosity-2 on simulated sources")
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["class", "purity"] in [line[:2] for line in lines]
    assert ["class", "published"] in [line[:2] for line in lines]
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == [
        "by_g.png",
        "by_latitude.png",
        "by_threshold.png",
    ]
    ran = sedsql("census", "--model", "luminosity-2", "-n", 100, "--json")
    assert json.loads(ran.out)["seed"] == 0
    assert sedsql("census", "--oracle").code == 2
    assert sedsql("census", "--plot", tmp_path).code == 2
