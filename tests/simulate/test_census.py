import csv
import json
import re

import numpy as np
import pytest

from sedsql.simulate import POPULATIONS
from sedsql.simulate.census import natural
from sedsql.simulate.published import PUBLISHED, TOTAL

ROWS = 8000


@pytest.fixture(scope="module")
def sky():
    return natural(dict.fromkeys(POPULATIONS, ROWS), np.random.default_rng(1))


@pytest.fixture(scope="module")
def stars():
    """Simulate many dwarfs and giants, because they decide the counts."""
    return natural({"main_sequence": 60_000, "giant": 60_000}, np.random.default_rng(2))


def share(sky, chosen):
    return sky.weights[chosen].sum() / sky.weights.sum()


def area(low, high):
    """Return the area between two |b| in square degrees."""
    return 4 * np.pi * np.degrees(1) ** 2 * (np.sin(np.radians(high)) - np.sin(np.radians(low)))


def counted(sky, faint, low, high):
    """Count the sources in one magnitude of G from `faint`, between two |b|."""
    g, b = sky.sample.magnitudes[:, 0], np.abs(sky.sample.glat)
    return sky.weights[(g >= faint) & (g < faint + 1) & (b >= low) & (b < high)].sum()


def test_every_class_has_its_published_number(sky):
    assert set(PUBLISHED) == set(POPULATIONS)
    assert sum(one.number for one in PUBLISHED.values()) == pytest.approx(TOTAL)
    for label, one in PUBLISHED.items():
        mine = sky.labels == label
        assert mine.sum() == ROWS
        assert sky.weights[mine].sum() == pytest.approx(one.number)


def test_weights_have_no_wild_tails(sky):
    for label in POPULATIONS:
        weights = sky.weights[sky.labels == label]
        assert weights.sum() ** 2 / (weights**2).sum() > 0.2 * ROWS, label
        assert weights.max() < 20 * weights.mean(), label


def test_counts_by_magnitude(sky):
    """Of 1.8117e9 sources 145,677,450 have G <= 17 (2023A&A...677A.137) and at least 563e6 G < 19 (Gaia DR3
    documentation, 12.3.5)."""
    g = sky.sample.magnitudes[:, 0]
    assert np.isfinite(g).all()
    assert share(sky, g < 17) == pytest.approx(0.0804, rel=0.2)
    assert 0.29 < share(sky, g < 19) < 0.36


def test_counts_of_bright_stars_by_latitude(stars):
    """Compare with stars per square degree at G = 9 to 10 of Gaia DR3, completed by Hipparcos."""
    for low, high, published in ((0, 5, 16.0), (5, 20, 11.3), (20, 45, 5.8), (45, 90, 3.35)):
        found = counted(stars, 9, low, high) / area(low, high)
        assert published / 1.5 < found < published * 1.5, (low, high, found)


def test_as_many_have_other_bands_and_parallaxes_as_published(sky):
    """Gaia DR3: BP 1.54e9, parallaxes 1.468e9; AllWISE 324e6 matches; 2MASS about 450e6."""
    magnitudes = sky.sample.magnitudes
    assert share(sky, np.isfinite(magnitudes[:, 1])) == pytest.approx(0.85, abs=0.03)
    assert share(sky, np.isfinite(sky.parallax)) == pytest.approx(0.81, abs=0.03)
    assert share(sky, np.isfinite(magnitudes[:, 3:6]).any(axis=1)) == pytest.approx(0.25, abs=0.04)
    assert share(sky, np.isfinite(magnitudes[:, 6:]).any(axis=1)) == pytest.approx(0.179, abs=0.03)
    assert (np.isnan(sky.parallax) == np.isnan(sky.parallax_error)).all()


def test_quasars_are_as_many_as_quaia_has(sky):
    """1,295,502 at G < 20.5 and 755,850 at G < 20, of the sky without the plane (Storey-Fisher et al. 2024)."""
    agn = sky.labels == "agn"
    g = sky.sample.magnitudes[:, 0]
    assert sky.weights[agn & (g < 20.5)].sum() == pytest.approx(1.3e6, rel=0.25)
    assert sky.weights[agn & (g < 20.0)].sum() == pytest.approx(0.76e6, rel=0.3)
    assert share(sky, agn & (np.abs(sky.sample.glat) < 5)) < 0.05 * share(sky, agn)


