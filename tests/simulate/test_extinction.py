import astropy.units as u
import numpy as np
import pytest
from dust_extinction.parameter_averages import G23
from flux_excess import g_magnitude

from sedsql.photometry.bands import BANDS
from sedsql.simulate import redden
from sedsql.simulate.extinction import coefficients, draw_r_v
from sedsql.simulate.photosphere import photosphere

NARROW = slice(3, 8)
WAVELENGTHS = np.array([band.wavelength_um for band in BANDS]) * u.um


@pytest.mark.parametrize("r_v", [2.5, 3.1, 5.0])
def test_narrow_bands_take_the_extinction_of_their_wavelength(r_v):
    np.testing.assert_allclose(
        coefficients([0.5], [0.5], [r_v])[0, NARROW], G23(Rv=r_v)(WAVELENGTHS)[NARROW], rtol=0.06
    )


def test_red_clump_in_gaia():
    """A_band / A_V of red clump stars, measured: Wang & Chen 2019, ApJ 877, 116, Table 3."""
    found = coefficients([1.2], [1.5], 3.1)[0, :3]
    np.testing.assert_allclose(found, [0.789, 1.002, 0.589], atol=0.04)


@pytest.mark.peers
@pytest.mark.parametrize(("temperature", "a_v", "r_v"), [(28000, 4.2, 3.5), (3900, 10.0, 2.8), (7500, 0.4, 5.0)])
def test_between_the_nodes_it_is_what_the_passbands_give(temperature, a_v, r_v):
    import extinction_table

    expected = extinction_table.coefficients(temperature, a_v, r_v)
    found = coefficients([extinction_table.bp_rp(temperature)], [a_v], [r_v])[0]
    np.testing.assert_allclose(found * a_v, expected * a_v, atol=0.05, rtol=0.015)


def test_wide_bands_lose_their_blue_light_first():
    thin, thick = coefficients([-0.4, -0.4], [0.1, 15.0])
    hot, cool = coefficients([-0.4, 2.5], [1.0, 1.0])
    assert thin[0] > 1.3 * thick[0]
    assert hot[0] > 1.3 * cool[0]
    # The narrow bands do not change.
    np.testing.assert_allclose(thin[NARROW], thick[NARROW], rtol=0.02)


def test_large_grains_are_grey():
    """E(J - Ks) / A_V falls with R_V, and so does E(BP - RP) / A_V."""
    small, large = coefficients([0.0, 0.0], [1.0, 1.0], [2.5, 5.5])
    assert small[1] - small[2] > 1.3 * (large[1] - large[2])
    assert large[5] > small[5]


def test_no_dust_changes_nothing():
    magnitudes = photosphere([3500.0, 30000.0], [1.0, 5.0])
    np.testing.assert_array_equal(redden(magnitudes, 0.0), magnitudes)


def test_g_by_integration_agrees_with_g_from_the_light_of_bp_and_rp():
    """Riello et al. 2021 measured the relation of BP and RP to G, which must hold for reddened stars too."""
    teff, a_v = (axis.ravel() for axis in np.meshgrid([4500.0, 6000.0, 20000.0, 30000.0], [0.0, 1.0, 3.0, 6.0]))
    reddened = redden(photosphere(teff, np.ones(16)), a_v)
    np.testing.assert_allclose(g_magnitude(reddened[:, 1], reddened[:, 2]), reddened[:, 0], atol=0.12)


def test_r_v_scatters_around_the_mean_and_is_larger_in_clouds():
    rng = np.random.default_rng(1)
    diffuse, cloud = draw_r_v(np.zeros(20_000), rng), draw_r_v(np.ones(20_000), rng)
    assert diffuse.mean() == pytest.approx(3.1, abs=0.02)
    assert diffuse.std() == pytest.approx(0.3, abs=0.02)
    assert 0.02 < (cloud > 5).mean() < 0.15
    assert cloud.max() <= 5.6
