"""LSDB reads mirrors as HATS catalogues, and HATS catalogues become tables of a mirror."""

import re
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy_healpix import HEALPix

import sedsql
from sedsql.files import TableError
from sedsql.mirror.database import open_mirror
from sedsql.mirror.ingest import import_files
from sedsql.mirror.manifest import MirrorError
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.verify import verify

ORION = (83.8, -5.4, 2.0)
TABLES = ["gaiadr3.gaia_source", "gaiadr1.tmass_original_valid", "gaiadr1.allwise_original_valid"]


def rows_near(sky, table, ra, dec, radius):
    """DuckDB's own answer, by haversine."""
    with open_mirror(sky) as con:
        return con.execute(
            f"SELECT ra, dec FROM {table} WHERE 2 * degrees(asin(sqrt(sin(radians(dec - $dec) / 2) ** 2 + "
            "cos(radians(dec)) * cos(radians($dec)) * sin(radians(ra - $ra) / 2) ** 2))) <= $radius ORDER BY ra, dec",
            {"ra": ra, "dec": dec, "radius": radius},
        ).fetchall()


# A mirror in LSDB


@pytest.fixture(scope="module")
def lsdb():
    import lsdb

    return lsdb


@pytest.mark.peers
@pytest.mark.parametrize("table", TABLES)
def test_lsdb_counts_and_searches_a_table_of_a_mirror(lsdb, sample_sky, table):
    catalogue = lsdb.open_catalog(sample_sky / table.replace(".", "/"))
    with open_mirror(sample_sky) as con:
        (count,) = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert len(catalogue) == count == len(catalogue.compute())
    ra, dec, radius = ORION
    found = catalogue.cone_search(ra, dec, radius * 3600).compute()
    expected = rows_near(sample_sky, table, *ORION)
    assert len(expected) > 20
    assert sorted(zip(found["ra"], found["dec"], strict=True)) == expected


@pytest.mark.peers
def test_lsdb_matches_two_tables_of_a_mirror(lsdb, sample_sky):
    gaia, allwise = (lsdb.open_catalog(sample_sky / table.replace(".", "/")) for table in (TABLES[0], TABLES[2]))
    ra, dec, radius = ORION
    found = gaia.cone_search(ra, dec, radius * 3600).crossmatch(allwise, radius_arcsec=1, suffixes=("", "_w")).compute()
    near = [
        SkyCoord(rows_near(sample_sky, table, ra, dec, radius + 0.1), unit="deg") for table in (TABLES[0], TABLES[2])
    ]
    inside = near[0].separation(SkyCoord(ra, dec, unit="deg")).deg <= radius
    _, separation, _ = near[0][inside].match_to_catalog_sky(near[1])
    assert len(found) == np.count_nonzero(separation.arcsec <= 1) > 10


@pytest.mark.peers
def test_lsdb_reads_what_was_imported(lsdb, sample_sky, tmp_path):
    with open_mirror(sample_sky) as con:
        con.execute(f"COPY (SELECT * FROM {TABLES[1]} ORDER BY random()) TO '{tmp_path}/a.parquet'")
    import_files(tmp_path / "sky", [tmp_path / "a.parquet"], TABLES[1])
    catalogue = lsdb.open_catalog(tmp_path / "sky" / TABLES[1].replace(".", "/"))
    expected = rows_near(sample_sky, TABLES[1], *ORION)
    found = catalogue.cone_search(ORION[0], ORION[1], ORION[2] * 3600).compute()
    assert sorted(zip(found["ra"], found["dec"], strict=True)) == expected


@pytest.mark.peers
def test_what_lsdb_writes_is_a_table_of_a_mirror(lsdb, tmp_path):
    table = stars(3000)
    lsdb.from_dataframe(
        table.to_pandas(), ra_column="ra", dec_column="dec", highest_order=3, partition_rows=300
    ).write_catalog(tmp_path / "theirs", catalog_name="theirs")
    import_files(tmp_path / "sky", [tmp_path / "theirs"], "my.survey")
    same_cones(tmp_path / "sky", table)
    assert list(verify(Mirror.read(tmp_path / "sky"), lambda *_: None)) == []


