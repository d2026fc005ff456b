"""The process of a worker: `python -m sedsql.service.workers.worker FD`, FD being a socket to the server."""

from __future__ import annotations

import json
import os
import queue
import select
import socket
import sys
import threading
from collections.abc import Iterator

import pyarrow as pa

from sedsql.errors import Error
from sedsql.service.errors import ServiceError
from sedsql.service.workers.answer import Sink, write, write_file
from sedsql.service.workers.faults import LimitError, told
from sedsql.service.workers.frames import DATA, END, ERROR, HEAD, MOST, READY, STOP, TASK, frame, receive
from sedsql.service.workers.lockdown import prepare_process
from sedsql.service.workers.messages import Task
from sedsql.service.workers.session import Session
from sedsql.service.workers.settings import Settings

_AGAIN = 0.02
"""Seconds between two interrupts of a query, which DuckDB hears only while it computes."""


class _Query:
    """A task that runs, or is going to."""

    def __init__(self, task: Task):
        self.task = task
        self.stop = ""
        self.done = threading.Event()

    def check(self) -> None:
        """Raise ServiceError where it is to stop."""
        if self.stop:
            raise ServiceError(self.stop)


class _Process:
    """Runs queries in one thread, and listens in another, so that a query can be stopped."""

    def __init__(self, channel: socket.socket, settings: Settings):
        self._channel, self._settings = channel, settings
        self._session = Session(settings)
        self._queries: queue.Queue[_Query] = queue.Queue()

    def serve(self) -> None:
        """Run what the server asks for, until it goes."""
        threading.Thread(target=self._work, daemon=True).start()
        self._send(READY)
        current: _Query | None = None
        while True:
            if current and current.stop and not current.done.is_set():
                self._session.interrupt()
                if not select.select([self._channel], [], [], _AGAIN)[0]:
                    continue
            if (asked := receive(self._channel)) is None:
                return
            kind, content = asked
            if kind == TASK:
                current = _Query(Task.from_json(content))
                self._queries.put(current)
            elif kind == STOP and current:
                current.stop = content.decode()

    def _work(self) -> None:
        while True:
            query = self._queries.get()
            kind, values = self._run(query)
            query.done.set()
            self._send(kind, json.dumps(values).encode())

    def _run(self, query: _Query) -> tuple[bytes, dict[str, object]]:
        """Run a query; gives what its end is to be told by."""
        sink = Sink(lambda data: self._send(DATA, data), MOST)
        ended: dict[str, object] = {}

        def write_answer(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
            if query.task.output:
                written, size = write_file(query.task, schema, batches)
            else:
                written, size = write(query.task, sink, schema, batches, self._begin), sink.bytes
            ended.update(rows=written.rows, bytes=size, overflow=written.overflow)

        try:
            self._session.run(query.task, query.check, write_answer)
            return END, ended
        except BaseException as error:
            fault = ServiceError(query.stop) if query.stop else told(error, self._settings)
            is_limit = isinstance(fault, LimitError)
            return ERROR, {"error": fault.message, "status": fault.status, "limit": is_limit, "bytes": sink.bytes}

    def _begin(self, mime: str) -> None:
        self._send(HEAD, mime.encode())

    def _send(self, kind: bytes, content: bytes = b"") -> None:
        self._channel.sendall(frame(kind, content))


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    asked = receive(channel)
    if asked is None:
        return
    prepare_process()
    try:
        process = _Process(channel, Settings.from_json(asked[1]))
    except (Error, OSError) as error:
        channel.sendall(frame(ERROR, str(error).partition("\n")[0].encode()))
        return
    try:
        process.serve()
    finally:
        os._exit(0)  # the server is gone, and nobody waits for a query that runs


if __name__ == "__main__":
    main()
