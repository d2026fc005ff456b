from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.modeling.physical_models import BlackBody

from sedsql.photometry import sed
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import POPULATIONS, galaxy, simulate
from sedsql.simulate.dust import CARBON, SILICATE, disc, dust_shell, free_free
from sedsql.simulate.photosphere import photosphere, planck
from sedsql.simulate.survey import GAIA, expected_error, limiting_magnitude, observe

SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_planck_agrees_with_astropy():
    teff, radius = np.array([2500.0, 5772.0, 30000.0]), np.array([80.0, 1.0, 0.01])
    expected = []
    for t, r in zip(teff, radius, strict=True):
        intensity = BlackBody(t * u.K)(sed.WAVELENGTH_UM * u.um)
        solid_angle = np.pi * float((r * u.R_sun / (10 * u.pc)).to(1)) ** 2 * u.sr
        expected.append(-2.5 * np.log10((intensity * solid_angle).to_value(u.Jy) / sed.ZERO_POINT_JY))
    np.testing.assert_allclose(planck(teff, radius), expected, atol=1e-3)


def test_a_star_of_9600_k_has_no_colour():
    magnitudes = photosphere(np.array([9600.0]), np.array([2.0]))[0]
    # Ks - W1 of an A0 star is 0.04 (Pecaut & Mamajek 2013).
    assert np.ptp(magnitudes) < 0.13


def test_ten_times_the_radius_is_five_magnitudes():
    for kind in ("dwarf", "giant", "planck"):
        small, large = photosphere(np.array([4000.0, 4000.0]), np.array([1.0, 10.0]), kind)
        np.testing.assert_allclose(small - large, 5.0)


def test_the_sun():
    """Absolute magnitudes of Willmer 2018, ApJS 236, 47 (G, J, Ks, W1)."""
    magnitudes = photosphere(np.array([5772.0]), np.array([1.0]))[0]
    np.testing.assert_allclose(magnitudes[[0, 3, 5, 6]], [4.67, 3.67, 3.27, 3.26], atol=0.1)


def test_extinction_grows_with_distance_and_towards_the_plane():
    assert galaxy.extinction_v(1000.0, 0.0) == pytest.approx(0.7, rel=1e-3)
    assert galaxy.extinction_v(np.inf, 90.0) == pytest.approx(0.7 * 0.12)
    a_v = galaxy.extinction_v(np.array([100.0, 1000.0, 5000.0])[:, None], np.array([0.0, 5.0, 30.0, -90.0]))
    assert (np.diff(a_v, axis=0) > 0).all()
    assert (np.diff(a_v, axis=1) < 0).all()


@pytest.mark.parametrize(("slope", "index"), [(0.75, -4 / 3), (0.6, -2 / 3), (0.5, 0.0)])
def test_spectral_index_of_a_disc(slope, index):
    """lambda F_lambda goes as lambda^(2/q - 4) for T ~ r^-q (Adams, Lada & Shu 1987)."""
    one = np.ones(1)
    flux = disc(4000 * one, 2 * one, 1500 * one, slope * one, one)
    # From W3 to W4, away from the inner edge.
    nu_f_nu = flux[0] / sed.WAVELENGTH_UM
    measured = np.log(nu_f_nu[9] / nu_f_nu[8]) / np.log(sed.WAVELENGTH_UM[9] / sed.WAVELENGTH_UM[8])
    assert measured == pytest.approx(index, abs=0.2)


def test_a_hole_takes_the_near_infrared_away():
    both = disc(*np.array([[4000.0] * 2, [2.0] * 2, [1500.0, 200.0], [0.55] * 2, [0.5] * 2]))
    assert both[1, 5] < 1e-3 * both[0, 5]
    assert both[1, 9] > 0.5 * both[0, 9]


def test_a_shell_without_dust_changes_nothing_and_one_with_dust_keeps_the_power():
    star = sed.flux_jy(photosphere(np.full(2, 3000.0), np.full(2, 300.0), "giant"))
    seen = dust_shell(star, np.array([0.0, 3.0]), np.full(2, 800.0), SILICATE)
    np.testing.assert_allclose(seen[0], star[0])
    order = np.argsort(sed.WAVELENGTH_UM)
    power = [np.trapezoid((f / sed.WAVELENGTH_UM)[order], np.log(sed.WAVELENGTH_UM)[order]) for f in (star[1], seen[1])]
    assert power[1] == pytest.approx(power[0])
    assert seen[1, 1] < 0.1 * star[1, 1]
    assert seen[1, 8] > 1.5 * star[1, 8]


def test_silicates_stand_out_in_w3_more_than_carbon():
    star = sed.flux_jy(photosphere(np.array([3000.0]), np.array([300.0]), "planck"))
    tau, temperature = np.array([2.0]), np.array([800.0])
    silicate, carbon = (dust_shell(star, tau, temperature, k)[0] for k in (SILICATE, CARBON))
    assert silicate[8] / silicate[7] > 1.3 * carbon[8] / carbon[7]


def test_a_wind_has_the_index_of_free_free_emission():
    wind = free_free(np.ones((1, 10)), np.array([2.0]))[0]
    assert wind[5] == pytest.approx(2.0)
    assert np.log(wind[9] / wind[5]) / np.log(sed.WAVELENGTH_UM[9] / sed.WAVELENGTH_UM[5]) == pytest.approx(-0.6)


