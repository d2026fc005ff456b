"""The process of a worker, which runs queries: `python -m sedsql.service.workers.worker FD`."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from sedsql.service.errors import ServiceError
from sedsql.service.workers import child
from sedsql.service.workers.answer import Sink, form, write, write_file
from sedsql.service.workers.child import Asked, Send
from sedsql.service.workers.faults import LimitError, told
from sedsql.service.workers.frames import DATA, END, ERROR, HEAD
from sedsql.service.workers.messages import Task
from sedsql.service.workers.session import Session
from sedsql.service.workers.settings import Settings


class _Queries:
    """Runs queries on a session."""

    def __init__(self, settings: Settings, send: Send):
        self._settings, self._send = settings, send
        self._session = Session(settings)

    def interrupt(self) -> None:
        self._session.interrupt()

    def run(self, asked: Asked) -> tuple[bytes, dict[str, object]]:
        """Run a query; gives what its end is to be told by."""
        task = Task.from_json(asked.content)
        mime = form(task).mime
        sink = Sink(lambda: self._send(HEAD, mime.encode()), lambda data: self._send(DATA, data))
        ended: dict[str, object] = {"mime": mime}

        def write_answer(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
            rows = self._failing_in_sentences(asked, task, batches, ended)
            if task.output:
                written, size = write_file(task, schema, rows)
            else:
                written, size = write(task, sink, schema, rows), sink.bytes
            ended.update(rows=written.rows, bytes=size, overflow=written.overflow)

        try:
            self._session.run(task, asked.check, write_answer)
            sink.flush()
            return END, ended
        except BaseException as error:
            fault = self._fault(asked, error)
            if ended.get("told"):
                sink.flush()
            is_limit = isinstance(fault, LimitError)
            return ERROR, {**ended, "error": fault.message, "status": fault.status, "limit": is_limit}

    def _failing_in_sentences(
        self, asked: Asked, task: Task, batches: Iterator[pa.RecordBatch], ended: dict[str, object]
    ) -> Iterator[pa.RecordBatch]:
        """The batches; what goes wrong on their way is told as the user of the service is told it."""
        count = 0
        try:
            for batch in batches:
                yield batch
                count += 1
        except Exception as error:
            ended["told"] = count > 0 and task.format.startswith("votable")
            raise self._fault(asked, error) from error

    def _fault(self, asked: Asked, error: BaseException) -> ServiceError:
        return ServiceError(asked.stop) if asked.stop else told(error, self._settings)


if __name__ == "__main__":
    child.main(_Queries)
