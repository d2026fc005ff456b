"""Workers that the tests of a module share, and a service that all share."""

import asyncio
from contextlib import ExitStack

import pytest
from asking import Loop
from serving import serving

from sedsql.service.workers import Pool, Settings


@pytest.fixture(scope="session")
def loop():
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture(scope="module")
def pool_of(loop, tmp_path_factory):
    """`pool_of(mirror, workers=1, **settings)` is a pool that runs until the module's tests have ended."""
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
def pool(pool_of, sky):
    """A pool of two workers on a simulated mirror of 2,000 sources."""
    return pool_of(sky, workers=2)


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