def test_depths_of_the_surveys():
    np.testing.assert_allclose(limiting_magnitude(10.0)[3:6], [15.8, 15.1, 14.3])
    np.testing.assert_allclose(limiting_magnitude(5.0)[6:], [17.1, 15.7, 11.5, 7.7], atol=0.05)
    for snr in (3.0, 30.0):
        np.testing.assert_allclose(expected_error(limiting_magnitude(snr)), 2.5 / np.log(10) / snr)


def test_noise_is_as_large_as_the_errors_say(rng):
    true = np.tile([17.0, 17.5, 16.5, 13.0, 12.5, 12.0, 12.0, 12.0, 9.0, 5.5], (20_000, 1))
    observed, errors = observe(true, rng)
    pull = (observed - true) / errors
    # BP and RP are left out, because the light of neighbours is added to them.
    pull = np.delete(pull, [1, 2], axis=1)
    np.testing.assert_allclose(pull.std(axis=0), 1.0, atol=0.12)
    np.testing.assert_allclose(np.median(pull, axis=0), 0.0, atol=0.05)


def test_detection_fades_at_the_limit(rng):
    def found(ks):
        true = np.full((4000, 10), 10.0)
        true[:, 5] = ks
        return np.isfinite(observe(true, rng)[0][:, 5]).mean()

    assert found(14.3) > 0.99
    assert 0.05 < found(15.3) < 0.95
    assert found(16.5) < 0.01


def test_a_survey_that_does_not_list_a_source_gives_no_band_of_it(rng):
    true = np.full((2000, 10), 10.0)
    true[:, 6:8] = 19.0
    observed, errors = observe(true, rng)
    assert np.isnan(observed[:, 6:]).mean() > 0.999
    assert np.isfinite(observed[:, 3:6]).all()
    assert (np.isnan(observed) == np.isnan(errors)).all()


def test_missing_in_missing_out(rng):
    true = np.full((5, 10), 6.0)
    true[:, 4] = np.nan
    observed, _ = observe(true, rng)
    assert np.isnan(observed[:, 4]).all()
    assert np.isfinite(np.delete(observed, 4, axis=1)).all()


@pytest.mark.parametrize("population", POPULATIONS)
def test_populations(population):
    sample = simulate(population, 500, np.random.default_rng(1))
    again = simulate(population, 500, np.random.default_rng(1))
    np.testing.assert_array_equal(sample.magnitudes, again.magnitudes)
    assert sample.magnitudes.shape == (500, 10)
    assert (sample.true_magnitudes[:, 0] < galaxy.GAIA_LIMIT).mean() > 0.98
    assert np.isfinite(sample.magnitudes[:, GAIA]).mean() > 0.9
    assert (sample.a_v >= 0).all()
    assert (np.isnan(sample.distance_pc) == (population == "agn")).all()
    assert len(simulate(population, 0, np.random.default_rng(1))) == 0


def test_distances_and_directions_can_be_given(rng):
    given = np.array([100.0, np.nan])
    sample = simulate("giant", 2, rng, glon=[10, 20], glat=[30, 40], distance_pc=given)
    assert sample.distance_pc[0] == 100.0
    assert np.isfinite(sample.distance_pc[1])
    assert sample.glat.tolist() == [30, 40]


def test_without_gaia_cool_brown_dwarfs_are_kept(rng):
    anywhere = simulate("brown_dwarf", 2000, rng, gaia=False)
    assert (anywhere.teff < 1000).sum() > 100
    assert np.isnan(anywhere.magnitudes[:, 0]).sum() > 50


@pytest.mark.parametrize("population", ["massive", "giant", "agn"])
def test_a_brighter_catalogue_has_brighter_and_less_reddened_sources(population, rng):
    bright, all_of_gaia = (simulate(population, 2000, rng, faintest=limit) for limit in (13.0, galaxy.GAIA_LIMIT))
    assert (bright.true_magnitudes[:, 0] < 13.0).mean() > 0.98
    if population != "agn":
        assert np.median(bright.distance_pc) < 0.7 * np.median(all_of_gaia.distance_pc)
        assert np.median(bright.a_v) < np.median(all_of_gaia.a_v)


def test_an_unknown_population_is_named(rng):
    with pytest.raises(ValueError, match=r"no population 'quasar'; there are main_sequence, giant.*agn"):
        simulate("quasar", 1, rng)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the labelled catalogue (../shared) is not there")
@pytest.mark.parametrize(
    ("population", "colour"),
    # W1 - W2 of the giants is left out, because the catalogue's giants are saturated there.
    [(name, colour) for name in ("agb_oxygen", "agb_carbon", "wolf_rayet") for colour in ((0, 2), (3, 5), (6, 7))]
    + [
        ("giant", (0, 2)),
        ("giant", (3, 5)),
        ("agn", (6, 7)),
        ("agn", (0, 2)),
        ("brown_dwarf", (0, 3)),
        ("yso", (0, 2)),
        ("white_dwarf", (1, 2)),
    ],
)
def test_median_colours_are_near_those_of_real_sources(population, colour, rng):
    table = pq.read_table(SHARED / "catalogues" / "labelled.parquet", filters=[("class", "=", population)])
    blue, red = (np.array(table[COLUMNS[k]].to_pylist(), dtype=float) for k in colour)
    sample = simulate(population, 5000, rng)
    simulated = sample.magnitudes[:, colour[0]] - sample.magnitudes[:, colour[1]]
    assert np.nanmedian(simulated) == pytest.approx(np.nanmedian(blue - red), abs=0.5)
