"""Nearest labelled sources, found by the definition of their distance; and tables that have none."""

import numpy as np
import pytest
from astropy.table import Table

from sedsql.files import TableError
from sedsql.inference.neighbours import MISSING_MAG, LabelledSeds
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate


def distance(one, other):
    """Root of the mean square of the differences, after both are brought to the same brightness, by definition."""
    both = np.isfinite(one) & np.isfinite(other)
    apart = (one - other)[both]
    lacking = (np.isfinite(one) & ~np.isfinite(other)).sum()
    squares = ((apart - apart.mean()) ** 2).sum() + MISSING_MAG**2 * lacking if both.any() else np.inf
    return np.sqrt(squares / max(np.isfinite(one).sum() - 1, 1))


def test_the_nearest_are_those_by_definition(tmp_path):
    rng = np.random.default_rng(3)
    kinds = ("yso", "giant", "agn")
    magnitudes = np.concatenate([simulate(kind, 40, rng).magnitudes for kind in kinds]).astype(np.float32)
    labels = np.repeat(kinds, 40)
    labels[5] = ""
    magnitudes[7, 2:] = np.nan  # too few bands
    Table([*magnitudes.T, labels], names=[*COLUMNS, "kind"]).write(tmp_path / "labelled.fits")
    seds = LabelledSeds.read(tmp_path / "labelled.fits", "kind")
    for source in (3, 50, 90):
        expected = np.array([distance(magnitudes[source].astype(float), other) for other in magnitudes.astype(float)])
        expected[[5, 7]] = np.inf
        found = seds.nearest(magnitudes[source], 4)
        assert [one.distance for one in found] == pytest.approx(sorted(expected)[:4], abs=5e-3)
        assert found[0].row == source + 1
        assert all(one.label == labels[one.row - 1] for one in found)


def test_tables_without_labelled_sources_are_told(tmp_path):
    table = Table({"j_m": [1.0], "h_m": [2.0], "ks_m": [3.0], "kind": ["yso"]})
    table.write(tmp_path / "labelled.csv")
    with pytest.raises(TableError, match="has no column 'class' to take labels from; it has j_m"):
        LabelledSeds.read(tmp_path / "labelled.csv", "class")
    table["ks_m"] = [np.nan]
    table.write(tmp_path / "few.csv")
    with pytest.raises(TableError, match="has no row with 3 bands and a label in its column kind"):
        LabelledSeds.read(tmp_path / "few.csv", "kind")
