from itertools import permutations

import duckdb
import numpy as np
import pytest

import sedsql
from sedsql.inference import explain
from sedsql.inference.card import PARALLAX
from sedsql.inference.model import DEFAULT_MODEL, Model, find_models
from sedsql.inference.session import Session
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate


@pytest.fixture(scope="module")
def session():
    return Session(find_models()[DEFAULT_MODEL])


def worth(session, inputs, place, there):
    """Probability of a class when only some of the inputs are there."""
    asked = np.where(there, inputs, np.float32(np.nan))[None]
    return float(session.run(asked)[1][0, place])


def by_definition(session, inputs, players):
    """What each player adds when it comes, averaged over all orders in which they can come."""
    place = session.predict(inputs[None]).class_index[0]
    gains = np.zeros(len(players))
    orders = list(permutations(range(len(players))))
    for order in orders:
        there = np.zeros(len(inputs), bool)
        before = worth(session, inputs, place, there)
        for k in order:
            there[players[k]] = True
            after = worth(session, inputs, place, there)
            gains[k] += after - before
            before = after
    return gains / len(orders)


def test_contributions_are_shapleys_by_all_orders(session):
    sources = simulate("yso", 40, np.random.default_rng(3)).magnitudes.astype(np.float32)
    sources[:, [1, 2, 3, 4, 9]] = np.nan
    some = sources[np.isfinite(sources).sum(axis=1) == 5][:3]
    assert len(some) == 3
    found = explain.contributions(session, some)
    for inputs, contributions in zip(some, found, strict=True):
        players = np.flatnonzero(np.isfinite(inputs))
        np.testing.assert_allclose(contributions[players], by_definition(session, inputs, players), atol=1e-6)
        assert np.isnan(np.delete(contributions, players)).all()


def test_contributions_add_up_to_the_probability(session):
    rng = np.random.default_rng(4)
    sources = np.concatenate([simulate(kind, 20, rng).magnitudes for kind in ("agn", "giant", "yso")]).astype(
        np.float32
    )
    sources[rng.random(sources.shape) < 0.1] = np.nan
    prediction = session.predict(sources)
    found = explain.contributions(session, sources)
    nothing = session.run(np.full((1, 10), np.nan, np.float32))[1][0]
    enough = prediction.class_index >= 0
    expected = prediction.probabilities.max(axis=1) - nothing[prediction.class_index]
    np.testing.assert_allclose(np.nansum(found, axis=1)[enough], expected[enough], atol=1e-5)
    assert np.isnan(found[~enough]).all()


def test_an_input_that_the_model_does_not_use_contributes_nothing(write_model, linear_graph):
    """Probabilities depend on G and the parallax alone; both alike."""
    weights = np.zeros((12, 2))
    weights[0, 1] = weights[10, 1] = 1
    session = Session(Model.read(write_model(linear_graph(weights), extra=list(PARALLAX))))
    inputs = np.array([[2, *[0.5] * 9, 2, 1]], np.float32)
    (found,) = explain.contributions(session, inputs)
    sigmoid = 1 / (1 + np.exp(-np.array([0.0, 2.0, 4.0])))
    assert found[0] == pytest.approx(found[10], abs=1e-6)
    assert found[0] + found[10] == pytest.approx(sigmoid[2] - sigmoid[0], abs=1e-6)
    np.testing.assert_allclose(found[1:10], 0, atol=1e-7)


def test_explanations_in_sql(session):
    source = "10.7, NULL, 9.8, 8.9, 8.1, 7.4, 6.5, 5.8, 3.9, 1.6"
    with duckdb.connect() as con:
        sedsql.register(con)
        (rows,) = con.execute(f"SELECT sed_explain({source})").fetchone()
        assert [row["band"] for row in rows] == [name for name in COLUMNS if name != "phot_bp_mean_mag"]
        inputs = np.array([[float(m) if m != "NULL" else np.nan for m in source.split(", ")]], np.float32)
        expected = explain.contributions(session, inputs)[0]
        assert [row["contribution"] for row in rows] == pytest.approx(expected[np.isfinite(expected)].tolist())
        assert con.execute(f"SELECT sed_explain({', '.join(['NULL'] * 10)})").fetchone() == (None,)


@pytest.mark.peers
def test_shap_finds_the_same(session):
    """The package's exact explainer, with a masker that takes bands away."""
    import shap

    inputs = simulate("yso", 30, np.random.default_rng(5)).magnitudes.astype(np.float32)
    inputs = inputs[np.isfinite(inputs).all(axis=1)][:3]
    for one in inputs:
        place = session.predict(one[None]).class_index[0]

        def masker(mask, x):
            return np.where(mask, x, np.float32(np.nan))[None]

        explainer = shap.explainers.Exact(lambda X, place=place: session.run(X.astype(np.float32))[1][:, place], masker)
        np.testing.assert_allclose(
            explainer(one[None]).values[0], explain.contributions(session, one[None])[0], atol=1e-6
        )
