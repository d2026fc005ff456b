"""Answer what the page asks in this very process, without a server: in a notebook's kernel, over its own channel."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from sedsql.dbapi.connection import Connection
from sedsql.dbapi.cursor import Cursor
from sedsql.inference.strict_json import parsed_object
from sedsql.service.describe.facts import Facts
from sedsql.service.errors import ServiceError
from sedsql.service.explore.about import about
from sedsql.service.explore.explorer.explorer import JSON, NDJSON, Explorer, prepare
from sedsql.service.explore.explorer.result import columns_of
from sedsql.service.explore.explorer.writing import LAST
from sedsql.service.explore.region import region_of
from sedsql.service.explore.settings import ExploreSettings
from sedsql.service.workers import Settings
from sedsql.service.workers.child import Asked
from sedsql.service.workers.faults import told
from sedsql.service.workers.frames import DATA, END

SESSION = "notebook"
"""The id of the one session."""

_DEEPEST = 12
_AGAIN = 0.02
_STOPPED = "The query was stopped."

Message = dict[str, Any]
Tell = Callable[[Message, list[bytes]], object]
"""Sends a message with its buffers to the page."""


class _Open:
    """A user's own connection, which follows its mirror by itself."""

    def __init__(self, connection: Connection):
        self.connection: Connection = connection
        self.cursor: Cursor = connection.cursor()

    def follow(self) -> None:
        """Nothing: cursors of the connection do."""


class _Task(Asked):
    """An operation that is done, or is going to be, and the answer to it."""

    def __init__(self, operation: str, values: Message, number: int | None = None):
        """number : of the message that asks for it"""
        super().__init__(json.dumps({"operation": operation, "values": values}).encode())
        self.operation, self.number = operation, number
        self.answer: Future[tuple[str, bytes]] = Future()


