"""Exchange selections with TOPCAT, Aladin and other programs of the person who looks at the page."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool

from sedsql.errors import Error
from sedsql.service.errors import ServiceError
from sedsql.service.explore.explorer.binary import read
from sedsql.service.explore.in_parts import InParts
from sedsql.service.explore.session import Session

_KEPT = 16
"""Tables that were sent, in which selections are understood."""


class Link(Protocol):
    """A registration at a SAMP hub: `sedsql.integrations.samp_link.SampLink`."""

    def programs(self) -> list[str]: ...
    def send(self, file: Path, title: str, table: str, to: str | None = None) -> list[str]: ...
    def events(self, after: int = 0) -> list[dict[str, Any]]: ...


class Exchange:
    """Sends selections of results, and tells which rows of them other programs select."""

    def __init__(self, link: Link):
        self._link = link
        self._sent: OrderedDict[str, NDArray[np.uint32]] = OrderedDict()

    def programs(self) -> list[str]:
        """Names of the programs that take tables."""
        return self._link.programs()

    def send(self, file: Path, title: str, rows: NDArray[np.uint32], to: str | None = None) -> dict[str, Any]:
        """Send a VOTable, and wait until it is loaded.

        rows : the numbers that its rows have in the result
        """
        table = f"sedsql-{token_hex(8)}"
        self._sent[table] = rows
        while len(self._sent) > _KEPT:
            self._sent.popitem(last=False)
        return {"sent_to": self._link.send(file, title, table, to), "table": table}

    def events(self, after: int = 0) -> dict[str, Any]:
        """What was selected since the event of the number `after`: positions, and rows of tables that were sent."""
        events = self._link.events(after)
        told = (self._told(event) for event in events)
        return {"last": max([after, *(event["number"] for event in events)]), "events": [one for one in told if one]}

    def _told(self, event: dict[str, Any]) -> dict[str, Any] | None:
        if event["kind"] != "rows":
            return event
        rows = self._sent.get(event["table"])
        if rows is None:
            return None
        places = np.asarray(event["places"], dtype=np.int64)
        places = places[(places >= 0) & (places < len(rows))]
        return {key: event[key] for key in ("number", "kind", "table", "from")} | {"rows": rows[places].tolist()}


async def send(
    exchange: Exchange, session: Session, filter: Any, to: str | None, title: str, folder: Path, seconds: float
) -> dict[str, Any]:
    """Send the selection of a session to other programs; ServiceError where none takes it.

    folder : of the file, which is there until they have loaded it
    """
    rows = read(b"".join([part async for part in session.ask("numbers", {"filter": filter}, seconds).body()]))["rows"]
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "selection.vot"
        with path.open("wb") as file:
            written = await InParts.begin(session, {"filter": filter, "format": "votable"}, seconds)
            async for part in written.body():
                await run_in_threadpool(file.write, part)
        try:
            return await run_in_threadpool(exchange.send, path, title, rows, to)
        except Error as fault:
            raise ServiceError(f"{fault}.".replace("..", "."), 409) from None
