"""Limits of jobs: how long they run and are kept, and how many, with how many bytes."""

import asyncio
import tracemalloc
from datetime import timedelta

import numpy as np
import pytest
from making_jobs import LONG, QUERY, ended, files, made, ran, soon, upload

from sedsql.service.errors import ServiceError
from sedsql.service.jobs import Phase
from sedsql.service.jobs.job import now
from sedsql.service.workers.faults import NoRoomError

pytestmark = pytest.mark.slow


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


ROWS = "SELECT source_id, ra, dec, parallax, pmra, pmdec FROM gaiadr3.gaia_source"
"""Its result has 98,000 bytes and more."""


def test_results_have_so_many_bytes_and_no_more(ask, jobs_of):
    jobs = jobs_of(bytes=300_000)

    async def fill():
        done = []
        while (job := await ran(jobs, ROWS)).phase == Phase.COMPLETED:
            done.append(job)
            assert len(done) < 10
        assert (job.phase, job.status, job.bytes) == (Phase.ERROR, 507, 0)
        assert "all that this service has left for jobs; ask for fewer rows" in job.error
        assert await jobs.bytes() <= 300_000
        assert sum(job.bytes for job in done) <= 300_000
        await soon(lambda: files(jobs) == sorted(f"jobs/{job.id}/result" for job in done))
        await jobs.delete(done[0].id)
        assert (await ran(jobs, ROWS)).phase == Phase.COMPLETED
        assert (await ran(jobs, "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source")).phase == Phase.COMPLETED
        return done

    assert len(ask(fill())) == 2


def test_two_results_that_end_at_once_do_not_both_take_what_is_left(ask, jobs_of):
    """Each was written while there was room for it."""
    jobs = jobs_of(bytes=10_000_000)

    async def end_both():
        pair = [await made(jobs) for _ in range(2)]
        room = await jobs.bytes() + 1_500
        values = {"phase": Phase.COMPLETED, "ended": now(), "bytes": 1_000}
        changes = (jobs._store.change(job.id, [Phase.PENDING], room=room, **values) for job in pair)
        return await asyncio.gather(*changes, return_exceptions=True)

    ended_, refused = ask(end_both())
    assert ended_.phase == Phase.COMPLETED
    assert isinstance(refused, NoRoomError)


def test_uploads_and_long_queries_count_too(ask, jobs_of):
    jobs = jobs_of(bytes=1_000_000)
    table = {"x": np.random.default_rng(1).random(50_000)}

    async def make():
        small = await made(jobs, uploads={"mine": upload(jobs, x=[1])})
        for refused in (made(jobs, uploads={"t": upload(jobs, **table)}), made(jobs, query="x" * 1_500_000)):
            with pytest.raises(ServiceError, match=r"jobs and results, and 0.954 MB at most; delete jobs") as error:
                await refused
            assert error.value.status == 507
        with pytest.raises(ServiceError, match="all that this service has left") as error:
            await jobs.set_parameters(small.id, uploads={"mine": upload(jobs, **table)})
        assert error.value.status == 507
        assert await jobs.get(small.id) == small
        await soon(lambda: files(jobs) == [f"jobs/{small.id}/{small.uploads[0][1]}"])
        await jobs.abort(small.id)
        assert (await jobs.get(small.id)).bytes == 0

    ask(make())
    assert not files(jobs)


def test_long_queries_that_wait_are_not_held_in_memory(ask, jobs):
    query = f"{QUERY} -- {'x' * 3_000_000}"

    async def wait():
        running = await made(jobs, LONG)
        await jobs.run(running.id)
        tracemalloc.start()
        for _ in range(20):
            await jobs.run((await made(jobs, query)).id)
        assert len(await jobs.find(phases=[Phase.QUEUED])) >= 20
        await asyncio.sleep(0.2)
        held, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return held, most

    held, most = ask(wait())
    assert held < 10_000_000
    assert most < 40_000_000


def test_parameters_do_not_grow_without_end(ask, jobs_of):
    jobs = jobs_of(letters=1_000)

    async def grow():
        job = await made(jobs)
        for number in range(3):
            await jobs.set_parameters(job.id, [(f"p{number}", "x" * 290)])
        for refused in (
            jobs.set_parameters(job.id, [("p3", "x" * 290)]),
            made(jobs, query="x" * 1_000),
        ):
            with pytest.raises(ServiceError, match="parameters of a job may have 1,000 letters") as error:
                await refused
            assert error.value.status == 413
        assert (await jobs.set_parameters(job.id, [("p2", "x" * 300)])).parameters[-1] == ("p2", "x" * 300)

    ask(grow())
