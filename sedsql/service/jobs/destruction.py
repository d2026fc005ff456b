"""Destroy jobs when their time has come, which frees the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from sedsql.service.errors import ServiceError
from sedsql.service.jobs.job import now
from sedsql.service.jobs.store import Store

_LONGEST = 600.0
"""Seconds of a sleep at most: clocks are set."""


class Destruction:
    """Sleeps until the next job is to be destroyed."""

    def __init__(self, store: Store, delete: Callable[[str], Awaitable[None]]):
        self._store, self._delete = store, delete
        self._look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def look(self) -> None:
        """Look again: a job is to be destroyed at another time."""
        self._look.set()

    async def _run(self) -> None:
        while True:
            self._look.clear()
            pause = _LONGEST
            with suppress(ServiceError):  # the disk is full, perhaps; it is tried again
                for job_id in await self._store.due(now()):
                    with suppress(ServiceError):  # it is deleted already
                        await self._delete(job_id)
                if (coming := await self._store.next_destruction()) is not None:
                    pause = min(max((coming - now()).total_seconds(), 0.05), _LONGEST)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._look.wait()
