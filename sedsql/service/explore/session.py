"""A session of the page: a process that is asked one thing after another."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from sedsql.service.errors import ServiceError
from sedsql.service.workers import Outcome, Run, StoppedError
from sedsql.service.workers.faults import too_much_memory
from sedsql.service.workers.follow import ask, interrupt
from sedsql.service.workers.process import Worker
from sedsql.service.workers.settings import Settings

MODULE = "sedsql.service.explore.explorer"
_MOST = 64
"""Requests that wait."""
_ADVICE = "ask for less of the sky, or for fewer rows with TOP"


@dataclass(frozen=True)
class Request:
    """What a session is asked: an operation of the explorer, and the JSON that came with it."""

    operation: str
    values: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> bytes:
        return json.dumps({"operation": self.operation, "values": self.values}).encode()


class Session:
    """A process with the result of a query.

    Attributes
    ----------
    id : that the page knows it by
    user : whose it is; None where anyone may ask
    settings : of the process
    used : when it was last asked, by time.monotonic
    """

    def __init__(self, id: str, settings: Settings, worker: Worker):
        self.id, self.settings = id, settings
        self.user: str | None = None
        self.used = monotonic()
        self._worker = worker
        self._turn = asyncio.Lock()
        self._asked: set[Run] = set()
        self._running: Run | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, operation: str, values: dict[str, Any], seconds: float = math.inf) -> Run:
        """Ask for something, which is done once all is done that was asked before.

        ServiceError with status 503 where too much waits.
        """
        if len(self._asked) >= _MOST:
            raise ServiceError(f"The session has {_MOST} things to do already; wait for some of them.", 503, 1)
        run = Run(Request(operation, values), self.user or "", seconds, is_job=False, stop=self._stop)
        self._asked.add(run)
        task = asyncio.create_task(self._run(run))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run

    def cancel(self) -> None:
        """Stop all that was asked."""
        for run in list(self._asked):
            run.cancel()

    @property
    def is_busy(self) -> bool:
        """Whether it does something."""
        return bool(self._asked)

    @property
    def is_running(self) -> bool:
        """Whether its process can be asked."""
        return self._worker.is_running

    def watch(self) -> None:
        """End the process where it takes more memory than it may."""
        if self.is_running and self._worker.memory() > self.settings.memory:
            if self._running:
                self._running.fault = self._running.fault or too_much_memory(self.settings)
            self._worker.kill()

    async def close(self) -> None:
        """End the process."""
        await self._worker.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, run: Run) -> None:
        outcome: Outcome | None = Outcome(error=StoppedError())
        try:
            async with self._turn:
                if not run.is_cancelled:
                    self._running = run
                    outcome = await ask(run, await run.task(), self._worker, self._end, _ADVICE)
        finally:
            self._running = None
            self._asked.discard(run)
            self.used = monotonic()
            run.end(outcome or Outcome(error=ServiceError("The session has ended; run the query again.", 410)))

    def _stop(self, run: Run) -> None:
        if run is self._running:
            self._end(run, StoppedError())

    def _end(self, run: Run, why: ServiceError) -> None:
        interrupt(run, self._worker, why, lambda: self._running is run)
