"""Run a service until it is stopped."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from types import FrameType
from typing import Protocol

import uvicorn
from starlette.types import ASGIApp

from sedsql.service.connection import Connection
from sedsql.service.errors import ServiceError

_SECONDS_TO_END = 5
"""That answers have to end by themselves once the service is stopped."""
_MOST_FILES = 1 << 16
"""Files and connections that may be open at once, unless the system allows fewer; it often says 1,024 to begin with."""
_HEAD = 256 << 10
"""Bytes of a request's line and headers at most: with GET the query is in them."""


class _Server(uvicorn.Server):
    """Ends at Ctrl-C and SIGTERM without handing the signal on: it is what the service is to be stopped by."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """Listen at an address. ServiceError where that cannot be; port 0 is any free one."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=2048)
        # Connections inherit it: else the end of a short answer waits 40 ms for the client to acknowledge its head.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except socket.gaierror:
        raise ServiceError(
            f"There is no host {host!r}; --host is an address of this machine, such as 127.0.0.1."
        ) from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why = f"Port {port} of {host} is taken; choose another one with --port, such as --port {port + 1}."
        elif error.errno == errno.EACCES:
            why = f"Port {port} is for the system alone; choose one from 1024 on with --port."
        elif error.errno == errno.EADDRNOTAVAIL:
            why = f"{host} is no address of this machine; --host 127.0.0.1 is, and 0.0.0.0 stands for all that it has."
        else:
            why = f"The service cannot listen at {host}, port {port}: {error.strerror}."
        raise ServiceError(why) from None


def url_of(listening: socket.socket) -> str:
    """The URL of the service at an address, as this machine has it."""
    host, port = listening.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/tap"


def is_for_others(listening: socket.socket) -> bool:
    """Whether other machines can reach the address."""
    return not ipaddress.ip_address(listening.getsockname()[0]).is_loopback


class Running(Protocol):
    """What is served."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Run what answers need, for a block."""


async def serve(service: Running, app: ASGIApp, listening: socket.socket, server: uvicorn.Server | None = None) -> None:
    """Serve until a signal says to stop. ServiceError where the service cannot start."""
    server = server or make_server(app)
    async with service.running():
        await server.serve([listening])


def make_server(app: ASGIApp) -> uvicorn.Server:
    """Make a server of uvicorn's, which tells nothing by itself."""
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="critical",
        server_header=False,
        h11_max_incomplete_event_size=_HEAD,
        headers=[("Server", f"sedsql/{version('sedsql')}")],
        timeout_graceful_shutdown=_SECONDS_TO_END,
        forwarded_allow_ips=os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1"),
    )
    return _Server(config)


def run(service: Running, app: ASGIApp, listening: socket.socket) -> None:
    """Serve, in an event loop of its own, and with as many connections as the system allows."""
    import resource  # Windows, where no service runs, has none

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    asyncio.run(serve(service, app, listening))
