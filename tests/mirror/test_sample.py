"""The sample sky has the archive's columns, its proportions, and the same rows for the same seed."""

import csv
import subprocess
import sys
from pathlib import Path

import cdshealpix
import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import Latitude, Longitude, SkyCoord

from sedsql.mirror.database import open_mirror
from sedsql.mirror.sample import permute, surveys, write_sample
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import POPULATIONS

SHARED = Path(__file__).parents[3] / "shared"


def one(con, sql):
    return con.execute(sql).fetchone()


def test_source_id_carries_gaias_cell(con):
    rows = con.execute("SELECT source_id, ra, dec FROM gaiadr3.gaia_source").fetchnumpy()
    cell = cdshealpix.lonlat_to_healpix(Longitude(rows["ra"], u.deg), Latitude(rows["dec"], u.deg), 12)
    np.testing.assert_array_equal(rows["source_id"] >> 35, cell.astype(np.int64))
    assert (rows["source_id"] > 0).all()
    assert len(np.unique(rows["source_id"])) == 100_000


@pytest.mark.parametrize("table", ["gaiadr3/gaia_source", "gaiadr3/allwise_best_neighbour", "sample/truth"])
def test_files_are_cells_sorted_by_source_id(sample_sky, table):
    files = sorted((sample_sky / table).rglob("*.parquet"), key=lambda file: int(file.parent.name[5:]))
    assert len(files) == 12
    source_id = np.concatenate([pq.ParquetFile(file).read(["source_id"])["source_id"].to_numpy() for file in files])
    assert (np.diff(source_id) > 0).all()


def test_random_index_is_a_permutation(con):
    index = con.execute("SELECT random_index FROM gaiadr3.gaia_source").fetchnumpy()["random_index"]
    np.testing.assert_array_equal(np.sort(index), np.arange(100_000))
    # Not sorted, nor a shift: neighbours on the sky are far apart.
    assert abs(np.corrcoef(index, np.arange(100_000))[0, 1]) < 0.02
    assert abs(np.corrcoef(np.diff(index)[1:], np.diff(index)[:-1])[0, 1] + 0.5) < 0.02


@pytest.mark.parametrize("n", [1, 2, 3, 5, 16, 17, 1000, 65_537])
def test_permute(n):
    np.testing.assert_array_equal(np.sort(permute(np.arange(n), n, seed=5)), np.arange(n))


def test_photometry_has_every_source_once(con):
    assert one(con, "SELECT count(*), count(DISTINCT source_id) FROM sed.photometry") == (100_000, 100_000)
    missing = "SELECT count(*) FROM gaiadr3.gaia_source ANTI JOIN sed.photometry USING (source_id)"
    assert one(con, missing) == (0,)


def test_photometry_of_unmatched_sources_is_null(con):
    bands = " + ".join(f"count({column})" for column in COLUMNS[3:])
    unmatched = one(
        con,
        f"""SELECT count(*), {bands}, count(phot_g_mean_mag) FROM sed.photometry
            ANTI JOIN gaiadr3.tmass_psc_xsc_best_neighbour USING (source_id)
            ANTI JOIN gaiadr3.allwise_best_neighbour USING (source_id)""",
    )
    assert unmatched[0] > 1000
    assert unmatched[1:] == (0, unmatched[0])


def test_limits_have_no_error_and_measurements_have_one(con):
    for table, band, error, letter in (
        ("tmass_original_valid", "ks_m", "ks_msigcom", 3),
        ("allwise_original_valid", "w4mpro", "w4mpro_error", 4),
    ):
        wrong = one(
            con,
            f"""SELECT count(*) FROM gaiadr1.{table}
                WHERE {band} IS NULL OR (substr(ph_qual, {letter}, 1) = 'U') <> ({error} IS NULL)""",
        )
        assert wrong == (0,)


def test_ph_qual_follows_the_errors(con):
    ranges = {
        letter: (low, high)
        for letter, low, high in con.execute(
            "SELECT ph_qual[1], min(j_msigcom), max(j_msigcom) FROM gaiadr1.tmass_original_valid GROUP BY 1"
        ).fetchall()
    }
    assert set(ranges) == {"A", "B", "C", "D", "E", "U"}
    assert ranges["A"][1] <= 0.1086
    assert 0.1085 < ranges["B"][0] < ranges["B"][1] < 0.1552


