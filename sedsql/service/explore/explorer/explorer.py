"""Answer what a page asks of its session, one request after another."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Protocol

import duckdb

from sedsql.dbapi.connection import Connection
from sedsql.dbapi.cursor import Cursor
from sedsql.dbapi.module import own_errors
from sedsql.files.json import to_json
from sedsql.files.streams import stream_format
from sedsql.photometry.bands import COLUMNS
from sedsql.service.errors import ServiceError
from sedsql.service.explore.explorer import binary, notebook, result, rows
from sedsql.service.explore.explorer.any_rows import NOTE, takes_any_rows
from sedsql.service.explore.explorer.drawn import Drawn
from sedsql.service.explore.explorer.export import numbers, writer_of
from sedsql.service.explore.explorer.fields import boolean_of, list_of, only, text_of, whole_of
from sedsql.service.explore.explorer.filters import condition
from sedsql.service.explore.explorer.pictures import Pictures
from sedsql.service.explore.explorer.result import SCHEMA, Result
from sedsql.service.explore.explorer.source import Sources, labelled, warm
from sedsql.service.explore.explorer.views import views_of
from sedsql.service.explore.explorer.where import where
from sedsql.service.explore.explorer.writing import Files
from sedsql.service.workers.answer import Sink
from sedsql.service.workers.child import Asked, Send
from sedsql.service.workers.faults import LimitError, told
from sedsql.service.workers.frames import DATA, END, ERROR, HEAD
from sedsql.service.workers.settings import Settings

JSON, NDJSON = "application/json", "application/x-ndjson"
_PROGRESS = 0.5
"""Seconds between two lines that tell how far a query is."""

Values = dict[str, Any]
Answer = tuple[str, list[bytes]]
"""The Content-Type, and the bytes."""


class Mirror(Protocol):
    """A mirror that is open."""

    connection: Connection
    cursor: Cursor

    def follow(self) -> None:
        """Follow changes that others make to it."""


class Explorer:
    """A mirror that is open, and the result of the last query in it."""

    def __init__(self, mirror: Mirror, settings: Settings, send: Send):
        """Begin.

        mirror : after `prepare`
        """
        self._mirror, self._settings, self._send = mirror, settings, send
        self._result: Result | None = None
        self._pictures: Pictures | None = None
        self._sources: Sources | None = None
        self._draws_points = False
        self._files = Files()
        self._sink: Sink | None = None
        threading.Thread(target=warm, daemon=True).start()

    def interrupt(self) -> None:
        self._mirror.cursor.interrupt()

    def run(self, asked: Asked) -> tuple[bytes, dict[str, object]]:
        """Answer a request."""
        self._sink = None
        try:
            request = json.loads(asked.content)
            with own_errors():
                mime, parts = _OPERATIONS[request["operation"]](self, request["values"], asked)
            for part in parts:
                self._begun(mime).write(part)
            self._flush()
            return END, {}
        except BaseException as error:
            fault = ServiceError(asked.stop) if asked.stop else told(error, self._settings)
            limit = isinstance(fault, LimitError)
            return ERROR, {"error": fault.message, "status": fault.status, "limit": limit, "place": fault.place}

    def _begun(self, mime: str) -> Sink:
        """What the bytes of the answer are written to; its head is sent before the first of them."""
        if self._sink is None:
            self._sink = Sink(lambda: self._send(HEAD, mime.encode()), lambda data: self._send(DATA, data))
        return self._sink

    def _flush(self) -> None:
        if self._sink:
            self._sink.flush()

    def _query(self, values: Values, asked: Asked) -> Answer:
        only(values, ("query", "rows", "points"), "The request")
        query = text_of(values.get("query"), "query")
        began, before = monotonic(), self._mirror.connection
        self._mirror.follow()
        if self._mirror.connection is not before:
            self._forget()  # what was in the memory of the one before
        with self._telling():
            incoming = result.fetch(
                self._mirror.connection, self._con, query, values["rows"], asked.check, self._make_room
            )
            self._forget()
            made = result.take(self._con, incoming, monotonic() - began)
            self._result, self._draws_points = made, made.rows <= values["points"]
        return NDJSON, [_line({"result": made.as_json()})]

    def _make_room(self) -> None:
        """Give up a large result before the next one comes; a small one stays, for the next one may fail."""
        if self._result and self._result.bytes > self._settings.memory // 4:
            self._forget()
            result.drop(self._con)

    def _forget(self) -> None:
        self._result = self._pictures = self._sources = None

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Tell now and then how far the query in this block is."""
        began, done = monotonic(), threading.Event()

        def tell() -> None:
            while not done.wait(_PROGRESS):
                share = self._mirror.cursor.progress() / 100
                seconds = round(monotonic() - began, 1)
                line = _line({"progress": share if 0 <= share <= 1 else None, "seconds": seconds})
                self._begun(NDJSON).write(line)
                self._flush()

        telling = threading.Thread(target=tell, daemon=True)
        telling.start()
        try:
            yield
        finally:
            done.set()
            telling.join()

    def _check(self, values: Values, asked: Asked) -> Answer:
        only(values, ("query",), "The request")
        self._mirror.follow()
        query = text_of(values.get("query"), "query")
        return _json({"ok": True, "columns": result.columns_of(self._mirror.connection, query).as_json()})

    def _axes(self, values: Values, asked: Asked) -> Answer:
        only(values, ("views", "points"), "The request")
        made = self._kept
        points = self._draws_points and boolean_of(values.get("points", True), "points")
        views = views_of(values.get("views"), made.columns, made.classes.count)
        self._pictures = None
        self._pictures = Pictures(self._con, Drawn.make(self._con, made, views), points)
        return binary.MIME, self._pictures.whole()

    def _select(self, values: Values, asked: Asked) -> Answer:
        only(values, ("filter",), "The request")
        shown = self._shown
        return binary.MIME, shown.selection(condition(values.get("filter"), shown.drawn))

    def _rows(self, values: Values, asked: Asked) -> Answer:
        return JSON, [rows.rows(self._con, self._drawn, values)]

    def _pick(self, values: Values, asked: Asked) -> Answer:
        return _json(rows.pick(self._con, self._drawn, values))

    def _source(self, values: Values, asked: Asked) -> Answer:
        only(values, ("row", "without", "training", "label"), "The request")
        made = self._kept
        row = whole_of(values.get("row"), "row", 0, made.rows - 1)
        without = [text_of(one, "without") for one in list_of(values.get("without", []), "without", len(COLUMNS))]
        if self._sources is None:
            near = labelled(values["training"], values["label"]) if values.get("training") else None
            by_row = made.asked.by == "row"
            models = made.asked.translation.models
            self._sources = Sources(self._mirror.cursor, made.columns, models, by_row=by_row, labelled=near)
        return _json({"row": row, **self._sources.tell(rows.values(self._con, made.columns, row), without)})

    def _where(self, values: Values, asked: Asked) -> Answer:
        only(values, ("filter", "url"), "The request")
        adql = self._adql(values)
        url = values.get("url")
        cell = notebook.cell(adql, url=url) if url else notebook.cell(adql, mirror=self._settings.mirror)
        return _json({"adql": adql, "notebook": cell, "note": NOTE if takes_any_rows(adql) else None})

    def _adql(self, values: Values) -> str:
        """The query with the selection as its WHERE."""
        drawn = self._drawn
        condition(values.get("filter"), drawn)
        return where(self._mirror.connection, self._con, drawn.result, drawn.views, values["filter"])

    def _export(self, values: Values, asked: Asked) -> Answer:
        only(values, ("filter", "format"), "The request")
        drawn = self._drawn
        chosen = condition(values.get("filter"), drawn)
        format = stream_format(text_of(values.get("format"), "format"))
        try:
            query = self._adql(values)
        except ServiceError:  # sources that were chosen one by one, for which there is no ADQL
            query = drawn.result.asked.with_classes
        write = writer_of(self._con.cursor(), drawn.result, chosen, query, format)
        return _json({"number": self._files.begin(write), "mime": format.mime})

    def _part(self, values: Values, asked: Asked) -> Answer:
        only(values, ("number",), "The request")
        return binary.MIME, [self._files.part(whole_of(values.get("number"), "number", 1, 1 << 40))]

    def _stop(self, values: Values, asked: Asked) -> Answer:
        only(values, ("number",), "The request")
        self._files.stop(whole_of(values.get("number"), "number", 1, 1 << 40))
        return _json({})

    def _numbers(self, values: Values, asked: Asked) -> Answer:
        only(values, ("filter",), "The request")
        chosen = condition(values.get("filter"), self._drawn)
        arrays = binary.Arrays()
        head = {"rows": arrays.add(numbers(self._con, chosen))}
        return binary.MIME, arrays.body(head)

    @property
    def _con(self) -> duckdb.DuckDBPyConnection:
        return self._mirror.cursor.duckdb

    @property
    def _shown(self) -> Pictures:
        """Pictures of the last `axes`, or without views before it."""
        if self._pictures is None:
            self._pictures = Pictures(self._con, Drawn.make(self._con, self._kept, {}), points=False)
        return self._pictures

    @property
    def _drawn(self) -> Drawn:
        return self._shown.drawn

    @property
    def _kept(self) -> Result:
        if self._result is None:
            raise ServiceError("There is no result yet; run a query first.", 409)
        return self._result


_OPERATIONS: dict[str, Callable[[Explorer, Values, Asked], Answer]] = {
    "query": Explorer._query,
    "check": Explorer._check,
    "axes": Explorer._axes,
    "select": Explorer._select,
    "rows": Explorer._rows,
    "pick": Explorer._pick,
    "source": Explorer._source,
    "where": Explorer._where,
    "export": Explorer._export,
    "part": Explorer._part,
    "stop": Explorer._stop,
    "numbers": Explorer._numbers,
}


def prepare(mirror: Mirror) -> None:
    """Make what an explorer needs in an open mirror that is not shut in yet."""
    mirror.cursor.duckdb.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    # Else DuckDB's allocator keeps the memory of results that are gone, and takes more for the next one.
    mirror.connection.duckdb.execute("SET allocator_bulk_deallocation_flush_threshold = '16MB'")
    mirror.connection.duckdb.execute("SET allocator_background_threads = true")


def _json(value: Any) -> Answer:
    return JSON, [to_json(value).encode()]


def _line(value: Any) -> bytes:
    return to_json(value).encode() + b"\n"
