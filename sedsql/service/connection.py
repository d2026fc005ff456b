"""End a connection whose client keeps the service waiting, which uvicorn itself would do for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD = 30.0
"""Seconds in which the whole head of a request comes."""
STALLED = 60.0
"""Seconds in which a client takes nothing of an answer, whose query ends then: others wait for the worker."""


class Connection(H11Protocol):
    """A connection that ends where no request comes on it, or nothing of an answer is taken."""

    _no_head: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._await_head()

    def _await_head(self) -> None:
        is_asked = self.cycle is not None and not self.cycle.response_complete
        if is_asked:
            _cancel(self._no_head)
            self._no_head = None
        elif self._no_head is None:
            self._no_head = self._later(HEAD, lambda: self.timeout_keep_alive_handler())

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._later(STALLED, self.transport.abort)  # it closes once all is taken

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self._stalled or self._later(STALLED, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        _cancel(self._stalled)
        self._stalled = None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        _cancel(self._no_head)
        _cancel(self._stalled)

    def _later(self, seconds: float, do: Callable[[], object]) -> asyncio.TimerHandle:
        return self.loop.call_later(seconds, do)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
