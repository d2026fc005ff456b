"""Jobs are made, run, waited for, changed and deleted as UWS 1.1 has it."""

import io
import time
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
import requests
from astropy.table import Table

UWS = "{http://www.ivoa.net/xml/UWS/v1.0}"
HREF = "{http://www.w3.org/1999/xlink}href"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
COUNT = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source"
LONG = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b, gaiadr3.gaia_source AS c"


def post(url, data=None, **more):
    return requests.post(url, data, allow_redirects=False, timeout=60, **more)


def get(url, **parameters):
    return requests.get(url, parameters, timeout=60)


def make(url, query=COUNT, **parameters):
    """Make a job; gives its URL."""
    answer = post(f"{url}/async", {"LANG": "ADQL", "FORMAT": "csv", "QUERY": query, **parameters})
    assert answer.status_code == 303, answer.text
    assert answer.headers["Location"].startswith(f"{url}/async/")
    return answer.headers["Location"]


def document(url, **parameters):
    answer = get(url, **parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/xml"
    return ElementTree.fromstring(answer.content)


def told(job, name):
    return job.findtext(f"{UWS}{name}")


def ended(url):
    """The document of a job that has ended."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        job = document(url, WAIT="10")
        if told(job, "phase") not in ("PENDING", "QUEUED", "EXECUTING"):
            return job
    raise AssertionError("the job does not end")


def test_a_job_from_its_start_to_its_end(url):
    job_url = make(url, RUNID="my run")
    job = document(job_url)
    assert job.get("version") == "1.1"
    assert told(job, "jobId") == job_url.rpartition("/")[2]
    assert (told(job, "phase"), told(job, "runId")) == ("PENDING", "my run")
    assert [job.find(f"{UWS}{name}").get(NIL) for name in ("ownerId", "startTime", "endTime")] == ["true"] * 3
    parameters = {one.get("id"): one.text for one in job.iter(f"{UWS}parameter")}
    assert parameters == {"LANG": "ADQL", "FORMAT": "csv", "QUERY": COUNT, "RUNID": "my run"}
    answer = post(f"{job_url}/phase", {"PHASE": "RUN"})
    assert (answer.status_code, answer.headers["Location"]) == (303, job_url)
    job = ended(job_url)
    assert told(job, "phase") == "COMPLETED"
    assert told(job, "startTime") <= told(job, "endTime")
    (result,) = job.iter(f"{UWS}result")
    assert (result.get("id"), result.get("mime-type")) == ("result", "text/csv;header=present")
    answer = get(result.get(HREF))
    assert answer.text.split() == ["n", "2000"]
    assert answer.headers["Content-Type"] == "text/csv;header=present"
    assert result.get("size") == str(len(answer.content))
    answer = requests.delete(job_url, allow_redirects=False, timeout=60)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{url}/async")
    assert get(job_url).status_code == 404
    assert get(result.get(HREF)).status_code == 404


def test_the_children_of_a_job(url):
    job_url = ended_url(url, PHASE="RUN")
    assert get(f"{job_url}/phase").text == "COMPLETED"
    assert get(f"{job_url}/owner").text == get(f"{job_url}/quote").text == ""
    assert int(get(f"{job_url}/executionduration").text) > 0
    assert datetime.fromisoformat(get(f"{job_url}/destruction").text) > datetime.now(UTC)
    names = {one.get("id") for one in document(f"{job_url}/parameters").iter(f"{UWS}parameter")}
    assert names == {"LANG", "FORMAT", "QUERY"}
    (result,) = document(f"{job_url}/results")
    assert get(result.get(HREF)).text.split() == ["n", "2000"]
    answer = get(f"{job_url}/error")
    assert (answer.status_code, answer.text) == (404, f"Job {job_url[-16:]} has no error: it is COMPLETED.\n")
    assert "A job has no 'colour'; it has phase" in get(f"{job_url}/colour").text


def ended_url(url, **parameters):
    job_url = make(url, **parameters)
    ended(job_url)
    return job_url


def test_an_error_is_told_in_the_job_and_beside_it(url):
    job_url = make(url, "SELECT phot_g_mean_mg FROM gaiadr3.gaia_source", PHASE="RUN")
    job = ended(job_url)
    assert told(job, "phase") == "ERROR"
    summary = job.find(f"{UWS}errorSummary")
    assert (summary.get("type"), summary.get("hasDetail")) == ("fatal", "true")
    message = summary.findtext(f"{UWS}message")
    assert "no column 'phot_g_mean_mg' (line 1, column 8)" in message
    answer = get(f"{job_url}/error")
    assert answer.headers["Content-Type"] == "application/x-votable+xml"
    assert 'value="ERROR"' in answer.text
    assert message.partition("'")[0] in answer.text
    assert list(job.find(f"{UWS}results")) == []
    answer = get(f"{job_url}/results/result")
    assert answer.status_code == 404
    assert f"has no result: {message}" in answer.text


def test_several_jobs_are_deleted_at_once_or_none(url):
    jobs = [make(url) for _ in range(3)]
    names = [job.rpartition("/")[2] for job in jobs]
    answer = post(f"{url}/deletejobs", {"JOB_IDS": f"{names[0]},nothing"})
    assert (answer.status_code, get(jobs[0]).status_code) == (404, 200)
    assert post(f"{url}/deletejobs", {"JOB_IDS": ",".join(names[:2])}).status_code == 200
    assert [get(job).status_code for job in jobs] == [404, 404, 200]
    assert "JOB_IDS is missing" in post(f"{url}/deletejobs").text


def test_parameters_that_are_not_good_are_the_jobs_error(url):
    assert "LANG is 'PQL'" in told(ended(make(url, LANG="PQL", PHASE="RUN")).find(f"{UWS}errorSummary"), "message")
    assert "MAXREC is a whole" in told(ended(make(url, MAXREC="x", PHASE="RUN")).find(f"{UWS}errorSummary"), "message")


def test_parameters_are_changed_while_a_job_waits_for_its_start(url):
    job_url = make(url, "SELECT nonsense")
    assert post(f"{job_url}/parameters", {"QUERY": COUNT}).headers["Location"] == job_url
    assert post(job_url, {"format": "tsv", "RUNID": "later"}).status_code == 303
    assert post(f"{job_url}/executionduration", {"EXECUTIONDURATION": "77"}).status_code == 303
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    assert post(f"{job_url}/destruction", {"DESTRUCTION": tomorrow.strftime("%Y-%m-%dT%H:%M:%SZ")}).status_code == 303
    job = document(job_url)
    assert (told(job, "executionDuration"), told(job, "runId")) == ("77", "later")
    assert datetime.fromisoformat(told(job, "destruction")) == tomorrow
    post(f"{job_url}/phase", {"PHASE": "RUN"})
    (result,) = ended(job_url).iter(f"{UWS}result")
    assert get(result.get(HREF)).headers["Content-Type"] == "text/tab-separated-values"
    assert "cannot be changed any more" in post(f"{job_url}/parameters", {"QUERY": COUNT}).text


def test_a_job_is_aborted_and_deleted_by_post(url):
    job_url = make(url, LONG, PHASE="RUN")
    assert told(document(job_url, WAIT="10", PHASE="QUEUED"), "phase") == "EXECUTING"
    began = time.monotonic()
    assert post(f"{job_url}/phase", {"PHASE": "ABORT"}).status_code == 303
    assert told(document(job_url), "phase") == "ABORTED"
    assert time.monotonic() - began < 2
    assert post(job_url, {"ACTION": "DELETE"}).headers["Location"] == f"{url}/async"
    assert get(job_url).status_code == 404


def test_waiting_ends_with_the_phase_or_the_time(url):
    job_url = make(url)
    began = time.monotonic()
    assert told(document(job_url, WAIT="1"), "phase") == "PENDING"
    assert 0.9 < time.monotonic() - began < 5
    began = time.monotonic()
    assert told(document(job_url, WAIT="30", PHASE="EXECUTING"), "phase") == "PENDING"
    assert time.monotonic() - began < 5
    post(f"{job_url}/phase", {"PHASE": "RUN"})
    assert told(ended(job_url), "phase") == "COMPLETED"
    began = time.monotonic()
    assert told(document(job_url, WAIT="-1"), "phase") == "COMPLETED"
    assert time.monotonic() - began < 5


def test_jobs_are_listed_by_phase_and_time_and_number(url):
    first = make(url, RUNID="one")
    created = told(document(first), "creationTime")
    time.sleep(0.01)
    second = ended_url(url, RUNID="two", PHASE="RUN")

    def ids(**parameters):
        return [f"{url}/async/{job.get('id')}" for job in document(f"{url}/async", **parameters)]

    assert {first, second} <= set(ids())
    listed = next(job for job in document(f"{url}/async") if job.get(HREF) == second)
    assert (told(listed, "phase"), told(listed, "runId")) == ("COMPLETED", "two")
    assert told(listed, "creationTime") > created
    assert ids(LAST="1") == [second]
    assert first in ids(PHASE="PENDING")
    assert second not in ids(PHASE="PENDING")
    assert {first, second} <= set(ids(PHASE=["PENDING", "COMPLETED"]))
    assert ids(AFTER=created) == [second]
    assert ids(AFTER="2100-01-01T00:00:00") == []


@pytest.mark.parametrize(
    ("path", "parameters", "words"),
    [
        ("", {"PHASE": "DONE"}, "PHASE is one of PENDING, QUEUED"),
        ("", {"LAST": "many"}, "LAST is a whole number"),
        ("", {"AFTER": "yesterday"}, "AFTER is a time such as"),
        ("/job", {"WAIT": "long"}, "WAIT is a whole number"),
        ("/job", {"WAIT": "1", "PHASE": "DONE"}, "PHASE is one of PENDING, QUEUED"),
    ],
)
def test_mistakes_in_what_is_asked_of_jobs(url, path, parameters, words):
    asked = make(url) if path else f"{url}/async"
    answer = get(asked, **parameters)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "text/plain; charset=utf-8")
    assert words in answer.text


def test_mistakes_in_what_is_said_to_jobs(url):
    job_url = make(url)
    for path, parameters, words in (
        ("", {"ACTION": "EXPLODE"}, "ACTION is DELETE, not 'EXPLODE'"),
        ("/phase", {"PHASE": "EXECUTING"}, "PHASE is set to RUN or ABORT, not 'EXECUTING'"),
        ("/phase", {}, "The parameter PHASE is missing"),
        ("/executionduration", {"EXECUTIONDURATION": "-1"}, "EXECUTIONDURATION is a whole number"),
        ("/destruction", {"DESTRUCTION": "never"}, "DESTRUCTION is a time"),
        ("/owner", {"OWNER": "me"}, "'owner' of a job cannot be changed"),
    ):
        answer = post(job_url + path, parameters)
        assert answer.status_code in (400, 405)
        assert words in answer.text, path
    assert "There is no job 17" in get(f"{url}/async/17").text
    answer = post(f"{url}/async", {"PHASE": "ABORT", "QUERY": COUNT})
    assert answer.status_code == 400
    assert "PHASE of a new job is RUN" in answer.text


def test_a_name_of_a_run_is_short(url):
    job_url = make(url, RUNID="x" * 500)
    for asked in (f"{url}/async", job_url):
        answer = post(asked, {"QUERY": COUNT, "RUNID": "x" * 501})
        assert (answer.status_code, "RUNID has up to 500 letters" in answer.text) == (400, True)
    assert told(document(job_url), "runId") == "x" * 500


def test_a_table_is_uploaded_with_a_job_and_later(url):
    text = io.BytesIO()
    Table({"a": [1, 2, 3]}).write(text, format="votable")
    query = "SELECT SUM(a) AS s FROM TAP_UPLOAD.mine"
    data = {"LANG": "ADQL", "QUERY": query, "FORMAT": "csv", "UPLOAD": "mine,param:t", "PHASE": "RUN"}
    made = post(f"{url}/async", data, files={"t": ("t.vot", text.getvalue())})
    job = ended(made.headers["Location"])
    assert {one.get("id"): one.text for one in job.iter(f"{UWS}parameter")}["UPLOAD"] == "mine,param:t"
    (result,) = job.iter(f"{UWS}result")
    assert get(result.get(HREF)).text.split() == ["s", "6"]
    later = make(url, query)
    post(f"{later}/parameters", {"UPLOAD": "mine,param:t"}, files={"t": ("t.vot", text.getvalue())})
    post(f"{later}/phase", {"PHASE": "RUN"})
    assert told(ended(later), "phase") == "COMPLETED"


def test_one_part_may_be_two_tables(url):
    text = io.BytesIO()
    Table({"a": [1, 2, 3]}).write(text, format="votable")
    query = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.one AS x, TAP_UPLOAD.other AS y"
    data = {"LANG": "ADQL", "QUERY": query, "FORMAT": "csv", "UPLOAD": "one,param:t;other,param:t", "PHASE": "RUN"}
    made = post(f"{url}/async", data, files={"t": ("t.vot", text.getvalue())})
    (result,) = ended(made.headers["Location"]).iter(f"{UWS}result")
    assert get(result.get(HREF)).text.split() == ["n", "9"]


def test_an_upload_that_is_not_there_makes_no_job(url):
    before = len(list(document(f"{url}/async")))
    assert post(f"{url}/async", {"QUERY": COUNT, "UPLOAD": "mine,param:t"}).status_code == 400
    assert len(list(document(f"{url}/async"))) == before
