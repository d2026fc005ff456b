"""Servers of jobs one after another on a spool folder, and what else opens it."""

import asyncio
import sqlite3
import time
from dataclasses import replace

import pytest
from making_jobs import LONG, QUERY, ended, made, task_of

from sedsql.service.errors import ServiceError
from sedsql.service.jobs import Jobs, Phase, Spool

pytestmark = pytest.mark.slow


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
