"""A service fails in every way it can: an answer is right, or it is an error."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pyarrow as pa
import pytest
from servers.faults import always
from servers.faulty import Fault

from sedsql.errors import Error
from sedsql.tap.errors import Damaged, Refused, Stopped, TimedOut, Unavailable
from sedsql.tap.service import Service

QUERY = "SELECT source_id, ra, dec, phot_g_mean_mag, parallax, designation FROM gaiadr3.gaia_source"


@pytest.fixture(scope="module")
def truth(small_mirror):
    """The rows as DuckDB reads them from the mirror."""
    files = small_mirror / "gaiadr3" / "gaia_source" / "**" / "*.parquet"
    columns = QUERY.removeprefix("SELECT").partition("FROM")[0]
    return duckdb.sql(f"SELECT {columns} FROM '{files}' ORDER BY source_id").fetchall()


def rows(answer):
    return [tuple(row.values()) for row in answer.table.sort_by("source_id").to_pylist()]


def test_all_rows_come_as_they_are(service, truth):
    answer = service.fetch(QUERY, maxrec=10_000)
    assert rows(answer) == truth
    assert not answer.overflow
    assert answer.table.schema.field("ra").metadata[b"unit"] == b"deg"


def test_a_cut_at_the_limit_is_told(service, faulty):
    assert service.fetch(QUERY, maxrec=7).overflow
    faulty.limit = 5
    answer = service.fetch(QUERY, maxrec=7)
    assert answer.overflow
    assert len(answer.table) == 5
    assert service.fetch(QUERY, maxrec=0).table.num_rows == 0


PASSING = [
    Fault("status", 429),
    Fault("status", 500),
    Fault("status", 502),
    Fault("status", 503, body="in maintenance"),
    Fault("html"),
    Fault("cut", 0.0),
    Fault("cut", 0.5),
    Fault("cut", 0.99),
    Fault("cut", 0.5, chunked=True),
    Fault("truncate", 0.2),
    Fault("truncate", 0.7),
    Fault("truncate", 0.9999),
    Fault("garbage", "xml"),
    Fault("garbage", "base64"),
    Fault("late_error", 20),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.kind}-{fault.value}")
@pytest.mark.parametrize("by_jobs", [False, True])
def test_what_may_pass_is_asked_again(service, faulty, truth, reasons, fault, by_jobs):
    on = r"GET /tap/async/\d+/results/result" if by_jobs else "POST /tap/sync"
    if fault.kind not in ("status", "html"):
        on = ""
    if by_jobs:
        faulty.faults.append(Fault("status", 504, on="POST /tap/sync"))
        service.count("SELECT COUNT(*) FROM gaiadr3.gaia_source")
        reasons.clear()
    faulty.faults.append(Fault(**{**vars(fault), "on": on, "times": 1}))
    assert rows(service.fetch(QUERY, maxrec=10_000)) == truth
    assert len(reasons) == 1
    assert not faulty.jobs


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.kind}-{fault.value}")
def test_what_does_not_pass_is_unavailable(service, faulty, reasons, fault):
    faulty.faults.append(always(Fault(**{**vars(fault), "on": "POST /tap/sync"})))
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 gave no whole answer, asked 3 times; the last time: .+\.$"):
        service.fetch(QUERY, maxrec=10_000)
    assert len(reasons) == 2


def test_no_server_is_unavailable(service, faulty):
    faulty.close()
    with pytest.raises(Unavailable, match="Connection refused"):
        service.fetch(QUERY)


def test_retry_after_is_kept_to(service, faulty):
    service.count("SELECT COUNT(*) FROM gaiadr3.gaia_source")
    faulty.faults.append(Fault("status", 503, on="POST /tap/sync", retry_after=0.4))
    started = time.monotonic()
    service.count("SELECT COUNT(*) FROM gaiadr3.gaia_source")
    assert 0.4 <= time.monotonic() - started < 15


@pytest.mark.parametrize(
    "fault, words",
    [
        (Fault("status", 403), "SEDSQL_TAP_PASSWORD"),
        (Fault("status", 401), "SEDSQL_TAP_USER"),
        (Fault("status", 404), "no TAP service"),
        (Fault("status", 400, body="Unknown table"), "Unknown table"),
        (Fault("error_votable", "No such column: foo"), "No such column: foo"),
        (Fault("error_votable", "No such column: foo", status=400), "No such column: foo"),
    ],
)
def test_a_no_is_not_asked_again(service, faulty, reasons, fault, words):
    faulty.faults.append(Fault(**{**vars(fault), "on": "POST /tap/sync"}))
    with pytest.raises(Refused, match=words):
        service.fetch(QUERY)
    assert reasons == []
    assert len(faulty.queries) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("slow", 60),
        Fault("stall", 60),
        Fault("status", 504),
        Fault("status", 408),
        Fault("error_votable", "Query timed out (timeout: 60 s)"),
        Fault("error_votable", "ERROR: canceling statement due to statement timeout", status=500),
        Fault("error_votable", "Exceeded the limit of synchronous queries: too long", status=400),
        Fault("late_error", 9, message="Execution time exceeded"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.value}",
)
def test_what_is_slow_becomes_a_job_and_stays_one(service, faulty, truth, fault):
    if fault.kind in ("slow", "stall"):
        service._timeout = 1
    faulty.faults.append(Fault(**{**vars(fault), "on": "POST /tap/sync"}))
    for _ in range(2):
        assert rows(service.fetch(QUERY, maxrec=10_000)) == truth
    asked = [request.path for request in faulty.requests if request.query and request.method == "POST"]
    assert asked.count("/tap/sync") == 1
    assert asked.count("/tap/async") == 2
    assert not faulty.jobs


@pytest.fixture
def by_jobs(service, faulty):
    """The same service, after a query that was too slow."""
    faulty.faults.append(Fault("status", 504, on="POST /tap/sync"))
    service.count("SELECT COUNT(*) FROM gaiadr3.gaia_source")
    return service


@pytest.mark.parametrize(
    "fault, error",
    [
        (Fault("phase", "ERROR", message="No such column: foo"), Refused),
        (Fault("phase", "ERROR", message="Query timed out"), TimedOut),
        (Fault("phase", "ABORTED"), TimedOut),
        (Fault("phase", "EXECUTING"), TimedOut),
    ],
)
def test_jobs_that_end_badly_are_deleted(by_jobs, faulty, fault, error):
    by_jobs._longest = 0.5
    faulty.faults.append(fault)
    with pytest.raises(error, match=fault.message if fault.value == "ERROR" else "127"):
        by_jobs.fetch(QUERY)
    assert not faulty.jobs


@pytest.mark.parametrize("on", ["POST /tap/async ", r"GET /tap/async/\d+ ", r"POST /tap/async/\d+/phase", "DELETE"])
def test_each_step_of_a_job_is_asked_again(by_jobs, faulty, truth, on):
    faulty.job_seconds = 0.1
    faulty.faults.append(Fault("status", 503, on=on, times=2 if on != "DELETE" else 1))
    assert rows(by_jobs.fetch(QUERY, maxrec=10_000)) == truth
    assert not faulty.jobs
    assert len([query for query in faulty.queries if query == QUERY]) == (3 if "async " in on else 1)


def abort(jobs):
    """The server's threads do not run what was deleted."""
    for job in jobs.values():
        job.phase = "ABORTED"


