import numpy as np
import pytest

from sedsql.files import TableError
from sedsql.learn.augment import DISCLESS, class_shares, training_rows
from sedsql.learn.features import absolute_g
from sedsql.learn.parallaxes import KEPT, moduli, parallaxes_at, refuse_telling_parallaxes
from sedsql.learn.training import MIN_BANDS
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate.astrometry import expected_parallax_error


def colours(magnitudes):
    return magnitudes[:, 1:] - magnitudes[:, :1]


def test_copies_have_fewer_bands_but_enough(labelled):
    rows = training_rows(labelled, seed=0)
    assert len(rows.labels) == len(rows.magnitudes) == len(rows.weights) == len(rows.parallax)
    assert len(rows.labels) > 2 * len(labelled)
    assert (np.isfinite(rows.magnitudes).sum(axis=1) >= MIN_BANDS).all()
    assert np.isfinite(rows.magnitudes).mean() < 0.9 * np.isfinite(labelled.magnitudes).mean()


def test_rows_stand_at_other_distances_with_their_own_colours(labelled):
    rows = training_rows(labelled, seed=0)
    first = slice(0, len(labelled))
    np.testing.assert_allclose(colours(rows.magnitudes[first]), colours(labelled.magnitudes), atol=1e-5)
    assert abs(rows.magnitudes[first, 0] - labelled.magnitudes[:, 0]).mean() > 1


def test_brightness_tells_nothing(labelled):
    """The table's white dwarfs are fainter than its giants; the rows that are trained on are not."""
    rows = training_rows(labelled, seed=0)
    before, after = (
        abs(np.nanmean(m[y == "giant", 0]) - np.nanmean(m[y == "white_dwarf", 0]))
        for m, y in ((labelled.magnitudes, labelled.labels), (rows.magnitudes, rows.labels))
    )
    assert before > 1
    assert after < 0.5


def test_a_class_weighs_as_the_square_root_of_its_rows_and_a_rare_one_less_in_all(labelled):
    many, few = (labelled.labels == name for name in ("giant", "yso"))
    some = labelled[many | (few & (np.arange(len(labelled)) % 5 == 0))]
    shares = class_shares(some)
    assert shares["yso"] / shares["giant"] == pytest.approx(np.sqrt(1 / 5), rel=0.05)
    rows = training_rows(some, seed=0)
    weights = {name: rows.weights[rows.labels == name] for name in ("giant", "yso")}
    assert weights["yso"].sum() < weights["giant"].sum()


def test_a_limit_counts_as_it_stands_and_as_missing(labelled):
    table = labelled[np.isfinite(labelled.magnitudes).all(axis=1)]
    table.limits[::3, COLUMNS.index("w4mpro")] = True
    n = len(table)
    rows = training_rows(table, seed=0)
    np.testing.assert_allclose(colours(rows.magnitudes[:n]), colours(table.magnitudes), atol=1e-5)
    limited = slice(n, n + len(table.limits[::3]))
    assert np.isnan(rows.magnitudes[limited, -1]).all()
    np.testing.assert_allclose(
        colours(rows.magnitudes[limited])[:, :-1], colours(table.magnitudes[::3])[:, :-1], atol=1e-5
    )


def test_contradicted_rows_are_left_out(labelled):
    table = labelled[np.arange(len(labelled))]
    table.contradicted[:40] = True
    rows = training_rows(table, seed=0)
    np.testing.assert_allclose(colours(rows.magnitudes[: len(table) - 40]), colours(table.magnitudes[40:]), atol=1e-5)


def test_young_stars_without_a_disc_are_learnt_where_their_luminosity_is_known(labelled):
    table = labelled[np.arange(len(labelled))]
    table.labels = np.where(table.labels == "yso", DISCLESS, table.labels)
    assert DISCLESS not in training_rows(table, seed=0).labels
    rows = training_rows(table, seed=0, luminosity=True)
    discless = rows.labels == DISCLESS
    assert discless.any()
    assert np.isfinite(absolute_g(rows.magnitudes, rows.parallax)[discless]).all()


def test_having_a_parallax_tells_nothing(labelled):
    """One class has parallaxes in the table, another none, as catalogues of labels have them."""
    parallax = labelled.parallax.copy()
    parallax[labelled.labels != "giant"] = np.nan
    rng = np.random.default_rng(0)
    modulus = moduli(labelled.labels, labelled.magnitudes, parallax, rng)
    found = parallaxes_at(modulus, labelled.magnitudes[:, 0], rng)
    for name in np.unique(labelled.labels):
        assert np.isfinite(found[labelled.labels == name, 0]).mean() == pytest.approx(KEPT, abs=0.1)
    error = expected_parallax_error(labelled.magnitudes[:, 0])
    good = (labelled.labels == "giant") & (parallax[:, 0] > 5 * error)
    np.testing.assert_allclose(modulus[good], 5 * np.log10(100 / parallax[good, 0]), rtol=1e-5)


def test_distances_that_the_table_lacks_give_the_luminosities_of_the_class(labelled):
    rows = labelled.labels == "white_dwarf"
    g = labelled.magnitudes[rows, 0]
    nothing = np.full((rows.sum(), 2), np.nan, np.float32)
    modulus = moduli(labelled.labels[rows], labelled.magnitudes[rows], nothing, np.random.default_rng(1))
    assert np.median(g - modulus) == pytest.approx(12, abs=0.7)


def test_a_class_that_only_its_missing_parallaxes_would_tell(labelled):
    table = labelled[np.arange(len(labelled))]
    refuse_telling_parallaxes(table)
    table.labels = np.where(table.labels == "yso", "nova", table.labels)
    refuse_telling_parallaxes(table)
    table.parallax[table.labels == "nova"] = np.nan
    with pytest.raises(TableError, match="Only 0% of the rows of class 'nova' have a parallax"):
        refuse_telling_parallaxes(table)