def test_gaia_columns_belong_together(con):
    wrong = one(
        con,
        """SELECT count(*) FROM gaiadr3.gaia_source WHERE
               abs(phot_g_mean_mag - (25.6873668671 - 2.5 * log10(phot_g_mean_flux))) > 1e-4
            OR abs(bp_rp - (phot_bp_mean_mag - phot_rp_mean_mag)) > 1e-5
            OR abs(parallax_over_error / (parallax / parallax_error) - 1) > 1e-4
            OR abs(pm - sqrt(pmra * pmra + pmdec * pmdec)) > 1e-3
            OR designation <> 'Simulated ' || source_id""",
    )
    assert wrong == (0,)


@pytest.mark.parametrize(
    ("survey", "matches"),
    [("tmass_original_valid", "tmass_psc_xsc_best_neighbour"), ("allwise_original_valid", "allwise_best_neighbour")],
)
def test_sources_that_would_share_a_designation_are_one_to_a_survey(tmp_path, monkeypatch, survey, matches):
    whole = surveys._position_name
    # Names of degrees, which some of 2,000 sources share, as ten of 10 million share those of tenths of seconds.
    monkeypatch.setattr(
        surveys, "_position_name", lambda ra, dec, *more, **kind: whole(np.floor(ra), np.floor(dec), *more, **kind)
    )
    write_sample(tmp_path / "sky", 2_000, rich=True)
    with open_mirror(tmp_path / "sky") as con:
        names = one(con, f"SELECT count(*), count(DISTINCT designation) FROM gaiadr1.{survey}")
        matched = one(con, f"SELECT count(*), count(DISTINCT original_ext_source_id) FROM gaiadr3.{matches}")
    assert names == matched
    assert 500 < names[0] == names[1] < 1_950


def test_l_and_b_belong_to_ra_and_dec(con):
    rows = con.execute("SELECT ra, dec, l, b FROM gaiadr3.gaia_source USING SAMPLE 2000").fetchnumpy()
    expected = SkyCoord(rows["ra"], rows["dec"], unit="deg").galactic
    found = SkyCoord(rows["l"], rows["b"], unit="deg", frame="galactic")
    assert found.separation(expected).max() < 30 * u.mas


def test_parallaxes_are_those_of_the_truth(con):
    pull = con.execute(
        "SELECT (parallax - coalesce(1000 / distance_pc, 0)) / parallax_error AS pull "
        "FROM gaiadr3.gaia_source JOIN sample.truth USING (source_id) WHERE parallax IS NOT NULL"
    ).fetchnumpy()["pull"]
    assert np.std(pull) == pytest.approx(1, abs=0.03)
    assert np.mean(pull) == pytest.approx(0, abs=0.02)


def test_rare_classes_are_there(con):
    counts = dict(con.execute("SELECT class, count(*) FROM sample.truth GROUP BY class").fetchall())
    assert set(counts) == set(POPULATIONS)
    assert min(counts.values()) > 20
    assert max(counts, key=counts.get) == "main_sequence"


def test_orion_has_young_stars(con):
    found = con.execute(
        "SELECT ra, dec FROM sed.photometry JOIN sample.truth USING (source_id) WHERE class = 'yso' AND parallax > 2"
    ).fetchnumpy()
    away = SkyCoord(found["ra"], found["dec"], unit="deg").separation(SkyCoord(83.82, -5.39, unit="deg")).deg
    assert (away < 1).sum() > 50


@pytest.fixture(scope="module")
def natural(sky_of):
    with open_mirror(sky_of(100_000, seed=6, rich=False)) as con:
        yield con


def test_a_natural_sky_has_gaias_magnitudes_and_matches(natural):
    """G <= 17: 145,677,450 of 1.8117e9; BP 1.54e9; parallaxes 1.468e9; 2MASS 450e6, AllWISE 324e6 matches."""
    bright, bp, parallax = one(
        natural,
        """SELECT avg((phot_g_mean_mag < 17)::INT), count(phot_bp_mean_mag) / count(*), count(parallax) / count(*)
           FROM gaiadr3.gaia_source""",
    )
    assert bright == pytest.approx(0.0804, rel=0.2)
    assert bp == pytest.approx(0.85, abs=0.03)
    assert parallax == pytest.approx(0.81, abs=0.03)
    for table, published in (("tmass_psc_xsc", 0.25), ("allwise", 0.179)):
        (found,) = one(natural, f"SELECT count(*) / 1e5 FROM gaiadr3.{table}_best_neighbour")
        assert found == pytest.approx(published, abs=0.03)


