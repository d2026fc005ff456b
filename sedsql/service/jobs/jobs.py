"""The jobs of a service: made, run, waited for, aborted and destroyed (UWS 1.1)."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sedsql.service.errors import ServiceError
from sedsql.service.jobs.destruction import Destruction
from sedsql.service.jobs.job import ACTIVE, Job, Phase, now
from sedsql.service.jobs.limits import JobLimits
from sedsql.service.jobs.recovery import Recovered, recover
from sedsql.service.jobs.runner import Runner
from sedsql.service.jobs.spool import Spool
from sedsql.service.jobs.store import Store
from sedsql.service.workers import Pool, Task

Pairs = Iterable[tuple[str, str]]


class Jobs:
    """All jobs of a service, kept in a spool folder.

    Who may see or change a job is for the caller to say. All methods raise ServiceError, with status 404 where there is
    no such job.

    Examples
    --------
    >>> async def answer(spool, pool, task_of):  # doctest: +SKIP
    ...     jobs = Jobs(spool, pool, task_of)
    ...     await jobs.start()
    ...     job = await jobs.create([("QUERY", "SELECT ...")], client="127.0.0.1")
    ...     await jobs.run(job.id)
    ...     job = await jobs.wait(job.id, 60)
    ...     return job.phase, jobs.result(job)
    """

    def __init__(self, spool: Spool, pool: Pool, task_of: Callable[[Job], Task], limits: JobLimits | None = None):
        """Make the jobs of a spool folder; `start` begins.

        task_of : the task that a job's parameters ask for, without uploads and output; ServiceError where they are not
            good, which is the job's error then
        """
        self.limits = limits or JobLimits()
        self._spool, self._pool = spool, pool
        self._store = Store(spool.database)
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._setting = asyncio.Lock()
        self._runner = Runner(self._store, spool, pool, task_of, self._tell, self.limits.bytes)
        self._destruction = Destruction(self._store, self.delete)

    async def start(self) -> Recovered:
        """Put in order what an earlier server left, and run the jobs that are to run; the pool has started."""
        await self._store.open()
        recovered = await recover(self._store, self._spool)
        for job in recovered.queued:
            self._runner.run(job)
        self._destruction.start()
        return recovered

    async def stop(self) -> None:
        """Stop; jobs that run are queued again, for the next server. The pool is stopped after that."""
        await self._destruction.stop()
        await self._runner.stop()
        await self._store.close()

    async def create(
        self,
        parameters: Pairs,
        *,
        client: str,
        owner: str | None = None,
        runid: str | None = None,
        uploads: Mapping[str, Path] | None = None,
        duration: int | None = None,
        destruction: datetime | None = None,
    ) -> Job:
        """Make a job, which is PENDING.

        uploads : by their names, files from `Spool.incoming`, which the job takes
        """
        created, job_id = now(), secrets.token_hex(8)
        job = Job(
            job_id,
            Phase.PENDING,
            created,
            self.limits.destruction_of(destruction or created + self.limits.kept, created),
            self.limits.duration if duration is None else self.limits.duration_of(duration),
            client,
            owner,
            runid,
            tuple(parameters),
        )
        try:
            taken = await self._take(job, uploads or {})
            job = replace(job, uploads=taken, bytes=await self._size(job_id, taken))
            more = job.bytes + self.limits.letters_of(job.parameters)
            await self._store.insert(job, lambda kept: self.limits.allow(kept, more))
        except BaseException:
            self._spool.remove(job_id)
            raise
        self._destruction.look()
        return job

    async def get(self, job_id: str) -> Job:
        """The job of that name."""
        job = await self._store.get(job_id)
        if job is None:
            raise ServiceError(f"There is no job {job_id[:40]}; it may have been deleted.", 404)
        return job

    async def find(
        self,
        owner: str | None = None,
        *,
        phases: Collection[Phase] = (),
        after: datetime | None = None,
        last: int | None = None,
    ) -> list[Job]:
        """The jobs of an owner, None for anonymous ones, in the order of creation; see `Store.find`."""
        return await self._store.find(owner, phases=phases, after=after, last=last)

    async def set_parameters(
        self, job_id: str, parameters: Pairs = (), uploads: Mapping[str, Path] | None = None, runid: str | None = None
    ) -> Job:
        """Give a PENDING job other values of some parameters, and more uploads; names are compared without case."""
        async with self._setting:  # what is kept depends on what was there
            return await self._set_parameters(job_id, tuple(parameters), uploads or {}, runid)

    async def _set_parameters(
        self, job_id: str, given: tuple[tuple[str, str], ...], uploads: Mapping[str, Path], runid: str | None
    ) -> Job:
        job = await self.get(job_id)
        if job.phase != Phase.PENDING:
            raise self._unfit(job, "its parameters cannot be changed any more")
        replaced = {name.upper() for name, _ in given}
        kept = tuple((name, value) for name, value in job.parameters if name.upper() not in replaced)
        more = self.limits.letters_of(kept + given) - self.limits.letters_of(job.parameters)
        taken = await self._take(job, uploads)
        new = {name.upper() for name, _ in taken}
        before = tuple((name, file) for name, file in job.uploads if name.upper() not in new)
        values = {"parameters": kept + given, "uploads": before + taken, "runid": runid or job.runid}
        room, changed = self.limits.bytes - more, None
        try:
            size = await self._size(job_id, before + taken)
            changed = await self._store.change(job_id, [Phase.PENDING], room=room, bytes=size, **values)
        finally:
            await asyncio.to_thread(self._spool.keep, job_id, [file for _, file in (changed or job).uploads])
        if changed is None:
            raise self._unfit(await self.get(job_id), "its parameters cannot be changed any more")
        return changed

    async def run(self, job_id: str) -> Job:
        """Queue a PENDING job; nothing where it is queued already or was."""
        job = await self._store.change(job_id, [Phase.PENDING], phase=Phase.QUEUED)
        if job is None:
            return await self.get(job_id)
        self._tell(job_id)
        self._runner.run(job)
        return job

    async def abort(self, job_id: str) -> Job:
        """End a job at once; nothing where it has ended."""
        job = await self._store.change(job_id, ACTIVE, phase=Phase.ABORTED, ended=now(), bytes=0)
        if job is None:
            return await self.get(job_id)
        self._tell(job_id)
        self._runner.end(job_id, lambda: self._spool.keep(job_id, ()))
        return job

    async def delete(self, job_id: str) -> None:
        """End a job and forget it, with its files."""
        if not await self._store.delete(job_id):
            raise ServiceError(f"There is no job {job_id[:40]}; it may have been deleted.", 404)
        self._tell(job_id)
        self._runner.end(job_id, lambda: self._spool.remove(job_id))

    async def set_destruction(self, job_id: str, time: datetime) -> Job:
        """Set when a job is destroyed; it may be earlier than what is asked for, within `limits`."""
        job = await self.get(job_id)
        time = self.limits.destruction_of(time, job.created)
        changed = await self._store.change(job_id, list(Phase), destruction=time)
        self._destruction.look()
        return changed or await self.get(job_id)

    async def set_duration(self, job_id: str, seconds: int) -> Job:
        """Set the seconds that a PENDING job may run, within `limits`."""
        changed = await self._store.change(job_id, [Phase.PENDING], duration=self.limits.duration_of(seconds))
        if changed is None:
            raise self._unfit(await self.get(job_id), "the time that it may run cannot be changed any more")
        return changed

    async def wait(self, job_id: str, seconds: float, phase: Phase | None = None) -> Job:
        """Wait until a job has another phase than `phase`, or than now; at most so many seconds (UWS 1.1, 2.2.1.1).

        It waits for nothing where the job has another phase already, or one that stays.
        """
        until = asyncio.get_running_loop().time() + seconds
        changed = asyncio.Event()
        self._waiting[job_id].add(changed)
        try:
            job = await self.get(job_id)
            before = phase or job.phase
            with suppress(TimeoutError):
                while job.phase == before and job.is_active:
                    async with asyncio.timeout_at(until):
                        await changed.wait()
                    changed.clear()
                    job = await self.get(job_id)
            return job
        finally:
            self._waiting[job_id].discard(changed)
            if not self._waiting[job_id]:
                del self._waiting[job_id]

    def result(self, job: Job) -> Path:
        """The file of a COMPLETED job's result."""
        if job.phase != Phase.COMPLETED:
            why = job.error if job.phase == Phase.ERROR else f"it is {job.phase}."
            raise ServiceError(f"Job {job.id} has no result: {why}", 404)
        path = self._spool.result(job.id)
        if not path.is_file():  # it was deleted meanwhile, perhaps
            raise ServiceError(f"The result of job {job.id} is gone; run the query again.", 404)
        return path

    def quote(self, job: Job) -> datetime | None:
        """When a job may be done, by how long queries took so far; None where it cannot be said."""
        if not job.is_active:
            return None
        before = 0 if job.phase == Phase.EXECUTING else self._pool.waiting_jobs
        return now() + timedelta(seconds=round(self._pool.wait_expected(before + 1), 3))

    async def phases(self) -> dict[Phase, int]:
        """How many jobs are in each phase."""
        return await self._store.phases()

    async def bytes(self) -> int:
        """The bytes that all jobs have: their uploads, results and parameters."""
        return await self._store.bytes()

    async def _take(self, job: Job, uploads: Mapping[str, Path]) -> tuple[tuple[str, str], ...]:
        if len(uploads) + len(job.uploads) > self.limits.uploads:
            raise ServiceError(f"A job may have {self.limits.uploads} uploaded tables.", 413)
        take = asyncio.to_thread
        return tuple([(name, await take(self._spool.take, job.id, path)) for name, path in uploads.items()])

    async def _size(self, job_id: str, uploads: Iterable[tuple[str, str]]) -> int:
        return await asyncio.to_thread(self._spool.size, job_id, [file for _, file in uploads])

    def _tell(self, job_id: str) -> None:
        for waiting in self._waiting.get(job_id, ()):
            waiting.set()

    @staticmethod
    def _unfit(job: Job, what: str) -> ServiceError:
        return ServiceError(f"Job {job.id} is {job.phase}, and {what}; make a new job.")
