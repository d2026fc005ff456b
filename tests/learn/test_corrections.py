import numpy as np
import pytest
from scipy.special import softmax

from sedsql.learn import corrections, prior_trees
from sedsql.learn.corrections import count_corrections
from sedsql.learn.features import absolute_g
from sedsql.learn.prior import read
from sedsql.simulate.census import natural


@pytest.fixture
def bare(celestial):
    """Return a classifier without its prior, its card and its table."""
    model, classifier = celestial
    prior = classifier[-1].prior
    classifier[-1].set_params(prior=())
    yield classifier, model.card.prior, read(model.folder / "prior.csv", model.classes)
    classifier[-1].set_params(prior=prior)


@pytest.mark.thorough
def test_probabilities_add_up_to_the_numbers_of_the_sky(bare):
    classifier, card, table = bare
    classes = [str(name) for name in classifier.classes_]
    shares = np.array([card.class_shares[name] for name in classes])
    sky = natural(dict.fromkeys(classes, 3000), np.random.default_rng(5))
    found = count_corrections(classifier, table, 0.9, shares, sky)

    magnitudes = sky.sample.magnitudes.astype(np.float32)
    parallax = np.column_stack([sky.parallax, sky.parallax_error]).astype(np.float32)
    X = np.column_stack([magnitudes, parallax, sky.ra, sky.dec]).astype(np.float32)
    far = (np.isfinite(magnitudes).sum(axis=1) >= 3) & np.isnan(absolute_g(magnitudes, parallax))
    temperature = classifier[-1].temperature
    weights, labels = sky.weights[far], sky.labels[far]
    there = np.array([weights[labels == name].sum() for name in classes])

    def expected(corrections):
        trees = prior_trees.trees(table, classifier[0].names, 0.9, shares, temperature, corrections)
        classifier[-1].set_params(prior=trees)
        scores = classifier.decision_function(X[far])
        classifier[-1].set_params(prior=())
        return weights @ softmax(scores / temperature, axis=1)

    free = (there > 0) & (found > -2.9) & (found < 4.9)  # corrections are limited
    assert free.sum() >= 3
    before, after = (abs(np.log(expected(some)[free] / there[free])) for some in (None, found))
    assert after.max() < 0.5
    assert after.mean() < before.mean() / 2


def test_the_sky_that_is_tuned_on_is_no_other(monkeypatch):
    monkeypatch.setattr(corrections, "_ROWS", {"giant": 1_000})
    one, other = (corrections.tuning_sky(["agb_oxygen", "giant"], seed) for seed in (0, 1))
    assert len(one) == len(other) == 11_000
    assert not (one.ra == other.ra).any()
