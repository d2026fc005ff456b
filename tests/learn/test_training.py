import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy_healpix import HEALPix

from sedsql.bands import COLUMNS
from sedsql.learn import training
from sedsql.learn.training import add_simulated, read_labelled, with_missing_bands
from sedsql.tables import TableError


def changed(path, tmp_path, **columns):
    table = pq.read_table(path)
    for name, values in columns.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(values))
    pq.write_table(table, tmp_path / "changed.parquet")
    return tmp_path / "changed.parquet"


def test_rows_with_labels_and_enough_bands_are_read(labelled_file, labelled):
    table = pq.read_table(labelled_file)
    enough = np.sum([table[name].is_valid() for name in COLUMNS], axis=0) >= 3
    assert len(labelled) == enough.sum()
    assert (labelled.labels == np.array(table["kind"])[enough]).all()
    assert labelled.origin["rows"] + labelled.origin["left_out"] == len(table)
    assert sum(labelled.origin["rows_per_class"].values()) == len(labelled)


def test_whole_cells_are_held_out_and_about_one_row_in_five(labelled_file, labelled):
    table = pq.read_table(labelled_file)
    healpix = HEALPix(nside=2**training.SKY_ORDER, order="nested")
    cells = healpix.lonlat_to_healpix(table["ra"].to_numpy() * u.deg, table["dec"].to_numpy() * u.deg)
    assert set(labelled.cells) <= set(cells)
    assert not set(labelled.cells[labelled.held_out]) & set(labelled.cells[~labelled.held_out])
    assert 0.1 < labelled.held_out.mean() < 0.3


def test_rows_without_a_position_are_held_out_at_random(labelled_file, tmp_path):
    n = pq.read_metadata(labelled_file).num_rows
    table = read_labelled(changed(labelled_file, tmp_path, ra=np.full(n, np.nan)), "kind")
    assert 0.15 < table.held_out.mean() < 0.25


def test_copies_have_fewer_bands_but_enough(labelled):
    n = len(labelled)
    magnitudes, labels = with_missing_bands(labelled.magnitudes, labelled.labels, seed=0)
    np.testing.assert_array_equal(magnitudes[:n], labelled.magnitudes)
    copies = magnitudes[n:]
    assert len(labels) == len(magnitudes)
    assert (np.isfinite(copies).sum(axis=1) >= training.MIN_BANDS).all()
    assert np.isfinite(copies).mean() < 0.8 * np.isfinite(labelled.magnitudes).mean()


def test_simulated_rows_are_trained_on_and_never_tested_on(labelled):
    more = add_simulated(labelled, {"yso": 300}, seed=1)
    extra = len(more) - len(labelled)
    assert 200 < extra <= 300
    assert more.simulated.sum() == extra
    assert set(more.labels[more.simulated]) == {"yso"}
    assert not (more.held_out & more.simulated).any()
    assert more.origin["simulated_rows"] == {"yso": 300}


def test_a_class_that_cannot_be_simulated(labelled):
    with pytest.raises(TableError, match=r"'quasar' cannot be simulated for this table; .*yso.* can"):
        add_simulated(labelled, {"quasar": 5})


def test_no_such_label_column(labelled_file):
    with pytest.raises(TableError, match="has no column 'class' to take labels from; it has ra, dec, kind"):
        read_labelled(labelled_file, "class")


def test_a_label_with_too_few_rows(labelled_file, tmp_path):
    kinds = pq.read_table(labelled_file)["kind"].to_pylist()
    kinds[:3] = ["nova"] * 3
    with pytest.raises(TableError, match=r"Label 'nova' has 3 usable rows in .*; training needs 20 of each"):
        read_labelled(changed(labelled_file, tmp_path, kind=kinds), "kind")


def test_one_label_alone(labelled_file, tmp_path):
    n = pq.read_metadata(labelled_file).num_rows
    with pytest.raises(TableError, match=r"has 1 label\(s\) in usable rows; training needs two"):
        read_labelled(changed(labelled_file, tmp_path, kind=["star"] * n), "kind")


def test_a_band_with_one_value(labelled_file, tmp_path):
    n = pq.read_metadata(labelled_file).num_rows
    with pytest.raises(TableError, match="Column j_m, taken as the magnitude j_m, has one value in every row"):
        read_labelled(changed(labelled_file, tmp_path, j_m=np.full(n, 12.5)), "kind")


def test_text_in_a_magnitude(labelled_file, tmp_path):
    n = pq.read_metadata(labelled_file).num_rows
    with pytest.raises(TableError, match="Column j_m should hold the magnitude j_m, but row 3 has the text 'bright'"):
        read_labelled(changed(labelled_file, tmp_path, j_m=["12", "", "bright", *["7"] * (n - 3)]), "kind")
