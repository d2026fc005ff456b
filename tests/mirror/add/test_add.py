"""Whole tables come from a real TAP server, whatever its limits and whatever fails on the way."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sedsql.mirror.add import Download
from sedsql.mirror.add.photometry import fetch_photometry
from sedsql.mirror.archive import TABLES
from sedsql.mirror.database import open_mirror
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.verify import verify, verify_remote
from sedsql.tap.service import Service

GAIA, TMASS = "gaiadr3.gaia_source", "gaiadr1.tmass_original_valid"
ORION = "CIRCLE(83.8, -5.4, 15)"


def quiet(what, done, of=None):
    pass


def rows_of(mirror, table, where="true"):
    columns = ", ".join(TABLES[table].columns)
    with open_mirror(mirror) as con:
        return con.sql(f"SELECT {columns} FROM {table} WHERE {where} ORDER BY ALL").to_arrow_table()


def assert_same(mirror, source, *tables):
    for table in tables:
        got, expected = rows_of(mirror, table), rows_of(source, table)
        assert got.schema.types == expected.schema.types
        assert got.equals(expected)
    read = Mirror.read(mirror)
    assert list(verify(read, quiet)) == []
    for table in tables:
        assert read.tables[table].missing == []


def test_a_whole_table_is_the_same_row_for_row(dachs, tmp_path):
    with Download.to(tmp_path / "m") as download:
        assert download.table(GAIA, Service(dachs.url)) == 30_000
        assert download.table(TMASS, Service(dachs.url)) > 10_000  # by position
        assert download.table("gaiadr3.tmass_psc_xsc_join", Service(dachs.url)) > 10_000  # by its index
    assert_same(tmp_path / "m", dachs.mirror, GAIA, TMASS, "gaiadr3.tmass_psc_xsc_join")
    assert list(verify_remote(Mirror.read(tmp_path / "m"), Service, quiet)) == []


def test_columns_are_described_as_the_service_does(dachs, tmp_path):
    with Download.to(tmp_path / "m") as download:
        download.table("gaiadr3.gaia_source", Service(dachs.url), region=ORION, columns=["PARALLAX", "phot_g_mean_mag"])
    got = Mirror.read(tmp_path / "m").tables[GAIA].table
    assert list(got.columns) == ["source_id", "ra", "dec", "parallax", "phot_g_mean_mag"]
    for name, column in got.columns.items():
        known = TABLES[GAIA].columns[name]
        assert (column.datatype, column.unit, column.ucd) == (known.datatype, known.unit, known.ucd)
        assert column.description == known.description


def test_a_region_and_then_a_larger_one(dachs, tmp_path):
    service = Service(dachs.url)
    near = "degrees(acos(least(1, sin(radians({1})) * sin(radians(dec)) + cos(radians({1})) * cos(radians(dec))"
    near += " * cos(radians(ra - {0}))))) < {2}"
    with Download.to(tmp_path / "m") as download:
        first = download.table(GAIA, service, region="CIRCLE(83.8, -5.4, 8)")
        assert download.table(GAIA, service, region="CIRCLE(83.8, -5.4, 8)") == 0
        second = download.table(GAIA, service, region="CIRCLE(80, 0, 20)")
    where = near.format(80, 0, 20)
    got, expected = rows_of(tmp_path / "m", GAIA, where), rows_of(dachs.mirror, GAIA, where)
    assert got.num_rows > 100
    assert got.equals(expected)
    everything = rows_of(tmp_path / "m", GAIA)
    assert len(set(everything["source_id"].to_pylist())) == everything.num_rows == first + second
    assert everything.num_rows < 1.6 * got.num_rows


def test_sed_photometry_of_a_region_in_two_parts(dachs, tmp_path):
    """The second part touches the first, and sources on the border have their matches once."""
    service = Service(dachs.url)
    for region in ("BOX(90, 20, 60, 60)", "BOX(130, 20, 60, 60)"):
        with Download.to(tmp_path / "m") as download:
            fetch_photometry(download, service, region, None, whole=False)
    columns = "* EXCLUDE (source_id)"
    with open_mirror(tmp_path / "m") as con:
        ids = con.sql("SELECT source_id FROM sed.photometry ORDER BY 1").to_arrow_table()
        got = con.sql(f"SELECT source_id, {columns} FROM sed.photometry ORDER BY source_id").to_arrow_table()
        twice = [
            con.execute(f"SELECT count(*) - count(DISTINCT {key}) FROM {table}").fetchone()[0]
            for table, key in (
                (TMASS, "designation"),
                ("gaiadr1.allwise_original_valid", "allwise_oid"),
                ("gaiadr3.tmass_psc_xsc_join", "original_psc_source_id"),
            )
        ]
    assert twice == [0, 0, 0]
    with open_mirror(dachs.mirror) as con:
        con.register("ids", ids)
        expected = con.sql(
            f"SELECT source_id, {columns} FROM sed.photometry SEMI JOIN ids USING (source_id) ORDER BY source_id"
        ).to_arrow_table()
        inside = con.execute(
            "SELECT count(*) FROM gaiadr3.gaia_source WHERE ra BETWEEN 60 AND 160 AND dec BETWEEN -10 AND 50"
        ).fetchone()
    assert got.num_rows >= inside[0] > 500
    assert got.equals(expected)


@pytest.mark.parametrize("limit", [pytest.param(rows, marks=pytest.mark.limit(rows)) for rows in (20_000, 2_000)])
def test_the_servers_limit_loses_nothing(dachs, tmp_path, limit):
    with Download.to(tmp_path / "m") as download:
        download.table(GAIA, Service(dachs.url))
        pieces = Mirror.read(tmp_path / "m").tables[GAIA].pieces.values()
    assert max(piece.rows for piece in pieces) <= limit
    assert_same(tmp_path / "m", dachs.mirror, GAIA)


@pytest.mark.limit(2_000)
def test_the_server_is_killed_and_comes_back(dachs, tmp_path):
    retries = []

    def download():
        with Download.to(tmp_path / "m") as download:
            download.table(GAIA, Service(dachs.url, attempts=12, delay=0.3, on_retry=retries.append))

    # The server ends with the thread that started it, so the download has the other one.
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(download)
        for _ in range(2):
            time.sleep(1.5)
            dachs.kill()
            time.sleep(0.5)
            dachs.start()
        running.result(timeout=120)
    assert retries
    assert_same(tmp_path / "m", dachs.mirror, GAIA)


@pytest.mark.limit(2_000)
def test_the_client_is_killed_fifty_times(dachs, tmp_path):
    """With SIGKILL, at any moment; each time the next process goes on."""
    killer = subprocess.run(
        [sys.executable, Path(__file__).with_name("killed.py"), tmp_path / "m", dachs.url, "50"],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert killer.returncode == 0, killer.stderr
    killed = int(killer.stdout)
    assert killed == 50
    with Download.to(tmp_path / "m") as download:
        download.resume(Service)
        download.table(GAIA, Service(dachs.url))
    assert_same(tmp_path / "m", dachs.mirror, GAIA)
    left = [path for path in (tmp_path / "m").rglob("*") if "partial" in path.name or "answer" in path.name]
    assert left == []
