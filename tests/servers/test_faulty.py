"""pyvo understands the answers of the faulty server, and each of its faults is one."""

import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import requests
from astropy.table import Table
from pyvo.dal import AsyncTAPJob, DALFormatError, DALOverflowWarning, DALQueryError, DALServiceError, TAPService

from .archive import QueryError
from .faults import Fault, always, describe, drop, retype

QUERY = "SELECT source_id, designation, ra, parallax, ruwe FROM gaiadr3.gaia_source"
TABLEDATA = "application/x-votable+xml;serialization=TABLEDATA"


@pytest.fixture
def service(faulty):
    return TAPService(faulty.url)


@pytest.fixture(scope="session")
def rows(small_mirror):
    with duckdb.connect() as con:
        parquet = f"'{small_mirror}/gaiadr3/gaia_source/**/*.parquet'"
        yield con.sql(QUERY.replace("gaiadr3.gaia_source", parquet)).arrow()


@pytest.mark.parametrize("serialization", ["BINARY2", "BINARY", "TABLEDATA"])
@pytest.mark.parametrize("run", ["run_sync", "run_async"])
@pytest.mark.parametrize("chunked", [False, True])
def test_pyvo_reads_every_row(faulty, service, small_mirror, run, serialization, chunked):
    faulty.chunked = faulty.gzip = chunked
    query = "SELECT * FROM gaiadr1.allwise_original_valid"
    got = getattr(service, run)(
        query, maxrec=10_000, responseformat=f"application/x-votable+xml;serialization={serialization}"
    ).to_table()
    with duckdb.connect() as con:
        parquet = f"'{small_mirror}/gaiadr1/allwise_original_valid/**/*.parquet'"
        expected = con.sql(f"SELECT {', '.join(got.colnames)} FROM {parquet}").to_arrow_table()
    assert len(got) == expected.num_rows > 1_000
    assert got["ra"].unit == "deg"
    for name in got.colnames:
        null = expected[name].is_null().to_numpy()
        if got[name].dtype.kind == "O":
            assert list(got[name]) == [value or "" for value in expected[name].to_pylist()]
        else:
            assert np.array_equal(np.ma.getmaskarray(got[name]), null)
            assert np.array_equal(np.ma.compressed(got[name]), expected[name].drop_null().to_numpy())


@pytest.mark.parametrize("serialization", ["BINARY2", "BINARY", "TABLEDATA"])
def test_null_integers(service, serialization):
    query = (
        "SELECT m.number_of_mates, m.clean_tmass_psc_xsc_oid AS oid, g.source_id FROM gaiadr3.gaia_source AS g "
        "LEFT JOIN gaiadr3.tmass_psc_xsc_best_neighbour AS m ON m.source_id = g.source_id WHERE m.source_id IS NULL"
    )
    mime = f"application/x-votable+xml;serialization={serialization}"
    got = service.run_sync(query, maxrec=5, responseformat=mime).to_table()
    assert got["number_of_mates"].mask.all()
    assert got["oid"].mask.all()
    assert got["source_id"].dtype == np.int64
    assert not np.ma.is_masked(got["source_id"])


