"""The process of a worker: `python -m sedsql.service.workers.worker FD`, FD being a socket to the server."""

from __future__ import annotations

import json
import os
import queue
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator

import pyarrow as pa

from sedsql.errors import Error
from sedsql.service.errors import ServiceError
from sedsql.service.workers.answer import Sink, form, write, write_file
from sedsql.service.workers.faults import LimitError, told
from sedsql.service.workers.frames import DATA, END, ERROR, HEAD, HEADER, READY, STOP, TAKEN, TASK, frame, receive
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
        self._coming = select.poll()  # which takes any number of a file: it is the server's, which may have many open
        self._coming.register(channel, select.POLLIN)

    def serve(self) -> None:
        """Run what the server asks for, until it goes."""
        threading.Thread(target=self._work, daemon=True).start()
        self._send(READY)
        current: _Query | None = None
        while True:
            if current and current.stop and not current.done.is_set():
                self._session.interrupt()
                if not self._coming.poll(1000 * _AGAIN):
                    continue
            if (asked := receive(self._channel)) is None:
                return
            kind, content = asked
            if kind == TASK:
                current = _Query(Task.from_json(content))
                self._send(TAKEN)
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
        task = query.task
        mime = form(task).mime
        sink = Sink(lambda: self._send(HEAD, mime.encode()), lambda data: self._send(DATA, data))
        ended: dict[str, object] = {"mime": mime}

        def write_answer(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
            rows = self._failing_in_sentences(query, batches, ended)
            if task.output:
                written, size = write_file(task, schema, rows)
            else:
                written, size = write(task, sink, schema, rows), sink.bytes
            ended.update(rows=written.rows, bytes=size, overflow=written.overflow)

        try:
            self._session.run(task, query.check, write_answer)
            sink.flush()
            return END, ended
        except BaseException as error:
            fault = self._fault(query, error)
            if ended.get("told"):
                sink.flush()
            is_limit = isinstance(fault, LimitError)
            return ERROR, {**ended, "error": fault.message, "status": fault.status, "limit": is_limit}

    def _failing_in_sentences(
        self, query: _Query, batches: Iterator[pa.RecordBatch], ended: dict[str, object]
    ) -> Iterator[pa.RecordBatch]:
        """The batches; what goes wrong on their way is told as the user of the service is told it."""
        count = 0
        try:
            for batch in batches:
                yield batch
                count += 1
        except Exception as error:
            ended["told"] = count > 0 and query.task.format.startswith("votable")
            raise self._fault(query, error) from error

    def _fault(self, query: _Query, error: BaseException) -> ServiceError:
        return ServiceError(query.stop) if query.stop else told(error, self._settings)

    def _send(self, kind: bytes, content: bytes | memoryview = b"") -> None:
        self._channel.sendall(HEADER.pack(kind, len(content)))
        self._channel.sendall(content)


def main() -> None:
    for one in (signal.SIGTERM, signal.SIGINT):  # a service manager sends them to all; the server says when to end
        signal.signal(one, signal.SIG_IGN)
    channel = socket.socket(fileno=int(sys.argv[1]))
    asked = receive(channel)
    if asked is None:
        return
    settings = Settings.from_json(asked[1])
    prepare_process(settings)
    try:
        process = _Process(channel, settings)
    except (Error, OSError) as error:
        channel.sendall(frame(ERROR, str(error).partition("\n")[0].encode()))
        return
    try:
        process.serve()
    finally:
        os._exit(0)  # the server is gone, and nobody waits for a query that runs


if __name__ == "__main__":
    main()
