"""Run queued jobs in the pool, and keep how they ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from sedsql.service.errors import ServiceError, no_disk
from sedsql.service.jobs.job import Job, Phase, now
from sedsql.service.jobs.spool import RESULT, Spool
from sedsql.service.jobs.store import Store
from sedsql.service.workers import Outcome, Pool, Run, StoppedError, Task
from sedsql.service.workers.faults import LimitError, NoRoomError

_AGAIN = 5.0
"""Seconds after which an end is written again that could not be, such as on a full disk."""


class Runner:
    """Takes each job from QUEUED to its end.

    The phase of a job is changed from the one that it is expected to have, in one transaction: where it was aborted or
    deleted meanwhile nothing is, and what it left is removed.
    """

    def __init__(
        self,
        store: Store,
        spool: Spool,
        pool: Pool,
        task_of: Callable[[Job], Task],
        tell: Callable[[str], None],
        room: int,
    ):
        """Make a runner.

        tell : called with the name of a job that has changed
        room : bytes that all jobs may have
        """
        self._store, self._spool, self._pool, self._task_of, self._tell = store, spool, pool, task_of, tell
        self._room = room
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._runs: dict[str, Run] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._stopping = False

    def run(self, job: Job) -> None:
        """Begin with a job that is QUEUED. Its parameters, which may be long, are read when its turn has come."""
        job_id, job = job.id, replace(job, parameters=())
        task = asyncio.create_task(self._run(job))
        self._tasks[job_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(job_id, None))

    def end(self, job_id: str, then: Callable[[], object]) -> None:
        """Stop a job at once if it runs, and do something when nothing of it runs any more."""
        if run := self._runs.get(job_id):
            run.cancel()
        task = self._tasks.get(job_id)

        async def wait() -> None:
            if task:
                await asyncio.wait([task])
            await asyncio.to_thread(then)

        ending = asyncio.create_task(wait())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def stop(self) -> None:
        """Stop the jobs that run, and queue them again, for the next server."""
        self._stopping = True
        for run in list(self._runs.values()):
            run.cancel()
        await asyncio.gather(*self._tasks.values(), *self._ending, return_exceptions=True)

    async def _run(self, job: Job) -> None:
        try:
            await self._task(job.id)  # so that a mistake is told at once
        except ServiceError as error:
            await self._end(job.id, [Phase.QUEUED], Outcome(error=error))
            return
        if self._stopping:
            return
        run = self._pool.submit(
            partial(self._task, job.id),
            client=job.owner or job.client,
            seconds=job.duration or float("inf"),
            is_job=True,
        )
        self._runs[job.id] = run
        try:
            await run.started()
            if run.phase == "EXECUTING":
                begun: dict[str, Any] = {"phase": Phase.EXECUTING, "started": now(), "attempts": job.attempts + 1}
                if await self._change(job.id, [Phase.QUEUED], **begun) is None:
                    run.cancel()
            outcome = await run.outcome()
        finally:
            del self._runs[job.id]
        if self._stopping and run.is_cancelled:
            back: dict[str, Any] = {"phase": Phase.QUEUED, "started": None, "attempts": job.attempts}
            await self._change(job.id, [Phase.EXECUTING], **back)
        else:
            await self._end(job.id, [Phase.QUEUED, Phase.EXECUTING], outcome)

    async def _task(self, job_id: str) -> Task:
        """What a worker is asked to do for a job."""
        job = await self._store.get(job_id)
        if job is None:
            raise StoppedError
        task, folder = self._task_of(job), self._spool.folder_of(job_id)
        try:
            self._spool.make(job_id)
        except OSError as error:
            raise no_disk(error) from None
        uploads = tuple((name, folder / file) for name, file in job.uploads)
        room = self._room - await self._store.bytes(job_id)
        return replace(task, uploads=uploads, output=self._spool.result(job_id), room=max(room, 0))

    async def _end(self, job_id: str, phases: list[Phase], outcome: Outcome) -> None:
        ended: Job | None = None
        if outcome.error is None:
            size = {"rows": outcome.rows, "bytes": outcome.bytes, "overflow": outcome.overflow, "mime": outcome.mime}
            try:
                ended = await self._change(job_id, phases, room=self._room, phase=Phase.COMPLETED, ended=now(), **size)
            except NoRoomError as error:
                outcome = Outcome(error=error)
        if outcome.error is not None:
            # A job that takes more than it may is aborted by the service (UWS 1.1, Section 2.1.3).
            phase = Phase.ABORTED if isinstance(outcome.error, LimitError) else Phase.ERROR
            told: dict[str, Any] = {"error": outcome.error.message, "status": outcome.error.status}
            await self._change(job_id, phases, phase=phase, ended=now(), bytes=0, **told)
        await asyncio.to_thread(self._spool.keep, job_id, [RESULT] if ended else [])

    async def _change(self, job_id: str, phases: list[Phase], *, room: int | None = None, **values: Any) -> Job | None:
        """Change a job, and do not give up while the disk is full: its phase would never be right again."""
        while True:
            try:
                changed = await self._store.change(job_id, phases, room=room, **values)
            except NoRoomError:
                raise
            except ServiceError:
                if self._stopping:
                    raise
                await asyncio.sleep(_AGAIN)
            else:
                self._tell(job_id)
                return changed
