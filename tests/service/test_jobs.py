"""Jobs of a service: their phases and files, from the first to the last (UWS 1.1)."""

import asyncio
import time

import pytest
from asking import table_of
from making_jobs import LONG, QUERY, ended, files, made, ran, soon, upload

import sedsql
from sedsql.service.errors import ServiceError
from sedsql.service.jobs import Phase
from sedsql.service.jobs.job import now

pytestmark = pytest.mark.slow


def test_a_job_runs_and_its_result_is_that_of_connect(ask, jobs, sky):
    async def run():
        job = await made(jobs, runid="mine")
        assert (job.phase, job.runid, job.parameters) == (Phase.PENDING, "mine", (("QUERY", QUERY),))
        assert job.destruction - job.created == jobs.limits.kept
        with pytest.raises(ServiceError, match="it is PENDING") as error:
            jobs.result(job)
        assert error.value.status == 404
        queued = await jobs.run(job.id)
        assert queued.phase == Phase.QUEUED
        return await ended(jobs, job)

    job = ask(run())
    with sedsql.connect(sky) as con:
        expected = con.execute(QUERY).arrow()
    data = jobs.result(job).read_bytes()
    assert table_of(data).equals(expected)
    assert (job.phase, job.rows, job.bytes, job.overflow) == (Phase.COMPLETED, len(expected), len(data), False)
    assert job.mime == "application/vnd.apache.arrow.stream"
    assert job.created <= job.started <= job.ended <= now()
    assert files(jobs) == [f"jobs/{job.id}/result"]
    assert ask(jobs.run(job.id)) == job


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ([("QUERY", "SELECT rax FROM gaiadr3.gaia_source")], "There is no column 'rax' (line 1, column 8)"),
        ([("LANG", "ADQL")], "QUERY is missing."),
    ],
)
def test_a_mistake_is_the_error_of_its_job(ask, jobs, parameters, sentence):
    async def run():
        job = await jobs.create(parameters, client="someone")
        await jobs.run(job.id)
        return await ended(jobs, job)

    job = ask(run())
    assert job.phase == Phase.ERROR
    assert job.error.startswith(sentence)
    assert job.status == 400
    ask(soon(lambda: not any((jobs._spool.folder / "jobs").iterdir())))


def test_parameters_are_changed_until_a_job_runs(ask, jobs):
    async def change():
        job = await jobs.create([("QUERY", "SELECT 1"), ("MAXREC", "3"), ("FORMAT", "csv")], client="someone")
        job = await jobs.set_parameters(job.id, [("query", QUERY)], runid="other")
        assert job.parameters == (("MAXREC", "3"), ("FORMAT", "csv"), ("query", QUERY))
        assert job.runid == "other"
        await jobs.run(job.id)
        with pytest.raises(ServiceError, match="its parameters cannot be changed any more; make a new job"):
            await jobs.set_parameters(job.id, [("QUERY", "SELECT 2")])
        with pytest.raises(ServiceError, match="time that it may run cannot be changed"):
            await jobs.set_duration(job.id, 5)
        job = await ended(jobs, job)
        assert jobs.result(job).read_text().startswith("source_id,ra\n")

    ask(change())


def test_who_waits_for_a_job_is_told_at_once(ask, jobs):
    async def wait():
        job = await made(jobs, LONG)
        before = time.monotonic()
        assert (await jobs.wait(job.id, 0.3)).phase == Phase.PENDING
        assert 0.25 < time.monotonic() - before < 2
        waiting = asyncio.create_task(jobs.wait(job.id, 30))
        others = [asyncio.create_task(jobs.wait(job.id, 30, Phase.PENDING)) for _ in range(50)]
        await asyncio.sleep(0.1)
        before = time.monotonic()
        await jobs.run(job.id)
        assert (await waiting).phase in (Phase.QUEUED, Phase.EXECUTING)
        assert time.monotonic() - before < 1
        await asyncio.gather(*others)
        job = await jobs.wait(job.id, 30, Phase.QUEUED)
        assert job.phase == Phase.EXECUTING
        assert await jobs.wait(job.id, 30, Phase.PENDING) == job  # it has another phase already
        waiting = asyncio.create_task(jobs.wait(job.id, 30, Phase.EXECUTING))
        await asyncio.sleep(0.1)
        before = time.monotonic()
        await jobs.abort(job.id)
        assert (await waiting).phase == Phase.ABORTED
        assert (await jobs.wait(job.id, 30)).phase == Phase.ABORTED  # which stays
        assert time.monotonic() - before < 1

    ask(wait())
    assert not jobs._waiting


