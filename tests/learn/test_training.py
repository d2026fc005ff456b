import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy_healpix import HEALPix

from sedsql.files import ReadOptions, TableError
from sedsql.learn import training
from sedsql.learn.training import read_labelled
from sedsql.photometry.bands import COLUMNS


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
    assert labelled.about["rows"] + labelled.about["left_out"] == len(table)
    assert sum(labelled.about["rows_per_class"].values()) == len(labelled)


def test_whole_cells_are_tested_on_together(labelled_file, labelled, validated):
    table = pq.read_table(labelled_file)
    enough = np.sum([table[name].is_valid() for name in COLUMNS], axis=0) >= 3
    healpix = HEALPix(nside=2**training.SKY_ORDER, order="nested")
    cells = healpix.lonlat_to_healpix(table["ra"].to_numpy() * u.deg, table["dec"].to_numpy() * u.deg)[enough]
    assert (labelled.cells == cells).all()
    assert validated.rows.tolist() == list(range(len(labelled)))  # each row is tested once
    assert max(len(set(validated.folds[cells == cell])) for cell in set(cells)) == 1
    assert (np.bincount(validated.folds) / len(cells)).min() > 0.2


def test_rows_without_a_position_are_each_for_themselves(labelled_file, tmp_path):
    n = pq.read_metadata(labelled_file).num_rows
    table = read_labelled(changed(labelled_file, tmp_path, ra=np.full(n, np.nan)), "kind")
    assert len(set(table.cells)) > 0.99 * len(table)


def test_a_source_with_two_labels_contradicts_itself(labelled_file, tmp_path):
    table = pq.read_table(labelled_file)
    ra, dec = table["ra"].to_numpy().copy(), table["dec"].to_numpy().copy()
    ra[1], dec[1] = ra[0], dec[0] + 1.5 / 3600  # the same class
    ra[-1], dec[-1] = ra[0], dec[0] - 1.9 / 3600  # another
    ra[-2], dec[-2] = ra[5], dec[5] + 2.1 / 3600  # another, too far
    read = read_labelled(changed(labelled_file, tmp_path, ra=ra, dec=dec), "kind")
    enough = np.sum([table[name].is_valid() for name in COLUMNS], axis=0) >= 3
    expected = np.zeros(len(table), bool)
    expected[[0, -1]] = True
    assert (read.contradicted == expected[enough]).all()


def test_a_spectral_type_of_another_class_contradicts_the_label(labelled_file, tmp_path):
    """Rows of a class that the table lacks contradict nothing: it has white dwarfs and no Wolf-Rayet stars."""
    n = pq.read_metadata(labelled_file).num_rows
    types = (["DA2.5", "WN6", "K1 III", None] * n)[:n]
    table = pq.read_table(labelled_file).append_column("spectral_type", pa.array(types))
    pq.write_table(table, tmp_path / "types.parquet")
    read = read_labelled(tmp_path / "types.parquet", "kind")
    dwarf = np.array([t == "DA2.5" for t in types])[read.rows - 1]
    assert (dwarf & (read.labels == "white_dwarf")).any()
    assert (read.contradicted == (dwarf & (read.labels != "white_dwarf"))).all()


def test_limits_by_the_surveys_letters(labelled_file, tmp_path):
    table = pq.read_table(labelled_file)
    letters = {"tmass_ph_qual": ["AUE", "BCD", None], "allwise_ph_qual": ["ABCU", "XZA", ""]}
    for name, some in letters.items():
        table = table.append_column(name, pa.array((some * len(table))[: len(table)]))
    pq.write_table(table, tmp_path / "letters.parquet")
    read = read_labelled(tmp_path / "letters.parquet", "kind")
    full = np.isfinite(read.magnitudes).all(axis=1)
    there = np.flatnonzero(np.sum([table[name].is_valid() for name in COLUMNS], axis=0) >= 3)
    for k, bands in enumerate(([4, 5, 9], [6, 7], [])):
        rows = full & (there % 3 == k)
        assert rows.any()
        assert (read.limits[rows] == np.isin(range(10), bands)).all()


def test_a_table_knows_which_bands_it_has(labelled_file):
    read = read_labelled(labelled_file, "kind", ReadOptions({"w4mpro": "none", "h_m": "none"}))
    assert read.columns == tuple(name for name in COLUMNS if name not in ("w4mpro", "h_m"))


def test_no_such_label_column(labelled_file):
    with pytest.raises(TableError, match="has no column 'class' to take labels from; it has ra, dec, kind"):
        read_labelled(labelled_file, "class")


def test_a_label_with_too_few_rows(labelled_file, tmp_path):
    kinds = pq.read_table(labelled_file)["kind"].to_pylist()
    kinds[:3] = ["nova"] * 3
    with pytest.raises(TableError, match=r"Label 'nova' has 3 usable rows .*\.parquet; training needs 20 of each"):
        read_labelled(changed(labelled_file, tmp_path, kind=kinds), "kind")
    kinds[3] = "supernova"
    with pytest.raises(
        TableError, match=r"Label 'supernova' has 1 usable .*, and 1 of the \d+ labels have too few too;"
    ):
        read_labelled(changed(labelled_file, tmp_path, kind=kinds), "kind")


