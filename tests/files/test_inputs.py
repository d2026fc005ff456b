"""Columns are found by the names of catalogues, and read in their units, as their authors meant them."""

from decimal import Decimal

import astropy.units as u
import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import Angle
from astropy.table import Column, MaskedColumn, QTable, Table
from hypothesis import given
from hypothesis import strategies as st

from sedsql import files
from sedsql.files import Inputs, ReadOptions
from sedsql.photometry.bands import BANDS, COLUMNS

VIZIER = ["Gmag", "BPmag", "RPmag", "Jmag", "Hmag", "Kmag", "W1mag", "W2mag", "W3mag", "W4mag"]


def found(names, **options):
    """The columns that are taken of a table with these names, None where there is none."""
    inputs = Inputs.find(pa.schema([(name, pa.float64()) for name in names]), ReadOptions(**options))
    return {name: source.column for name, source in inputs.columns.items()}


def bands(names, **options):
    return [found(names, **options).get(band) for band in COLUMNS]


def read(table, wanted=(), **options):
    """Numbers by band or further name, and what is told."""
    inputs = Inputs.find(table, ReadOptions(**options))
    matrix = inputs.read(len(table), table.__getitem__, wanted)
    names = [*COLUMNS, *(one.column for one in files.FURTHER)]
    return dict(zip(names, matrix.T, strict=True)), list(inputs.notes([*inputs.columns])), inputs


# ---- names ----


def test_names_synonyms_case_and_map():
    assert bands(COLUMNS) == list(COLUMNS)
    assert bands(["id", *VIZIER]) == VIZIER
    assert bands([name.upper() for name in COLUMNS]) == [name.upper() for name in COLUMNS]
    assert bands([*VIZIER, *COLUMNS]) == list(COLUMNS)
    mapped = found([*COLUMNS[1:], "g", "J_M"], columns={"phot_g_mean_mag": "g", "w4mpro": "none", "j_m": "J_M"})
    assert (mapped["phot_g_mean_mag"], mapped.get("w4mpro"), mapped["j_m"]) == ("g", None, "J_M")


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        # Columns of the services' own tables: VizieR I/355, II/246, II/328; MAST's TIC; the archive's ps; IRSA.
        (
            "RA_ICRS DE_ICRS Source Plx e_Plx PM Gmag BPmag e_BPmag RPmag BP-RP RAJ2000 DEJ2000",
            "Gmag BPmag RPmag - - - - - - - Plx e_Plx RA_ICRS DE_ICRS",
        ),
        (
            "RAJ2000 DEJ2000 2MASS Jmag e_Jmag Hmag e_Hmag Kmag e_Kmag Qflg",
            "- - - Jmag Hmag Kmag - - - - - - RAJ2000 DEJ2000",
        ),
        (
            "AllWISE RAJ2000 DEJ2000 W1mag e_W1mag W2mag W3mag W4mag Jmag Hmag Kmag",
            "- - - Jmag Hmag Kmag W1mag W2mag W3mag W4mag - - RAJ2000 DEJ2000",
        ),
        (
            "ID ra dec plx e_plx GAIA Bmag Vmag umag gmag rmag imag zmag Jmag Hmag Kmag w1mag w2mag w3mag w4mag "
            "GAIAmag e_GAIAmag Tmag e_Tmag gaiabp e_gaiabp gaiarp e_gaiarp",
            "GAIAmag gaiabp gaiarp Jmag Hmag Kmag w1mag w2mag w3mag w4mag plx e_plx ra dec",
        ),
        (
            "pl_name rastr ra decstr dec sy_plx sy_plxerr1 sy_plxerr2 sy_bmag sy_vmag sy_jmag sy_hmag sy_kmag sy_umag "
            "sy_gmag sy_rmag sy_w1mag sy_w1magerr1 sy_w2mag sy_w3mag sy_w4mag sy_gaiamag sy_tmag",
            "sy_gaiamag - - sy_jmag sy_hmag sy_kmag sy_w1mag sy_w2mag sy_w3mag sy_w4mag sy_plx sy_plxerr1 ra dec",
        ),
        (
            "designation ra dec w1mpro w1sigmpro w1mpro_error w2mpro w3mpro w4mpro j_m_2mass h_m_2mass k_m_2mass",
            "- - - j_m_2mass h_m_2mass k_m_2mass w1mpro w2mpro w3mpro w4mpro - - ra dec",
        ),
        (
            "source_name ra dec w1mpro_pm w1sigmpro_pm w2mpro_pm par_pm",
            "- - - - - - w1mpro_pm w2mpro_pm - - - - ra dec",
        ),
        (
            "source_id_gaia ra_gaia dec_gaia parallax_gaia parallax_error_gaia phot_g_mean_mag_gaia "
            "phot_g_mean_mag_error_gaia phot_bp_mean_mag_gaia phot_rp_mean_mag_gaia j_m_2mass h_m_2mass k_m_2mass",
            "phot_g_mean_mag_gaia phot_bp_mean_mag_gaia phot_rp_mean_mag_gaia j_m_2mass h_m_2mass k_m_2mass "
            "- - - - parallax_gaia parallax_error_gaia ra_gaia dec_gaia",
        ),
    ],
    ids=["VizieR Gaia DR3", "VizieR 2MASS", "VizieR AllWISE", "TIC", "exoplanets", "IRSA", "CatWISE", "LSDB"],
)
def test_names_of_catalogues(names, taken):
    every = [*COLUMNS, *(one.column for one in files.FURTHER)]
    expected = {name: column for name, column in zip(every, taken.split(), strict=True) if column != "-"}
    assert found(names.split()) == expected