# A catalogue of others in a mirror


def stars(n):
    rng = np.random.default_rng(2)
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    return pa.table({"obj": np.arange(n), "ra": ra, "dec": dec, "mag": pa.array(dec / 9, mask=np.arange(n) % 5 == 0)})


def write_hats(folder, rows, ra="ra", dec="dec", properties="hats.properties", nested=False):
    """A catalogue by the IVOA Note: the northern cap in pixels of order 2, the rest in pixels of order 1."""
    at = SkyCoord(rows["ra"].to_numpy() * u.deg, rows["dec"].to_numpy() * u.deg)
    cells = HEALPix(2**29, order="nested", frame="icrs").skycoord_to_healpix(at)
    rows = rows.append_column("_healpix_29", pa.array(cells)).rename_columns(
        [{"ra": ra, "dec": dec}.get(name, name) for name in (*rows.column_names, "_healpix_29")]
    )
    orders = np.where(cells >> 58 < 4, 2, 1)
    for order, pixel in sorted(set(zip(orders.tolist(), (cells >> 2 * (29 - orders)).tolist(), strict=True))):
        mine = np.flatnonzero((orders == order) & (cells >> 2 * (29 - order) == pixel))
        part = rows.take(pa.array(mine[np.argsort(cells[mine])]))
        for name, value in (("Norder", order), ("Dir", 0), ("Npix", pixel)):  # as older catalogues have them
            part = part.append_column(name, pa.array([value] * len(mine)))
        path = (
            folder
            / "dataset"
            / f"Norder={order}"
            / "Dir=0"
            / (f"Npix={pixel}/p.parquet" if nested else f"Npix={pixel}.parquet")
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(part, path)
    pq.write_metadata(rows.schema, folder / "dataset" / "_common_metadata")
    pq.write_table(rows.slice(0, 3), folder / "dataset" / "data_thumbnail.parquet")
    lines = ["#HATS catalog", "dataproduct_type=object", f"hats_nrows={rows.num_rows}", f"hats_col_ra={ra}"]
    (folder / properties).write_text("\n".join([*lines, f"hats_col_dec = {dec}", "obs_title=A survey", ""]))
    return folder


def same_cones(sky, rows, ra="ra", dec="dec"):
    at = SkyCoord(rows["ra"].to_numpy() * u.deg, rows["dec"].to_numpy() * u.deg)
    with sedsql.connect(sky) as con:
        for centre in ((10, 80, 20), (200, -30, 12), (359.9, 0, 9)):
            query = f"SELECT obj FROM my.survey WHERE 1 = CONTAINS(POINT({ra}, {dec}), CIRCLE{centre})"
            found = sorted(obj for (obj,) in con.execute(query).fetchall())
            inside = at.separation(SkyCoord(*centre[:2], unit="deg")).deg <= centre[2]
            assert found == np.flatnonzero(inside).tolist()
            assert found


@pytest.mark.parametrize(
    "options", [{}, {"ra": "RAJ2000", "dec": "DEJ2000"}, {"properties": "properties", "nested": True}]
)
def test_a_catalogue_is_used_where_it_lies(tmp_path, options):
    theirs = write_hats(tmp_path / "theirs", stars(2000), **options)
    before = {path: path.stat().st_mtime_ns for path in theirs.rglob("*")}
    assert import_files(tmp_path / "sky", [theirs], "my.survey") == 2000
    assert list((tmp_path / "sky").rglob("*.parquet")) == []
    assert {path: path.stat().st_mtime_ns for path in theirs.rglob("*")} == before
    ra, dec = options.get("ra", "ra"), options.get("dec", "dec")
    stored = Mirror.read(tmp_path / "sky").tables["my.survey"]
    assert list(stored.table.columns) == ["obj", ra.lower(), dec.lower(), "mag", "_healpix_29"]
    assert (stored.table.cell_column, stored.table.position) == ("_healpix_29", (ra, dec))
    assert (stored.rows, stored.place) == (2000, str(theirs))
    with open_mirror(tmp_path / "sky") as con:
        assert con.execute("SELECT count(*), count(mag), sum(obj) FROM my.survey").fetchone() == (2000, 1600, 1999000)
    same_cones(tmp_path / "sky", stars(2000), ra, dec)
    with sedsql.connect(tmp_path / "sky") as con:
        told = []
        con.translate(f"SELECT obj FROM my.survey WHERE 1 = CONTAINS(POINT({ra}, {dec}), CIRCLE(10, 80, 4))", told)
    read, of = re.search(r"is read from (\d+) of its (\d+) files", " ".join(told)).groups()
    assert int(read) < int(of) / 4 == len(stored.files) / 4


def test_verify_tells_what_happened_to_a_catalogue_in_place(tmp_path):
    theirs = write_hats(tmp_path / "theirs", stars(2000))
    import_files(tmp_path / "sky", [theirs], "my.survey")
    mirror = Mirror.read(tmp_path / "sky")
    assert list(verify(mirror, lambda *_: None)) == []
    some, other = sorted(theirs.rglob("Npix=*.parquet"))[:2]
    some.unlink()
    pq.write_table(pq.read_table(other, partitioning=None).slice(1), other)
    problems = {problem.file: problem.what for problem in verify(mirror, lambda *_: None)}
    assert problems.keys() == {str(some), str(other)}
    assert problems[str(some)] == "is gone"


def test_a_catalogue_that_is_not_whole_or_none_is_refused(tmp_path):
    theirs = write_hats(tmp_path / "theirs", stars(500))
    next(theirs.rglob("Npix=*.parquet")).unlink()
    with pytest.raises(TableError, match=r"is not whole: its files have .* rows, its properties say 500"):
        import_files(tmp_path / "sky", [theirs], "my.survey")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TableError, match=r"empty is no HATS catalogue: it has neither hats.properties nor properties"):
        import_files(tmp_path / "sky", [tmp_path / "empty"], "my.survey")
    assert not (tmp_path / "sky").exists()