def test_ultracool_dwarfs_are_near_and_white_dwarfs_a_little_farther(sky):
    def median(label):
        return np.median(sky.sample.distance_pc[sky.labels == label])

    assert 20 < median("brown_dwarf") < 120
    assert 150 < median("white_dwarf") < 700
    assert median("giant") > 2000


def test_without_weights_all_rows_of_a_class_weigh_the_same(sky):
    even = natural({"giant": 6000, "white_dwarf": 6000}, np.random.default_rng(3), weighted=False)
    for label in ("giant", "white_dwarf"):
        assert len(np.unique(even.weights[even.labels == label])) == 1
        there, even_there = sky.labels == label, even.labels == label
        for values, others in (
            (sky.sample.magnitudes[:, 0], even.sample.magnitudes[:, 0]),
            (np.abs(sky.sample.glat), np.abs(even.sample.glat)),
        ):
            mean = np.average(values[there], weights=sky.weights[there])
            assert others[even_there].mean() == pytest.approx(mean, abs=0.06 * values[there].std())


def test_giants_are_most_of_the_bright_stars_and_few_of_the_faint(stars):
    """In a model with the densities of GUMS-DR3 their share is .5 to .6 at G = 9, and .04 at 16 and |b| of 20 to 45."""
    g, b, giant = stars.sample.magnitudes[:, 0], np.abs(stars.sample.glat), stars.labels == "giant"

    def found(chosen):
        return stars.weights[chosen & giant].sum() / stars.weights[chosen].sum()

    for low, high in ((0, 5), (5, 20), (20, 45)):
        assert 0.4 < found((g > 8.5) & (g < 10) & (b >= low) & (b < high)) < 0.8
    assert 0.01 < found((g > 15.5) & (g < 16.5) & (b >= 20) & (b < 45)) < 0.08
    assert found((g > 19.5) & (b > 20)) < 0.02


@pytest.mark.parametrize(
    ("label", "columns"),
    [("main_sequence", ("dwarf", "subgiant")), ("giant", ("giant",)), ("white_dwarf", ("white_dwarf",))],
)
def test_shares_by_zone_and_magnitude_are_those_of_another_model(label, columns, stars, shared):
    """Star counts from the densities of GUMS-DR3 and Padova isochrones: the median ratio is within a factor of 2.

    There are more white dwarfs here, because candidates are counted; so their numbers are scaled to be equal.
    """
    path = shared / "priors" / "star_counts_model.csv"
    if not path.exists():
        pytest.skip(f"there is no {path}")
    with path.open(newline="") as file:
        model = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    share = {id(row): sum(row[column] for column in columns) for row in model}
    more = 1.0
    if label == "white_dwarf":
        more = PUBLISHED[label].number / sum(
            row["per_deg2"] * area(row["b_lo"], row["b_hi"]) * share[id(row)] for row in model
        )
    sky = natural({label: 60_000}, np.random.default_rng(4))
    ratios = []
    for row in model:
        if 9 <= row["g_lo"] <= 19:
            found, everything = (counted(one, row["g_lo"], row["b_lo"], row["b_hi"]) for one in (sky, stars))
            if found > 0:
                ratios.append(found / everything / share[id(row)] / more)
    assert len(ratios) > 50
    assert 0.5 < np.median(ratios) < 2


def test_an_unknown_class_is_named():
    with pytest.raises(ValueError, match=r"no class 'quasar' in the census; there are main_sequence, giant"):
        natural({"quasar": 1}, np.random.default_rng(1))


def test_none_are_none():
    assert len(natural({"giant": 0}, np.random.default_rng(1))) == 0


def test_the_command_prints_numbers_shares_and_matches(sedsql):
    ran = sedsql("census", "-n", 300)
    assert ran.code == 0
    assert re.search(r"^agn +1,900,000 ", ran.out, re.MULTILINE)
    header, *rows = ran.out.split("\n\n")[1].splitlines()[1:]
    assert header.split()[:3] == ["class", "all", "G"]
    assert [row.split()[0] for row in rows] == list(POPULATIONS)
    assert re.search(r"^AllWISE +0\.\d+ +0\.179$", ran.out, re.MULTILINE)


def test_the_command_prints_json(sedsql):
    found = json.loads(sedsql("census", "-n", 300, "--json").out)
    assert found["classes"]["white_dwarf"]["shares"]["all"] == pytest.approx(1.3e6 / TOTAL)
    for name in found["classes"]["agn"]["shares"]:
        assert sum(one["shares"][name] for one in found["classes"].values()) == pytest.approx(1)
    assert all(one["effective_rows"] > 0.2 * 300 for one in found["classes"].values())
