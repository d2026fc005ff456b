"""A worker, as the server has it: a process that is asked over a socket."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sedsql.service.errors import ServiceError
from sedsql.service.workers.frames import ERROR, HEADER, READY, SETTINGS, frame
from sedsql.service.workers.settings import Settings

WORKER = "sedsql.service.workers.worker"
"""The module of a process that runs queries."""
_SECONDS_TO_START = 120
_BUFFER = 1 << 19
"""Bytes that are read ahead of who takes them; twice as many wait at most."""


class Worker:
    """A process that does one task at a time.

    Attributes
    ----------
    pid : of the process
    """

    def __init__(self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.pid = process.pid
        self._process, self._reader, self._writer = process, reader, writer
        self._gone = False

    @classmethod
    async def start(cls, settings: Settings, keep_open: Sequence[int] = (), module: str = WORKER) -> Worker:
        """Start a process that has opened the mirror. ServiceError where it cannot.

        keep_open : files of this process that the worker keeps open, such as a lock that it is to hold until its end
        module : what it runs, by `child.main`
        """
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module, str(theirs.fileno())),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), *keep_open),
                # Each thread's own heap is never given back: a worker would keep what its largest queries took.
                env={"MALLOC_ARENA_MAX": "2", **os.environ},
                start_new_session=True,  # Ctrl-C at the server is not theirs
            )
        reader, writer = await asyncio.open_connection(sock=ours, limit=_BUFFER)
        worker = cls(process, reader, writer)
        try:
            async with asyncio.timeout(_SECONDS_TO_START):
                worker.tell(SETTINGS, settings.to_json())
                answer = await worker.receive()
        except TimeoutError:
            answer = None
        except BaseException:
            await worker.close()
            raise
        if answer is None or answer[0] != READY:
            await worker.close()
            why = answer[1].decode() if answer and answer[0] == ERROR else "its process ended"
            raise ServiceError(f"No worker can be started: {why}", 503)
        return worker

    def tell(self, kind: bytes, content: bytes = b"") -> None:
        """Send a frame; nothing where the process is gone, which `receive` tells."""
        with suppress(ConnectionError):
            self._writer.write(frame(kind, content))

    async def receive(self) -> tuple[bytes, bytes] | None:
        """The next frame; None where the process is gone."""
        try:
            kind, length = HEADER.unpack(await self._reader.readexactly(HEADER.size))
            return kind, await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            self._gone = True
            return None

    async def ended(self) -> None:
        """Wait for the end of the process."""
        await self._process.wait()

    @property
    def is_running(self) -> bool:
        """Whether it can be asked."""
        return not self._gone and self._process.returncode is None

    def memory(self) -> int:
        """The bytes of memory that are the process's own; 0 where the system does not say."""
        try:
            lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        except OSError:
            return 0
        return next((int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon")), 0)

    def kill(self) -> None:
        self._gone = True
        with suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """End the process, and wait for its end."""
        self.kill()
        self._writer.close()
        await self._process.wait()
