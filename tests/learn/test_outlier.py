import numpy as np
import onnxruntime
import pytest

from sedsql.learn import outlier
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate

MISSING2 = outlier.MISSING_MAG**2


def by_definition(sed, typical):
    """Find the smallest mean square of differences over all shifts in brightness."""
    both = np.isfinite(sed) & np.isfinite(typical)
    difference = (sed - typical)[both]
    lacking = (np.isfinite(sed) & ~np.isfinite(typical)).sum()
    return ((difference - difference.mean()) ** 2).sum() + MISSING2 * lacking


@pytest.fixture(scope="module")
def sources():
    rng = np.random.default_rng(2)
    kinds = ("main_sequence", "yso", "white_dwarf")
    samples = [simulate(kind, 300, rng).magnitudes for kind in kinds]
    return np.concatenate(samples).astype(np.float32), np.repeat(kinds, 300)


def test_squared_distances_are_those_of_the_definition(sources):
    magnitudes, labels = sources
    typical = outlier.typical_seds(magnitudes, labels)
    some = magnitudes[::37]
    expected = [[by_definition(sed.astype(float), centre.astype(float)) for centre in typical] for sed in some]
    np.testing.assert_allclose(outlier.squared_distances(some, typical), expected, atol=2e-3)


def test_every_class_has_typical_seds_and_they_lie_near_it(sources):
    magnitudes, labels = sources
    typical = outlier.typical_seds(magnitudes, labels)
    assert abs(len(typical) - outlier.TYPICAL) < 10
    near = outlier.distances(magnitudes, typical)
    spread = np.nanstd(magnitudes - np.nanmean(magnitudes, axis=1, keepdims=True))
    assert np.median(near) < 0.1 * spread
    for name in np.unique(labels):
        assert np.median(near[labels == name]) < 0.3


def test_brightness_does_not_matter_and_bands_may_be_missing(sources):
    magnitudes, labels = sources
    typical = outlier.typical_seds(magnitudes, labels)
    near = outlier.distances(magnitudes, typical)
    np.testing.assert_allclose(outlier.distances(magnitudes - 7, typical), near, atol=0.02)
    thinned = magnitudes.copy()
    thinned[:, 6:] = np.nan
    assert np.isfinite(outlier.distances(thinned, typical)).all()


def test_seds_unlike_any_are_outliers(built, labelled):
    model, _ = built
    quantiles = np.array(model.card.outlier.quantiles)
    assert (np.diff(quantiles) >= 0).all()
    session = onnxruntime.InferenceSession(str(model.folder / "model.onnx"))
    (inside,) = session.run(["distance"], {"magnitudes": labelled.magnitudes})
    np.testing.assert_allclose(np.quantile(inside, np.linspace(0, 1, 101)), quantiles, atol=2e-3)
    # With bands in another order these are SEDs of no source on the sky.
    full = labelled.magnitudes[np.isfinite(labelled.magnitudes).all(axis=1) & (labelled.labels == "yso")]
    jumbled = full[:, np.random.default_rng(0).permutation(len(COLUMNS))]
    (outside,) = session.run(["distance"], {"magnitudes": jumbled})
    assert (outside > quantiles[99]).mean() > 0.9
