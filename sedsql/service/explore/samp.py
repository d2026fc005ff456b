"""Exchange selections with TOPCAT, Aladin and other programs of the person who looks at the page."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from secrets import token_hex
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

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