def test_one_label_alone(labelled_file, tmp_path):
    n = pq.read_metadata(labelled_file).num_rows
    with pytest.raises(TableError, match="has one label, 'star'; training needs two"):
        read_labelled(changed(labelled_file, tmp_path, kind=["star"] * n), "kind")
    with pytest.raises(TableError, match=r"has no usable rows \(those with a label .*\) by column kind"):
        read_labelled(changed(labelled_file, tmp_path, kind=[""] * n), "kind", least_rows=0)


def test_a_number_that_stands_for_missing_is_told_from_a_flux(labelled_file, tmp_path):
    j = pq.read_table(labelled_file)["j_m"].to_numpy(zero_copy_only=False)
    there = np.arange(len(j)) % 9 > 0
    empty = read_labelled(changed(labelled_file, tmp_path, j_m=np.where(there, j, np.nan)), "kind")
    with pytest.raises(TableError, match=r"has -77 in \S+ rows \(if that stands for .* say so with --missing -77\)"):
        read_labelled(changed(labelled_file, tmp_path, j_m=np.where(there, j, -77)), "kind")
    read = read_labelled(tmp_path / "changed.parquet", "kind", ReadOptions(missing=[-77]))
    np.testing.assert_array_equal(read.magnitudes, empty.magnitudes)
    read = read_labelled(changed(labelled_file, tmp_path, j_m=np.where(there, j, -99)), "kind")
    np.testing.assert_array_equal(read.magnitudes, empty.magnitudes)
    (reading,) = read.readings.values()
    assert any("j_m -99 in " in text for text in reading.notes)


def test_a_flux_with_its_unit_is_trained_on_as_a_magnitude(labelled_file, tmp_path):
    table = pq.read_table(labelled_file)
    j = table["j_m"].to_numpy(zero_copy_only=False)
    field = pa.field("j_m", pa.float64(), metadata={"unit": "mJy"})
    place = table.column_names.index("j_m")
    flux = table.set_column(place, field, pa.array(1594e3 * 10 ** (-0.4 * j.astype(float)), from_pandas=True))
    pq.write_table(flux, tmp_path / "flux.parquet")
    read = read_labelled(tmp_path / "flux.parquet", "kind")
    np.testing.assert_allclose(read.magnitudes, read_labelled(labelled_file, "kind").magnitudes, atol=1e-5)


def test_a_position_that_is_no_number_of_degrees(labelled_file, tmp_path):
    n = pq.read_metadata(labelled_file).num_rows
    with pytest.raises(TableError, match="Column ra should hold ra, in deg, but row 2 has the text '12:30:11'"):
        read_labelled(changed(labelled_file, tmp_path, ra=["1.5", *["12:30:11"] * (n - 1)]), "kind")
    text = read_labelled(changed(labelled_file, tmp_path, ra=["12:30:11"] * n), "kind")
    number = read_labelled(changed(labelled_file, tmp_path, ra=[15 * (12 + 30 / 60 + 11 / 3600)] * n), "kind")
    assert (text.cells == number.cells).all()


def test_a_column_without_a_value_is_missing(labelled_file, tmp_path):
    """A CSV's empty column is one of text, however few its rows."""
    row = pq.read_table(labelled_file).select(["kind", *COLUMNS]).to_pylist()[0]
    words = ["" if value is None else str(value) for value in row.values()]
    (tmp_path / "one.csv").write_text(f"{','.join(row)},parallax\n{','.join(words)},\n")
    table = read_labelled(tmp_path / "one.csv", "kind", least_rows=0)
    assert len(table) == 1
    assert np.isnan(table.parallax).all()


def test_a_band_with_one_value(labelled_file, tmp_path):
    n = pq.read_metadata(labelled_file).num_rows
    with pytest.raises(TableError, match=r"Column j_m of .*, taken as the magnitude j_m, has one value, 12\.5, in"):
        read_labelled(changed(labelled_file, tmp_path, j_m=np.full(n, 12.5)), "kind")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            lambda m: 1594 * 10 ** (-0.4 * m),
            r"j_m of .* (has \S+ values that no magnitude has|runs against the other bands)|are they errors, or fluxes",
        ),
        (lambda m: 1594e3 * 10 ** (-0.4 * m), r"j_m of .* has \S+ values that no magnitude has"),
        (lambda m: 20 - m, r"j_m of .* runs against the other bands"),
        (lambda m: 0.02 + 0.01 * np.sin(m), r"j_m of .* has values about 0\.0\S+ \(are they errors"),
        (lambda m: np.where(np.arange(len(m)) % 50 == 0, 1594e3 * 10 ** (-0.4 * m), m), "values that no magnitude has"),
    ],
    ids=["flux in Jy", "flux in mJy", "flux in magnitudes", "errors", "one row in fifty a flux"],
)
def test_what_is_no_magnitude_is_found_before_training(labelled_file, tmp_path, kind, message):
    j = pq.read_table(labelled_file)["j_m"].to_numpy(zero_copy_only=False)
    with pytest.raises(TableError, match=message):
        read_labelled(changed(labelled_file, tmp_path, j_m=kind(j)), "kind")


def test_text_in_a_magnitude(labelled_file, tmp_path):
    n = pq.read_metadata(labelled_file).num_rows
    with pytest.raises(TableError, match="Column j_m should hold the magnitude j_m, but row 3 has the text 'bright'"):
        read_labelled(changed(labelled_file, tmp_path, j_m=["12", "", "bright", *["7"] * (n - 3)]), "kind")