def test_a_collection_is_its_main_catalogue(tmp_path):
    write_hats(tmp_path / "all" / "main", stars(300))
    (tmp_path / "all" / "collection.properties").write_text("obs_collection=all\nhats_primary_table_url=main\n")
    assert import_files(tmp_path / "sky", [tmp_path / "all"], "my.survey") == 300


def test_a_catalogue_in_place_is_replaced_but_never_touched(tmp_path):
    theirs = write_hats(tmp_path / "theirs", stars(300))
    import_files(tmp_path / "sky", [theirs], "my.survey")
    pq.write_table(stars(20), tmp_path / "a.parquet")
    with pytest.raises(MirrorError, match=r"comes from .*theirs, which is not mixed with files"):
        import_files(tmp_path / "sky", [tmp_path / "a.parquet"], "my.survey")
    files = sorted(theirs.rglob("*"))
    import_files(tmp_path / "sky", [tmp_path / "a.parquet"], "my.survey", replace=True)
    assert sorted(theirs.rglob("*")) == files
    with pytest.raises(MirrorError, match=r"my.survey is in this mirror already"):
        import_files(tmp_path / "sky", [theirs], "my.survey")
    import_files(tmp_path / "sky", [theirs], "my.survey", replace=True)
    assert list((tmp_path / "sky").rglob("*.parquet")) == []
    shutil.copytree(tmp_path / "sky", tmp_path / "moved")
    with open_mirror(tmp_path / "moved") as con:
        assert con.execute("SELECT count(*) FROM my.survey").fetchone() == (300,)


def test_a_mirror_s_own_table_is_a_catalogue_for_another_mirror(sample_sky, tmp_path):
    for table in TABLES:
        import_files(tmp_path / "sky", [sample_sky / table.replace(".", "/")], table)
        with open_mirror(sample_sky) as con:
            expected = con.execute(f"SELECT count(*), sum(ra) FROM {table}").fetchone()
        with open_mirror(tmp_path / "sky") as con:
            assert con.execute(f"SELECT count(*), sum(ra) FROM {table}").fetchone() == pytest.approx(expected)
    assert Mirror.read(tmp_path / "sky").tables[TABLES[0]].table.columns["ra"].unit == "deg"