@pytest.mark.parametrize("name", ["w1mpro_error", "j_m_error", "phot_g_mean_mag_error", "e_Jmag", "Tmag", "sy_gmag"])
def test_errors_and_other_bands_are_none(name):
    assert found([name]) == {}


def test_the_g_of_other_surveys_is_not_gaias():
    table = Table({"gmag": [15.0], "rmag": [14.5], "imag": [14.2], "Jmag": [13.0]})
    numbers, told, _ = read(table)
    assert np.isnan(numbers["phot_g_mean_mag"]).all()
    assert any("Column gmag was not taken for Gaia's G" in text for text in told)
    assert found(["gmag", "bpmag", "rpmag"])["phot_g_mean_mag"] == "gmag"
    assert found(["gmag", "rmag"], columns={"phot_g_mean_mag": "gmag"}) == {"phot_g_mean_mag": "gmag"}


def test_two_columns_of_one_band_are_told_and_a_map_decides():
    table = Table({"Ksmag": [12.0], "Kmag": [13.0], "Jmag": [14.0]})
    numbers, told, _ = read(table)
    assert numbers["ks_m"][0] == 12
    (one,) = (text for text in told if "could be" in text)
    assert one.startswith("Columns Ksmag and Kmag could be ks_m, and Ksmag was taken; --map ks_m=Kmag takes another")
    numbers, told, _ = read(table, columns={"ks_m": "Kmag"})
    assert numbers["ks_m"][0] == 13
    assert not any("could be" in text for text in told)


def test_only_the_bands_of_some_surveys():
    assert bands(VIZIER, bands=["gaia", "WISE"]) == [*VIZIER[:3], None, None, None, *VIZIER[6:]]
    with pytest.raises(files.TableError, match=r"There is no survey 'sdss' \(--bands\); there are gaia, 2mass, wise"):
        found(VIZIER, bands=["sdss"])


def test_too_few_bands_are_an_error_with_names_that_would_do_and_near_ones():
    inputs = Inputs.find(pa.schema([(name, pa.float64()) for name in ["id", "Jmag", "Ks_magn", "W1_mag"]]))
    inputs.require(1)
    with pytest.raises(files.TableError) as told:
        inputs.require(3, COLUMNS, "shape-2")
    message = str(told.value)
    for words in (
        "columns for 1 of the bands, and shape-2 needs 3",
        "phot_g_mean_mag (Gmag or GAIAmag or sy_gaiamag would do)",
        "--map phot_g_mean_mag=COLUMN",
        "perhaps --map ks_m=Ks_magn --map w1mpro=W1_mag",
        "it has id, Jmag, Ks_magn, W1_mag",
    ):
        assert words in message
    assert "j_m (" not in message


