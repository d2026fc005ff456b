"""Show the rows of a query in a notebook, in the views of the page; what is selected there comes back as a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import anywidget
import pyarrow as pa
import traitlets

from sedsql.dbapi.connection import Connection
from sedsql.errors import InterfaceError
from sedsql.files import from_arrow
from sedsql.service.errors import ServiceError
from sedsql.service.explore.in_process import InProcess, Message

if TYPE_CHECKING:
    from astropy.table import Table

PAGE = Path(__file__).parent / "page"

_widgets: WeakKeyDictionary[Connection, ref[Exploration]] = WeakKeyDictionary()
"""The widget of each connection: its result is a table of the connection, so a new one takes the place of another."""


class Exploration(anywidget.AnyWidget):
    """The views of the page, in a notebook; `sedsql.explore` makes it.

    Attributes
    ----------
    filter : what is selected in the views, as the page says it
    """

    start = traitlets.Dict().tag(sync=True)
    filter: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, connection: Connection, query: str):
        files = {"_esm": PAGE / "widget.js", "_css": PAGE / "widget.css"}
        for name, file in files.items():
            if not file.is_file():
                raise InterfaceError(
                    "The page has not been built: run `make page`, which needs Node.js, in the checkout of sedsql; a "
                    "wheel has it."
                )
            setattr(self, name, file.read_text(encoding="utf-8"))
        super().__init__(start={"query": query})
        before = _widgets.get(connection)
        if before and (other := before()):
            other.close()
        _widgets[connection] = ref(self)
        self._answers = InProcess(connection, self.send)
        self.on_msg(self._receive)

    def _receive(self, widget: Any, message: Message, buffers: list[bytes]) -> None:
        self._answers.receive(message)

    def selection(self) -> Table:
        """The selected rows as an astropy table; all rows of the result where nothing is selected."""
        _, data = self._told(lambda: self._answers.export(filter=self.filter, format="arrow"))
        return from_arrow(pa.ipc.open_stream(data).read_all())

    def adql(self) -> str:
        """The query, with the selection as its WHERE."""
        _, data = self._told(lambda: self._answers.ask("where", filter=self.filter))
        return str(json.loads(data)["adql"])

    def _told(self, asked: Callable[[], tuple[str, bytes]]) -> tuple[str, bytes]:
        try:
            return asked()
        except ServiceError as fault:
            raise InterfaceError(fault.message) from None

    def close(self) -> None:
        """End it; its views are not answered any more."""
        if answers := self.__dict__.get("_answers"):
            answers.close()
        super().close()
