"""Workers, and a queue before them in which every client has its turn."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from time import monotonic

from sedsql.service.changed import Changed
from sedsql.service.errors import ServiceError
from sedsql.service.workers.frames import DATA, END, ERROR, HEAD, STOP, TASK
from sedsql.service.workers.messages import Head, Outcome, Task
from sedsql.service.workers.process import Worker
from sedsql.service.workers.queue import FairQueue
from sedsql.service.workers.run import Run, StoppedError
from sedsql.service.workers.settings import Settings

_GRACE = 1.0
"""Seconds that a worker has to end a query that is to stop, before it is killed."""
_LOOK = 0.2
"""Seconds between two looks at the workers' memory."""


class Pool:
    """Processes that run queries, one each at a time.

    Examples
    --------
    >>> async def answer(settings, task):  # doctest: +SKIP
    ...     pool = Pool(settings)
    ...     await pool.start()
    ...     run = pool.submit(task, client="127.0.0.1", seconds=60)
    ...     head = await run.head()
    ...     return head.mime, b"".join([chunk async for chunk in run.body()]), await run.outcome()
    """

    def __init__(self, settings: Settings, *, workers: int = 2, queue: int = 64, keep_open: Sequence[int] = ()):
        """Make a pool, which `start` starts.

        queue : queries that wait at most; beyond it `submit` raises ServiceError with status 503. Jobs are not counted
        keep_open : see `Worker.start`
        """
        self.settings, self.workers, self._most, self._keep_open = settings, workers, queue, keep_open
        self._queue: FairQueue[Run] = FairQueue()
        self._jobs: FairQueue[Run] = FairQueue()
        self._running: dict[Run, Worker] = {}
        self._idle: dict[int, Worker] = {}
        self._changed = Changed()
        self._tasks: list[asyncio.Task[None]] = []
        self._mean = 1.0

    async def start(self) -> None:
        """Start the workers. ServiceError where they cannot be started, such as that there is no mirror."""
        ready = await asyncio.gather(*(self._start_worker(number) for number in range(self.workers)))
        self._tasks = [asyncio.create_task(self._serve(number, worker)) for number, worker in enumerate(ready)]
        self._tasks.append(asyncio.create_task(self._watch_memory()))

    async def stop(self) -> None:
        """End the workers; queries that wait or run end with `StoppedError`."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for queue in (self._queue, self._jobs):
            while run := queue.pop():
                run.end(Outcome(error=StoppedError()))

    def submit(self, task: Task, *, client: str, seconds: float = math.inf, is_job: bool = False) -> Run:
        """Put a query in the queue.

        client : whose turn it takes
        seconds : that it may run
        is_job : whether nobody waits for the answer: jobs leave a worker to queries that are waited for, where there
            is more than one

        ServiceError with status 503 and `retry_after` where too many wait.
        """
        if not is_job and len(self._queue) >= self._most:
            raise ServiceError(
                f"The service is busy: {len(self._queue)} queries wait, as many as it lets; try again in "
                f"{self.retry_after} seconds.",
                503,
                self.retry_after,
            )
        run = Run(task, client, seconds, is_job=is_job, stop=self._cancel)
        (self._jobs if is_job else self._queue).push(client, run)
        self._changed.tell()
        return run

    @property
    def retry_after(self) -> int:
        """Seconds after which a query that is asked now may have its turn, by how long queries take."""
        return min(max(math.ceil(self._mean * len(self._queue) / self.workers), 1), 120)

    def _next(self) -> Run | None:
        jobs = sum(run.is_job for run in self._running)
        may_take_job = jobs < max(self.workers - 1, 1)
        # They take turns, so that jobs come on where others always wait.
        if may_take_job and len(self._jobs) and (not len(self._queue) or not jobs):
            return self._jobs.pop()
        return self._queue.pop()

    async def _start_worker(self, number: int) -> Worker:
        return await Worker.start(self.settings.of_worker(number), self._keep_open)

    async def _serve(self, number: int, worker: Worker) -> None:
        """Run one query after another on a worker, and on another one when that has ended."""
        try:
            while True:
                if not worker.is_running:
                    worker = await self._start_worker(number)
                run: Run | None = None

                def take() -> bool:
                    nonlocal run
                    run = self._next()
                    return run is not None

                await self._changed.until(take)
                assert run is not None
                await self._run(run, worker)
        finally:
            await worker.close()

    async def _run(self, run: Run, worker: Worker) -> None:
        self._running[run] = worker
        run.begin()
        limit = None
        if run.seconds != math.inf:
            why = f"The query took longer than {run.seconds:g} seconds, the limit of this service."
            limit = asyncio.get_running_loop().call_later(run.seconds, self._interrupt, run, worker, why)
        try:
            worker.tell(TASK, run.task.to_json())
            outcome = await self._follow(run, worker)
        finally:
            if limit:
                limit.cancel()
            del self._running[run]
        run.end(outcome)
        self._changed.tell()

    async def _follow(self, run: Run, worker: Worker) -> Outcome:
        """Hand over what a worker sends, until it says how the query ended."""
        while answer := await worker.receive():
            kind, content = answer
            if kind == HEAD:
                run.come(Head(content.decode()))
            elif kind == DATA:
                await run.take(content)
            elif kind in (END, ERROR):
                values = json.loads(content)
                error: ServiceError | None = StoppedError() if run.is_cancelled else None
                if kind == ERROR and not error:
                    error = ServiceError(values.pop("error"), values.pop("status"))
                values = {key: values[key] for key in ("rows", "bytes", "overflow", "told") if key in values}
                return Outcome(**values, seconds=monotonic() - run.began, error=error)
        lost = StoppedError() if run.is_cancelled else ServiceError("The process that ran the query ended.", 500)
        return Outcome(seconds=monotonic() - run.began, error=lost)

    def _cancel(self, run: Run) -> None:
        if (self._jobs if run.is_job else self._queue).remove(run.client, run):
            run.end(Outcome(error=StoppedError()))
        elif worker := self._running.get(run):
            self._interrupt(run, worker, "The query was stopped.")

    def _interrupt(self, run: Run, worker: Worker, why: str) -> None:
        worker.tell(STOP, why.encode())

        def kill() -> None:
            if self._running.get(run) is worker:
                worker.kill()

        asyncio.get_running_loop().call_later(_GRACE, kill)

    async def _watch_memory(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
