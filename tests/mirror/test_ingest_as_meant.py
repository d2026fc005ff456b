"""Imported files are read as `classify` reads them: VizieR's TSV, parts, sexagesimal positions, sentinels."""

import gzip

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from bulk import NAME, stars, write_bulk

import sedsql as package
from sedsql.files import ReadOptions, TableError
from sedsql.mirror import layout
from sedsql.mirror.database import open_mirror
from sedsql.mirror.ingest import import_files
from sedsql.mirror.mirror import Mirror

VIZIER = """#
#Table\tII_246_out:
#Column\tRAJ2000\t(A11)\tRight ascension\t[ucd=pos.eq.ra;meta.main]
#Column\tDEJ2000\t(A11)\tDeclination\t[ucd=pos.eq.dec;meta.main]
#Column\tJmag\t(F6.3)\tJ selected default magnitude\t[ucd=phot.mag;em.IR.J]
#Column\tN\t(I4)\tA number

RAJ2000\tDEJ2000\tJmag\tN
"h:m:s"\t"d:m:s"\tmag\t
-----------\t-----------\t------\t----
05 35 17.30\t-05 23 28.0\t 9.453\t-77
05 35 20.00\t-05 23 30.0\t99.999\t3
05 35 21.00\t-05 23 31.0\t\t4
"""


def imported(folder, *files, name="my.table", **options):
    notes = []
    import_files(folder, files, name, options=ReadOptions(**options), note=notes.append)
    return notes


def rows_of(folder, columns, name="my.table"):
    with open_mirror(folder) as con:
        return con.execute(f"SELECT {columns} FROM {name} ORDER BY 1").fetchall()


def test_vizier_s_tsv_has_units_degrees_and_nulls(tmp_path):
    (tmp_path / "asu.tsv").write_text(VIZIER)
    notes = imported(tmp_path / "sky", tmp_path / "asu.tsv", missing=(-77,))
    expected = SkyCoord(["05:35:17.3 -05:23:28", "05:35:20 -05:23:30", "05:35:21 -05:23:31"], unit=("hour", "deg"))
    found = rows_of(tmp_path / "sky", "raj2000, dej2000, jmag, n")
    np.testing.assert_allclose([row[0] for row in found], expected.ra.deg, rtol=0, atol=1e-10)
    np.testing.assert_allclose([row[1] for row in found], expected.dec.deg, rtol=0, atol=1e-10)
    assert [row[2:] for row in found] == [(9.453, None), (None, 3), (None, 4)]
    table = Mirror.read(tmp_path / "sky").tables["my.table"].table
    assert (table.position, table.columns["raj2000"].unit) == (("raj2000", "dej2000"), "deg")
    about = table.columns["jmag"]
    assert (about.unit, about.ucd, about.description) == ("mag", "phot.mag;em.IR.J", "J selected default magnitude")
    assert notes == [
        "Columns raj2000 and dej2000 are stored in degrees.",
        "Numbers that stand for a missing one, n -77 in 1 row, jmag 99.999 in 1 row, were taken as missing.",
    ]


def test_a_region_finds_rows_by_a_position_that_only_its_name_tells(tmp_path):
    rows = Table({"RAJ2000": np.radians([10.0, 11, 200]), "DEJ2000": np.radians([5.0, 5, 5]), "k": [1, 2, 3]})
    rows["RAJ2000"].unit = rows["DEJ2000"].unit = "rad"
    rows.write(tmp_path / "a.vot", format="votable")
    imported(tmp_path / "sky", tmp_path / "a.vot")
    with package.connect(tmp_path / "sky") as con:
        query = "SELECT k FROM my.table WHERE 1 = CONTAINS(POINT(raj2000, dej2000), CIRCLE(10.4, 5, 1))"
        assert sorted(con.execute(query).fetchall()) == [(1,), (2,)]
    assert "_healpix_29" in Mirror.read(tmp_path / "sky").tables["my.table"].table.columns


