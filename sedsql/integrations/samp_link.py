"""Stay at the SAMP hub for as long as a page is open: send tables, and gather what other programs select in them."""

from __future__ import annotations

import math
import threading
from collections import deque
from pathlib import Path
from typing import Any

from sedsql.integrations.samp import VOTABLE, SampError, chosen, library, table_message, wait_for

ROWS, POSITION = "table.select.rowList", "coord.pointAt.sky"
_KEPT = 100
"""Events that wait to be taken; older ones are forgotten."""
_MOST_ROWS = 1 << 32
"""No table has more."""


class SampLink:
    """A registration at the hub, made when it is first needed, and again where the hub has gone and come back.

    It listens on 127.0.0.1 alone. Its methods may be called by several threads.
    """

    def __init__(self, name: str = "sedsql explore"):
        self._name = name
        self._lock = threading.Lock()
        self._client: Any = None
        self._events: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._number = 0

    def programs(self) -> list[str]:
        """Names of the programs that take tables; none where no hub runs."""
        try:
            return sorted(self._listening().values())
        except SampError:
            return []

    def send(self, file: Path, title: str, table: str, to: str | None = None) -> list[str]:
        """Send a VOTable to the programs that take tables, or one of them; return their names once they have it.

        table : its identity, by which they tell what is selected in it
        """
        client = self._connected()
        listening = chosen(self._listening(), to)
        for identity, program in listening.items():
            wait_for(client.call_and_wait, identity, table_message(file, VOTABLE, title, table), program, title)
        return list(listening.values())

    def point(self, ra: float, dec: float) -> None:
        """Tell all programs to look at a position, in degrees."""
        message = {"samp.mtype": POSITION, "samp.params": {"ra": repr(ra), "dec": repr(dec)}}
        self._connected().notify_all(message)

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        """What programs selected, each event with a number above `after`.

        One of the kind 'rows' has the table, and the places of the rows in it from 0; one of the kind 'position' has ra
        and dec.
        """
        with self._lock:
            return [event for event in self._events if event["number"] > after]

    def close(self) -> None:
        """Leave the hub."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            _leave(client)

    def _connected(self) -> Any:
        samp = library()
        with self._lock:
            if self._client is not None:
                try:
                    self._client.ping()
                    return self._client
                except Exception:  # the hub is gone, or another one runs: XML-RPC has many errors
                    _leave(self._client)
                    self._client = None
            about = "Classes of sources from the shape of their SEDs"
            client = samp.SAMPIntegratedClient(self._name, about, addr="127.0.0.1")
            try:
                with samp.conf.set_temp("use_internet", False):  # it would ask a server elsewhere for its address
                    client.connect()
            except (samp.SAMPHubError, OSError):
                raise SampError("No SAMP hub is running; start TOPCAT or Aladin, and send again") from None
            for kind, take in ((ROWS, _rows), (POSITION, _position)):
                client.bind_receive_message(kind, self._receiver(client, take))
            self._client = client
            return client

    def _listening(self) -> dict[str, str]:
        client = self._connected()
        found = client.get_subscribed_clients(VOTABLE)
        return {one: client.get_metadata(one).get("samp.name", one) for one in found}

    def _receiver(self, client: Any, take: Any) -> Any:
        """What the hub calls with a message."""

        def received(key: str, sender: str, message: str | None, kind: str, params: Any, extra: Any) -> None:
            event = take(params)
            if event is not None:
                event["from"] = client.get_metadata(sender).get("samp.name", sender)
                with self._lock:
                    self._number += 1
                    self._events.append({"number": self._number, **event})
            if message is not None:  # a call, whose sender waits
                client.reply(message, {"samp.status": "samp.ok", "samp.result": {}})

        return received


def _rows(params: Any) -> dict[str, Any] | None:
    """Read a selection of rows; None where it is none of a table with an identity."""
    try:
        places = [place for text in params.get("row-list", ()) if 0 <= (place := int(text)) < _MOST_ROWS]
    except (TypeError, ValueError):
        return None
    return {"kind": "rows", "table": str(params["table-id"]), "places": places} if "table-id" in params else None


def _position(params: Any) -> dict[str, Any] | None:
    try:
        ra, dec = float(params["ra"]), float(params["dec"])
    except (KeyError, TypeError, ValueError):
        return None
    is_place = math.isfinite(ra) and abs(dec) <= 90
    return {"kind": "position", "ra": ra % 360, "dec": dec} if is_place else None


def _leave(client: Any) -> None:
    try:
        client.disconnect()
    except Exception:  # as above; nothing is left to do
        client.client.stop()
