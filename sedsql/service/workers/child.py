"""A process that a server starts with the number of a socket: it does one task after another until the server goes."""

from __future__ import annotations

import json
import os
import queue
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Protocol

from sedsql.errors import Error
from sedsql.service.errors import ServiceError
from sedsql.service.workers.frames import ERROR, HEADER, READY, STOP, TAKEN, TASK, frame, receive
from sedsql.service.workers.lockdown import prepare_process
from sedsql.service.workers.settings import Settings

_AGAIN = 0.02
"""Seconds between two interrupts of a task, which DuckDB hears only while it computes."""

Send = Callable[[bytes, bytes | memoryview], None]
"""Sends a frame to the server."""


class Asked:
    """A task that is done, or is going to be.

    Attributes
    ----------
    content : of the frame that it came in
    stop : why it is to stop; empty while it may go on
    """

    def __init__(self, content: bytes):
        self.content = content
        self.stop = ""
        self.done = threading.Event()

    def check(self) -> None:
        """Raise ServiceError where it is to stop."""
        if self.stop:
            raise ServiceError(self.stop)


class Work(Protocol):
    """What a process does."""

    def run(self, asked: Asked) -> tuple[bytes, dict[str, object]]:
        """Do a task; give the kind of the last frame, END or ERROR, and what it tells. It raises nothing."""

    def interrupt(self) -> None:
        """Stop what DuckDB does for a task, from another thread."""


class _Listener:
    """Has tasks done in one thread, and listens in another, so that one can be stopped."""

    def __init__(self, channel: socket.socket, work: Work, send: Send):
        self._channel, self._work, self._send = channel, work, send
        self._tasks: queue.Queue[Asked] = queue.Queue()
        self._coming = select.poll()  # which takes any number of a file: it is the server's, which may have many open
        self._coming.register(channel, select.POLLIN)

    def listen(self) -> None:
        """Do what the server asks for, until it goes."""
        threading.Thread(target=self._do, daemon=True).start()
        self._send(READY, b"")
        current: Asked | None = None
        while True:
            if current and current.stop and not current.done.is_set():
                self._work.interrupt()
                if not self._coming.poll(1000 * _AGAIN):
                    continue
            if (asked := receive(self._channel)) is None:
                return
            kind, content = asked
            if kind == TASK:
                current = Asked(content)
                self._send(TAKEN, b"")
                self._tasks.put(current)
            elif kind == STOP and current:
                current.stop = content.decode()

    def _do(self) -> None:
        while True:
            asked = self._tasks.get()
            kind, values = self._work.run(asked)
            asked.done.set()
            self._send(kind, json.dumps(values).encode())


def main(make: Callable[[Settings, Send], Work]) -> None:
    """Run the process.

    make : begins the work; what it raises is told to the server in a sentence, and ends the process
    """
    for one in (signal.SIGTERM, signal.SIGINT):  # a service manager sends them to all; the server says when to end
        signal.signal(one, signal.SIG_IGN)
    channel = socket.socket(fileno=int(sys.argv[1]))

    def send(kind: bytes, content: bytes | memoryview) -> None:
        channel.sendall(HEADER.pack(kind, len(content)))
        channel.sendall(content)

    asked = receive(channel)
    if asked is None:
        return
    settings = Settings.from_json(asked[1])
    prepare_process(settings)
    try:
        work = make(settings, send)
    except (Error, OSError) as error:
        channel.sendall(frame(ERROR, str(error).partition("\n")[0].encode()))
        return
    try:
        _Listener(channel, work, send).listen()
    finally:
        os._exit(0)  # the server is gone, and nobody waits for a task that is being done
