"""The sessions that there are: made, found, and ended when nobody asks them any more."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from time import monotonic

from sedsql.service.errors import ServiceError
from sedsql.service.explore.session import MODULE, Session
from sedsql.service.explore.settings import ExploreSettings
from sedsql.service.workers.process import Worker

_LOOK = 0.1
"""Seconds between two looks at memory and idle sessions."""
_PAUSE = 5.0
"""Seconds after which a process starts in the place of one that was taken: its query comes first."""
_FOLDER = "explorer-"


class Sessions:
    """Processes that explore, at most so many; one waits for the next page, for it takes a second to start."""

    def __init__(self, settings: ExploreSettings, keep_open: Sequence[int] = ()):
        self._settings, self._keep_open = settings, keep_open
        self._sessions: dict[str, Session] = {}
        self._checker: Session | None = None
        self._expected: asyncio.Task[Session] | None = None
        self._expects_at = 0.0
        self._starting = 0
        self._one_at_a_time = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch sessions; at the end, end them all."""
        for left in self._settings.process.temporary.glob(f"{_FOLDER}*"):  # by a server that was killed
            shutil.rmtree(left, ignore_errors=True)
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            if self._expected:
                self._expected.cancel()
                (expected,) = await asyncio.gather(self._expected, return_exceptions=True)
                if isinstance(expected, Session):
                    self._close(expected)
            for session in self._open():
                self._close(session)
            await asyncio.gather(watching, *self._closing, return_exceptions=True)

    async def new(self, user: str | None) -> Session:
        """Start a session; where there are as many as may be, the one that was idle longest ends."""
        while len(self._sessions) + self._starting >= self._settings.sessions:
            idle = [session for session in self._sessions.values() if not session.is_busy]
            if not idle:
                raise ServiceError("All sessions of this service run a query; try again in a minute.", 503, 60)
            await self.end(min(idle, key=lambda session: session.used))
        self._starting += 1
        try:
            session = await self._next()
        finally:
            self._starting -= 1
        session.user, session.used = user, monotonic()
        self._sessions[session.id] = session
        return session

    def find(self, id: str, user: str | None) -> Session:
        """The session of a user. ServiceError where it is not there, or another user's: both look the same."""
        session = self._sessions.get(id)
        if session is None or session.user != user or not session.is_running:
            raise ServiceError("This session has ended; run the query again.", 404)
        return session

    async def checker(self) -> Session:
        """The process that checks queries for all, which never runs one."""
        async with self._one_at_a_time:
            if self._checker is None or not self._checker.is_running:
                if self._checker:
                    self._close(self._checker)
                self._checker = await self._start()
            return self._checker

    async def end(self, session: Session) -> None:
        """End a session."""
        self._sessions.pop(session.id, None)
        await self._close(session)

    def _close(self, session: Session) -> asyncio.Task[None]:
        async def close() -> None:
            await session.close()
            await asyncio.to_thread(shutil.rmtree, session.settings.temporary, ignore_errors=True)

        task = asyncio.create_task(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task

    async def _next(self) -> Session:
        """The session whose process waits, or another."""
        expected, self._expected = self._expected, None
        self._expects_at = monotonic() + _PAUSE
        if expected:
            with suppress(ServiceError):  # what was wrong with the mirror may be mended
                session = await expected
                if session.is_running:
                    return session
                self._close(session)
        return await self._start()

    async def _start(self) -> Session:
        process = self._settings.process
        settings = replace(process, temporary=process.temporary / f"{_FOLDER}{secrets.token_hex(4)}")
        try:
            return Session(secrets.token_hex(16), settings, await Worker.start(settings, self._keep_open, MODULE))
        except BaseException:
            shutil.rmtree(settings.temporary, ignore_errors=True)
            raise

    def _open(self) -> list[Session]:
        """All that may be asked."""
        return [*self._sessions.values(), *([self._checker] if self._checker else [])]

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            for session in self._open():
                session.watch()
            if self._expected is None and monotonic() > self._expects_at:
                self._expected = asyncio.create_task(self._start())
            late = monotonic() - self._settings.idle
            for session in list(self._sessions.values()):
                if not session.is_running or (session.used < late and not session.is_busy):
                    self._sessions.pop(session.id)
                    self._close(session)
