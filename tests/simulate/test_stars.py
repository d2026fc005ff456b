import numpy as np
import pytest
from flux_excess import g_magnitude
from scipy.stats import truncnorm

from sedsql.photometry.sed import flux_jy
from sedsql.simulate.dust import nebula
from sedsql.simulate.dwarfs import main_sequence
from sedsql.simulate.hot import massive, white_dwarf
from sedsql.simulate.photosphere import photosphere
from sedsql.simulate.source import Stars, at_epochs
from sedsql.simulate.survey import GAIA_FLUX_ZERO_POINTS, observe


def colour(magnitudes, blue, red):
    return magnitudes[..., blue] - magnitudes[..., red]


@pytest.mark.parametrize(
    ("teff", "bp_rp", "v_ks", "j_h", "h_ks", "bc_v"),
    # B1.5V, B3V, A8V, F8V, K1V, M1V, M5.5V: not nodes of ours. Pecaut & Mamajek 2013, ApJS 208, 9, Table 5, version
    # 2024.05.15; NaN where it has no BP - RP.
    [
        (24500, np.nan, -0.752, -0.132, -0.047, -2.44),
        (17000, np.nan, -0.492, -0.098, -0.021, -1.54),
        (7590, 0.320, 0.601, 0.070, 0.042, 0.02),
        (6180, 0.694, 1.290, 0.225, 0.061, -0.04),
        (5170, 1.01, 2.06, 0.404, 0.094, -0.23),
        (3660, 2.09, 4.00, 0.614, 0.222, -1.42),
        (2930, 3.71, 6.50, 0.588, 0.329, -3.58),
    ],
)
def test_dwarfs_have_the_colours_of_pecaut_and_mamajek(teff, bp_rp, v_ks, j_h, h_ks, bc_v):
    magnitudes = photosphere([float(teff)], [1.0])[0]
    expected = np.array([bp_rp, j_h, h_ks])
    found = np.array([colour(magnitudes, 1, 2), colour(magnitudes, 3, 4), colour(magnitudes, 4, 5)])
    np.testing.assert_allclose(np.where(np.isnan(expected), expected, found), expected, atol=0.06)
    absolute_v = 4.74 - 10 * np.log10(teff / 5772) - bc_v
    assert magnitudes[5] == pytest.approx(absolute_v - v_ks, abs=0.08)


def test_a_b0_dwarf_is_bluer_than_a_planck_function():
    magnitudes, black = photosphere([31400.0], [7.2])[0], photosphere([31400.0], [7.2], "planck")[0]
    assert -0.52 < colour(magnitudes, 1, 2) < colour(black, 1, 2) - 0.05
    assert colour(magnitudes, 3, 5) < colour(black, 3, 5) - 0.04


def test_absolute_magnitude_of_an_o_star():
    """M_V of an O7V star, 36,900 K and 9.4 solar radii: -4.63 (Martins, Schaerer & Hillier 2005, A&A 436, 1049); a
    star without colour has G = V to 0.05 mag."""
    assert photosphere([36900.0], [9.37])[0, 0] == pytest.approx(-4.63, abs=0.2)


def test_white_dwarfs_of_log_g_8():
    """M_G of a DA of 10,000 K and 0.6 solar masses is 12.2 (Gentile Fusillo et al. 2021, MNRAS 508, 3877, Fig. 6)."""
    magnitudes = photosphere([10000.0], [0.0127], "hydrogen")[0]
    assert magnitudes[0] == pytest.approx(12.2, abs=0.1)
    cool = photosphere([4000.0], [0.0127], "hydrogen")[0]
    # Molecular hydrogen absorbs their infrared light.
    assert colour(cool, 3, 5) < -0.1
    helium = photosphere([12000.0], [0.0127], "helium")[0]
    assert colour(helium, 1, 2) == pytest.approx(
        colour(photosphere([12000.0], [0.0127], "hydrogen")[0], 1, 2), abs=0.05
    )


def test_white_dwarfs_are_blue_and_dim():
    drawn = white_dwarf(4000, np.random.default_rng(1))
    assert np.percentile(drawn.magnitudes[:, 0], [5, 95]) == pytest.approx([10.2, 14.3], abs=0.7)


