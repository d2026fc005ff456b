"""What the endpoints of a service share: the mirror's facts, the workers and the jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from sedsql.errors import Error
from sedsql.service.describe.facts import MirrorFacts
from sedsql.service.errors import ServiceError
from sedsql.service.explore.explore import Explore
from sedsql.service.jobs import Job, Jobs, Spool
from sedsql.service.memory import Memory
from sedsql.service.parameters import Query, query_of
from sedsql.service.settings import ServiceSettings
from sedsql.service.workers import Pool, Task

_FETCHING = 8
"""Uploads that are fetched by URL at once: where a host is slow, threads are left for others."""


class Service:
    """A service from its start to its end.

    Attributes
    ----------
    settings, facts, spool, pool, jobs
    explore : the page; None where there is none
    fetching : held while an upload is fetched by URL
    memory : what the bodies of all requests may hold
    """

    def __init__(self, settings: ServiceSettings):
        """Take hold of the spool folder and read the mirror. ServiceError or MirrorError where either cannot be."""
        self.settings = settings
        self.facts = MirrorFacts(settings.worker.mirror)
        self.spool = Spool(settings.spool)
        self.pool = Pool(settings.worker, workers=settings.workers, keep_open=[self.spool.lock])
        self.explore = Explore(settings.explore, self.facts, keep_open=[self.spool.lock]) if settings.explore else None
        self.jobs = Jobs(self.spool, self.pool, self._task_of, settings.jobs)
        self.fetching = asyncio.Semaphore(_FETCHING)
        self.memory = Memory()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run workers and jobs; at the end, jobs that run are queued for the next server."""
        async with AsyncExitStack() as started:
            started.callback(self.spool.close)
            started.push_async_callback(self.pool.stop)
            await self.pool.start()
            started.push_async_callback(self.jobs.stop)
            await self.jobs.start()
            if self.explore:
                await started.enter_async_context(self.explore.running())
            yield

    def task(self, query: Query) -> Task:
        """What a worker is asked to do for a query."""
        maxrec = self.settings.rows(query.maxrec)
        return Task(query.query, maxrec, query.format.name, infos=(("QUERY", query.query),))

    def _task_of(self, job: Job) -> Task:
        try:
            return self.task(query_of(job.parameters))
        except Error as error:
            raise ServiceError(str(error)) from None