def test_rows_that_are_sorted_on_disk_are_counted_once(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "PARTITION_ROWS", 100)
    monkeypatch.setattr("sedsql.mirror.ingest.sources.BATCH", 50)
    n = 400
    rows = pa.table({
        "ra": np.random.default_rng(0).permutation(np.linspace(0, 359, n)), "dec": np.zeros(n),
        "Jmag": np.where(np.arange(n) % 4 == 0, -99.0, 12.0), "parallax": np.where(np.arange(n) < 7, -999.0, 1.0),
    })  # fmt: skip
    pq.write_table(rows, tmp_path / "a.parquet")
    notes = imported(tmp_path / "sky", tmp_path / "a.parquet")
    assert notes == [
        "Numbers that stand for a missing one, jmag -99 in 100 rows, parallax -999 in 7 rows, were taken as missing; "
        "with --keep-sentinels they are magnitudes."
    ]
    assert rows_of(tmp_path / "sky", "count(jmag), count(parallax)") == [(n - 100, n - 7)]
    notes = imported(tmp_path / "kept", tmp_path / "a.parquet", keep_sentinels=True)
    assert "taken as they are." in notes[0]
    assert rows_of(tmp_path / "kept", "count(jmag), count(parallax)") == [(n, n)]


def test_one_of_several_tables_is_chosen(tmp_path):
    one, other = Table({"a": [1]}), Table({"b": [2, 3]})
    fits.HDUList(
        [fits.PrimaryHDU(), fits.table_to_hdu(one), fits.BinTableHDU(other.as_array(), name="SECOND")]
    ).writeto(tmp_path / "two.fits")
    with pytest.raises(TableError, match=r"two.fits has 2 tables, #1 \(1 rows\), #2 SECOND \(2 rows\); choose one"):
        imported(tmp_path / "sky", tmp_path / "two.fits")
    imported(tmp_path / "sky", tmp_path / "two.fits#second")
    assert rows_of(tmp_path / "sky", "b") == [(2,), (3,)]
    one.write(tmp_path / "one.csv")
    with pytest.raises(TableError, match=r"one.csv holds one table; leave #2 out"):
        imported(tmp_path / "sky", tmp_path / "one.csv#2", name="my.other")


def test_columns_keep_their_units_and_fluxes_are_told(tmp_path):
    (tmp_path / "a.csv").write_text("ra,dec,j_m,h_m,x\n1,1,2.5,12,1\n2,2,-99,13,1\n")
    notes = imported(tmp_path / "sky", tmp_path / "a.csv", units={"J_M": "mJy", "h_m": "erg/s", "x": "km/s"})
    assert notes == ["Column j_m keeps its unit, mJy; sed_class and other functions of models take Vega magnitudes."]
    columns = Mirror.read(tmp_path / "sky").tables["my.table"].table.columns
    assert [columns[name].unit for name in ("j_m", "h_m", "x", "ra")] == ["mJy", "erg/s", "km/s", None]
    assert rows_of(tmp_path / "sky", "ra, j_m, h_m") == [(1, 2.5, 12), (2, -99, 13)]


def test_words_for_missing_are_null_and_other_words_are_told(tmp_path):
    (tmp_path / "a.csv").write_text("alpha,delta,Jmag\n1,1,--\n2,2, 12.5\n")
    notes = imported(tmp_path / "sky", tmp_path / "a.csv", columns={"ra": "alpha", "dec": "delta"})
    assert notes == ["The position of a row is that of alpha and delta."]
    assert rows_of(tmp_path / "sky", "alpha, jmag") == [(1, None), (2, 12.5)]
    (tmp_path / "b.csv").write_text("ra,dec,Jmag\n1,1,bright\n2,2, 12.5\n")
    with pytest.raises(TableError, match=r"b.csv: Column jmag should hold j_m, but row 1 has the text 'bright'"):
        imported(tmp_path / "sky", tmp_path / "b.csv", name="my.b")
    imported(tmp_path / "sky", tmp_path / "b.csv", name="my.b", columns={"j_m": "none"})
    assert rows_of(tmp_path / "sky", "ra, jmag", "my.b") == [(1, "bright"), (2, " 12.5")]


def test_a_position_that_is_none_is_told(tmp_path):
    (tmp_path / "a.csv").write_text("ra,dec\n05:35:17,-5:23:28\n05:75:17,-5:23:28\n")
    with pytest.raises(TableError, match=r"a.csv: Column ra should hold ra, in deg, but row 2 has the text '05:75:17'"):
        imported(tmp_path / "sky", tmp_path / "a.csv")
    assert not (tmp_path / "sky" / "mirror.duckdb").exists()


