import numpy as np
import pytest

from sedsql.bands import COLUMNS
from sedsql.learn.augment import take_bands_away, training_rows
from sedsql.learn.parallaxes import KEPT, gaia_error, refuse_telling_parallaxes, with_parallaxes
from sedsql.learn.training import MIN_BANDS
from sedsql.tables import TableError


def test_copies_have_fewer_bands_but_enough(labelled):
    n = len(labelled)
    rows = training_rows(labelled, seed=0)
    np.testing.assert_array_equal(rows.magnitudes[:n], labelled.magnitudes)
    copies = rows.magnitudes[n:]
    assert len(rows.labels) == len(rows.magnitudes) == len(rows.weights) == len(rows.parallax)
    assert (np.isfinite(copies).sum(axis=1) >= MIN_BANDS).all()
    assert np.isfinite(copies).mean() < 0.8 * np.isfinite(labelled.magnitudes).mean()


def test_taking_bands_away_changes_none_that_stays(labelled):
    thinned = take_bands_away(labelled.magnitudes, np.random.default_rng(0))
    stays = np.isfinite(thinned)
    assert (thinned[stays] == labelled.magnitudes[stays]).all()
    wise = stays[:, 6:].any(axis=1)
    assert 0.1 < (wise & ~stays[:, 8:].any(axis=1)).mean() < 0.6


def test_a_class_of_few_rows_weighs_more_a_row_and_less_in_all(labelled):
    many, few = (labelled.labels == name for name in ("giant", "yso"))
    some = labelled[many | (few & (np.arange(len(labelled)) % 10 == 0))]
    rows = training_rows(some, seed=0)
    weights = {name: rows.weights[rows.labels == name] for name in ("giant", "yso")}
    assert weights["yso"].mean() > 2 * weights["giant"].mean()
    assert weights["yso"].sum() < weights["giant"].sum()


def test_a_limit_counts_half_as_it_stands_and_half_as_missing(labelled):
    table = labelled[np.isfinite(labelled.magnitudes).all(axis=1)]
    table.limits[::3, COLUMNS.index("w4mpro")] = True
    rows = training_rows(table, seed=0)
    n, limited = len(table), len(table.limits[::3])
    second = rows.magnitudes[n : n + limited]
    assert np.isnan(second[:, -1]).all()
    np.testing.assert_array_equal(second[:, :-1], table.magnitudes[::3, :-1])
    assert rows.weights[0] == pytest.approx(rows.weights[1] / 2, rel=1e-6)


def test_contradicted_rows_are_left_out(labelled):
    table = labelled[np.arange(len(labelled))]
    table.contradicted[:40] = True
    rows = training_rows(table, seed=0)
    np.testing.assert_array_equal(rows.magnitudes[: len(table) - 40], table.magnitudes[40:])


def test_having_a_parallax_tells_nothing(labelled):
    """One class has parallaxes in the table, another none, as catalogues of labels have them."""
    parallax = labelled.parallax.copy()
    parallax[labelled.labels != "giant"] = np.nan
    rng = np.random.default_rng(0)
    found = with_parallaxes(labelled.labels, labelled.magnitudes, parallax, rng)
    for name in np.unique(labelled.labels):
        there = np.isfinite(found[labelled.labels == name])
        assert there[:, 0].mean() == pytest.approx(KEPT, abs=0.1)
        assert there[:, 1].mean() == pytest.approx(KEPT / 2, abs=0.1)
    giants = (labelled.labels == "giant") & np.isfinite(found[:, 0])
    np.testing.assert_array_equal(found[giants, 0], parallax[giants, 0])


def test_simulated_parallaxes_give_the_luminosities_of_the_class(labelled):
    rows = labelled.labels == "white_dwarf"
    g = labelled.magnitudes[rows, 0]
    found = with_parallaxes(
        labelled.labels[rows], labelled.magnitudes[rows], np.full((rows.sum(), 2), np.nan), np.random.default_rng(1)
    )
    sure = found[:, 0] > 10 * gaia_error(g)
    absolute = g[sure] + 5 * np.log10(found[sure, 0] / 100)
    assert sure.sum() > 20
    assert np.median(absolute) == pytest.approx(12, abs=0.7)


def test_a_class_that_only_its_missing_parallaxes_would_tell(labelled):
    table = labelled[np.arange(len(labelled))]
    refuse_telling_parallaxes(table)
    table.labels = np.where(table.labels == "yso", "nova", table.labels)
    refuse_telling_parallaxes(table)
    table.parallax[table.labels == "nova"] = np.nan
    with pytest.raises(TableError, match="Only 0% of the rows of class 'nova' have a parallax"):
        refuse_telling_parallaxes(table)
