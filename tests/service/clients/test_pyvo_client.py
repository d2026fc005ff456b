"""Pyvo asks a service in all the ways that it knows."""

import time
import warnings
from datetime import UTC, datetime, timedelta

import astropy.units as u
import numpy as np
import pytest
from astropy.table import Table
from pyvo.dal import DALOverflowWarning, DALQueryError, DALServiceError, TAPService
from pyvo.dal.tap import AsyncTAPJob
from serving import serving

import sedsql

pytestmark = pytest.mark.slow

QUERY = "SELECT source_id, ra, dec, parallax, class FROM sed.classified WHERE dec > 40 ORDER BY source_id"
LONG = (
    "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b, gaiadr3.gaia_source AS c "
    "WHERE a.ra + b.ra + c.ra < 900"
)
MINE = Table({"name": ["Orion", "Ü"], "ra": [83.8, 266.4] * u.deg, "dec": [-5.4, -29.0] * u.deg})
NEAR = (
    "SELECT m.name, COUNT(g.source_id) AS n FROM TAP_UPLOAD.mine AS m JOIN gaiadr3.gaia_source AS g "
    "ON DISTANCE(POINT(m.ra, m.dec), POINT(g.ra, g.dec)) < 10 GROUP BY m.name ORDER BY n"
)


@pytest.fixture(scope="module")
def service(url):
    return TAPService(url)


@pytest.fixture(scope="module")
def expected(sky):
    with sedsql.connect(sky) as con:
        return con.execute(QUERY).table()


def assert_same(got, expected):
    assert len(got) == len(expected) > 50
    assert got.colnames == expected.colnames
    for name in got.colnames:
        mine, there = got[name], expected[name]
        assert (mine.unit, mine.description) == (there.unit, there.description), name
        assert mine.meta.get("ucd") == there.meta.get("ucd"), name
        assert np.array_equal(np.ma.getmaskarray(mine), np.ma.getmaskarray(there)), name
        assert np.array_equal(np.ma.compressed(mine), np.ma.compressed(there)), name


@pytest.mark.parametrize("way", ["run_sync", "run_async"])
def test_rows_and_columns(service, expected, way):
    assert_same(getattr(service, way)(QUERY).to_table(), expected)


def test_a_job_in_all_its_phases(service):
    job = service.submit_job(QUERY, maxrec=7)
    assert (job.phase, job.owner, job.query) == ("PENDING", None, QUERY)
    assert job.uws_version == "1.1"
    job.execution_duration = 100
    assert job.execution_duration.value == 100
    until = datetime.now(UTC).replace(microsecond=0, tzinfo=None) + timedelta(days=1)
    job.destruction = until
    assert job.destruction.datetime == until
    assert job.run().wait().phase == "COMPLETED"
    job.raise_if_error()
    assert job.result_uri == f"{job.url}/results/result"
    with warnings.catch_warnings():
        warnings.simplefilter("error", DALOverflowWarning)  # it was asked for
        result = job.fetch_result()
    assert (len(result), result.query_status) == (7, "OVERFLOW")
    again = AsyncTAPJob(job.url)
    assert (again.query, again.phase) == (QUERY, "COMPLETED")
    job.delete()
    with pytest.raises(DALServiceError):
        job.fetch_result()


def test_a_job_that_is_ended(service):
    job = service.submit_job(LONG).run()
    begun = time.monotonic()
    while job.phase == "QUEUED":
        assert time.monotonic() - begun < 60
        time.sleep(0.1)
    assert job.phase == "EXECUTING"
    begun = time.monotonic()
    assert job.abort().phase == "ABORTED"
    assert time.monotonic() - begun < 5
    job.delete()


def test_the_list_of_jobs(service):
    jobs = [service.submit_job(f"SELECT TOP {n} source_id FROM gaiadr3.gaia_source") for n in (1, 2)]
    jobs[0].run().wait()
    listed = {one.jobid: one.phase for one in service.get_job_list()}
    assert [listed[job.job_id] for job in jobs] == ["COMPLETED", "PENDING"]
    assert [one.jobid for one in service.get_job_list(last=1)] == [jobs[1].job_id]
    assert jobs[0].job_id not in [one.jobid for one in service.get_job_list(phases=["PENDING"])]
    assert service.get_job_list(after=datetime.now(UTC) + timedelta(hours=1)) == []
    for job in jobs:
        job.delete()
    assert not {one.jobid for one in service.get_job_list()} & {job.job_id for job in jobs}


