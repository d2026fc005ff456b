"""Workers and a service that tests share, and jobs of a test's own."""

import asyncio
from contextlib import ExitStack, contextmanager

import pytest
from asking import Loop
from making_jobs import task_of
from serving import serving

from sedsql.service.jobs import JobLimits, Jobs, Spool
from sedsql.service.workers import Pool, Settings


@pytest.fixture(scope="session")
def loop():
    loop = Loop()
    yield loop
    loop.close()


@contextmanager
def _pools(loop, tmp_path_factory):
    with ExitStack() as started:

        def pool_of(mirror, *, workers=1, queue=64, **settings):
            pool = Pool(
                Settings(mirror, tmp_path_factory.mktemp("temporary"), **settings), workers=workers, queue=queue
            )
            loop.ask(pool.start())
            started.callback(lambda: loop.ask(pool.stop()))
            return pool

        yield pool_of


@pytest.fixture(scope="module")
def pool_of(loop, tmp_path_factory):
    """`pool_of(mirror, workers=1, **settings)` is a pool that runs until the module's tests have ended."""
    with _pools(loop, tmp_path_factory) as pool_of:
        yield pool_of


@pytest.fixture(scope="session")
def pool(loop, sky, tmp_path_factory):
    """A pool of two workers on a simulated mirror of 2,000 sources, which all tests share."""
    with _pools(loop, tmp_path_factory) as pool_of:
        yield pool_of(sky, workers=2)


@pytest.fixture(scope="session")
def url(sky, tmp_path_factory):
    """The URL of a service of a simulated mirror of 2,000 sources."""
    with serving(sky, tmp_path_factory.mktemp("service"), workers=2) as url:
        yield url


@pytest.fixture(scope="module")
def lone(pool_of, sky):
    """A pool of one worker with one thread, which computes rows in their order."""
    return pool_of(sky, threads=1)


@pytest.fixture
def ask(loop):
    """Runs a coroutine, or gathers several, in the loop of the pools."""

    async def gathered(coroutines):
        return await asyncio.gather(*coroutines)

    return lambda *coroutines: loop.ask(coroutines[0] if len(coroutines) == 1 else gathered(coroutines))


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
