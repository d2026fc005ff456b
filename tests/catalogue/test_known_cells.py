"""Cells are used only where they are known to be those of the positions, and then for every row."""

import shutil

import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from cdshealpix import nested

import sedsql
from sedsql.adql import translate
from sedsql.catalogue import Catalogue
from sedsql.mirror import cells
from sedsql.mirror.cells import apart
from sedsql.mirror.ingest import import_files
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.repair import repair
from sedsql.mirror.sample import write_sample

N = 4000


def places(seed=1, n=N):
    """Half of them around (83, -5)."""
    rng = np.random.default_rng(seed)
    ra = np.append(rng.normal(83, 1, n // 2), rng.uniform(0, 360, n - n // 2)) % 360
    dec = np.append(rng.normal(-5, 1, n // 2), np.degrees(np.arcsin(rng.uniform(-1, 1, n - n // 2))))
    return ra, dec


def cell_ids(ra, dec):
    lon, lat = (SkyCoord(ra * u.deg, dec * u.deg).icrs.ra, SkyCoord(ra * u.deg, dec * u.deg).icrs.dec)
    return (nested.lonlat_to_healpix(lon, lat, 12).astype(np.int64) << 35) | np.arange(len(ra))


def table(source_id, ra, dec, **more):
    return pa.table({"source_id": source_id, "ra": ra, "dec": dec, **more})


def in_cones(con, name, ra, dec):
    """Whether cones have the rows that astropy finds, whatever the rewrites; and the ranges that were made of them."""
    at, ranges = SkyCoord(ra * u.deg, dec * u.deg), []
    for centre in ((83, -5, 0.02), (83, -5, 1), (84.3, -6, 0.3), (200, 60, 15), (0, -88, 4), (30, 0, 40)):
        query = f"SELECT source_id FROM {name} WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE{centre})"
        inside = at.separation(SkyCoord(*centre[:2], unit="deg")).deg <= centre[2]
        explain = []
        con.translate(query, explain)
        ranges += [line for line in explain if "of " + name.split(".")[-1] in line]
        found = sorted(key for (key,) in con.execute(query).fetchall())
        assert len(found) == inside.sum(), (name, centre)
    return ranges


# Tables of one's own


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A mirror that has sed.photometry stored, not to be changed."""
    folder = tmp_path_factory.mktemp("stored") / "sky"
    write_sample(folder, 2000, seed=4)
    return folder


def test_numbers_called_source_id_are_no_cells(tmp_path, stored):
    ra, dec = places()
    numbers = np.arange(1, N + 1)
    pq.write_table(table(numbers, ra, dec), tmp_path / "mine.parquet")
    shutil.copytree(stored, tmp_path / "sky")
    import_files(tmp_path / "sky", [tmp_path / "mine.parquet"], "mine.stars")
    import_files(tmp_path / "sky", [tmp_path / "mine.parquet"], "gaiadr9.gaia_source")
    with sedsql.connect(tmp_path / "sky", read_only=False) as con:
        con.upload("stars", table(numbers, ra, dec))
        con.sql("CREATE TABLE mirror.made AS SELECT source_id, ra, dec FROM mine.stars")
        con.sql("CREATE VIEW mirror.seen AS SELECT source_id, ra, dec FROM made")
        con.catalogue = Catalogue({**con.catalogue.tables, **Catalogue.of(_in_mirror(con)).tables})
        for name in ("tap_upload.stars", "made", "seen"):
            assert con.catalogue.tables[name].cell_column is None
            assert in_cones(con, name, ra, dec) == []
        for name in ("mine.stars", "gaiadr9.gaia_source"):
            assert con.catalogue.tables[name].cell_column == "_healpix_29"
            assert in_cones(con, name, ra, dec)


def _in_mirror(con):
    cursor = con.duckdb.cursor()
    cursor.execute("USE mirror")
    return cursor


def test_cells_that_a_file_brings_are_worked_out_anew(tmp_path):
    ra, dec = places()
    rows = table(np.arange(N), ra, dec, _healpix_29=np.arange(N)[::-1])
    pq.write_table(rows, tmp_path / "mine.parquet")
    import_files(tmp_path / "sky", [tmp_path / "mine.parquet"], "mine.stars")
    with sedsql.connect(tmp_path / "sky") as con:
        assert in_cones(con, "mine.stars", ra, dec)


# Gaia's


def moved(ra, dec, share, degrees, seed=3):
    """Positions of which a share has gone so many degrees."""
    rng = np.random.default_rng(seed)
    gone = rng.random(len(ra)) < share
    there = SkyCoord(ra * u.deg, dec * u.deg).directional_offset_by(
        rng.uniform(0, 360, len(ra)) * u.deg, np.where(gone, rng.uniform(0, degrees, len(ra)), 0) * u.deg
    )
    return there.ra.deg, there.dec.deg


@pytest.mark.parametrize(
    ("share", "degrees", "column"),
    [
        (0, 0, "source_id"),
        (1, 1e-4, "source_id"),  # an arcsecond: another epoch
        (0.005, 0.5, "source_id"),  # few, and far
        (0.005, 40, None),  # so far that cells are of no use
        (0.5, 5, "_healpix_29"),  # no cells
    ],
)
def test_stars_that_left_their_cell_are_found(tmp_path, share, degrees, column):
    ra, dec = places(n=20_000)
    ids = cell_ids(ra, dec)
    ra, dec = moved(ra, dec, share, degrees)
    pq.write_table(table(ids, ra, dec), tmp_path / "some.parquet")
    import_files(tmp_path / "sky", [tmp_path / "some.parquet"], "gaiadr3.gaia_source")
    with sedsql.connect(tmp_path / "sky") as con:
        found = con.catalogue.tables["gaiadr3.gaia_source"]
        assert found.cell_column == column
        assert bool(in_cones(con, "gaiadr3.gaia_source", ra, dec)) == (column is not None)
        assert found.cell_margin <= degrees + 0.0025


def test_the_margin_holds_what_is_added_and_outlives_compacting_and_repair(tmp_path):
    ra, dec = places()
    ids = cell_ids(ra, dec)
    ra2, dec2 = places(2)
    ids2 = cell_ids(ra2, dec2) + N
    ra2, dec2 = moved(ra2, dec2, 0.005, 0.4)
    for k, rows in enumerate((table(ids, ra, dec), table(ids2, ra2, dec2))):
        pq.write_table(rows, tmp_path / f"{k}.parquet")
        import_files(tmp_path / "sky", [tmp_path / f"{k}.parquet"], "gaiadr3.gaia_source")
    margin = max(file.reach for file in Mirror.read(tmp_path / "sky").tables["gaiadr3.gaia_source"].files.values())
    assert 0.1 < margin < 0.41
    every = np.append(ra, ra2), np.append(dec, dec2)

    def same():
        with sedsql.connect(tmp_path / "sky") as con:
            assert con.catalogue.tables["gaiadr3.gaia_source"].cell_margin == margin
            assert in_cones(con, "gaiadr3.gaia_source", *every)

    same()
    (tmp_path / "sky" / "mirror.duckdb").write_bytes(b"")
    repair(tmp_path / "sky", lambda *_: None)
    same()


def test_ids_that_are_missing_or_no_cells_cost_the_ranges_and_no_rows(tmp_path):
    ra, dec = places()
    ids = cell_ids(ra, dec).astype(object)
    ids[:3] = [None, -5, (12 << 59) + 5]
    pq.write_table(table(pa.array(ids, pa.int64()), ra, dec), tmp_path / "some.parquet")
    import_files(tmp_path / "sky", [tmp_path / "some.parquet"], "gaiadr3.gaia_source")
    with sedsql.connect(tmp_path / "sky") as con:
        assert con.catalogue.tables["gaiadr3.gaia_source"].cell_column is None
        at = SkyCoord(ra * u.deg, dec * u.deg).separation(SkyCoord(83, -5, unit="deg")).deg
        query = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source WHERE DISTANCE(ra, dec, 83, -5) < 1"
        assert con.execute(query).fetchone() == ((at < 1).sum(),)


def test_rows_without_a_position_are_in_no_cell_and_cost_nothing(tmp_path):
    ra, dec = places()
    ids = cell_ids(ra, dec)
    gone = np.arange(N) % 3 == 0
    rows = table(ids, pa.array(ra, mask=gone), pa.array(np.where(gone, -999.0, dec)))
    pq.write_table(rows, tmp_path / "some.parquet")
    import_files(tmp_path / "sky", [tmp_path / "some.parquet"], "gaiadr3.gaia_source")
    with sedsql.connect(tmp_path / "sky") as con:
        assert con.catalogue.tables["gaiadr3.gaia_source"].cell_margin == 0
        assert in_cones(con, "gaiadr3.gaia_source", ra[~gone], dec[~gone])


# The measure itself


def test_the_distance_from_a_cell_is_no_less_than_it_is():
    rng = np.random.default_rng(4)
    ra, dec = rng.uniform(0, 360, 300), np.degrees(np.arcsin(rng.uniform(-1, 1, 300)))
    at = SkyCoord(ra * u.deg, dec * u.deg)
    ids = cell_ids(ra, dec) >> 35
    assert (apart(ids, ra, dec) == 0).all()
    away = at.directional_offset_by(rng.uniform(0, 360, 300) * u.deg, 10 ** rng.uniform(-4, 1, 300) * u.deg)
    found = apart(ids, away.ra.deg, away.dec.deg)
    # Of a cell's points, the nearest of a thousand within and of its border.
    lon, lat = nested.healpix_to_lonlat((ids[:, None] * 1024 + np.arange(1024)).ravel(), 17)
    inner = SkyCoord(lon, lat).reshape(300, 1024)
    true = inner.separation(away[:, None]).deg.min(axis=1)
    assert (found <= true + 7 / 3600).all()
    lon, lat = nested.vertices(ids, 12, step=200)
    border = SkyCoord(lon, lat).separation(away[:, None]).deg.min(axis=1)
    outside = found > 0
    assert (found[outside] >= border[outside] - 0.2 / 3600).all()
    assert apart(np.array([-1, 12 << 24]), np.zeros(2), np.zeros(2)).tolist() == [180, 180]


# Repair, views, catalogues in place


def test_files_of_which_nothing_is_known_get_no_ranges_until_repair_has_measured(tmp_path, sky):
    ra, dec = places()
    pq.write_table(table(cell_ids(ra, dec), ra, dec), tmp_path / "some.parquet")
    shutil.copytree(sky, tmp_path / "sky")
    import_files(tmp_path / "sky", [tmp_path / "some.parquet"], "gaiadr9.gaia_source")
    with Mirror.change(tmp_path / "sky") as mirror, mirror.edit_database() as con:
        con.execute("UPDATE manifest.files SET reach = NULL WHERE table_name LIKE 'gaiadr%'")

    def margins():
        with sedsql.connect(tmp_path / "sky") as con:
            known = {name: (one.cell_column, one.cell_margin) for name, one in con.catalogue.tables.items()}
            assert bool(in_cones(con, "gaiadr9.gaia_source", ra, dec)) == (known["gaiadr9.gaia_source"][0] is not None)
            return {known[name] for name in ("gaiadr9.gaia_source", "gaiadr3.gaia_source", "sed.photometry")}

    assert margins() == {(None, 0)}
    assert "how far the positions of gaiadr9.gaia_source" in " ".join(repair(tmp_path / "sky", lambda *_: None))
    assert margins() == {("source_id", 0)}


VIEWS = {
    "SELECT * FROM gaiadr3.gaia_source": True,
    "SELECT g.dec, g.ra, g.source_id FROM gaiadr3.gaia_source AS g WHERE parallax > 1": True,
    "SELECT source_id, ra, dec, 5 AS x FROM gaiadr3.gaia_source": True,
    "SELECT g.source_id, g.ra, g.dec FROM gaiadr3.gaia_source AS g JOIN sample.truth USING (source_id)": True,
    "SELECT g.source_id, g.ra, g.dec FROM sample.truth LEFT JOIN gaiadr3.gaia_source AS g USING (source_id)": True,
    "SELECT source_id, ra, dec FROM sed.photometry": True,
    "SELECT source_id, 0 - dec AS dec, ra FROM gaiadr3.gaia_source": False,
    "SELECT source_id, dec AS ra, ra AS dec FROM gaiadr3.gaia_source": False,
    "SELECT source_id + 1 AS source_id, ra, dec FROM gaiadr3.gaia_source": False,
    "SELECT random_index AS source_id, ra, dec FROM gaiadr3.gaia_source": False,
    "SELECT 9 - ra AS ra, source_id, g.ra, g.dec FROM gaiadr3.gaia_source AS g": False,
    "SELECT g.source_id, h.ra, h.dec FROM gaiadr3.gaia_source AS g, gaiadr3.gaia_source AS h": False,
    "SELECT * REPLACE (ra / 2 AS ra) FROM gaiadr3.gaia_source": False,
    "SELECT source_id, ra, dec FROM gaiadr3.gaia_source UNION ALL SELECT 1, 83, -5": False,
    "SELECT source_id, max(ra) AS ra, dec FROM gaiadr3.gaia_source GROUP BY source_id, dec": False,
    "WITH gaia_source AS (SELECT 1 AS source_id, 83 AS ra, -5 AS dec) SELECT * FROM gaia_source": False,
}


def test_a_view_has_the_cells_of_the_rows_that_it_takes_as_they_are(tmp_path, stored):
    shutil.copytree(stored, tmp_path / "sky")
    with sedsql.connect(tmp_path / "sky", read_only=False) as con:
        con.duckdb.execute("USE mirror")
        for number, select in enumerate(VIEWS):
            con.sql(f"CREATE VIEW mirror.v{number} AS {select}")
        con.sql(
            "CREATE VIEW mirror.renamed(a, ra, dec, source_id) AS"
            " SELECT source_id, ra, dec, random_index FROM gaiadr3.gaia_source"
        )
    with sedsql.connect(tmp_path / "sky") as con:
        assert con.catalogue.tables["gaiadr3.gaia_source"].cell_column == "source_id"
        assert con.catalogue.tables["renamed"].cell_column is None
        for number, (select, known) in enumerate(VIEWS.items()):
            assert (con.catalogue.tables[f"v{number}"].cell_column == "source_id") == known, select
            for region in ("CIRCLE(83, -5, 9)", "BOX(250, -30, 60, 40)"):
                query = f"SELECT source_id FROM v{number} WHERE 1 = CONTAINS(POINT(ra, dec), {region})"
                plain = translate(query, con.catalogue, rewrites=())
                assert sorted(con.execute(query).fetchall()) == sorted(con.sql(plain).fetchall()), select


def test_a_view_made_in_the_place_of_a_table_is_another(tmp_path, sky):
    shutil.copytree(sky, tmp_path / "sky")
    with sedsql.connect(tmp_path / "sky", read_only=False) as con:
        con.sql("CREATE TABLE mirror.other AS SELECT 1 AS source_id, 83.0::DOUBLE AS ra, -5.0::DOUBLE AS dec")
        con.sql("CREATE OR REPLACE VIEW mirror.gaiadr3.gaia_source AS SELECT * FROM mirror.main.other")
    with sedsql.connect(tmp_path / "sky") as con:
        assert con.catalogue.tables["gaiadr3.gaia_source"].cell_column is None
        assert con.catalogue.tables["sed.photometry"].cell_column is None
        query = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source WHERE DISTANCE(ra, dec, 83, -5) < 1"
        assert con.execute(query).fetchone() == (1,)


@pytest.mark.parametrize("are_true", [True, False])
def test_a_catalogue_in_place_is_looked_into(tmp_path, are_true):
    ra, dec = places()
    at = cells.fine_cells(ra, dec) if are_true else np.sort(np.arange(N) << 40)
    order = np.argsort(at)
    rows = pa.table({"source_id": np.arange(N), "ra": ra, "dec": dec, "_healpix_29": at}).take(order)
    folder = tmp_path / "theirs" / "dataset" / "Norder=0" / "Dir=0" / "Npix=0"
    folder.mkdir(parents=True)
    pq.write_table(rows, folder / "part.parquet")
    (tmp_path / "theirs" / "hats.properties").write_text("dataproduct_type=object\nhats_col_ra=ra\nhats_col_dec=dec\n")
    import_files(tmp_path / "sky", [tmp_path / "theirs"], "their.stars")
    with sedsql.connect(tmp_path / "sky") as con:
        assert con.catalogue.tables["their.stars"].cell_column == ("_healpix_29" if are_true else None)
        assert bool(in_cones(con, "their.stars", ra, dec)) == are_true