@pytest.mark.parametrize("way", ["run_sync", "run_async"])
def test_a_table_of_ones_own(service, sky, way):
    got = getattr(service, way)(NEAR, uploads={"mine": MINE}).to_table()
    with sedsql.connect(sky) as con:
        near = {
            name: con.execute(
                f"SELECT COUNT(*) FROM gaiadr3.gaia_source WHERE DISTANCE(ra, dec, {ra}, {dec}) < 10"
            ).fetchone()[0]
            for name, ra, dec in MINE.iterrows()
        }
    assert {str(name): n for name, n in got.iterrows()} == near
    back = getattr(service, way)("SELECT * FROM TAP_UPLOAD.mine", uploads={"mine": MINE}).to_table()
    assert sorted(map(tuple, back.iterrows())) == sorted(map(tuple, MINE.iterrows()))
    assert back["ra"].unit == u.deg


def test_the_services_limit_is_told(sky, tmp_path):
    with serving(sky, tmp_path, maxrec=5, most_rows=9) as url:
        service = TAPService(url)
        assert (service.maxrec, service.hardlimit) == (5, 9)
        for maxrec, rows in ((None, 5), (20, 9)):
            for run in (service.run_sync, service.run_async):
                with pytest.warns(DALOverflowWarning):
                    assert len(run(QUERY, maxrec=maxrec)) == rows
        with warnings.catch_warnings():
            warnings.simplefilter("error", DALOverflowWarning)
            assert len(service.run_sync("SELECT TOP 5 ra FROM gaiadr3.gaia_source")) == 5


def test_no_rows_are_columns_all_the_same(service):
    query = service.create_query(QUERY)
    query["MAXREC"] = 0
    with pytest.warns(DALOverflowWarning):
        empty = query.execute()
    assert (len(empty), empty.query_status) == (0, "OVERFLOW")
    assert empty.fieldnames == ("source_id", "ra", "dec", "parallax", "class")


def test_tables_are_those_of_the_mirror(service, sky):
    with sedsql.connect(sky) as con:
        catalogue = con.catalogue
    assert set(service.tables.keys()) == {name for name in catalogue.tables if not name.startswith("manifest.")}
    for name in ("gaiadr3.gaia_source", "sed.classified"):
        table, own = service.tables[name], catalogue.tables[name]
        assert [(c.name, str(c.unit or ""), c.ucd, c.description) for c in table.columns] == [
            (c.name, c.unit or "", c.ucd, c.description) for c in own.columns.values() if c.name not in own.hidden
        ]


def test_examples_run(service):
    assert len(service.examples) >= 5
    for example in service.examples:
        assert example.execute().fieldnames


def test_capabilities(service):
    ids = {capability.standardid for capability in service.capabilities}
    assert {"ivo://ivoa.net/std/TAP", "ivo://ivoa.net/std/VOSI#availability", "ivo://ivoa.net/std/DALI#examples"} <= ids
    tap = service.get_tap_capability()
    assert [str(language.name) for language in tap.languages] == ["ADQL"]
    assert tap.get_adql().get_feature_list("ivo://ivoa.net/std/TAPRegExt#features-adqlgeo")
    assert tap.get_adql().get_udf("sed_class")
    assert "ivo://ivoa.net/std/TAPRegExt#upload-inline" in [method.ivo_id for method in service.upload_methods]


@pytest.mark.parametrize("way", ["run_sync", "run_async"])
def test_mistakes_are_told_in_one_sentence(service, way):
    with pytest.raises(DALQueryError, match=r"There is no column 'paralax' \(line 1, column 8\): did you mean"):
        getattr(service, way)("SELECT paralax FROM gaiadr3.gaia_source")
