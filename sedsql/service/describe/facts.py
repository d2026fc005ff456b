"""What the documents tell of a mirror: its tables, keys and rows, read again when the mirror was changed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sedsql.catalogue import Catalogue, Key, Table
from sedsql.mirror.database import State, open_mirror, state_of
from sedsql.mirror.declared import tables_of
from sedsql.mirror.tapschema import read_keys
from sedsql.sql_text import without_quotes


@dataclass(frozen=True)
class Facts:
    """The tables of a mirror in one of its states.

    rows : of each table that the manifest knows, by lower-case name
    """

    catalogue: Catalogue
    keys: list[Key] = field(default_factory=list)
    rows: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, mirror: Path) -> Facts:
        """Read a mirror. MirrorError where it is none."""
        with open_mirror(mirror) as con:
            rows = con.execute("SELECT lower(table_name), sum(rows)::BIGINT FROM manifest.files GROUP BY 1").fetchall()
            return cls(Catalogue.of(con), read_keys(con), dict(rows))

    def table(self, name: str) -> Table | None:
        """The table of that name, with or without quotes, in any case."""
        plain = without_quotes(name).lower()
        return next((table for table in tables_of(self.catalogue) if table.name.lower() == plain), None)


class MirrorFacts:
    """The facts of a mirror as it is now.

    Attributes
    ----------
    since : when this process began to serve it
    """

    def __init__(self, mirror: Path):
        """Read the mirror. MirrorError where it is none."""
        self.since = datetime.now(UTC)
        self._mirror, self._lock = mirror, threading.Lock()
        self._state: State | None = state_of(mirror)
        self._facts = Facts.read(mirror)

    def now(self) -> Facts:
        """The facts, read again if the mirror is another than it was."""
        state = state_of(self._mirror)
        if state in (None, self._state):
            return self._facts
        with self._lock:
            if state != self._state:
                self._facts, self._state = Facts.read(self._mirror), state
        return self._facts

    def old_schema(self) -> str | None:
        """Say that an earlier sedsql wrote TAP_SCHEMA, which does not describe itself then; None where it does."""
        known = self._facts.catalogue.tables.get("tap_schema.tables")
        if known and known.description:
            return None
        return (
            "TAP_SCHEMA of this mirror is an earlier sedsql's, which strict clients refuse; "
            f"`sedsql mirror repair {self._mirror}` renews it"
        )
