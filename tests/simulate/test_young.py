import numpy as np
import pytest

from sedsql.photometry import sed
from sedsql.simulate.young import SHARES, young_star, yso, yso_discless


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("stage", SHARES)
def test_the_index_of_a_stage_lies_in_its_range(stage, rng):
    """Ranges of Greene et al. 1994, ApJ 434, 614; discs without holes, without the cloud in front."""
    drawn = young_star(np.full(3000, stage), rng, holes=0.0)
    found = sed.stage(sed.alpha(drawn.magnitudes))
    assert (found == stage).mean() > 0.85


def test_a_hole_hides_a_disc_from_the_near_infrared(rng):
    drawn = young_star(np.full(2000, "II"), rng, holes=1.0)
    without = young_star(np.full(2000, "II"), rng, holes=0.0)
    near, far = (np.median(without.magnitudes[:, a] - without.magnitudes[:, b]) for a, b in ((5, 7), (8, 9)))
    assert np.median(drawn.magnitudes[:, 5] - drawn.magnitudes[:, 7]) < near - 0.5
    assert np.median(drawn.magnitudes[:, 8] - drawn.magnitudes[:, 9]) > far + 0.3


def test_the_cuts_for_young_stars_find_the_discs_and_not_the_stars_without(rng):
    """Koenig & Leisawitz 2014, ApJ 791, 131, drawn on Taurus."""
    pytest.importorskip("sklearn")
    from sedsql.learn.baselines import koenig_leisawitz

    found = {
        stage: np.mean(koenig_leisawitz(young_star(np.full(3000, stage), rng, holes=0.0).magnitudes) != "")
        for stage in SHARES
    }
    assert min(found["I"], found["flat"], found["II"]) > 0.8
    assert found["III"] == 0


def test_the_younger_the_deeper_in_the_cloud(rng):
    a_v = [young_star(np.full(4000, stage), rng).a_v.mean() for stage in ("I", "flat", "II", "III")]
    assert a_v == sorted(a_v, reverse=True)


def test_all_stages_in_their_shares(rng):
    found = sed.stage(sed.alpha(yso(20_000, rng).magnitudes))
    whole = 1 - SHARES["III"]
    for stage in ("I", "flat", "II"):
        # Holes make discs look like earlier or later stages.
        assert (found == stage).mean() == pytest.approx(SHARES[stage] / whole, abs=0.12)
    assert (found == "III").mean() < 0.05
    assert (sed.stage(sed.alpha(yso_discless(5000, rng).magnitudes)) == "III").mean() > 0.85
    assert len(yso(0, rng).teff) == len(yso_discless(0, rng).teff) == 0
