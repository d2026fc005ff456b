"""Open a mirror in a process that serves it, and shut the process in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from sedsql import errors
from sedsql.dbapi.connection import Connection, connect
from sedsql.dbapi.cursor import Cursor
from sedsql.mirror.database import state_of
from sedsql.service.workers.lockdown import empty, lock, places
from sedsql.service.workers.settings import Settings


class OpenMirror:
    """A mirror that is open and shut in, and follows changes that others make to it.

    Attributes
    ----------
    connection, cursor : they are others where `follow` opened the mirror anew
    """

    connection: Connection
    cursor: Cursor

    def __init__(self, settings: Settings, prepare: Callable[[OpenMirror], object] = lambda mirror: None):
        """Open it.

        prepare : called with this before it is shut in
        """
        self._settings, self._prepare = settings, prepare
        empty(settings.temporary)
        self._open()

    def _open(self) -> None:
        settings = self._settings
        self._state, self._places = state_of(settings.mirror), places(settings.mirror)
        self.connection = connect(
            settings.mirror,
            models=settings.models,
            default=settings.default,
            engine=settings.engine,  # type: ignore[arg-type]
        )
        self.connection.hide("manifest")  # it tells where files lie
        self.cursor = self.connection.cursor()
        self._prepare(self)
        lock(self.connection.duckdb, settings, self._places)

    def follow(self) -> None:
        """Open the mirror anew where it now has files in folders that this process is shut out of."""
        now = state_of(self._settings.mirror)
        if now in (None, self._state):
            return
        with suppress(errors.Error):  # the query tells what is wrong with a mirror
            if not places(self._settings.mirror) <= self._places:
                self.connection.close()
                self._open()
            self._state = now
