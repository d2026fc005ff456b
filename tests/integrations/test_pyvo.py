"""A mirror is used as pyvo's services are, in code of pyvo's own documentation."""

import io
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io.votable import from_table
from astropy.table import Table
from pyvo.dal import AsyncTAPJob, DALQueryError, DALServiceError, TAPQuery, TAPService

import sedsql
from sedsql.inference.model import find_models

QUERY = "SELECT source_id, ra, dec, designation FROM gaiadr3.gaia_source ORDER BY source_id"


@pytest.fixture(scope="module")
def service(sky_of):
    with sedsql.TAPMirror(sky_of(2_000)) as service:
        yield service


def test_results_are_used_as_in_pyvos_documentation(service):
    results = service.search(QUERY)
    assert len(results) == 2000
    assert results.fieldnames == ("source_id", "ra", "dec", "designation")
    assert results["ra"][3] == results[3]["ra"] == results.getcolumn("ra")[3]
    for row in results:
        assert row["designation"].startswith("Simulated")
        break
    assert (results.getdesc("ra").unit, results.fieldname_with_ucd("pos.eq.dec")) == (u.deg, "dec")
    assert results.query_status == "OK"
    table = results.to_table()
    assert (table["ra"].unit, len(table)) == (u.deg, 2000)
    assert SkyCoord(table["ra"], table["dec"]).separation(SkyCoord(0 * u.deg, 0 * u.deg)).max() < 181 * u.deg
    assert table["source_id"].tolist() == [row[0] for row in service.connection.execute(QUERY)]


def test_a_limit_is_told_as_pyvo_tells_it(service):
    results = service.run_sync(QUERY, maxrec=5)
    assert (len(results), results.query_status) == (5, "OVERFLOW")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(service.run_async(QUERY, maxrec=2000)) == 2000
    assert len(service.search("SELECT TOP 0 ra FROM gaiadr3.gaia_source")) == 0


def test_uploads(service, tmp_path):
    wanted = service.search("SELECT TOP 7 source_id, ra FROM gaiadr3.gaia_source ORDER BY source_id DESC")
    own = Table({"source_id": wanted["source_id"], "weight": np.arange(7.0) * u.mag, "name": ["a", "b"] * 3 + ["ü"]})
    query = (
        "SELECT mine.name, mine.weight, g.ra FROM gaiadr3.gaia_source AS g "
        "JOIN TAP_UPLOAD.mine AS mine USING (source_id) ORDER BY mine.weight"
    )
    results = service.search(query, uploads={"mine": own})
    assert list(results["ra"]) == list(wanted["ra"])
    assert list(results["name"]) == list(own["name"])
    assert results.to_table()["weight"].unit == u.mag
    own.write(tmp_path / "own.ecsv")
    for upload in (wanted, tmp_path / "own.ecsv", str(tmp_path / "own.ecsv")):
        found = service.search("SELECT COUNT(*) AS n FROM tap_upload.t WHERE source_id > 0", uploads={"t": upload})
        assert list(found["n"]) == [7]
    with pytest.raises(DALQueryError, match=r"no table 'TAP_UPLOAD\.mine'"):
        service.search(query)
    with pytest.raises(DALQueryError, match="cannot be a table's name"):
        service.search(query, uploads={"no name": own})


def test_positions_that_are_uploaded_are_matched(service):
    every = service.search(QUERY).to_table()
    near = Table({"id": np.arange(50), "ra": every["ra"][::40] + 1e-5, "dec": every["dec"][::40]})
    found = service.search(
        "SELECT t.id, g.source_id FROM TAP_UPLOAD.t AS t JOIN gaiadr3.gaia_source AS g "
        "ON 1 = CONTAINS(POINT(t.ra, t.dec), CIRCLE(g.ra, g.dec, 1 / 3600.)) ORDER BY t.id",
        uploads={"t": near},
    )
    assert list(found["source_id"]) == list(every["source_id"][::40])


def test_a_wrong_query_is_pyvos_error_with_the_place(service):
    with pytest.raises(DALQueryError, match=r"phot_g_mean_mag.*\n|line 1, column 8"):
        service.search("SELECT phot_g_mean_mg FROM gaiadr3.gaia_source")
    with pytest.raises(DALQueryError, match="takes queries in ADQL, not in PQL"):
        service.search(QUERY, language="PQL")