def test_absent_bands_are_told_and_declined_ones_are_not():
    told = read(Table({"Gmag": [1.0], "Jmag": [2.0]}), columns={"w4mpro": "none"}, bands=["gaia", "wise"])[1]
    inputs = Inputs.find(Table({"Gmag": [1.0]}), ReadOptions(columns={"w4mpro": "none"}, bands=["gaia", "wise"]))
    (text,) = inputs.notes()
    absent = "phot_bp_mean_mag, phot_rp_mean_mag, w1mpro, w2mpro, w3mpro"
    assert text == f"The table has no column for {absent}: missing in every row."
    assert told == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": {"j_m": "jay"}}, r"no column 'jay' \(--map j_m=jay\)"),
        ({"columns": {"jmag": "j_m"}}, "No band is called 'jmag'"),
        ({"units": {"jay": "mJy"}}, r"no column 'jay' \(--unit jay=mJy\)"),
    ],
)
def test_options_of_unknown_things(options, words):
    with pytest.raises(files.TableError, match=words):
        found(COLUMNS, **options)


# ---- numbers ----


def one_band(column, first_row=1):
    inputs = Inputs(["J"], {}, ReadOptions(columns={"j_m": "J"}))
    return inputs.read(len(column), lambda name: column, (), first_row)[:, COLUMNS.index("j_m")]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([12.5, None, float("nan"), float("inf")]),
        pa.array(["12.5", None, "NaN", "inf"]),
        pa.array([" +12.5 ", "", "null", "--"], pa.large_string()),
        pa.array(["1.25e1", "N/A", "None", ""]).dictionary_encode(),
        pa.array([Decimal("12.50"), None, None, None]),
        pa.chunked_array([[12.5, None], [None, None]], pa.float32()),
        MaskedColumn([12.5, 1, 1, np.nan], mask=[0, 1, 1, 0], dtype=">f4"),
        Column([b"12.5", b"", b"nan", b"null"]),
        Column(["12.5", None, b"", np.nan], dtype=object),
        [12.5, np.nan, np.nan, np.nan] * u.mag,
    ],
)
def test_magnitudes_of_every_kind_of_column(column):
    np.testing.assert_array_equal(one_band(column), np.float32([12.5, np.nan, np.nan, np.nan]))


@pytest.mark.parametrize("column", [pa.array(["1", "", "12,5", "x"]), Column(["1", "", "12,5", "x"])])
def test_text_that_is_no_number_is_told_with_its_row(column):
    with pytest.raises(
        files.TableError, match="Column J should hold the magnitude j_m, but row 103 has the text '12,5'"
    ):
        one_band(column, first_row=101)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([True]),
        pa.array([[1.0]]),
        pa.array([0], pa.timestamp("s")),
        Column([[1, 2]]),
        Column([1 + 2j]),
    ],
)
def test_columns_that_are_no_numbers(column):
    with pytest.raises(files.TableError, match="Column J should hold the magnitude j_m, but its type is"):
        one_band(column)


# ---- sentinels ----


def test_sentinels_are_missing_and_told_with_their_column():
    table = Table({"Gmag": [99.0, 15, 0, -999], "Jmag": [14.0, 99.99, 0, -999], "Plx": [99.0, -999, 1, 2]})
    numbers, told, _ = read(table, ["parallax"])
    np.testing.assert_array_equal(numbers["phot_g_mean_mag"], np.float32([np.nan, 15, np.nan, np.nan]))
    np.testing.assert_array_equal(numbers["j_m"], np.float32([14, np.nan, np.nan, np.nan]))
    np.testing.assert_array_equal(numbers["parallax"], np.float32([99, np.nan, 1, 2]))
    (text,) = told
    for words in ("Gmag 99 in 1 row", "Jmag 99.99 in 1 row", "Plx -999 in 1 row", "all bands 0 in 1 row"):
        assert words in text
    assert "taken as missing" in text


def test_sentinels_can_be_kept():
    numbers, told, _ = read(Table({"Gmag": [99.0, 0], "Jmag": [14.0, 0]}), keep_sentinels=True)
    np.testing.assert_array_equal(numbers["phot_g_mean_mag"], np.float32([99, 0]))
    assert "taken as they are" in told[0]


def test_other_numbers_are_missing_if_the_user_says_so():
    table = Table({"Gmag": [-77.0, 15], "Jmag": [14.0, 88.5], "Plx": [-77.0, 3], "FH": [5.0, 88.5]})
    options = {"missing": [-77, 88.5], "columns": {"h_m": "FH"}, "units": {"FH": "mJy"}}
    numbers, told, _ = read(table, ["parallax"], **options)
    assert np.isnan(numbers["phot_g_mean_mag"]).tolist() == [True, False]
    assert np.isnan(numbers["j_m"]).tolist() == [False, True]
    assert np.isnan(numbers["parallax"]).tolist() == [True, False]
    assert np.isnan(numbers["h_m"]).tolist() == [False, True]
    assert any("Gmag -77 in 1 row" in text for text in told)