def test_a_natural_sky_has_gaias_classes_and_something_in_orion(natural):
    counts = dict(natural.execute("SELECT class, count(*) FROM sample.truth GROUP BY class").fetchall())
    assert counts["main_sequence"] > 85_000
    assert 60 < counts["agn"] < 160
    assert counts.get("wolf_rayet", 0) <= 2
    (in_orion,) = one(
        natural,
        """SELECT count(*) FROM sample.truth JOIN gaiadr3.gaia_source USING (source_id)
           WHERE region = 'Orion Nebula Cluster' AND phot_g_mean_mag < 20.9""",
    )
    assert 2 <= in_orion <= 40


def test_a_sky_says_whose_proportions_it_has(natural, con, sky_of, sample_sky):
    for mirror, words in ((natural, "in the proportions of Gaia DR3"), (con, "with many of the rare kinds")):
        descriptions = mirror.execute("SELECT description FROM tap_schema.tables").fetchall()
        assert all(words in text for (text,) in descriptions if "Simulated" in text)
        assert any(words in text for (text,) in descriptions)
    assert "a rich sky" in (sample_sky / "README.txt").read_text()
    assert "as frequent as in Gaia\nDR3" in (sky_of(100_000, seed=6, rich=False) / "README.txt").read_text()


def test_the_types_units_and_ucds_are_the_archives(con):
    file = SHARED / "schema" / "gaiadr3.gaia_source.tsv"
    if not file.exists():
        pytest.skip("the archive's schema (../shared) is not there")
    with file.open(encoding="utf-8", newline="") as lines:
        archive = {row["name"]: row for row in csv.DictReader(lines, delimiter="\t")}
    columns = con.execute(
        "SELECT column_name, datatype, unit, ucd FROM tap_schema.columns WHERE table_name = 'gaiadr3.gaia_source'"
    ).fetchall()
    assert len(columns) == 37
    for name, datatype, unit, ucd in columns:
        known = archive[name]
        assert datatype.replace("unicodeChar", "char") == known["datatype"], name
        assert ucd == known["ucd"], name
        assert u.Unit(unit or "") == u.Unit(known["unit"].strip("'")), name


def test_it_says_that_it_is_simulated(sample_sky, con):
    assert "SIMULATED" in (sample_sky / "README.txt").read_text()
    for file in sample_sky.glob("*/*/**/*.parquet"):
        schema = pq.read_schema(file)
        assert schema.metadata[b"source"] == b"simulated by sedsql"
        assert schema.metadata[b"description"].startswith(b"Simulated")
    archive = "SELECT description FROM tap_schema.tables WHERE schema_name <> 'tap_schema'"
    descriptions = con.execute(archive).fetchall()
    assert len(descriptions) == 10
    assert all(text.startswith("Simulated") for (text,) in descriptions)


def contents(mirror):
    return {file.relative_to(mirror): file.read_bytes() for file in mirror.rglob("*.parquet")}


@pytest.mark.thorough
def test_the_seed_decides(tmp_path):
    for name in ("first", "same"):
        write_sample(tmp_path / name, 50, seed=3, rich=True)
    write_sample(tmp_path / "other", 50, seed=4, rich=True)
    first, same, other = (contents(tmp_path / name) for name in ("first", "same", "other"))
    assert len({file.parts[:2] for file in first}) == 8
    assert first == same
    assert all(first[file] != other[file] for file in set(first) & set(other))


def test_a_single_row_and_none(tmp_path):
    write_sample(tmp_path / "one", 1)
    with open_mirror(tmp_path / "one") as con:
        assert one(con, "SELECT count(*) FROM sed.photometry") == (1,)
    with pytest.raises(ValueError, match="at least one row, not 0"):
        write_sample(tmp_path / "none", 0)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_progress_counts_to_the_end(tmp_path):
    seen = []
    write_sample(tmp_path / "sky", 90_000, progress=seen.append)
    assert seen == sorted(set(seen))
    assert len(seen) >= 2
    assert seen[-1] == 90_000


# Not ru_maxrss: a process starts with that of the one that it was forked from.
MEASURE = """
import re, sys
from sedsql.mirror.sample import write_sample
write_sample(sys.argv[1], int(sys.argv[2]), stores=False)
print(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
"""


@pytest.mark.thorough
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for the peak of memory")
def test_memory_does_not_grow_with_the_number_of_rows(tmp_path):
    """The 300,000 rows more are some 100 MB of columns, none of which may stay.

    To store sed.photometry is another matter: DuckDB joins each part with all of 2MASS and AllWISE.
    """

    def peak_mb(rows):
        command = [sys.executable, "-c", MEASURE, str(tmp_path / str(rows)), str(rows)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return int(done.stdout) / 1024

    assert peak_mb(500_000) - peak_mb(200_000) < 45