def test_tables_are_listed_as_by_pyvo(service):
    assert "gaiadr3.gaia_source" in service.tables
    table = service.tables["gaiadr3.gaia_source"]
    columns = {column.name: column for column in table.columns}
    assert (columns["ra"].unit, columns["ra"].ucd) == ("deg", "pos.eq.ra;meta.main")
    assert columns["source_id"].datatype.content == "long"
    assert {table.name for table in service.tables} == {
        table.name for table in service.connection.catalogue.tables.values() if not table.name.startswith("manifest.")
    }


def test_classes_come_too(service):
    results = service.search("SELECT TOP 50 s.source_id, sed_class(s) AS class FROM sed.photometry AS s")
    assert set(results["class"]) <= {*find_models()["shape-2"].classes}


def test_a_query_is_made_and_run_later(service):
    """pyvo's TAPQuery."""
    query = service.create_query(QUERY, maxrec=4)
    assert (query["QUERY"], query["MAXREC"], query.baseurl) == (QUERY, 4, service.baseurl)
    assert list(query.execute()["source_id"]) == list(service.search(QUERY)["source_id"][:4])
    later = service.create_query()
    with pytest.raises(DALQueryError, match="no query yet"):
        later.execute()
    later["QUERY"] = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine"
    later = service.create_query(later["QUERY"], uploads={"mine": Table({"x": [1, 2, 3]})})
    assert list(later.execute()["n"]) == [3]


def test_a_job_is_used_as_in_pyvos_documentation(service):
    job = service.submit_job(QUERY, maxrec=10_000)
    assert (job.phase, job.query, job.maxrec) == ("PENDING", QUERY, 10_000)
    assert service.get_job_list() == [job] == [service.get_job(job.job_id)]
    with pytest.raises(DALServiceError, match="run"):
        job.fetch_result()
    job.run().wait(phases=["COMPLETED", "ERROR"], timeout=10)
    job.raise_if_error()
    assert (job.phase, len(job.fetch_result())) == ("COMPLETED", 2000)
    assert job.result_uri.startswith(job.url)
    job.delete()
    assert service.get_job_list() == []
    with service.submit_job("SELECT rx FROM gaiadr3.gaia_source") as job:
        assert job.run().wait().phase == "ERROR"
        with pytest.raises(DALQueryError, match="no column 'rx'"):
            job.raise_if_error()
        job.query = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine"
        job.upload(mine=Table({"x": [1, 2]}))
        assert list(job.run().fetch_result()["n"]) == [2]
        assert job.abort().phase == "ABORTED"
        with pytest.raises(DALQueryError, match="aborted"):
            job.fetch_result()


def test_it_has_what_pyvos_class_has(service):
    """All public names of pyvo's classes that mean something without a network."""
    network = {"capabilities", "capability_description", "get_tap_capability", "availability"}
    writing = {"create_table", "remove_table", "load_table", "create_index"}
    for theirs, ours in (
        (TAPService, service),
        (AsyncTAPJob, service.submit_job(QUERY)),
        (TAPQuery, service.create_query(QUERY)),
    ):
        names = {name for name in dir(theirs) if not name.startswith("_")}
        lacking = names - set(dir(ours)) - network - writing - {"create", "job", "execute_raw", "execute_stream"}
        assert lacking - {"execute_votable", "submit", "param_names"} == set()


def test_uploads_of_every_kind_that_pyvo_takes(service):
    own = Table({"x": [1.0, 2.0]})
    stream = io.BytesIO()
    from_table(own).to_xml(stream)
    stream.seek(0)
    for upload in (stream, from_table(own), from_table(own).get_first_table()):
        assert list(service.search("SELECT SUM(x) AS total FROM TAP_UPLOAD.t", uploads={"t": upload})["total"]) == [3.0]


def test_examples_run_and_it_describes_itself(service, capsys):
    assert len(service.examples) > 3
    assert len(service.examples[0].execute()) > 0
    service.describe()
    assert "gaiadr3.gaia_source" in capsys.readouterr().out
    assert "gaiadr3.gaia_source" in service._repr_html_()
