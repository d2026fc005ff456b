"""Imported files are compared with astropy's reading of them, and with the rows they were written from."""

import json

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from astropy.units import Unit
from bulk import NAME, rows_in, stars, write_bulk

from sedsql.mirror import layout
from sedsql.mirror.database import open_mirror
from sedsql.mirror.ingest import import_files
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.verify import verify

# The bulk files


def test_bulk_files_in_any_order_become_one_sorted_table(tmp_path):
    parts = [stars(500, first) for first in (1000, 0, 500)]
    files = [write_bulk(tmp_path / f"GaiaSource_{k}.csv.gz", part) for k, part in enumerate(parts)]
    assert import_files(tmp_path / "sky", files, "GaiaDR3.gaia_source") == 1500
    expected = pa.concat_tables([parts[1], parts[2], parts[0]])
    assert rows_in(tmp_path / "sky").equals(expected)
    (file,) = Mirror.read(tmp_path / "sky").tables[NAME].files.values()
    stored = pq.read_table(tmp_path / "sky" / file.path, partitioning=None)
    assert stored["source_id"].to_pylist() == expected["source_id"].to_pylist()
    assert [str(kind) for kind in stored.schema.types] == [str(kind) for kind in expected.schema.types]
    assert list(verify(Mirror.read(tmp_path / "sky"), lambda *_: None)) == []


def test_units_ucds_and_descriptions_of_the_header_are_kept_and_the_archive_s_fill_in(tmp_path):
    about = {"ra": {"unit": "deg", "description": "My own, of: ra"}, "rv_nb_transits": {"meta": {"ucd": "meta.number"}}}
    write_bulk(tmp_path / "a.csv.gz", stars(10), about)
    import_files(tmp_path / "sky", [tmp_path / "a.csv.gz"], NAME)
    columns = Mirror.read(tmp_path / "sky").tables[NAME].table.columns
    assert (columns["ra"].unit, columns["ra"].description) == ("deg", "My own, of: ra")
    assert columns["ra"].ucd == "pos.eq.ra;meta.main"
    assert columns["rv_nb_transits"].ucd == "meta.number"
    assert columns["phot_g_mean_mag"].unit == "mag"
    (file,) = Mirror.read(tmp_path / "sky").tables[NAME].files
    assert pq.read_schema(tmp_path / "sky" / file).field("ra").metadata[b"description"] == b"My own, of: ra"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lines_may_end_in_either_way(tmp_path, newline):
    write_bulk(tmp_path / "a.csv.gz", stars(100), newline=newline)
    import_files(tmp_path / "sky", [tmp_path / "a.csv.gz"], NAME)
    assert rows_in(tmp_path / "sky").equals(stars(100))


def test_what_astropy_writes_as_ecsv_is_read_as_astropy_reads_it(tmp_path):
    table = Table({"source_id": [5 << 35, 3 << 35], "ra": [45.03, np.nan], "dec": [0.037, 3], "note": ["a b", ""]})
    table["ra"].unit = "deg"
    table.write(tmp_path / "a.ecsv", format="ascii.ecsv")
    import_files(tmp_path / "sky", [tmp_path / "a.ecsv"], "gaia.mine")
    with open_mirror(tmp_path / "sky") as con:
        rows = con.execute("SELECT * FROM gaia.mine").fetchall()
    assert rows == [(3 << 35, None, 3.0, None), (5 << 35, 45.03, 0.037, "a b")]
    assert Mirror.read(tmp_path / "sky").tables["gaia.mine"].table.columns["ra"].unit == "deg"


def test_rows_in_no_order_are_sorted_and_fill_the_right_partitions(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "PARTITION_ROWS", 500)
    monkeypatch.setattr("sedsql.mirror.ingest.bulk.BATCH", 300)
    monkeypatch.setattr("sedsql.mirror.sort.BATCH", 300)
    whole = stars(3000)
    mixed = whole.take(pa.array(np.random.default_rng(1).permutation(3000)))
    files = [write_bulk(tmp_path / f"{k}.csv.gz", mixed.slice(k * 1000, 1000)) for k in range(3)]
    import_files(tmp_path / "sky", files, NAME)
    assert rows_in(tmp_path / "sky").equals(whole)
    stored = Mirror.read(tmp_path / "sky").tables[NAME]
    for file in stored.files.values():
        keys = pq.read_table(tmp_path / "sky" / file.path, columns=["source_id"], partitioning=None)[
            "source_id"
        ].to_numpy()
        assert (np.diff(keys) > 0).all()
        pixel = int(file.path.split("Npix=")[1].split("/")[0])
        assert set(keys >> 35 >> 2 * (12 - stored.order)) == {pixel}
    assert not (tmp_path / "sky" / ".sorting").exists()


