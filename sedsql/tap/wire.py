"""Count and time every byte that a service sends, headers included, where it leaves the socket.

http.client and urllib3 limit how long they wait for a byte and how many headers there are, but not how long a service
may go on with one byte a minute, with `100 Continue`, or with the trailers of a chunked answer.
"""

import http.client
import io
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from sedsql.tap.errors import Stopped, TimedOut, Unbounded
from sedsql.tap.limits import Limits
from sedsql.tap.retry import Slow


@dataclass
class Watch:
    """The time and bytes that one answer has taken so far.

    longest : seconds that it may take in all
    silence : seconds that may pass without a byte
    body : bytes of the body, counted by its reader
    """

    limits: Limits
    longest: float
    silence: float
    stopped: Event
    body: int = 0
    _came: int = 0
    _since: float = field(default_factory=time.monotonic)
    _part: tuple[float, int] = (0.0, 0)

    def wait(self) -> float:
        """Seconds that the next byte may take. Raises Stopped, TimedOut, Slow or Unbounded where there are none."""
        if self.stopped.is_set():
            raise Stopped("It was stopped.")
        now = time.monotonic()
        left = self._since + self.longest - now
        if left <= 0:
            raise TimedOut(f"The answer had not come in full after {self.longest:g} seconds.")
        start, before = self._part
        if self._came and now - start > max(self.limits.slow_seconds, 2 * self.silence):
            if self._came - before < self.limits.slow_bytes:
                raise Slow(f"no more than {self._came - before:,} bytes in {now - start:.0f} seconds")
            self._part = now, self._came
        if self._came > 16 * self.body + self.limits.overhead:
            raise Unbounded("sends headers without an end")
        return min(self.silence, left)

    def came(self, number: int) -> None:
        """Note that so many bytes came over the wire."""
        if not self._came:
            self._part = time.monotonic(), 0
        self._came += number


watched: ContextVar[Watch] = ContextVar("watched")
"""The watch of the answer that this thread waits for."""


class _Watched(io.RawIOBase):
    """A socket's file whose reads obey a watch."""

    def __init__(self, raw: io.RawIOBase, sock: Any, watch: Watch):
        self._raw, self._sock, self._watch = raw, sock, watch

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._watch.wait())
        try:
            number = self._raw.readinto(buffer)
        except TimeoutError:
            self._watch.wait()  # which raises TimedOut if the time for all of it is over
            raise
        self._watch.came(number or 0)
        return number

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **keywords: Any):
        super().__init__(sock, *args, **keywords)
        if watch := watched.get(None):
            self.fp = io.BufferedReader(_Watched(self.fp.detach(), sock, watch))


class _HTTP(HTTPConnection):
    response_class = _Response


class _HTTPS(HTTPSConnection):
    response_class = _Response


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPS


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}


class Adapter(HTTPAdapter):
    """An adapter of requests whose connections obey the watch of the thread that asks."""

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        super().init_poolmanager(*args, **keywords)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **keywords: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **keywords)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager
