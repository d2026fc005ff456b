"""A mirror is used as pyvo's services are, in code of pyvo's own documentation."""

import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from pyvo.dal import DALQueryError

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
    with pytest.raises(DALQueryError, match="asked in ADQL, not in PQL"):
        service.search(QUERY, language="PQL")


def test_tables_are_listed_as_by_pyvo(service):
    assert "gaiadr3.gaia_source" in service.tables
    table = service.tables["gaiadr3.gaia_source"]
    columns = {column.name: column for column in table.columns}
    assert (columns["ra"].unit, columns["ra"].ucd) == ("deg", "pos.eq.ra;meta.main")
    assert columns["source_id"].datatype.content == "BIGINT"
    assert {table.name for table in service.tables} == {
        table.name for table in service.connection.catalogue.tables.values()
    }


def test_classes_come_too(service):
    results = service.search("SELECT TOP 50 s.source_id, sed_class(s) AS class FROM sed.photometry AS s")
    assert set(results["class"]) <= {*find_models()["shape-2"].classes}