# True answers of the archive


def same_as_astropy(mirror, name, table, order):
    """Compare every value, and which are there."""
    with open_mirror(mirror) as con:
        rows = con.sql(f"SELECT * FROM {name} ORDER BY {order}").to_arrow_table()
    columns = {column.lower(): column for column in table.colnames}
    table.sort(columns[order])
    missing = 0
    for lower, column in columns.items():
        theirs, ours = table[column], rows[lower]
        values = np.ma.getdata(theirs)
        gone = np.ma.getmaskarray(theirs).copy()
        if values.dtype.kind == "f":
            gone |= np.isnan(values)
        if values.dtype.kind in "SUO":
            values = np.array([v.decode() if isinstance(v, bytes) else str(v) for v in values], dtype=object)
            gone |= values == ""
        assert ours.is_null().to_numpy().tolist() == gone.tolist(), column
        assert np.asarray(ours.drop_null().to_pylist()).tolist() == values[~gone].tolist(), column
        if values.dtype.kind in "fi":
            assert ours.type.to_pandas_dtype() == values.dtype.newbyteorder("=").type, column
        missing += int(gone.sum())
    assert missing  # or nothing was tried
    return rows


@pytest.mark.parametrize(
    ("file", "name", "order"),
    [
        ("gbs_v3_gaiadr3-result.fits", "gaiadr3.gaia_source", "source_id"),
        ("gbs_v3_tmass-result.fits", "gaiadr1.tmass_original_valid", "tmass_oid"),
        ("gbs_v3_allwise-result.fits", "gaiadr1.allwise_original_valid", "allwise_oid"),
        ("gaia_source_response.vot", "gaiadr3.gaia_source", "source_id"),
    ],
)
def test_the_archive_s_own_files_keep_types_units_and_nulls(shared, tmp_path, file, name, order):
    path = shared / "archive" / file
    table = Table.read(path) if path.suffix == ".fits" else Table.read(path, use_names_over_ids=True)
    assert import_files(tmp_path / "sky", [path], name) == len(table)
    same_as_astropy(tmp_path / "sky", name, table, order)
    columns = Mirror.read(tmp_path / "sky").tables[name].table.columns
    units = {key.lower(): table[key].unit for key in table.colnames if table[key].unit}
    assert units
    written = "fits" if path.suffix == ".fits" else "vounit"
    for key, unit in units.items():
        assert Unit(columns[key].unit, format=written, parse_strict="silent") == unit
    assert columns["ra"].ucd == "pos.eq.ra;meta.main"


def test_fits_has_units_ucds_and_what_is_not_there(tmp_path):
    from astropy.io import fits

    columns = [
        fits.Column("SOURCE_ID", "K", array=[2 << 35, 1 << 35], null=-1),
        fits.Column("RA", "D", unit="deg", array=[1.0, 2.0]),
        fits.Column("DEC", "D", unit="deg", array=[1.0, np.nan]),
        fits.Column("Flag", "J", array=[999999, 4], null=999999),
        fits.Column("word", "4A", array=["", "abc"]),
        fits.Column("pair", "2E", array=[[1, 2], [3, 4]]),
    ]
    hdu = fits.BinTableHDU.from_columns(columns)
    hdu.header["TUCD2"], hdu.header["TCOMM4"] = "pos.eq.ra;meta.main", "Raised or not"
    hdu.writeto(tmp_path / "a.fits")
    import_files(tmp_path / "sky", [tmp_path / "a.fits"], "gaia.t")
    with open_mirror(tmp_path / "sky") as con:
        rows = con.execute("SELECT flag, word, dec, pair FROM gaia.t").fetchall()
    assert rows == [(4, "abc", None, [3.0, 4.0]), (None, None, 1.0, [1.0, 2.0])]
    about = Mirror.read(tmp_path / "sky").tables["gaia.t"].table.columns
    assert (about["ra"].unit, about["ra"].ucd, about["flag"].description) == (
        "deg",
        "pos.eq.ra;meta.main",
        "Raised or not",
    )


# CSV and Parquet


