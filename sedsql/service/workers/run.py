"""One query on its way through the pool, as its client sees it."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from time import monotonic
from typing import Literal

from sedsql.service.changed import Changed
from sedsql.service.errors import ServiceError
from sedsql.service.workers.messages import Head, Outcome, Sendable

MOST = 1 << 20
"""Bytes that wait for a slow client; the worker waits meanwhile."""

Phase = Literal["QUEUED", "EXECUTING", "ENDED"]


class StoppedError(ServiceError):
    """The query was stopped by `Run.cancel`."""

    def __init__(self) -> None:
        super().__init__("The query was stopped.", 503)


class Run:
    """A query that waits for a worker, runs, or has ended.

    Its answer's bytes are taken by `body`, once. Who does not want them, or no more of them, calls `cancel`.

    Attributes
    ----------
    client, seconds, is_job : as they were submitted
    phase : QUEUED, EXECUTING or ENDED
    began : when a worker took it, by time.monotonic
    is_cancelled : whether `cancel` was called
    fault : why it is to end, if the pool ends it
    """

    def __init__(
        self,
        task: Sendable | Callable[[], Awaitable[Sendable]],
        client: str,
        seconds: float,
        *,
        is_job: bool,
        stop: Callable[[Run], None],
    ):
        """stop : called when the run is cancelled"""
        self._task, self.client, self.seconds, self.is_job = task, client, seconds, is_job
        self.phase: Phase = "QUEUED"
        self.began = monotonic()
        self._stop = stop
        self.is_cancelled = False
        self.fault: ServiceError | None = None
        self._dropping = False
        self._head: Head | None = None
        self._outcome: Outcome | None = None
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._changed = Changed()

    async def started(self) -> None:
        """Wait until a worker runs it, or it has ended without."""
        await self._changed.until(lambda: self.phase != "QUEUED")

    async def head(self) -> Head:
        """Wait for the head of the answer, which comes with the first bytes. ServiceError where it will not come."""
        await self._changed.until(lambda: self._head is not None or self._outcome is not None)
        if self._head is None:
            assert self._outcome is not None
            raise self._outcome.error or ServiceError("The query gave no answer.", 500)
        return self._head

    async def body(self) -> AsyncIterator[bytes]:
        """The bytes of the answer as they are computed.

        ServiceError after the last of them where the answer is cut off; nothing is raised where an error is told in the
        answer itself, which `outcome` has in any case. A reader that goes away cancels the query.
        """
        try:
            while True:
                await self._changed.until(lambda: bool(self._chunks) or self._outcome is not None)
                if not self._chunks:
                    break
                chunk = self._chunks.popleft()
                self._waiting -= len(chunk)
                self._changed.tell()
                yield chunk
        finally:
            self.cancel()
        assert self._outcome is not None
        if self._outcome.error and not self._outcome.told:
            raise self._outcome.error

    async def outcome(self) -> Outcome:
        """Wait for the end, and say how it was. A streamed answer ends only when its bytes are taken."""
        await self._changed.until(lambda: self._outcome is not None)
        assert self._outcome is not None
        return self._outcome

    def cancel(self) -> None:
        """End the query at once; nothing where it has ended. Bytes that were not taken are dropped."""
        if self._outcome is None and not self.is_cancelled:
            self.is_cancelled = True
            self.drop()
            self._stop(self)

    # What the pool asks and tells.

    async def task(self) -> Sendable:
        """The task, now that a worker is to run it. ServiceError where there is none any more."""
        return await self._task() if callable(self._task) else self._task

    def begin(self) -> None:
        """Tell that a worker runs it."""
        self.began, self.phase = monotonic(), "EXECUTING"
        self._changed.tell()

    def come(self, head: Head) -> None:
        """Tell the head."""
        self._head = head
        self._changed.tell()

    async def take(self, chunk: bytes) -> None:
        """Hand over bytes; wait while the client is slow. They are dropped where nobody wants them."""
        await self._changed.until(lambda: self._waiting < MOST or self._dropping)
        if not self._dropping:
            self._chunks.append(chunk)
            self._waiting += len(chunk)
            self._changed.tell()

    def drop(self) -> None:
        """Drop all bytes that come from now on: nobody takes them, and the worker is to go on."""
        self._dropping = True
        self._changed.tell()

    def end(self, outcome: Outcome) -> None:
        """Tell how it ended."""
        if self.is_cancelled:
            self._chunks.clear()
        if self._dropping:
            outcome = replace(outcome, error=outcome.error or self.fault, told=False)
        self.phase, self._outcome = "ENDED", outcome
        self._changed.tell()
