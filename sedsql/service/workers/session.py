"""The open mirror of a worker, on which it runs one query after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pyarrow as pa

from sedsql import errors
from sedsql.catalogue import CLASSIFIED, PHOTOMETRY
from sedsql.dbapi.connection import Connection, connect
from sedsql.dbapi.cursor import BATCH, Cursor
from sedsql.mirror.database import state_of
from sedsql.service.workers import uploads
from sedsql.service.workers.lockdown import empty, lock, places
from sedsql.service.workers.messages import Task
from sedsql.service.workers.settings import MB, Settings

_BATCH_BYTES = 16 * MB
"""Bytes of a batch, at 16 a value; a table of 5,000 columns has batches of DuckDB's least size."""
_VECTOR = 2048


class Session:
    """A mirror that is open and shut in, and follows changes that others make to it."""

    def __init__(self, settings: Settings):
        self._settings = settings
        empty(settings.temporary)
        self._open()
        self._warm()

    def _open(self) -> None:
        settings = self._settings
        self._state, self._places = state_of(settings.mirror), places(settings.mirror)
        self._connection: Connection = connect(
            settings.mirror,
            models=settings.models,
            default=settings.default,
            engine=settings.engine,  # type: ignore[arg-type]
        )
        self._connection.hide("manifest")  # it tells where files lie
        self._cursor: Cursor = self._connection.cursor()
        lock(self._connection.duckdb, settings, self._places)

    def _warm(self) -> None:
        """Do once what the first query would wait for: the parser, the models, the reader of uploads."""
        self._connection.upload("warm", pa.table({"x": [0]}))
        self._connection.drop_upload("warm")
        # DuckDB plans a model of plain SQL for half a minute, and anew for each query.
        for table in (CLASSIFIED, PHOTOMETRY) if self._settings.engine != "sql" else ():
            with suppress(errors.Error):  # a mirror need not have them
                self._cursor.execute(f"SELECT TOP 1 s.*, sed_class(s) AS sed_class_ FROM {table} AS s").fetchall()

    def interrupt(self) -> None:
        """Stop the query that runs, from another thread."""
        self._cursor.interrupt()

    def run(self, task: Task, check: Callable[[], object], write: Callable[[pa.Schema, Iterator], None]) -> None:
        """Run a task's query, and hand its columns and batches to `write`.

        check : called now and then; may raise
        """
        self._follow()
        try:
            uploads.store(self._connection, task, self._settings.uploads, check)
            check()
            self._cursor.execute(task.query)
            if task.maxrec == 0:
                write(self._cursor.schema, iter(()))
                return
            columns = max(len(self._cursor.description or ()), 1)
            reader = self._cursor.batches(min(max(_BATCH_BYTES // (16 * columns), _VECTOR), BATCH))

            def batches() -> Iterator[pa.RecordBatch]:
                check()
                for batch in reader:
                    yield batch
                    check()

            write(reader.schema, batches())
        finally:
            self._let_go(task)

    def _follow(self) -> None:
        """Open the mirror anew where it now has files in folders that this session is shut out of."""
        now = state_of(self._settings.mirror)
        if now in (None, self._state):
            return
        with suppress(errors.Error):  # the query tells what is wrong with a mirror
            if not places(self._settings.mirror) <= self._places:
                self._connection.close()
                self._open()
            self._state = now

    def _let_go(self, task: Task) -> None:
        """Free what DuckDB has of a query that was not read to its end, and uploads: no other query is to see them."""
        self._cursor.abandon()
        if task.uploads:
            uploads.drop(self._connection)
