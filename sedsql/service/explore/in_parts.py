"""Hand on a file that a session writes, part by part: between two parts it answers brushes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

from sedsql.service.explore.explorer.writing import LAST
from sedsql.service.explore.session import Session
from sedsql.service.workers.faults import too_long

_AGAIN = 0.02
"""Seconds between two questions for a part that is not there yet."""
_SECONDS = 60.0
_ADVICE = "select fewer sources"


class InParts:
    """A file on its way.

    Attributes
    ----------
    mime : the Content-Type
    """

    def __init__(self, session: Session, number: int, mime: str, seconds: float):
        self.mime = mime
        self._session, self._number = session, number
        self._seconds = self._left = seconds
        self._first = b""
        self._is_over = False

    @classmethod
    async def begin(cls, session: Session, values: dict[str, Any], seconds: float) -> InParts:
        """Have a session begin a file, and wait for the first bytes. ServiceError where it cannot.

        seconds : that it may take to write it, without what a slow client takes
        """
        begun = json.loads(await _whole(session, "export", values))
        file = cls(session, begun["number"], begun["mime"], seconds)
        try:
            file._first = await file._next()
        except BaseException:
            file.cancel()
            raise
        return file

    async def body(self) -> AsyncIterator[bytes]:
        """The bytes, as they come."""
        try:
            part = self._first
            while part:
                yield part
                part = await self._next()
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Say that nobody wants the rest."""
        if not self._is_over:
            self._is_over = True
            if self._session.is_running:
                self._session.ask("stop", {"number": self._number}, _SECONDS)

    async def _next(self) -> bytes:
        """The next bytes; none at the end."""
        while not self._is_over:
            began = monotonic()
            part = await _whole(self._session, "part", {"number": self._number})
            self._is_over = part[:1] == LAST
            if len(part) > 1:
                return part[1:]
            await asyncio.sleep(_AGAIN)
            self._left -= monotonic() - began
            if self._left < 0:
                self.cancel()
                raise too_long(self._seconds, _ADVICE)
        return b""


async def _whole(session: Session, operation: str, values: dict[str, Any]) -> bytes:
    run = session.ask(operation, values, _SECONDS)
    return b"".join([part async for part in run.body()])
