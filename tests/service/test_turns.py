"""A queue before the workers: clients take turns, and a full one says when to come again."""

import asyncio
from dataclasses import replace

import pytest
from asking import LONG, QUERIES, answer, body

from sedsql.service.errors import ServiceError
from sedsql.service.workers import Task

pytestmark = pytest.mark.slow


def test_a_pool_counts_what_it_does(ask, lone):
    before = replace(lone.counts)

    async def some() -> None:
        data = (await answer(lone, QUERIES[0]))[0]
        with pytest.raises(ServiceError):
            await answer(lone, "SELECT nothing FROM gaiadr3.gaia_source")
        run = lone.submit(Task(LONG), client="someone", is_job=True)
        await run.started()
        assert (lone.running, lone.waiting, lone.waiting_jobs) == (1, 0, 0)
        run.cancel()
        await run.outcome()
        expected = {"queries": 2, "jobs": 1, "failed": 1, "stopped": 1, "refused": 0, "rows": 2_000, "bytes": len(data)}
        assert {name: getattr(lone.counts, name) - getattr(before, name) for name in expected} == expected
        assert lone.counts.seconds > before.seconds
        assert lone.running == 0

    ask(some())


def test_clients_take_turns(ask, lone):
    async def order() -> list[str]:
        runs = [lone.submit(Task(QUERIES[3], format="csv"), client=name) for name in "aaaaabac"]
        for run in runs:
            await body(run)
        return [run.client for run in sorted(runs, key=lambda run: run.began)]

    # The first runs at once; of the others, a's wait for their turns.
    assert "".join(ask(order())) in ("abcaaaaa", "aabcaaaa")


def test_a_busy_pool_says_when_to_come_again(ask, pool_of, sky):
    async def refused() -> None:
        runs = [busy.submit(Task(LONG), client="a")]
        await runs[0].started()
        runs += [busy.submit(Task(LONG), client=name) for name in "bc"]
        with pytest.raises(ServiceError, match="2 queries wait, the most that it lets wait") as error:
            busy.submit(Task(LONG), client="d")
        assert error.value.status == 503
        assert error.value.retry_after >= 1
        jobs = [busy.submit(Task(LONG), client="d", is_job=True) for _ in range(5)]  # they may wait for long
        for run in runs + jobs:
            run.cancel()
            await run.outcome()
        assert busy.counts.refused == 1

    busy = pool_of(sky, queue=2)
    ask(refused())


def test_who_has_most_queries_waiting_gives_way(ask, pool_of, sky):
    async def full() -> None:
        runs = [busy.submit(Task(LONG), client="hog")]
        await runs[0].started()
        runs += [busy.submit(Task(LONG), client="hog") for _ in range(3)]
        other = [busy.submit(Task(LONG), client="other") for _ in range(1)]
        with pytest.raises(ServiceError, match="3 queries wait") as error:
            await runs[-1].head()
        assert error.value.status == 503
        assert error.value.retry_after >= 1
        for client in ("other", "hog"):  # neither has more than one more than it would have then
            with pytest.raises(ServiceError, match="3 queries wait"):
                busy.submit(Task(LONG), client=client)
        assert busy.waiting == 3
        for run in runs + other:
            run.cancel()
            await run.outcome()

    busy = pool_of(sky, queue=3)
    ask(full())


def test_jobs_leave_a_worker_to_queries_and_have_one(ask, pool):
    async def both() -> None:
        jobs = [pool.submit(Task(LONG, format="csv"), client=name, is_job=True) for name in "ab"]
        await jobs[0].started()
        await asyncio.sleep(0.1)
        assert jobs[1].phase == "QUEUED"
        assert (await answer(pool, QUERIES[3]))[1].rows == 1
        for job in jobs:
            job.cancel()
            await job.outcome()
        queries = [pool.submit(Task(LONG), client="c") for _ in range(4)]
        job = pool.submit(Task(QUERIES[3], format="csv"), client="a", is_job=True)
        queries[0].cancel()
        await body(job)  # before the queries that came earlier
        assert queries[2].phase == "QUEUED"
        for query in queries:
            query.cancel()
            await query.outcome()

    ask(both())