def test_an_interrupt_deletes_the_job(by_jobs, faulty):
    def interrupt(reason):
        abort(faulty.jobs)
        raise KeyboardInterrupt

    object.__setattr__(by_jobs._retry, "on_retry", interrupt)
    faulty.faults.append(Fault("status", 503, on=r"GET /tap/async/\d+ ", after=1))
    faulty.job_seconds = 30
    with pytest.raises(KeyboardInterrupt):
        by_jobs.fetch(QUERY)
    assert not faulty.jobs


def test_stop_ends_what_other_threads_wait_for(by_jobs, faulty):
    faulty.job_seconds = 30
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(by_jobs.fetch, QUERY)
        while not any(job.phase == "EXECUTING" for job in list(faulty.jobs.values())):
            time.sleep(0.01)
        running = dict(faulty.jobs)
        by_jobs.stop()
        with pytest.raises(Stopped):
            waiting.result(timeout=3)
    assert not faulty.jobs
    abort(running)


def test_many_threads_share_a_service(service, faulty, truth):
    start = threading.Barrier(8)

    def ask(part):
        start.wait()
        return service.fetch(f"{QUERY} WHERE MOD(source_id, 8) = {part}", maxrec=10_000)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert sorted(row for answer in answers for row in rows(answer)) == truth
    assert sum(request.path == "/tap/capabilities" for request in faulty.requests) == 1


def test_uploads_are_joined(service, truth):
    mine = pa.table({"id": [row[0] for row in truth[:20]], "weight": [float(i) for i in range(20)]})
    query = "SELECT g.source_id, u.weight FROM gaiadr3.gaia_source AS g JOIN TAP_UPLOAD.mine AS u ON g.source_id = u.id"
    assert rows(service.fetch(query, uploads={"mine": mine})) == list(
        zip(mine["id"].to_pylist(), mine["weight"].to_pylist(), strict=True)
    )


def test_counts_and_bounds(service, truth):
    assert service.count("SELECT COUNT(*) FROM gaiadr3.gaia_source") == len(truth)
    assert service.bounds("gaiadr3.gaia_source", "source_id") == (truth[0][0], truth[-1][0])
    with pytest.raises(Damaged, match="to a count"):
        service.count("SELECT TOP 2 source_id FROM gaiadr3.gaia_source")


def test_a_wrong_query_shows_the_service_s_words(service):
    with pytest.raises(Refused, match="nope"):
        service.fetch("SELECT nope FROM gaiadr3.gaia_source")


@pytest.mark.parametrize(
    "name, words",
    [("gaja", "there is gaia"), ("viser", "vizier"), ("/data/tap", "neither a URL"), ("ftp://x.org/tap", "neither")],
)
def test_a_name_that_is_none(name, words):
    with pytest.raises(Refused, match=words):
        Service(name)


def test_names_and_urls():
    assert Service("Gaia").url == "https://gea.esac.esa.int/tap-server/tap"
    assert Service("http://localhost:8080/tap/").url == "http://localhost:8080/tap"
    assert issubclass(Refused, Error)


def test_nothing_slow_is_imported_before_it_is_needed():
    """Every command imports this module."""
    code = "import sys, sedsql.cli.main, sedsql.tap.service as s; s.Service('gaia'); print('pyvo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
