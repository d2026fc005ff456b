"""Clients that people use get the rows that the mirror has: pyvo, and sedsql itself."""

import io
import warnings

import pytest
import requests
from astropy import units as u
from astropy.table import Table
from pyvo.dal import DALQueryError, TAPService
from pyvo.dal.tap import AsyncTAPJob

from sedsql import connect

QUERY = "SELECT source_id, ra, dec, designation FROM gaiadr3.gaia_source ORDER BY source_id"
CLASSES = "SELECT source_id, class, class_probability FROM sed.classified WHERE dec > 30 ORDER BY source_id"


@pytest.fixture(scope="module")
def service(url):
    return TAPService(url)


@pytest.fixture(scope="module")
def mirror(sky):
    with connect(sky) as con:
        yield con


def rows(table):
    return [tuple(value.item() if hasattr(value, "item") else value for value in row) for row in table]


@pytest.mark.parametrize("query", [QUERY, CLASSES])
@pytest.mark.parametrize("how", ["run_sync", "run_async"])
def test_pyvo_gets_the_rows(service, mirror, how, query):
    found = getattr(service, how)(query).to_table()
    assert rows(found) == mirror.execute(query).fetchall()


def test_pyvo_gets_units_and_meanings(service):
    results = service.search(QUERY, maxrec=3)
    assert results.to_table()["ra"].unit == u.deg
    assert results.fieldname_with_ucd("pos.eq.dec") == "dec"
    assert results.getdesc("ra").description == "Right ascension, ICRS"


def test_pyvo_is_told_of_more_rows(service):
    results = service.search(QUERY, maxrec=5)
    assert (len(results), results.query_status) == (5, "OVERFLOW")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(service.search(QUERY, maxrec=2000)) == 2000


def test_pyvo_uploads(service, mirror):
    own = Table({"source_id": [row[0] for row in mirror.execute(QUERY).fetchmany(7)], "weight": range(7)})
    query = "SELECT m.weight, g.ra FROM TAP_UPLOAD.mine AS m JOIN gaiadr3.gaia_source AS g USING (source_id)"
    for how in (service.run_sync, service.run_async):
        found = how(f"{query} ORDER BY m.weight", uploads={"mine": own})
        assert list(found["ra"]) == [row[1] for row in mirror.execute(QUERY).fetchmany(7)]


def test_pyvo_is_told_mistakes(service):
    for how in (service.run_sync, service.run_async):
        with pytest.raises(DALQueryError, match="no column 'phot_g_mean_mg'"):
            how("SELECT phot_g_mean_mg FROM gaiadr3.gaia_source")


def test_pyvo_follows_a_job(service, url):
    job = service.submit_job(QUERY, maxrec=5)
    assert job.phase == "PENDING"
    job.execution_duration = 50
    assert job.execution_duration.sec == 50
    job.run().wait(phases=["COMPLETED", "ERROR"], timeout=60)
    assert (job.phase, len(job.fetch_result())) == ("COMPLETED", 5)
    assert job.url in {f"{url}/async/{one.jobid}" for one in service.get_job_list()}
    again = AsyncTAPJob(job.url)
    assert again.query == QUERY
    job_url = job.url
    job.delete()
    assert requests.get(job_url, timeout=60).status_code == 404


def test_every_example_of_the_service_runs(service):
    for example in service.examples:
        assert example.execute().to_table().colnames


def test_a_mirror_of_a_mirror_has_its_rows(sedsql, sky, url, tmp_path):
    """`sedsql mirror add` trusts no service: it counts, and compares with what TAP_SCHEMA says."""
    ran = sedsql("mirror", "add", tmp_path / "copy", "gaiadr3.gaia_source", "--from", url)
    assert ran.code == 0, ran.err
    ordered = "SELECT * FROM gaiadr3.gaia_source ORDER BY source_id"
    with connect(tmp_path / "copy") as copy, connect(sky) as original:
        assert copy.execute(ordered).arrow().equals(original.execute(ordered).arrow())


def test_every_format_has_the_rows(url, mirror):
    expected = mirror.execute(QUERY).fetchmany(50)
    read = {
        "votable": lambda data: Table.read(data, format="votable"),
        "votable/td": lambda data: Table.read(data, format="votable"),
        "votable-binary": lambda data: Table.read(data, format="votable"),
        "csv": lambda data: Table.read(data, format="ascii.csv"),
        "tsv": lambda data: Table.read(data, format="ascii.tab"),
        "fits": lambda data: Table.read(data, format="fits"),
    }
    for name, reader in read.items():
        parameters = {"LANG": "ADQL", "QUERY": QUERY, "RESPONSEFORMAT": name, "MAXREC": "50"}
        answer = requests.get(f"{url}/sync", parameters, timeout=60)
        assert answer.status_code == 200, answer.text
        found = rows(reader(io.BytesIO(answer.content)))
        assert [(*row[:3], str(row[3]).strip()) for row in found] == expected, name
