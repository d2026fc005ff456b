"""Tables as VizieR writes them: comments, units and dashes before the rows, and several tables in a file."""

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from astropy.io.votable import from_table
from astropy.io.votable.tree import Resource, VOTableFile
from astropy.table import Table

from sedsql import files
from sedsql.files import Inputs

ROWS = [
    ("05 35 17.30", "-05 23 28.0", "05351730-0523280", " 9.453", "  8.700", "", "2.54", "AAU"),
    ("05 35 20.00", "-05 23 30.0", "05352000-0523300", "12.001", "       ", "10.2", "", "AU "),
]
NAMES = ["RAJ2000", "DEJ2000", "2MASS", "Jmag", "Hmag", "Kmag", "Plx", "Qflg"]
UNITS = ['"h:m:s"', '"d:m:s"', " ", "mag", "mag", "mag", "mas", " "]


def tsv(delimiter="\t", end="\n"):
    """A table as `asu-tsv` has it."""
    described = [
        f"#Column\t{name}\t(F6.3)\tColumn {name} of the catalogue\t[ucd=meta.{name.lower()}]" for name in NAMES
    ]
    head = ["#", "#   VizieR Astronomical Server", "#Table\tII_246_out:", *described, ""]
    lines = [NAMES, UNITS, ["-" * max(len(name), 6) for name in NAMES], *ROWS]
    return "\n".join([*head, *map(delimiter.join, lines), end])


@pytest.mark.parametrize(("delimiter", "ending"), [("\t", "tsv"), (";", "tsv"), (";", "csv"), ("\t", "csv")])
@pytest.mark.parametrize("end", ["", "\n", "#END# -out.max=50\n", "\n#\n#END#\n"])
def test_units_and_dashes_are_no_rows(tmp_path, delimiter, ending, end):
    path = tmp_path / f"asu.{ending}"
    path.write_text(tsv(delimiter, end))
    table = files.read_table(path)
    assert table.colnames == NAMES
    assert len(table) == 2
    assert table["Jmag"].tolist() == [9.453, 12.001]
    assert table["Hmag"].tolist() == [8.7, None]
    assert [str(table[name].unit) for name in ("Jmag", "Plx")] == ["mag", "mas"]
    assert table["Jmag"].description == "Column Jmag of the catalogue"
    assert table["Jmag"].meta["ucd"] == "meta.jmag"
    inputs = Inputs.find(table)
    numbers = inputs.read(2, table.__getitem__, ["parallax", "ra", "dec"])
    expected = [9.453, 8.7, np.nan], [12.001, np.nan, 10.2]
    np.testing.assert_allclose(numbers[:, 3:6], np.array(expected, np.float32))
    np.testing.assert_allclose(numbers[:, 10], [2.54, np.nan])
    np.testing.assert_allclose(numbers[:, 12:], [[83.8220833, -5.3911111], [83.8333333, -5.3916667]], atol=1e-5)


def test_a_table_without_rows(tmp_path):
    path = tmp_path / "asu.tsv"
    path.write_text("\n".join(line for line in tsv().splitlines() if not line.startswith("05")) + "\n")
    assert len(files.read_table(path)) == 0


def test_several_tables_in_one_tsv_are_refused(tmp_path):
    path = tmp_path / "asu.tsv"
    path.write_text(tsv() + "#\n#Table\tI_355:\n\na\n-\n")
    with pytest.raises(files.TableError, match="has several tables one after the other"):
        files.read_table(path)


def test_lines_of_another_length_are_still_errors(tmp_path):
    path = tmp_path / "asu.tsv"
    path.write_text(tsv() + "1\t2\n")
    with pytest.raises(files.TableError, match="cannot be read as csv"):
        files.read_table(path)


def test_a_csv_with_dashes_in_its_rows_keeps_them(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,x\n-,y\n2,-\n")
    assert files.read_table(tmp_path / "a.csv")["a"].tolist() == ["1", "-", "2"]


# ---- several tables ----


@pytest.fixture
def votable(tmp_path):
    file = VOTableFile()
    for name, values in (("gaia", [1.0]), ("wise", [2.0, 3.0])):
        one = from_table(Table({"W1mag": values})).get_first_table()
        one.name = name
        file.resources.append(Resource())
        file.resources[-1].tables.append(one)
    file.to_xml(str(tmp_path / "two.vot"))
    return tmp_path / "two.vot"


@pytest.fixture
def fits_file(tmp_path):
    tables = [fits.table_to_hdu(Table({"W1mag": values})) for values in ([1.0], [2.0, 3.0])]
    for hdu, name in zip(tables, ("gaia", "wise"), strict=True):
        hdu.name = name
    fits.HDUList([fits.PrimaryHDU(np.zeros((2, 2))), *tables]).writeto(tmp_path / "two.fits")
    return tmp_path / "two.fits"


@pytest.mark.parametrize("kind", ["votable", "fits_file"])
def test_a_table_of_several_is_chosen_by_number_or_name(request, kind):
    path = request.getfixturevalue(kind)
    for part, values in (("1", [1.0]), ("2", [2.0, 3.0]), ("GAIA", [1.0]), ("wise", [2.0, 3.0])):
        assert files.read_table(path.with_name(f"{path.name}#{part}"))["W1mag"].tolist() == values
    with pytest.raises(files.TableError) as told:
        files.read_table(path)
    message = str(told.value).lower()
    assert f"has 2 tables, #1 gaia (1 rows), #2 wise (2 rows); choose one, as {path.name}#1" in message
    with pytest.raises(files.TableError, match="has no table '3'; it has #1"):
        files.read_table(path.with_name(f"{path.name}#3"))


def test_a_name_with_the_mark_in_it_is_a_file(tmp_path):
    Table({"a": [1]}).write(tmp_path / "x#2.fits")
    assert files.read_table(tmp_path / "x#2.fits")["a"].tolist() == [1]


@pytest.mark.parametrize("ending", ["csv", "parquet", "ecsv"])
def test_a_file_of_one_table_has_no_parts(tmp_path, ending):
    files.write_table(tmp_path / f"a.{ending}", Table({"a": [1]}))
    with pytest.raises(files.TableError, match="holds one table; leave #2 out"):
        files.read_table(tmp_path / f"a.{ending}#2")


def test_complex_numbers_have_no_place_in_arrow():
    with pytest.raises(files.TableError, match="Column z holds complex numbers, which Parquet and CSV cannot"):
        files.to_arrow(Table({"z": [1 + 1j]}))


def test_where_classes_come_from_goes_through_arrow_and_back():
    table = Table({"a": [1]})
    table.meta["sedsql"] = {"model": "sky-1", "columns": {"j_m": "Jmag"}}
    arrow = files.to_arrow(table)
    assert isinstance(arrow, pa.Table)
    assert files.from_arrow(arrow).meta["sedsql"] == table.meta["sedsql"]