# ---- units ----

FLUXES = np.array([0.5, 3.0, 1e-4])
"""In Jy."""


@pytest.mark.parametrize(
    ("unit", "numbers"),
    [
        ("Jy", FLUXES),
        ("mJy", FLUXES * 1e3),
        ("uJy", FLUXES * 1e6),
        ("10**-3 Jy", FLUXES * 1e3),
        ("erg / (s cm2 Hz)", (FLUXES * u.Jy).to_value("erg / (s cm2 Hz)")),
        ("nmgy", (FLUXES * u.Jy).to_value(u.nmgy, u.zero_point_flux(3631 * u.Jy))),
        ("mag(AB)", (FLUXES * u.Jy).to_value(u.ABmag)),
        ("AB mag", (FLUXES * u.Jy).to_value(u.ABmag)),
        ("ABmag", (FLUXES * u.Jy).to_value(u.ABmag)),
    ],
)
@pytest.mark.parametrize("band", BANDS, ids=lambda band: band.short)
def test_fluxes_and_ab_magnitudes_become_vega_magnitudes(unit, numbers, band):
    """By astropy's magnitudes, of flux densities over that of a source of Vega magnitude 0."""
    table = pa.table([pa.array(numbers)], pa.schema([pa.field(band.column, pa.float64(), metadata={"unit": unit})]))
    inputs = Inputs.find(table.schema)
    got = inputs.read(3, table.column)[:, BANDS.index(band)]
    expected = (FLUXES * u.Jy).to_value(u.mag(band.zero_point_jy * u.Jy))
    np.testing.assert_allclose(got, expected, atol=1e-4)  # astropy's AB magnitude 0 is 3630.78 Jy
    (text,) = (text for text in inputs.notes() if "was made Vega" in text)
    assert f"Column {band.column}, in {unit}, was made Vega magnitudes of {band.column}" in text


def test_quantities_and_magnitudes_of_astropy():
    table = QTable({"Jmag": FLUXES * u.Jy, "Hmag": (FLUXES * u.Jy).to(u.ABmag), "Kmag": [1.0, 2, 3] * u.mag})
    numbers = read(table)[0]
    np.testing.assert_allclose(numbers["j_m"], -2.5 * np.log10(FLUXES / 1594), atol=1e-5)
    np.testing.assert_allclose(numbers["h_m"], -2.5 * np.log10(FLUXES / 1024), atol=1e-4)
    np.testing.assert_array_equal(numbers["ks_m"], [1, 2, 3])


@pytest.mark.parametrize("unit", ["", "mag", "Mag", "magnitude", "Vega mag", "mag(Vega)", "[mag]", "---", "'mag'"])
def test_vega_magnitudes_stay_as_they_are(unit):
    inputs = Inputs(["Jmag"], {"Jmag": unit}, ReadOptions())
    assert inputs.read(1, lambda _: pa.array([12.5]))[0, COLUMNS.index("j_m")] == 12.5
    assert not any("Vega" in text for text in inputs.notes())


@pytest.mark.parametrize(
    "unit", ["erg / (s cm2 Angstrom)", "ct", "electron/s", "mag(ST)", "mag/arcsec2", "dex", "K", "furlong", "%"]
)
def test_what_is_no_magnitude_is_refused(unit):
    with pytest.raises(files.TableError) as told:
        Inputs(["Jmag"], {"Jmag": unit}, ReadOptions())
    message = str(told.value)
    assert f"Column Jmag should hold the magnitude j_m, but its unit is {unit}" in message
    assert "--map j_m=none" in message
    assert "--unit Jmag=mag" in message
    Inputs(["Jmag"], {"Jmag": unit}, ReadOptions(units={"jmag": "mag"}))


def test_fluxes_of_zero_or_less_are_missing_and_sentinels_of_magnitudes_are_fluxes():
    numbers, told, _ = read(Table({"FJ": [99.0, 0, -3, 1594]}), columns={"j_m": "FJ"}, units={"FJ": "Jy"})
    np.testing.assert_allclose(numbers["j_m"], [-2.5 * np.log10(99 / 1594), np.nan, np.nan, 0], atol=1e-6)
    assert any("fluxes of zero or less, in 2 rows, are missing" in text for text in told)


# ---- positions ----


