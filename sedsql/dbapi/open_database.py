"""Share one open database between a connection and its cursors, and follow changes that others make to its mirror."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import duckdb

from sedsql.catalogue import Catalogue
from sedsql.dbapi.interrupt import TELL_PROGRESS, interruptible
from sedsql.dbapi.stored_classes import StoredClasses
from sedsql.dbapi.uploads import uploads_of
from sedsql.errors import InterfaceError
from sedsql.files.object_storage.duckdb_files import is_changed, sentence_of
from sedsql.files.object_storage.objects import AGE
from sedsql.forked import in_child, keep
from sedsql.mirror.database import State, attach_again, read_objects, state_of

T = TypeVar("T")

_ATTEMPTS = 3
"""Of a query whose files on object storage are replaced while it reads them."""


class ClosedError(InterfaceError):
    """A closed connection or cursor is used."""


class OpenDatabase:
    """A DuckDB database in which queries can be run until it is closed, in the process that opened it.

    Attributes
    ----------
    duckdb : the DuckDB connection
    catalogue : the tables and columns that ADQL can name
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        search_path: str,
        mirror: str | Path | None = None,
        state: State | None = None,
        classes: StoredClasses | None = None,
    ):
        """Take over a connection.

        search_path : of DuckDB, for the cursors
        mirror : the folder or address whose changes are followed; None where there is none, or it is open for writing
        state : the mirror's when it was opened
        classes : looks for those that the mirror has stored
        """
        self.duckdb = con
        self._classes = classes
        self._hidden: frozenset[str] = frozenset()
        self.catalogue = self._read(con)
        self._search_path = search_path
        self._mirror, self._state, self._following = mirror, state, threading.Lock()
        self._closed, self._forked = False, False
        in_child(self, OpenDatabase._leave)

    def _read(self, con: duckdb.DuckDBPyConnection) -> Catalogue:
        """Read the catalogue of the mirror, or of the empty database."""
        catalogue = Catalogue.of(con)
        return self._shown(self._classes.known(con, catalogue) if self._classes else catalogue)

    def _shown(self, catalogue: Catalogue) -> Catalogue:
        tables = catalogue.tables.items()
        return Catalogue({key: table for key, table in tables if table.parts[0].lower() not in self._hidden})

    def hide(self, schema: str) -> None:
        """Let ADQL name no table of a schema from now on."""
        self._hidden |= {schema.lower()}
        self.catalogue = self._shown(self.catalogue)

    def _leave(self) -> None:
        """Leave the database, in a child process, to the parent."""
        self._forked = True
        keep(self.duckdb)

    def new_cursor(self) -> duckdb.DuckDBPyConnection:
        """Make a DuckDB cursor, which finds the same tables and functions."""
        con = self.duckdb.cursor()
        with self._following:
            con.execute(f"SET search_path = '{self._search_path}'; {TELL_PROGRESS}")
        return con

    def follow(self, age: float = AGE) -> State | None:
        """Read the mirror as it is now, if another process has changed it since; return the state that is read.

        age : seconds for which the state of a mirror on object storage is believed
        """
        if self._mirror is None or (now := state_of(self._mirror, age)) in (None, self._state):
            return self._state
        with self._following, self.duckdb.cursor() as con:
            if now != self._state:
                attach_again(con, self._mirror)
                con.execute("USE mirror")
                read_objects(con)
                self.catalogue = Catalogue({**self._read(con).tables, **uploads_of(self.catalogue)})
                self._state = now
            return self._state

    def run(self, con: duckdb.DuckDBPyConnection, query: Callable[[], T]) -> T:
        """Run a query on `con`, and run it again where its files or tables are gone because the mirror was changed."""
        changed = 0
        while True:
            state = self.follow()
            try:
                return interruptible(con, query)
            except duckdb.Error as error:
                changed += is_changed(error)  # then the next attempt reads the object as it is now
                may_be_gone = isinstance(error, duckdb.IOException | duckdb.CatalogException | duckdb.BinderException)
                if not (may_be_gone or sentence_of(error)):
                    raise
                if not (is_changed(error) and changed < _ATTEMPTS) and self.follow(0) == state:
                    raise

    @property
    def is_closed(self) -> bool:
        """Whether it cannot be used: closed, or another process's."""
        return self._closed or self._forked

    def check_process(self) -> None:
        """Raise InterfaceError if this process was forked from the one that opened the database."""
        if self._forked:
            raise InterfaceError(
                "The connection is of the process that this one was forked from; open a new one in this process with "
                "sedsql.connect()."
            )

    def check_open(self) -> None:
        """Raise ClosedError if the database is closed, InterfaceError in a forked process."""
        self.check_process()
        if self._closed:
            raise ClosedError("The connection is closed; open a new one with sedsql.connect().")

    def close(self) -> None:
        """Close the database, and its cursors with it."""
        self._closed = True
        self.close_one(self.duckdb)

    def close_one(self, con: duckdb.DuckDBPyConnection) -> None:
        """Close the connection or one of its cursors, unless it is the parent process's."""
        if not self._forked:
            con.close()
