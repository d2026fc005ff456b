"""Jobs of a service: their phases, files and limits (UWS 1.1)."""

import asyncio
import io
import sqlite3
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from asking import table_of
from astropy.table import Table

import sedsql
from sedsql.service.errors import ServiceError
from sedsql.service.jobs import JobLimits, Jobs, Phase, Spool
from sedsql.service.jobs.job import now
from sedsql.service.workers import Task

pytestmark = pytest.mark.slow

QUERY = "SELECT source_id, ra FROM gaiadr3.gaia_source WHERE dec > 0 ORDER BY source_id"
LONG = "SELECT SUM(SQRT(a.ra + b.ra * c.ra)) AS total FROM {0} AS a, {0} AS b, {0} AS c".format("gaiadr3.gaia_source")


def task_of(job):
    values = {name.upper(): value for name, value in job.parameters}
    if "QUERY" not in values:
        raise ServiceError("QUERY is missing.")
    return Task(values["QUERY"], format=values.get("FORMAT", "arrow"))


@pytest.fixture
def jobs_of(loop, pool, tmp_path):
    """`jobs_of(**limits)` are the jobs of a new spool folder."""
    started = []

    def jobs_of(**limits):
        spool = Spool(tmp_path / f"spool-{len(started)}")
        jobs = Jobs(spool, pool, task_of, JobLimits(**limits))
        loop.ask(jobs.start())
        started.append((jobs, spool))
        return jobs

    yield jobs_of
    for jobs, spool in started:
        loop.ask(jobs.stop())
        spool.close()


@pytest.fixture
def jobs(jobs_of):
    return jobs_of()


def files(jobs: Jobs) -> list[str]:
    """The files of all jobs, by names of folders and files."""
    folder = jobs._spool.folder
    found = [*(folder / "jobs").rglob("*"), *(folder / "incoming").rglob("*")]
    return sorted(str(path.relative_to(folder)) for path in found if path.is_file())


async def made(jobs: Jobs, query: str = QUERY, **more):
    return await jobs.create([("QUERY", query)], client="someone", **more)


async def ended(jobs: Jobs, job):
    """The job once it has ended."""
    while job.is_active:
        job = await jobs.wait(job.id, 60)
    return job


async def ran(jobs: Jobs, query: str = QUERY, **more):
    job = await made(jobs, query, **more)
    await jobs.run(job.id)
    return await ended(jobs, job)


async def soon(holds) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.02)


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


def test_jobs_are_destroyed_when_their_time_has_come(ask, jobs):
    async def destroy():
        job, kept = await ran(jobs), await ran(jobs)
        far = await jobs.set_destruction(kept.id, now() + timedelta(days=10_000))
        assert far.destruction == kept.created + jobs.limits.most_kept
        await jobs.set_destruction(job.id, now() + timedelta(seconds=0.3))
        assert await jobs.get(job.id)
        await soon(lambda: files(jobs) == [f"jobs/{kept.id}/result"])
        assert [one.id for one in await jobs.find()] == [kept.id]
        await jobs.set_destruction(kept.id, now() - timedelta(days=1))
        await soon(lambda: not files(jobs))

    ask(destroy())


def test_a_job_is_aborted_at_the_limit_of_its_time(ask, jobs):
    async def late():
        job = await made(jobs, LONG)
        assert (await jobs.set_duration(job.id, 10**9)).duration == jobs.limits.most_duration
        assert (await jobs.set_duration(job.id, 0)).duration == jobs.limits.most_duration
        assert (await jobs.set_duration(job.id, 1)).duration == 1
        await jobs.run(job.id)
        return await ended(jobs, job)

    job = ask(late())
    assert job.phase == Phase.ABORTED
    assert job.error.startswith("The query took longer than 1 second, its limit")
    assert timedelta(seconds=0.9) < job.ended - job.started < timedelta(seconds=4)


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


def upload(jobs: Jobs, **columns) -> Path:
    file, path = io.BytesIO(), jobs._spool.incoming()
    Table(columns).write(file, format="votable")
    path.write_bytes(file.getvalue())
    return path


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


def test_a_service_keeps_so_many_jobs_and_no_more(ask, jobs_of):
    jobs = jobs_of(jobs=4, jobs_each=2, uploads=1)

    async def make():
        for owner in (None, None, "ann", "ann"):
            last = await made(jobs, owner=owner)
        with pytest.raises(ServiceError, match="keeps 4 jobs") as error:
            await made(jobs, owner="bob")
        assert (error.value.status, error.value.retry_after) == (503, 600)
        await jobs.delete(last.id)
        with pytest.raises(ServiceError, match="You have 2 jobs") as error:
            await made(jobs)
        assert error.value.status == 403
        with pytest.raises(ServiceError, match="1 uploaded table"):
            await made(jobs, owner="ann", uploads={name: upload(jobs, x=[1]) for name in "ab"})

    ask(make())
    assert not [path for path in files(jobs) if path.startswith("jobs")]


def test_documents_are_given_while_another_process_holds_the_database(ask, jobs):
    async def read():
        job = await made(jobs)
        with sqlite3.connect(jobs._spool.database, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            making = asyncio.create_task(made(jobs))
            before = time.monotonic()
            await asyncio.sleep(0.05)
            assert await jobs.get(job.id) == job
            assert time.monotonic() - before < 1
            assert not making.done()
            other.execute("ROLLBACK")
        await making

    ask(read())


def test_a_quote_is_in_the_future_while_a_job_is_not_done(ask, jobs):
    async def quote():
        job = await made(jobs)
        assert jobs.quote(job) > now()
        await jobs.run(job.id)
        assert jobs.quote(await ended(jobs, job)) is None

    ask(quote())


def test_a_second_server_on_a_spool_folder_is_refused(jobs):
    before = time.monotonic()
    with pytest.raises(ServiceError, match=r"is used by another server \(process \d+\); stop that, or name another"):
        Spool(jobs._spool.folder, wait=0.3)
    assert 0.3 < time.monotonic() - before < 3


def test_a_spool_of_another_version_is_refused(ask, pool, tmp_path):
    with sqlite3.connect(tmp_path / "jobs.sqlite") as con:
        con.execute("PRAGMA user_version = 99")
    spool = Spool(tmp_path)
    with pytest.raises(ServiceError, match="another version of sedsql; name another spool folder"):
        ask(Jobs(spool, pool, task_of).start())
    spool.close()


def test_a_server_that_stops_queues_its_running_jobs_for_the_next(ask, loop, pool, tmp_path):
    spool = Spool(tmp_path / "spool")

    async def stop():
        jobs = Jobs(spool, pool, task_of)
        await jobs.start()
        running, queued, pending = [await made(jobs, LONG) for _ in range(3)]
        for job in (running, queued):
            await jobs.run(job.id)
        assert (await jobs.wait(running.id, 30, Phase.QUEUED)).attempts == 1
        await jobs.stop()
        return running, queued, pending

    async def go_on(before):
        jobs = Jobs(spool, pool, lambda job: replace(task_of(job), query=QUERY))
        recovered = await jobs.start()
        assert [job.id for job in recovered.queued] == [job.id for job in before[:2]]
        assert [job.attempts for job in recovered.queued] == [0, 0]
        found = [(await ended(jobs, await jobs.get(job.id))).phase for job in before[:2]]
        assert found == [Phase.COMPLETED] * 2
        assert (await jobs.get(before[2].id)).phase == Phase.PENDING
        await jobs.stop()

    ask(go_on(ask(stop())))
    spool.close()