def test_csv_has_the_types_of_the_archive_s_table_or_those_that_all_values_have(tmp_path):
    head = "source_id,RA,dec,phot_g_mean_mag,code,n,x,flag,void\n"
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text(head + "34359738368,45.01,0.02,15.5,007,1,1,true,\n")
    other.write_text(head + "68719476736,44.99,0.02,,7,2,1e3,false,\n")
    import_files(tmp_path / "sky", [other, one], NAME)
    with open_mirror(tmp_path / "sky") as con:
        found = con.sql(f"SELECT * FROM {NAME} ORDER BY source_id")
        types = dict(zip(found.columns, map(str, found.types), strict=True))
        rows = found.fetchall()
    assert types == {
        "source_id": "BIGINT",
        "ra": "DOUBLE",
        "dec": "DOUBLE",
        "phot_g_mean_mag": "FLOAT",
        "code": "VARCHAR",
        "n": "BIGINT",
        "x": "DOUBLE",
        "flag": "BOOLEAN",
        "void": "VARCHAR",
    }
    assert rows == [
        (34359738368, 45.01, 0.02, 15.5, "007", 1, 1, True, None),
        (68719476736, 44.99, 0.02, None, "7", 2, 1000, False, None),
    ]


def test_parquet_of_a_survey_without_source_id_gets_cells(tmp_path):
    rng = np.random.default_rng(0)
    rows = pa.table(
        {"Name": [f"s{k}" for k in range(50)], "ra": rng.uniform(0, 360, 50), "dec": rng.uniform(-9, 9, 50)}
    )
    pq.write_table(rows, tmp_path / "a.parquet")
    import_files(tmp_path / "sky", [tmp_path / "a.parquet"], "my.survey")
    with open_mirror(tmp_path / "sky") as con:
        cells = con.sql("SELECT name, _healpix_29 FROM my.survey").fetchall()
    assert sorted(name for name, _ in cells) == sorted(rows["Name"].to_pylist())
    for file in Mirror.read(tmp_path / "sky").tables["my.survey"].files:
        keys = pq.read_table(tmp_path / "sky" / file, partitioning=None)["_healpix_29"].to_pylist()
        assert keys == sorted(keys)
        assert {key >> 58 for key in keys} == {int(file.split("Npix=")[1].split("/")[0])}


# The command


def test_the_command_imports_and_tells_how_many(tmp_path, sedsql):
    files = [write_bulk(tmp_path / f"GaiaSource_{k}.csv.gz", stars(50, k * 50)) for k in range(2)]
    ran = sedsql("mirror", "import", tmp_path / "sky", *files, "--as", NAME, "--json")
    assert json.loads(ran.out) == {"table": NAME, "imported": 100, "rows": 100, "files": 1}
    ran = sedsql("mirror", "import", tmp_path / "sky", files[0], "--as", NAME)
    assert ran.code == 1
    assert "50 values of source_id" in ran.err
    ran = sedsql("mirror", "import", tmp_path / "sky", files[0], "--as", NAME, "--replace")
    assert (ran.code, "50 rows came" in ran.err + ran.out) == (0, True)
    ran = sedsql("query", "-m", tmp_path / "sky", f"SELECT COUNT(*) AS n FROM {NAME}", "-o", tmp_path / "n.csv")
    assert (tmp_path / "n.csv").read_text() == "n\n50\n"


def test_the_table_is_searched_by_cones(tmp_path):
    import sedsql

    rows = pa.table(
        {"name": [f"s{k}" for k in range(500)], "ra": np.linspace(0, 359, 500), "dec": np.linspace(-80, 80, 500)}
    )
    pq.write_table(rows, tmp_path / "a.parquet")
    import_files(tmp_path / "sky", [tmp_path / "a.parquet"], "my.survey")
    query = "SELECT name FROM my.survey WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(180, 0.2, 5))"
    with sedsql.connect(tmp_path / "sky") as con:
        found = {name for (name,) in con.execute(query).fetchall()}
    with duckdb.connect() as con:
        separation = (
            "2 * degrees(asin(sqrt(sin(radians(dec - 0.2) / 2) ** 2 "
            "+ cos(radians(dec)) * cos(radians(0.2)) * sin(radians(ra - 180) / 2) ** 2)))"
        )
        expected = con.execute(f"SELECT name FROM '{tmp_path}/a.parquet' WHERE {separation} <= 5").fetchall()
    assert found == {name for (name,) in expected}
    assert found
