"""Positions of the sample sky come in the order of cells, with the numbers that were asked for."""

from pathlib import Path

import cdshealpix
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import Latitude, Longitude, SkyCoord
from astropy.table import Table

from sedsql.mirror.sample import sky
from sedsql.simulate import POPULATIONS
from sedsql.simulate.frames import galactic

ARCHIVE = Path(__file__).parents[3] / "shared" / "archive" / "gbs_v3_gaiadr3-result.fits"


def test_galactic_coordinates_agree_with_astropy():
    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(0, 360, 1000), np.degrees(np.arcsin(rng.uniform(-1, 1, 1000)))
    expected = SkyCoord(ra * u.deg, dec * u.deg).galactic
    found = SkyCoord(*(galactic(ra, dec) * u.deg), frame="galactic")
    # Its frame is turned by 25 mas against Gaia's.
    assert found.separation(expected).max() < 30 * u.mas


@pytest.mark.skipif(not ARCHIVE.exists(), reason="the archive's answers (../shared) are not there")
def test_galactic_coordinates_are_the_archives():
    real = Table.read(ARCHIVE)
    glon, glat = galactic(*(np.array(real[name], dtype=float) for name in ("ra", "dec")))
    np.testing.assert_allclose(glon, real["l"], atol=1e-9, rtol=0)
    np.testing.assert_allclose(glat, real["b"], atol=1e-9, rtol=0)


def test_every_population_has_its_share():
    for shares in (sky.RICH, sky.NATURAL):
        assert set(shares) == set(POPULATIONS)
        assert sum(shares.values()) == pytest.approx(1.0)


def test_positions_are_complete_in_order_and_in_their_cells():
    parts = list(sky.positions(30_000, seed=1, chunk=4000, rich=True))
    assert len(parts) > 5
    cell, ra, dec = (np.concatenate([getattr(part, name) for part in parts]) for name in ("cell", "ra", "dec"))
    assert len(cell) == 30_000
    assert (np.diff(cell) >= 0).all()
    expected = cdshealpix.lonlat_to_healpix(Longitude(ra, u.deg), Latitude(dec, u.deg), 12)
    np.testing.assert_array_equal(cell, expected.astype(np.int64))


def test_stars_crowd_the_plane_and_galaxies_avoid_it():
    part = next(sky.positions(30_000, seed=2, chunk=10**9, rich=True))
    names = np.array(list(POPULATIONS))[part.population]
    in_plane = np.abs(part.glat) < 10
    # An even sphere has 17 % of its area there.
    assert in_plane[names == "massive"].mean() > 0.9
    assert in_plane[names == "main_sequence"].mean() > 0.3
    assert in_plane[names == "agn"].mean() < 0.1
    towards_centre = np.cos(np.radians(part.glon)) > 0
    assert towards_centre[names == "giant"].mean() > 0.7


def test_young_stars_stand_in_the_regions():
    part = next(sky.positions(30_000, seed=3, chunk=10**9, rich=True))
    yso = np.isin(part.population, [list(POPULATIONS).index(name) for name in sky.YOUNG])
    assert (part.region[~yso] == -1).all()
    for number, region in enumerate(sky.REGIONS):
        mine = part.region == number
        centre = SkyCoord(region.ra, region.dec, unit="deg")
        away = SkyCoord(part.ra[mine], part.dec[mine], unit="deg").separation(centre).deg
        assert mine.sum() > 0, region.name
        assert away.max() < 3.2 * region.radius
        assert np.median(away) < 1.8 * region.radius


def test_a_natural_sky_has_the_classes_and_places_of_the_census():
    part = next(sky.positions(200_000, seed=4, chunk=10**9, rich=False))
    found = np.bincount(part.population, minlength=len(POPULATIONS)) / len(part)
    expected = np.array([sky.NATURAL[name] for name in POPULATIONS])
    np.testing.assert_allclose(found, expected, atol=4 * np.sqrt(expected.max() / len(part)))
    # Most of Gaia's sources lie in the plane: a third of the sky has two thirds of them and more.
    assert 0.8 < (np.abs(part.glat) < 20).mean() < 0.95
    agn = part.population == list(POPULATIONS).index("agn")
    assert (np.abs(part.glat[agn]) < 10).mean() < 0.1