def test_an_abort_ends_a_job_in_any_phase(ask, jobs, pool):
    async def abort():
        running, queued, pending = [await made(jobs, LONG) for _ in range(3)]
        await jobs.run(running.id)
        await jobs.wait(running.id, 30, Phase.QUEUED)
        assert (await jobs.get(running.id)).phase in (Phase.QUEUED, Phase.EXECUTING)
        await jobs.run(queued.id)
        before = time.monotonic()
        for job in (running, queued, pending):
            assert (await jobs.abort(job.id)).phase == Phase.ABORTED
        await soon(lambda: not pool.running and not pool.waiting_jobs)
        assert time.monotonic() - before < 3
        done = await ran(jobs)
        assert (await jobs.abort(done.id)).phase == Phase.COMPLETED

    ask(abort())


def test_a_deleted_job_is_gone_with_its_files(ask, jobs, pool):
    async def delete():
        done, running = await ran(jobs), await made(jobs, LONG)
        await jobs.run(running.id)
        await jobs.wait(running.id, 30, Phase.QUEUED)
        assert files(jobs) == [f"jobs/{done.id}/result"]
        for job in (done, running):
            await jobs.delete(job.id)
            with pytest.raises(ServiceError, match="There is no job") as error:
                await jobs.get(job.id)
            assert error.value.status == 404
        await soon(lambda: not pool.running and not files(jobs))
        assert not any((jobs._spool.folder / "jobs").iterdir())
        for job_id in (done.id, "no-such-job"):
            with pytest.raises(ServiceError, match="There is no job"):
                await jobs.delete(job_id)

    ask(delete())


def test_jobs_are_found_by_owner_phase_and_time(ask, jobs):
    async def find():
        first = await ran(jobs)
        second = await made(jobs, owner="ann")
        third = await made(jobs)
        fourth = await made(jobs)
        assert [job.id for job in await jobs.find()] == [first.id, third.id, fourth.id]
        assert [job.id for job in await jobs.find("ann")] == [second.id]
        assert [job.id for job in await jobs.find(phases=[Phase.PENDING])] == [third.id, fourth.id]
        assert [job.id for job in await jobs.find(phases=[Phase.PENDING, Phase.COMPLETED], last=2)] == [
            fourth.id,
            third.id,
        ]
        assert await jobs.find(last=0) == []
        assert [job.id for job in await jobs.find(after=first.created)] == [third.id, fourth.id]
        assert (await jobs.phases())[Phase.PENDING] == 3

    ask(find())


def test_a_job_takes_its_uploads_and_frees_them_when_it_ends(ask, jobs):
    query = "SELECT m.x, o.y FROM TAP_UPLOAD.mine AS m, TAP_UPLOAD.other AS o"

    async def run():
        job = await made(jobs, query, uploads={"mine": upload(jobs, x=[1])})
        job = await jobs.set_parameters(job.id, uploads={"other": upload(jobs, y=[7]), "MINE": upload(jobs, x=[2])})
        assert [name for name, _ in job.uploads] == ["other", "MINE"]
        assert len(files(jobs)) == 2
        assert all(path.startswith(f"jobs/{job.id}/upload-") for path in files(jobs))
        await jobs.run(job.id)
        return await ended(jobs, job)

    job = ask(run())
    assert table_of(jobs.result(job).read_bytes()).to_pylist() == [{"x": 2, "y": 7}]
    ask(soon(lambda: files(jobs) == [f"jobs/{job.id}/result"]))


def test_a_quote_is_in_the_future_while_a_job_is_not_done(ask, jobs):
    async def quote():
        job = await made(jobs)
        assert jobs.quote(job) > now()
        await jobs.run(job.id)
        assert jobs.quote(await ended(jobs, job)) is None

    ask(quote())
