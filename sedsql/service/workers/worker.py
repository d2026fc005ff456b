"""The process of a worker: `python -m sedsql.service.workers.worker FD`, FD being a socket to the server."""

from __future__ import annotations

import json
import os
import queue
import select
import socket
import sys
import threading

from sedsql.dbapi.connection import connect
from sedsql.errors import Error
from sedsql.service.errors import ServiceError
from sedsql.service.workers.answer import Sink, write, write_file
from sedsql.service.workers.frames import DATA, END, ERROR, HEAD, MOST, READY, STOP, TASK, frame, receive
from sedsql.service.workers.messages import Task
from sedsql.service.workers.settings import Settings


class _Query:
    """A task that runs, or is going to."""

    def __init__(self, task: Task):
        self.task = task
        self.why = ""
        self.done = threading.Event()

    def check(self) -> None:
        """Raise ServiceError where it is to stop."""
        if self.why:
            raise ServiceError(self.why, 503)


class _Process:
    def __init__(self, channel: socket.socket, settings: Settings):
        self._channel = channel
        self._connection = connect(settings.mirror, models=settings.models, default=settings.default)
        self._cursor = self._connection.cursor()
        self._tasks: queue.Queue[_Query] = queue.Queue()

    def serve(self) -> None:
        """Run what the server asks for, until it goes; this thread only listens, so that a query can be stopped."""
        threading.Thread(target=self._work, daemon=True).start()
        self._channel.sendall(frame(READY))
        current: _Query | None = None
        while True:
            stopping = current is not None and current.why and not current.done.is_set()
            if stopping and not select.select([self._channel], [], [], 0.02)[0]:
                self._cursor.interrupt()  # again and again, as DuckDB hears it only while it computes
                continue
            if (answer := receive(self._channel)) is None:
                return
            kind, content = answer
            if kind == TASK:
                current = _Query(Task.from_json(content))
                self._tasks.put(current)
            elif kind == STOP and current:
                current.why = content.decode()

    def _work(self) -> None:
        while True:
            query = self._tasks.get()
            kind, values = self._run(query)
            query.done.set()
            self._channel.sendall(frame(kind, json.dumps(values).encode()))

    def _run(self, query: _Query) -> tuple[bytes, dict]:
        task = query.task
        try:
            reader = self._cursor.execute(task.query).batches()

            def batches():
                for batch in reader:
                    query.check()
                    yield batch

            if task.output:
                written, size = write_file(task, reader.schema, batches())
            else:
                sink = Sink(lambda data: self._channel.sendall(frame(DATA, data)), MOST)

                def begin(mime: str) -> None:
                    self._channel.sendall(frame(HEAD, mime.encode()))

                written, size = write(task, sink, reader.schema, batches(), begin), sink.bytes
            return END, {"rows": written.rows, "bytes": size, "overflow": written.overflow}
        except ServiceError as error:
            return ERROR, {"error": error.message, "status": error.status}
        except Error as error:
            return ERROR, {"error": query.why or str(error).partition("\n")[0], "status": 503 if query.why else 400}


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    asked = receive(channel)
    if asked is None:
        return
    try:
        process = _Process(channel, Settings.from_json(asked[1]))
    except Error as error:
        channel.sendall(frame(ERROR, str(error).encode()))
        return
    process.serve()
    os._exit(0)  # a query that runs is nobody's


if __name__ == "__main__":
    main()
