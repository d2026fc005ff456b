"""The open mirror of a worker, on which it runs one query after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pyarrow as pa

from sedsql import errors
from sedsql.catalogue import CLASSIFIED, PHOTOMETRY
from sedsql.dbapi.cursor import BATCH
from sedsql.service.workers import uploads
from sedsql.service.workers.messages import Task
from sedsql.service.workers.opened import OpenMirror
from sedsql.service.workers.settings import MB, Settings

_BATCH_BYTES = 16 * MB
"""Bytes of a batch, at 16 a value; a table of 5,000 columns has batches of DuckDB's least size."""
_VECTOR = 2048


class Session:
    """Runs queries on a mirror that is open and shut in."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._mirror = OpenMirror(settings)
        self._warm()

    def _warm(self) -> None:
        """Do once what the first query would wait for: the parser, the models, the reader of uploads."""
        self._mirror.connection.upload("warm", pa.table({"x": [0]}))
        self._mirror.connection.drop_upload("warm")
        # DuckDB plans a model of plain SQL for half a minute, and anew for each query.
        for table in (CLASSIFIED, PHOTOMETRY) if self._settings.engine != "sql" else ():
            with suppress(errors.Error):  # a mirror need not have them
                query = f"SELECT TOP 1 s.*, sed_class(s) AS sed_class_ FROM {table} AS s"
                self._mirror.cursor.execute(query).fetchall()

    def interrupt(self) -> None:
        """Stop the query that runs, from another thread."""
        self._mirror.cursor.interrupt()

    def run(self, task: Task, check: Callable[[], object], write: Callable[[pa.Schema, Iterator], None]) -> None:
        """Run a task's query, and hand its columns and batches to `write`.

        check : called now and then; may raise
        """
        self._mirror.follow()
        try:
            uploads.store(self._mirror.connection, task, self._settings.uploads, check)
            check()
            self._mirror.cursor.execute(task.query)
            if task.maxrec == 0:
                write(self._mirror.cursor.schema, iter(()))
                return
            columns = max(len(self._mirror.cursor.description or ()), 1)
            reader = self._mirror.cursor.batches(min(max(_BATCH_BYTES // (16 * columns), _VECTOR), BATCH))

            def batches() -> Iterator[pa.RecordBatch]:
                check()
                for batch in reader:
                    yield batch
                    check()

            write(reader.schema, batches())
        finally:
            self._let_go(task)

    def _let_go(self, task: Task) -> None:
        """Free what DuckDB has of a query that was not read to its end, and uploads: no other query is to see them."""
        self._mirror.cursor.abandon()
        if task.uploads:
            uploads.drop(self._mirror.connection)