class InProcess:
    """A connection that a page explores: messages of the page come in, and answers go out.

    Operations on the result are done in a thread, one after another; what needs no result is answered at once, so that
    a query that runs can be stopped, and the next one be checked, meanwhile.
    """

    def __init__(self, connection: Connection, tell: Tell):
        """Begin to answer.

        tell : called in any thread
        """
        self._tell = tell
        mirror = _Open(connection)
        prepare(mirror)
        self._connection = connection
        place = connection.mirror or Path()
        self._process = Settings(place, Path(gettempdir()))
        self._settings = ExploreSettings(self._process)
        self._explorer = Explorer(mirror, self._process, self._take)
        self._tasks: queue.Queue[_Task | None] = queue.Queue()
        self._waiting: dict[int, _Task] = {}
        self._current: _Task | None = None
        self._mime, self._parts, self._rest = "", list[bytes](), b""
        threading.Thread(target=self._work, daemon=True).start()

    def receive(self, message: Message) -> None:
        """Answer a message of the page."""
        if "cancel" in message:
            self._cancel(self._waiting.get(message["cancel"]))
            return
        number = message["id"]
        try:
            self._route(number, message.get("path", ""), message.get("body") or {})
        except Exception as error:
            fault = told(error, self._process)
            self._tell({"id": number, "status": fault.status, "json": _error(fault)}, [])

    def ask(self, operation: str, **values: Any) -> tuple[str, bytes]:
        """Do an operation, and wait for its answer: a Content-Type and bytes. ServiceError where it cannot be done."""
        task = _Task(operation, values)
        self._tasks.put(task)
        try:
            return task.answer.result()
        except KeyboardInterrupt:
            self._cancel(task)
            raise

    def export(self, **values: Any) -> tuple[str, bytes]:
        """Write selected rows; gives the Content-Type and the bytes. ServiceError where that cannot be done."""
        begun = json.loads(self.ask("export", **values)[1])
        parts = list[bytes]()
        try:
            while not parts or parts[-1][:1] != LAST:
                parts.append(self.ask("part", number=begun["number"])[1])
        except BaseException:
            self.ask("stop", number=begun["number"])
            raise
        return begun["mime"], b"".join(part[1:] for part in parts)

    def close(self) -> None:
        """End the thread, once what it does is done."""
        for task in list(self._waiting.values()):
            self._cancel(task)
        self._tasks.put(None)

    def _route(self, number: int, path: str, body: Message) -> None:
        body = parsed_object(json.dumps(body).encode(), _DEEPEST)
        place, _, parameters = path.partition("?")
        *before, operation = place.split("/")
        if before == ["sessions", SESSION]:
            if operation == "cancel":
                self._cancel(self._current)
                self._tell({"id": number, "status": 204}, [])
                return
            if operation == "export":
                threading.Thread(target=self._file, args=(number, body), daemon=True).start()
                return
            limits = {"rows": self._settings.rows, "points": self._settings.points}
            more = limits if operation == "query" else {"points": False} if parameters == "points=0" else {}
            task = self._waiting[number] = _Task(operation, {**body, **more}, number)
            self._tasks.put(task)
        elif place == f"sessions/{SESSION}":  # its end; the widget's own is what counts
            self._tell({"id": number, "status": 204}, [])
        else:
            self._tell({"id": number, "status": 200, "json": self._quick(place, body)}, [])

    def _file(self, number: int, values: Message) -> None:
        """Answer with a file, in a thread: other operations are done between its parts."""
        try:
            mime, data = self.export(**values)
            self._tell({"id": number, "status": 200, "mime": mime}, [data])
        except Exception as error:
            fault = told(error, self._process)
            self._tell({"id": number, "status": fault.status, "json": _error(fault)}, [])

    def _quick(self, place: str, body: Message) -> Message:
        """Answer what needs no result."""
        if place == "about":
            return about(_facts(self._connection), self._settings, answering=self._connection.answering)
        if place == "sessions":
            return {"id": SESSION}
        try:
            if place == "check":
                return {"ok": True, "columns": columns_of(self._connection, str(body.get("query"))).as_json()}
            if place == "region":
                return region_of(str(body.get("text")))
        except Exception as error:
            return {**({"ok": False} if place == "check" else {}), **_error(told(error, self._process))}
        raise ServiceError(f"There is no {place[:80]!r} here.", 404)

    def _cancel(self, task: _Task | None) -> None:
        if task is None:
            return
        task.stop = _STOPPED
        while task is self._current and not task.done.wait(_AGAIN):
            self._explorer.interrupt()  # again and again, as DuckDB hears it only while it computes

    def _work(self) -> None:
        while task := self._tasks.get():
            self._current = task
            self._mime, self._rest = "", b""
            self._parts.clear()
            kind, values = self._explorer.run(task)
            self._current = None
            task.done.set()
            if task.number is not None:
                self._waiting.pop(task.number, None)
            self._end(task, ServiceError(values["error"], values["status"]) if kind != END else None, values)  # type: ignore[arg-type]

    def _take(self, kind: bytes, content: bytes | memoryview) -> None:
        """Take a frame that the explorer sends: the Content-Type, or bytes; lines go on at once."""
        if kind != DATA:
            self._mime = bytes(content).decode()
        elif self._mime == NDJSON and self._current and self._current.number is not None:
            *lines, self._rest = (self._rest + bytes(content)).split(b"\n")
            for line in filter(None, lines):
                self._tell({"id": self._current.number, "line": json.loads(line)}, [])
        else:
            self._parts.append(bytes(content))

    def _end(self, task: _Task, fault: ServiceError | None, values: Message) -> None:
        if fault:
            with suppress(Exception):
                task.answer.set_exception(fault)
        else:
            task.answer.set_result((self._mime, b"".join(self._parts)))
        if task.number is None:
            return
        answer: Message = {"id": task.number, "status": fault.status if fault else 200}
        error = {"error": _told_of(values, stopped=bool(task.stop))} if fault else None
        data = b"".join(self._parts)
        if task.operation == "query":
            if error:
                self._tell({"id": task.number, "line": error}, [])
            self._tell({**answer, "status": 200, "end": True}, [])
        elif error:
            self._tell({**answer, "json": error}, [])
        elif self._mime == JSON:
            self._tell({**answer, "json": json.loads(data)}, [])
        else:
            self._tell({**answer, "mime": self._mime}, [data])


def _facts(connection: Connection) -> Facts:
    """What the page is told of the tables of a connection."""
    if connection.mirror is None:
        return Facts(connection.catalogue)
    return Facts(connection.catalogue, rows=Facts.read(connection.mirror).rows)


def _told_of(values: Message, *, stopped: bool) -> Message:
    place = values["place"]._asdict() if values.get("place") else {}
    return {"message": values["error"], **place, **({"cancelled": True} if stopped else {})}


def _error(fault: ServiceError) -> Message:
    return {"error": {"message": fault.message, **(fault.place._asdict() if fault.place else {})}}