@pytest.mark.parametrize("ending", ["fits", "vot", "ecsv"])
def test_complex_columns_are_refused(tmp_path, ending):
    kind = {"vot": "votable", "ecsv": "ascii.ecsv"}.get(ending, ending)
    Table({"ra": [1.0], "dec": [1.0], "z": [1j]}).write(tmp_path / f"a.{ending}", format=kind)
    with pytest.raises(TableError, match=r"olumn z .*complex"):
        imported(tmp_path / "sky", tmp_path / f"a.{ending}")


def test_the_archive_s_own_rows_are_as_they_were(tmp_path):
    write_bulk(tmp_path / "a.csv.gz", stars(200))
    assert imported(tmp_path / "sky", tmp_path / "a.csv.gz", name=NAME) == []
    assert Mirror.read(tmp_path / "sky").tables[NAME].table.position == ("ra", "dec")


def test_the_command_tells(tmp_path, sedsql):
    (tmp_path / "asu.tsv").write_text(VIZIER)
    ran = sedsql("mirror", "import", tmp_path / "sky", tmp_path / "asu.tsv", "--as", "my.table", "--missing", "-77")
    assert ran.code == 0
    assert "3 rows came" in ran.out
    assert "stored in degrees" in ran.err
    assert "n -77 in 1 row" in " ".join(ran.err.split())
    ran = sedsql("mirror", "import", tmp_path / "b", tmp_path / "asu.tsv", "--as", "my.table", "--unit", "FJ=mJy")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "The table has no column 'FJ' (--unit FJ=mJy)" in ran.err


def test_arrow_s_files_are_imported(tmp_path):
    rows = pa.table({"ra": [1.0, 2.0], "dec": [1.0, 2.0], "j_m": pa.array([12.5, None], pa.float32())})
    rows = rows.cast(pa.schema([*rows.schema]).set(2, rows.schema.field("j_m").with_metadata({"unit": "mag"})))
    feather.write_feather(rows, tmp_path / "a.feather")
    imported(tmp_path / "sky", tmp_path / "a.feather")
    assert rows_of(tmp_path / "sky", "ra, dec, j_m") == [(1, 1, 12.5), (2, 2, None)]
    assert Mirror.read(tmp_path / "sky").tables["my.table"].table.columns["j_m"].unit == "mag"
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(TableError, match=r"a.json: JSON is not imported"):
        imported(tmp_path / "sky", tmp_path / "a.json", name="my.other")


def test_lines_of_names_are_divided_as_classify_divides_them(tmp_path):
    (tmp_path / "a.csv").write_text("Source ID,RA (deg),Dec (deg),ra,dec\n1 2,1,1,1,1\n")
    imported(tmp_path / "sky", tmp_path / "a.csv")
    assert rows_of(tmp_path / "sky", '"source id", "ra (deg)", ra') == [("1 2", 1, 1)]
    (tmp_path / "b.csv").write_text("ra dec j_m\n1 2 3\n")
    imported(tmp_path / "sky", tmp_path / "b.csv", name="my.b")
    assert rows_of(tmp_path / "sky", "ra, dec, j_m", "my.b") == [(1, 2, 3)]
    (tmp_path / "c.csv").write_text("j_m,J_M\n1,2\n")
    with pytest.raises(TableError, match=r"c.csv has two columns 'j_m'; upper and lower case do not tell"):
        imported(tmp_path / "sky", tmp_path / "c.csv", name="my.c")


def test_what_is_no_table_is_told_in_a_sentence_with_the_file(tmp_path):
    (tmp_path / "a.csv").write_bytes("name,ra,dec\nOri\xf3n,1,2\n".encode("latin1"))
    with pytest.raises(TableError, match=r"a\.csv cannot be read: it is not UTF-8 text\.$"):
        imported(tmp_path / "sky", tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("n,ra,dec\n1,1,2\n1,2\n")
    with pytest.raises(TableError, match=r"b\.csv cannot be read: .*Line: 3.*Expected Number of Columns: 3 Found: 2$"):
        imported(tmp_path / "sky", tmp_path / "b.csv")
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(b"n,ra,dec\n" + b"1,1,2\n" * 99)[:-9])
    with pytest.raises(TableError, match=r"c\.csv\.gz cannot be read"):
        imported(tmp_path / "sky", tmp_path / "c.csv.gz")