def test_a_third_of_the_dwarfs_has_a_companion_that_is_never_the_brighter():
    drawn = main_sequence(20_000, np.random.default_rng(1))
    excess = photosphere(drawn.teff, drawn.radius)[:, [0, 5]] - drawn.magnitudes[:, [0, 5]]
    double = excess[:, 1] > 1e-6
    assert 0.28 < double.mean() < 0.4
    # Two equal stars are 0.75 mag brighter than one; the primary's own radius scatters by 5 % and it may have grown.
    assert excess.max() < 1.0
    # A companion is cooler, so it adds more in the infrared.
    assert (excess[double, 1] > excess[double, 0] - 0.05).mean() > 0.95


def test_an_h_ii_region_adds_to_w3_and_w4_alone():
    star = flux_jy(photosphere([30000.0], [7.0]))
    seen = star + nebula(star, np.array([3.0]), np.array([5.0]))
    ratio = seen[0] / star[0]
    assert ratio[8] == pytest.approx(4.0)
    np.testing.assert_allclose(ratio[:8], 1.0, atol=0.02)
    assert (seen - star)[0, 9] == pytest.approx(5 * (seen - star)[0, 8])


def test_massive_stars_are_hot_and_half_of_them_bare_until_w3():
    drawn = massive(4000, np.random.default_rng(1))
    assert drawn.teff.min() > 7900
    w1_w3 = colour(drawn.magnitudes, 6, 8)
    assert 0.3 < (w1_w3 < 0.3).mean() < 0.7
    assert np.median(colour(drawn.magnitudes, 3, 5)) == pytest.approx(-0.12, abs=0.08)


def test_bp_without_its_faint_transits_is_too_bright():
    """Compare with scipy's mean of a normal distribution cut at zero."""
    true = np.full((5, 10), 15.0)
    true[:, 1] = [16.0, 19.5, 20.5, 21.0, 23.0]
    observed = np.array([observe(true, np.random.default_rng(k))[0][:, 1] for k in range(400)])
    flux = 10 ** (0.4 * (GAIA_FLUX_ZERO_POINTS[1] - true[:, 1]))
    expected = truncnorm.mean(-flux / 50.0, np.inf, loc=flux, scale=50.0)
    found = 10 ** (0.4 * (GAIA_FLUX_ZERO_POINTS[1] - np.nanmedian(observed, axis=0)))
    np.testing.assert_allclose(found, expected, rtol=0.1)


def test_allwise_has_bright_sources_too_bright_in_w2():
    observed, _ = observe(np.full((4000, 10), 4.0), np.random.default_rng(1))
    assert np.nanmedian(observed[:, 6] - observed[:, 7]) == pytest.approx(0.5, abs=0.15)
    faint, _ = observe(np.full((4000, 10), 9.0), np.random.default_rng(1))
    assert np.nanmedian(faint[:, 6] - faint[:, 7]) == pytest.approx(0.0, abs=0.02)


def test_g_from_bp_and_rp_agrees_with_the_colours_of_dwarfs():
    teff = np.linspace(2700, 9600, 60)
    magnitudes = photosphere(teff, np.ones(60))
    np.testing.assert_allclose(g_magnitude(magnitudes[:, 1], magnitudes[:, 2]), magnitudes[:, 0], atol=0.06)


def test_neighbours_brighten_bp_and_rp_of_some():
    true = np.full((20_000, 10), 18.0)
    observed, _ = observe(true, np.random.default_rng(1))
    excess = 18.0 - observed[:, 2]
    assert 0.01 < (excess > 0.2).mean() < 0.1
    assert np.median(excess) == pytest.approx(0.0, abs=0.01)
    assert np.abs(18.0 - observed[:, 0]).max() < 0.05


def test_variables_are_caught_at_another_time_by_each_survey():
    star = Stars(*np.zeros((2, 20_000)), np.zeros((20_000, 10)), np.zeros(20_000))
    seen = at_epochs(star, 0.3, np.random.default_rng(1)).magnitudes
    np.testing.assert_array_equal(seen[:, :3], 0.0)
    np.testing.assert_allclose(seen[:, 5].std(), 0.3, rtol=0.03)
    assert abs(np.corrcoef(seen[:, 5], seen[:, 6])[0, 1]) < 0.03
    assert np.corrcoef(seen[:, 3], seen[:, 5])[0, 1] > 0.999
    assert seen[:, 3].std() > seen[:, 5].std()
