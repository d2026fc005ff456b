"""Workers, and a queue before them in which every client has its turn."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence

from sedsql.service.changed import Changed
from sedsql.service.errors import ServiceError
from sedsql.service.workers.counts import Counts
from sedsql.service.workers.faults import too_much_memory
from sedsql.service.workers.follow import ask, interrupt
from sedsql.service.workers.messages import Outcome, Task
from sedsql.service.workers.process import Worker
from sedsql.service.workers.queue import FairQueue
from sedsql.service.workers.run import Run, StoppedError
from sedsql.service.workers.settings import Settings

_LOOK = 0.1
"""Seconds between two looks at the workers' memory."""
_PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0)
"""Seconds before a worker is started again that could not be, the first time and each further time."""


class Pool:
    """Processes that run queries, one each at a time.

    Attributes
    ----------
    settings, workers : as they were given
    counts : what the pool has done so far

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
        self.counts = Counts()
        self._queries: FairQueue[Run] = FairQueue()
        self._jobs: FairQueue[Run] = FairQueue()
        self._workers: dict[int, Worker] = {}
        self._running: dict[Run, Worker] = {}
        self._changed = Changed()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the workers. ServiceError where they cannot be started, such as that there is no mirror."""
        started = await asyncio.gather(*map(self._start_worker, range(self.workers)), return_exceptions=True)
        ready = [worker for worker in started if isinstance(worker, Worker)]
        if failed := [error for error in started if isinstance(error, BaseException)]:
            await asyncio.gather(*(worker.close() for worker in ready))
            raise failed[0]
        self._tasks = [asyncio.create_task(self._serve(number, worker)) for number, worker in enumerate(ready)]
        self._tasks.append(asyncio.create_task(self._watch_memory()))

    async def stop(self) -> None:
        """End the workers; queries that wait or run end with `StoppedError`."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for queue in (self._queries, self._jobs):
            while run := queue.pop():
                run.end(Outcome(error=StoppedError()))

    def submit(
        self,
        task: Task | Callable[[], Awaitable[Task]],
        *,
        client: str,
        seconds: float = math.inf,
        is_job: bool = False,
    ) -> Run:
        """Put a query in the queue.

        task : or what gives it when it is to run; it may raise ServiceError
        client : whose turn it takes
        seconds : that it may run
        is_job : whether nobody waits for the answer: jobs leave a worker to queries that are waited for, where there
            is more than one

        ServiceError with status 503 and `retry_after` where too many wait; but where another client has more of them,
        it is the last of those that ends so.
        """
        if not is_job and len(self._queries) >= self._most:
            self.counts.refused += 1
            if (other := self._queries.give_way(client)) is None:
                raise self._busy()
            other.end(Outcome(error=self._busy()))
        run = Run(task, client, seconds, is_job=is_job, stop=self._cancel)
        self._queue_of(run).push(client, run)
        self._changed.tell()
        return run

    def _busy(self) -> ServiceError:
        again = min(max(math.ceil(self.wait_expected(self._most)), 1), 120)
        time = f"{again} second{'s' * (again > 1)}"
        return ServiceError(
            f"The service is busy: {self._most} queries wait, the most that it lets wait; try again in {time}.",
            503,
            again,
        )

    def wait_expected(self, before: int) -> float:
        """Seconds after which a query has its turn that has so many before it, by how long queries took so far."""
        return self.counts.seconds_each * before / self.workers

    @property
    def waiting(self) -> int:
        """Queries that wait for a worker, besides jobs."""
        return len(self._queries)

    @property
    def waiting_jobs(self) -> int:
        """Jobs that wait for a worker."""
        return len(self._jobs)

    @property
    def processes(self) -> list[int]:
        """The processes of the workers; one that is replaced is missing meanwhile."""
        return [worker.pid for worker in self._workers.values() if worker.is_running]

    @property
    def running(self) -> int:
        """Queries and jobs that run."""
        return len(self._running)

    def _queue_of(self, run: Run) -> FairQueue[Run]:
        return self._jobs if run.is_job else self._queries

    def _next(self) -> Run | None:
        # One worker is left to queries; jobs have another, so that they come on where queries always wait.
        jobs, alone = sum(run.is_job for run in self._running), self.workers == 1
        may_be_job = len(self._jobs) and jobs < max(self.workers - 1, 1)
        is_turn = self.counts.ended % 2 if alone else not jobs
        return self._jobs.pop() if may_be_job and (is_turn or not len(self._queries)) else self._queries.pop()

    async def _start_worker(self, number: int) -> Worker:
        worker = self._workers[number] = await Worker.start(self.settings.of_worker(number), self._keep_open)
        return worker

    async def _start_again(self, number: int) -> Worker:
        failed = 0
        while True:
            await asyncio.sleep(_PAUSES[min(failed, len(_PAUSES) - 1)])
            try:
                return await self._start_worker(number)
            except ServiceError as error:
                failed += 1
                if not self._running and failed > 1:  # no worker is left: nobody is to wait for ever
                    for queue in (self._queries, self._jobs):
                        while run := queue.pop():
                            run.end(Outcome(error=ServiceError(error.message, 503, retry_after=30)))

    async def _serve(self, number: int, worker: Worker) -> None:
        """Run one query after another on a worker, and on another one when that has ended."""
        try:
            while True:
                if (run := await self._take(worker)) is not None:
                    await self._run(run, worker)
                if not worker.is_running or worker.memory() > self.settings.memory // 2:
                    await worker.close()
                    worker = await self._start_again(number)
        finally:
            await worker.close()

    async def _take(self, worker: Worker) -> Run | None:
        """The next query; None where the worker ends before there is one."""
        taken: list[Run] = []

        def take() -> bool:
            if (run := self._next()) is not None:
                taken.append(run)
                self._running[run] = worker
            return bool(taken)

        waiting = [asyncio.create_task(self._changed.until(take)), asyncio.create_task(worker.ended())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
        return taken[0] if taken else None

    async def _run(self, run: Run, worker: Worker) -> None:
        outcome: Outcome | None = Outcome(error=StoppedError())
        try:
            task = await run.task()
            if not run.is_cancelled:
                outcome = await ask(run, task, worker, self._end)
        except ServiceError as error:
            outcome = Outcome(error=error)
        finally:
            del self._running[run]
            if outcome is None:  # the worker was gone already
                self._queue_of(run).put_back(run.client, run)
            else:
                self.counts.add(run, outcome)
                run.end(outcome)
            self._changed.tell()

    def _cancel(self, run: Run) -> None:
        if self._queue_of(run).remove(run.client, run):
            run.end(Outcome(error=StoppedError()))
        else:
            self._end(run, StoppedError())

    def _end(self, run: Run, why: ServiceError) -> None:
        if worker := self._running.get(run):
            interrupt(run, worker, why, lambda: self._running.get(run) is worker)

    async def _watch_memory(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            for run, worker in list(self._running.items()):
                if worker.memory() > self.settings.memory:
                    run.fault = run.fault or too_much_memory(self.settings)
                    worker.kill()
