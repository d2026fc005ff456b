import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sedsql.learn.features import LEAST_PARALLAX, Colours, Luminosities
from sedsql.photometry.bands import BANDS, COLUMNS

SED = np.array([[12.0, 12.75, 11.5, 10.5, 10.0, 9.75, 9.5, 9.25, 8.5, 7.0]], np.float32)
EXTINCTION = {band.short: band.extinction for band in BANDS}


def features(kind, X, columns=COLUMNS):
    transformer = kind(columns)
    return dict(zip(transformer.names, transformer.transform(X).T, strict=True))


def test_colours_are_differences_the_shorter_wavelength_first():
    found = features(Colours, SED)
    assert len([name for name in found if not name.startswith("Q(")]) == 45
    assert found["BP-G"] == 0.75
    assert found["G-RP"] == 0.5
    assert found["Ks-W4"] == 2.75


def test_a_reddening_free_index_by_hand():
    ratio = (EXTINCTION["J"] - EXTINCTION["H"]) / (EXTINCTION["H"] - EXTINCTION["Ks"])
    assert features(Colours, SED)["Q(J-H, H-Ks)"] == pytest.approx(0.5 - ratio * 0.25, abs=1e-6)


@given(st.floats(0, 30))
def test_dust_leaves_reddening_free_indices_as_they_are(a_v):
    """The index holds for extinction at one wavelength for each band, and not for the width of a band."""
    dust = np.array([EXTINCTION[band.short] for band in BANDS], np.float32)
    bare, behind_dust = features(Colours, SED), features(Colours, SED + np.float32(a_v) * dust)
    for name in bare:
        if name.startswith("Q("):
            assert behind_dust[name] == pytest.approx(bare[name], abs=1e-4)
    assert behind_dust["BP-W4"] == pytest.approx(bare["BP-W4"] + a_v * (EXTINCTION["BP"] - EXTINCTION["W4"]), abs=1e-4)


@given(arrays(np.float32, (3, 10), elements=st.integers(-64, 400).map(lambda n: n / 16)), st.integers(-160, 160))
def test_a_constant_in_all_bands_changes_nothing(magnitudes, sixteenths):
    moved = magnitudes + np.float32(sixteenths / 16)
    np.testing.assert_array_equal(Colours().transform(moved), Colours().transform(magnitudes))


def test_what_needs_a_missing_band_is_missing_and_nothing_else():
    X = SED.copy()
    X[0, COLUMNS.index("h_m")] = np.nan
    for name, value in features(Colours, X).items():
        assert np.isnan(value[0]) == ("H" in name.replace("Ks", ""))


def test_fewer_bands_in_another_order():
    columns = ("w1mpro", "j_m", "ks_m", "h_m")
    X = SED[:, [COLUMNS.index(column) for column in columns]]
    found, all_of_them = features(Colours, X, columns), features(Colours, SED)
    assert set(found) < set(all_of_them)
    assert {"J-H", "H-W1", "Q(J-H, H-Ks)", "Q(H-Ks, Ks-W1)"} < set(found)
    assert all(found[name] == all_of_them[name] for name in found)


def luminous(parallax, error=np.nan):
    return features(Luminosities, np.column_stack([SED, [[parallax, error]]]).astype(np.float32))


@pytest.mark.parametrize(
    ("parallax", "error", "counts_as"),
    [
        (5.0, np.nan, 5.0),
        (5.0, 0.2, 5.0),
        (0.1, 0.2, 0.2),
        (-3.0, 0.2, 0.2),
        (-3.0, np.nan, LEAST_PARALLAX),
        (0.001, 0.001, LEAST_PARALLAX),
    ],
)
def test_absolute_magnitudes_by_parallax_and_its_error(parallax, error, counts_as):
    found = luminous(parallax, error)
    assert found["M(G)"] == pytest.approx(12.0 + 5 * np.log10(counts_as / 100), abs=1 / 128 + 1e-6)
    assert found["M(Ks)"] - found["M(G)"] == pytest.approx(9.75 - 12.0, abs=1e-5)


def test_no_parallax_no_luminosity_but_all_colours():
    found = luminous(np.nan, 0.1)
    assert all(np.isnan(found[name]) == name.startswith("M(") for name in found)


def test_luminosity_does_not_depend_on_distance():
    near, far = luminous(10.0), None
    far = features(Luminosities, np.column_stack([SED + 5, [[1.0, np.nan]]]).astype(np.float32))
    assert all(far[name] == pytest.approx(near[name], abs=1e-5) for name in near)
