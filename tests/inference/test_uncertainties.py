import duckdb
import numpy as np
import pytest

import sedsql
from sedsql.inference.macros import ERROR_COLUMNS
from sedsql.inference.model import DEFAULT_MODEL, find_models
from sedsql.inference.session import Session
from sedsql.inference.uncertainties import DEVIATES, DRAWS, predict_with_errors
from sedsql.mirror.sample import write_sample
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate


@pytest.fixture(scope="module")
def session():
    return Session(find_models()[DEFAULT_MODEL])


@pytest.fixture(scope="module")
def sources():
    sample = simulate("yso", 200, np.random.default_rng(1))
    return sample.magnitudes.astype(np.float32), sample.errors.astype(np.float32)


def test_deviates_are_of_a_standard_normal_distribution_in_each_band():
    assert DEVIATES.shape == (DRAWS, 10)
    np.testing.assert_allclose(DEVIATES.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(DEVIATES.std(axis=0), 1, atol=1e-6)
    assert abs(np.corrcoef(DEVIATES.T) - np.eye(10)).max() < 0.7


def test_without_errors_it_is_the_plain_prediction(session, sources):
    magnitudes, errors = sources
    plain = session.predict(magnitudes)
    for none in (np.zeros_like(errors), np.full_like(errors, np.nan)):
        found = predict_with_errors(session, magnitudes, none)
        np.testing.assert_allclose(found.probabilities, plain.probabilities, atol=1e-6)
        assert (found.class_index == plain.class_index).all()
        assert (found.n_bands == plain.n_bands).all()


def test_probabilities_are_near_those_of_thousands_of_random_draws(session, sources):
    magnitudes, errors = sources
    magnitudes, errors = magnitudes[:25], np.maximum(errors[:25], 0.1)
    rng = np.random.default_rng(2)
    draws = magnitudes + rng.standard_normal((2000, *magnitudes.shape)).astype(np.float32) * errors
    many = session.predict(draws.reshape(-1, 10)).probabilities.reshape(2000, 25, -1).mean(axis=0)
    found = predict_with_errors(session, magnitudes, errors).probabilities
    plain = session.predict(magnitudes).probabilities
    enough = np.isfinite(plain[:, 0])
    off, plainly_off = (abs(p[enough] - many[enough]).sum(axis=1) / 2 for p in (found, plain))
    assert off.mean() < 0.6 * plainly_off.mean()
    assert off.mean() < 0.07


def test_in_sql_errors_come_from_the_row(tmp_path, session):
    write_sample(tmp_path / "sky", 300, seed=1, rich=True)
    with sedsql.connect(tmp_path / "sky", default=DEFAULT_MODEL) as con:
        names = ", ".join(f"s.{name}" for name in (*COLUMNS, *ERROR_COLUMNS))
        query = f"SELECT sed_predict_errors(s), sed_predict(s), {names} FROM sed.photometry AS s ORDER BY s.source_id"
        rows = con.execute(query).fetchall()
    values = np.array([row[2:] for row in rows], dtype=np.float32)
    expected = predict_with_errors(session, values[:, :10], values[:, 10:])
    assert [row[0]["n_bands"] for row in rows] == expected.n_bands.tolist()
    found = np.array([np.nan if row[0]["probability"] is None else row[0]["probability"] for row in rows])
    np.testing.assert_allclose(found, expected.probabilities.max(axis=1), atol=1e-6)
    assert any(row[0]["probability"] != row[1]["probability"] for row in rows)


def test_a_row_without_errors_is_told_so():
    with duckdb.connect() as con:
        sedsql.register(con)
        columns = ", ".join(f"1.0 AS {name}" for name in COLUMNS)
        with pytest.raises(duckdb.Error, match="phot_g_mean_mag_error"):
            con.execute(f"SELECT sed_predict_errors(s) FROM (SELECT {columns}) AS s")