@pytest.mark.parametrize("run", ["run_sync", "run_async"])
def test_limits_and_overflow(faulty, service, run):
    faulty.limit = 100
    for asked, got in ((None, 100), (7, 7), (1000, 100)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = getattr(service, run)(QUERY, maxrec=asked)
        assert len(result) == got
        assert result.query_status == "OVERFLOW"
        # pyvo is silent where the rows are as many as it asked for.
        assert (DALOverflowWarning in {warning.category for warning in caught}) == (asked != 7)
    assert getattr(service, run)("SELECT TOP 100 ra FROM gaiadr3.gaia_source").query_status == "OK"
    assert faulty.queries == [QUERY] * 3 + ["SELECT TOP 100 ra FROM gaiadr3.gaia_source"]


def test_it_tells_what_it_has(faulty, service):
    assert service.hardlimit == faulty.limit
    assert service.maxrec == faulty.default_limit
    columns = {column.name: column for column in service.tables["gaiadr3.gaia_source"].columns}
    assert columns["ra"].unit == "deg"
    query = "SELECT column_name, unit FROM TAP_SCHEMA.columns WHERE table_name = 'gaiadr3.gaia_source'"
    assert dict(service.run_sync(query).to_table().iterrows())["ra"] == "deg"
    faulty.archive.alter("ALTER TABLE gaiadr3.gaia_source DROP COLUMN ra")
    assert "ra" not in dict(service.run_sync(query).to_table().iterrows())
    with pytest.raises(DALQueryError, match="ra"):
        service.run_sync(QUERY)


def test_joins_counts_and_uploads(service, rows):
    count = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source"
    assert service.run_sync(count)["n"][0] == 3_000
    join = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source JOIN gaiadr3.tmass_psc_xsc_best_neighbour USING (source_id)"
    assert 0 < service.run_sync(join)["n"][0] < 3_000
    mine = Table({"source_id": rows.read_all()["source_id"].to_numpy()[:5]})
    join = "SELECT g.source_id FROM TAP_UPLOAD.mine JOIN gaiadr3.gaia_source AS g ON mine.source_id = g.source_id"
    for run in (service.run_sync, service.run_async):
        assert set(run(join, uploads={"mine": mine})["source_id"]) == set(mine["source_id"])


def test_a_job_can_be_followed_and_deleted(faulty):
    faulty.job_seconds = 0.3
    job = AsyncTAPJob.create(faulty.url, QUERY, maxrec=3)
    assert job.phase == "PENDING"
    job.run()
    assert job.phase == "EXECUTING"
    assert len(job.wait().fetch_result()) == 3
    job.delete()
    assert faulty.jobs == {}


@pytest.mark.parametrize(
    "fault, error",
    [
        (Fault("status", 503, retry_after=1), "503"),
        (Fault("error_votable", "no disk", on="/sync"), "no disk"),
        (Fault("error_votable", "no disk", status=400), "no disk|400"),
        (Fault("html"), "not appear to be a VOTABLE"),
        (Fault("late_error", 3, message="cancelled"), "cancelled"),
        (Fault("cut", 0.5), "IncompleteRead"),
        (Fault("cut", 0.5, chunked=True), "IncompleteRead"),
        (Fault("truncate", 0.5), "no element found"),
        (Fault("garbage", "xml"), "not well-formed"),
        (Fault("garbage", "base64"), "base64|padding"),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_a_fault_strikes_once(faulty, service, fault, error):
    faulty.faults.append(fault)
    with pytest.raises((DALServiceError, DALFormatError, DALQueryError), match=error):
        service.run_sync(QUERY, maxrec=500)
    assert len(service.run_sync(QUERY, maxrec=500)) == 500


def test_faults_that_pyvo_does_not_see(faulty, service):
    faulty.faults += [
        Fault("silent_limit", 3),
        Fault("change", drop("ra")),
        Fault("change", describe("ra", name="alpha", unit="rad")),
        Fault("change", retype("source_id", pa.string())),
    ]
    query = QUERY.replace("SELECT", "SELECT TOP 10")
    assert len(service.run_sync(query)) == 3
    assert "ra" not in service.run_sync(query).fieldnames
    assert service.run_sync(query).to_table()["alpha"].unit == "rad"
    assert service.run_sync(query).to_table()["source_id"].dtype == object


def test_which_requests_a_fault_befalls(faulty, service):
    faulty.faults += [always(Fault("status", 504, on="/sync .*parallax")), Fault("phase", "ERROR", after=1)]
    for _ in range(2):
        with pytest.raises(DALServiceError, match="504"):
            service.run_sync(QUERY)
    assert len(service.run_sync("SELECT TOP 2 ra FROM gaiadr3.gaia_source")) == 2
    assert len(service.run_async(QUERY, maxrec=4)) == 4
    with pytest.raises(DALQueryError, match="Something went wrong"):
        service.run_async(QUERY)


def test_slow_and_stalled_answers(faulty):
    for fault in (Fault("slow", 30), Fault("stall", 30)):
        faulty.faults.append(fault)
        begin = time.monotonic()
        with pytest.raises((requests.Timeout, requests.ConnectionError)):
            requests.post(f"{faulty.url}/sync", data={"QUERY": QUERY, "LANG": "ADQL"}, timeout=0.3)
        assert time.monotonic() - begin < 20
    assert faulty.most_at_once == 2


def test_it_ends_after_the_queries_that_run(faulty):
    long = "SELECT COUNT(*) FROM gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b WHERE a.ra + b.ra > 400"
    begun = Semaphore(0)

    def ask(_):
        answered = 0
        while True:
            begun.release()
            try:
                assert faulty.archive.answer(long, 1).rows.num_rows == 1
            except QueryError as reason:
                return answered, str(reason)
            answered += 1

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask, number) for number in range(3)]
        for _ in range(4):  # one of them for the second time
            begun.acquire()
        faulty.close()
        ended = [one.result(timeout=60) for one in asking]
    assert {reason for _, reason in ended} == {"the archive is closed"}
    assert sum(answered for answered, _ in ended) >= 1


def test_who_may_ask(faulty):
    faulty.users = {"ada": "secret"}
    ask = {"QUERY": QUERY, "LANG": "ADQL"}
    session = requests.Session()
    assert session.post(f"{faulty.url}/sync", data=ask).status_code == 401
    assert session.post(f"{faulty.url}/sync", data=ask, auth=("ada", "wrong")).status_code == 401
    assert session.post(f"{faulty.url}/sync", data=ask, auth=("ada", "secret")).status_code == 200
    assert session.post(f"{faulty.url}/login", data={"username": "ada", "password": "wrong"}).status_code == 401
    assert session.post(f"{faulty.url}/login", data={"username": "ada", "password": "secret"}).status_code == 200
    assert len(TAPService(faulty.url, session=session).run_sync(QUERY, maxrec=5)) == 5
    faulty.sessions.clear()
    assert session.post(f"{faulty.url}/sync", data=ask).status_code == 401