@given(st.floats(0, 359.99), st.floats(-89.99, 89.99), st.sampled_from([":", " ", "hms"]), st.integers(0, 4))
def test_sexagesimal_positions_are_those_of_astropy(ra, dec, sep, precision):
    hours = Angle(ra, u.deg).to_string(u.hour, sep=sep, precision=precision, pad=True)
    degrees = Angle(dec, u.deg).to_string(u.deg, sep="dms" if sep == "hms" else sep, precision=precision, pad=True)
    if float(hours[:2]) >= 24:
        return
    inputs = Inputs(["RAJ2000", "DEJ2000"], {}, ReadOptions())
    columns = {"RAJ2000": pa.array([hours, None]), "DEJ2000": pa.array([degrees, ""])}
    got_ra, got_dec = inputs.position(columns.__getitem__)
    np.testing.assert_allclose(got_ra, [Angle(hours, u.hour).deg, np.nan], atol=1e-9)
    np.testing.assert_allclose(got_dec, [Angle(degrees, u.deg).deg, np.nan], atol=1e-9)


@pytest.mark.parametrize(
    ("unit", "word", "expected"),
    [
        ('"h:m:s"', "05 35 17.3", 83.8220833),
        ("", "05:35.5", 83.875),
        ("d:m:s", "83 49 19.5", 83.8220833),
        ("", "83d49m19.5s", 83.8220833),
        ("", "83.8220833", 83.8220833),
        ("hourangle", "5.5", 82.5),
        ("h", "5.5", 82.5),
    ],
)
def test_right_ascensions_in_hours_or_degrees(unit, word, expected):
    inputs = Inputs(["RAJ2000", "DEJ2000"], {"RAJ2000": unit}, ReadOptions())
    ra, dec = inputs.position({"RAJ2000": pa.array([word]), "DEJ2000": pa.array(["-00 30 00"])}.__getitem__)
    np.testing.assert_allclose((ra[0], dec[0]), (expected, -0.5), atol=1e-6)


@pytest.mark.parametrize("word", ["25 00 00", "05 61 00", "05 10 75", "five", "12.5"])
def test_what_is_no_position_is_told_with_its_row(word):
    inputs = Inputs(["RAJ2000", "DEJ2000"], {}, ReadOptions())
    columns = {"RAJ2000": pa.array(["05 35 17.3", word]), "DEJ2000": pa.array([0.0, 0.0])}
    with pytest.raises(files.TableError, match=f"RAJ2000 should hold ra, in deg, but row 8 has the text '{word}'"):
        inputs.read(2, columns.__getitem__, ["ra", "dec"], 7)


def test_the_mapping_tells_column_unit_missing_share_and_range():
    table = Table({"Gmag": [10.0, 12, np.nan, 14], "Plx": [1.0, 2, 3, 4]}, units={"Plx": "arcsec"})
    inputs = read(table, ["parallax"])[2]
    assert inputs.mapping() == [
        {"name": "phot_g_mean_mag", "column": "Gmag", "unit": None, "missing": 0.25, "range": [10, 14]},
        {"name": "parallax", "column": "Plx", "unit": "arcsec", "missing": 0, "range": [1000, 4000]},
    ]


def test_of_two_columns_of_one_name_the_first_is_taken_and_told(tmp_path):
    (tmp_path / "a.csv").write_text("j_m,j_m,h_m\n1,2,3\n")
    stream = files.read_pieces(tmp_path / "a.csv")
    notes = list(Inputs.find(stream.schema).notes(["j_m", "h_m"]))
    assert notes == ["The table has 2 columns j_m, and the first was taken as j_m; rename them to choose."]


def test_a_table_may_be_divided_by_spaces(tmp_path):
    (tmp_path / "a.csv").write_text("j_m h_m\n11 12\n")
    assert files.read_table(tmp_path / "a.csv").colnames == ["j_m", "h_m"]
    (tmp_path / "b.csv").write_text("my name\nOrion A\n")
    assert files.read_table(tmp_path / "b.csv")["my name"].tolist() == ["Orion A"]


def test_a_decimal_comma_is_told(tmp_path):
    (tmp_path / "a.csv").write_text("Gmag;BPmag\n12,5;13\n")
    table = files.read_table(tmp_path / "a.csv")
    with pytest.raises(files.TableError, match=r"row 1 has the text '12,5'; write numbers with a decimal point"):
        Inputs.find(table).read(1, table.__getitem__)
