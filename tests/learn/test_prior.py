import re
from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import Galactic, SkyCoord
from scipy.special import softmax

from sedsql.learn import prior as priors
from sedsql.learn import prior_trees
from sedsql.learn.features import GALACTIC_CENTRE, GALACTIC_POLE, Places, absolute_g, cosine_from
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate.census import natural

CLASSES = ("giant", "main_sequence", "white_dwarf", "yso")


@pytest.fixture(scope="module")
def sky():
    return natural(dict.fromkeys(CLASSES, 4000), np.random.default_rng(7))


@pytest.fixture(scope="module")
def prior(sky):
    return priors.from_census(sky, CLASSES)


def features(sky):
    X = np.column_stack([sky.sample.magnitudes, sky.parallax, sky.parallax_error, sky.ra, sky.dec]).astype(np.float32)
    return Places(COLUMNS), Places(COLUMNS).transform(X)


def test_latitudes_and_the_angle_from_the_centre_are_those_of_astropy():
    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(0, 360, 2000), np.degrees(np.arcsin(rng.uniform(-1, 1, 2000)))
    places = SkyCoord(ra * u.deg, dec * u.deg).galactic
    centre = SkyCoord(0 * u.deg, 0 * u.deg, frame=Galactic)
    np.testing.assert_allclose(cosine_from(ra, dec, *GALACTIC_POLE), np.sin(places.b.rad), atol=6e-4)
    np.testing.assert_allclose(cosine_from(ra, dec, *GALACTIC_CENTRE), np.cos(places.separation(centre).rad), atol=6e-4)


def test_shares_add_up_to_one(prior):
    for name in ("by_g", "by_m", "by_g_surveys", "by_m_surveys"):
        np.testing.assert_allclose(getattr(prior, name).sum(axis=-1), 1, rtol=1e-9)


def test_shares_are_those_of_the_sources_that_are_there(prior, sky):
    """Middle latitudes, G above 19.75, no luminosity known: counted by hand."""
    magnitudes = sky.sample.magnitudes.astype(np.float32)
    parallax = np.column_stack([sky.parallax, sky.parallax_error]).astype(np.float32)
    g = magnitudes[:, 0]
    inside = np.isnan(absolute_g(magnitudes, parallax)) & (g >= 19.75)
    inside &= (abs(sky.sample.glat) > 10) & (abs(sky.sample.glat) < 30)
    counted = [sky.weights[inside & (sky.labels == name)].sum() for name in CLASSES]
    np.testing.assert_allclose(prior.by_g[-2, -1], counted / np.sum(counted), rtol=0.1, atol=1e-3)


def test_trees_give_the_logarithms_of_the_table(prior, sky):
    places, X = features(sky)
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    trees = prior_trees.trees(prior, places.names, 1.0, shares, 1.0)
    assert all(len(list(tree.leaves())) <= 64 for tree in trees)
    found = softmax(sum(tree.scores(X) for tree in trees) + np.log(shares), axis=1)
    magnitudes = sky.sample.magnitudes.astype(np.float32)
    m_g = absolute_g(magnitudes, np.column_stack([sky.parallax, sky.parallax_error]).astype(np.float32))
    surveys = priors._surveys(magnitudes)
    for row in np.random.default_rng(1).choice(len(X), 300, replace=False):
        if np.isnan(m_g[row]):
            zone = priors._zone(*zone_of(sky, row), priors.ZONES)[0]
            first = prior.by_g[zone, np.digitize(magnitudes[row, 0], priors.G_EDGES)]
            table, k = prior.by_g_surveys, np.digitize(magnitudes[row, 0], priors.G_SURVEY_EDGES)
        else:
            zone = priors._zone(*zone_of(sky, row), priors.NEAR_ZONES)[0]
            first = prior.by_m[zone, np.digitize(m_g[row], priors.M_EDGES)]
            table, k = prior.by_m_surveys, np.digitize(m_g[row], priors.M_SURVEY_EDGES)
        expected = first * table[1 + surveys[row], k] / table[0, k]
        if near_an_edge(sky, row):
            continue
        np.testing.assert_allclose(found[row], expected / expected.sum(), rtol=5e-3)


def zone_of(sky, row):
    glon, glat = sky.sample.glon[[row]], sky.sample.glat[[row]]
    return abs(glat), priors._from_centre(glon, glat) < priors.INNER_DEGREES


def near_an_edge(sky, row):
    """Angles are rounded to 2^-10 in the features."""
    glat, glon = abs(sky.sample.glat[row]), sky.sample.glon[[row]]
    from_centre = priors._from_centre(glon, sky.sample.glat[[row]])[0]
    return min(abs(glat - edge) for edge in (3, 10, 30)) < 0.1 or abs(from_centre - priors.INNER_DEGREES) < 0.1


def test_without_a_position_there_is_no_prior(prior, sky):
    places, X = features(sky)
    X[:, places.names.index("|sin b|")] = np.nan
    trees = prior_trees.trees(prior, places.names, 1.0, np.full(4, 0.25), 1.0)
    assert not sum(tree.scores(X) for tree in trees).any()


def test_large_leaves_are_several_trees_of_small_ones(prior, sky):
    """The C extension holds a leaf in 16 bits, multiples of 2^-12."""
    places, X = features(sky)
    one = prior_trees.trees(prior, places.names, 1.0, np.full(4, 0.25), 1.0)
    hot = prior_trees.trees(prior, places.names, 1.0, np.full(4, 0.25), 3.0)
    assert max(abs(leaf).max() for tree in hot for leaf in tree.leaves()) < 8
    np.testing.assert_allclose(
        softmax(sum(tree.scores(X) for tree in hot) / 3, axis=1),
        softmax(sum(tree.scores(X) for tree in one), axis=1),
        atol=2e-3,
    )


def test_a_table_comes_back_as_it_was_written(prior, tmp_path):
    prior.write(tmp_path / "prior.csv")
    again = priors.read(tmp_path / "prior.csv", CLASSES)
    for name in ("by_g", "by_m", "by_g_surveys", "by_m_surveys"):
        np.testing.assert_allclose(getattr(again, name), getattr(prior, name), rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("giant,quasar\n0.5,0.5\n", "has the class 'quasar', which the model lacks; it has giant, main_sequence"),
        ("giant,yso\n1.5,-0.5\n", "Line 2 of the prior own.csv has a negative share, -0.5"),
        ("giant,yso\n0.5,0.3\n", "The shares in line 2 of the prior own.csv add up to 0.8, not to 1"),
        ("giant,yso\n0.5,half\n", "Line 2 of the prior own.csv holds something that is no number"),
        ("giant,yso\n", "The prior own.csv is empty"),
        ("giant,yso\n0.5,0.5\n0.4,0.6\n", "has 2 rows and no column 'given'"),
    ],
)
def test_a_table_that_is_no_prior(tmp_path, text, sentence):
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(priors.PriorError, match=re.escape(sentence)):
        priors.read(path, CLASSES)


def test_a_row_that_is_out_of_place(prior, tmp_path):
    path = tmp_path / "prior.csv"
    replace(prior).write(path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[2], lines[1], *lines[3:]]) + "\n")
    with pytest.raises(priors.PriorError, match=r"Line 2 of the prior prior\.csv should be for G"):
        priors.read(path, CLASSES)
    path.write_text("\n".join(lines[:40]) + "\n")
    with pytest.raises(priors.PriorError, match="ends before"):
        priors.read(path, CLASSES)
