"""Describe the columns of a result, and know their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sedsql import catalogue
from sedsql.catalogue.datatypes import DATATYPES, tap_type
from sedsql.errors import did_you_mean
from sedsql.service.errors import ServiceError

Kind = Literal["number", "text", "boolean", "time"]

_KINDS: dict[str, Kind] = {"VARCHAR": "text", "BOOLEAN": "boolean", "TIMESTAMP": "time", "DATE": "time"}
_EXACT = ("BIGINT", "HUGEINT", "UBIGINT", "UHUGEINT", "DECIMAL")
"""Types of DuckDB with numbers that JavaScript does not hold, such as a source_id."""


@dataclass(frozen=True)
class Column(catalogue.Column):
    """A column of a result.

    duckdb : the type, as DuckDB calls it
    """

    duckdb: str = ""

    @property
    def kind(self) -> Kind:
        if self.datatype in _KINDS:
            return _KINDS[self.datatype]
        return "number" if self.datatype in DATATYPES else "text"

    @property
    def bytes(self) -> int:
        """Of a value, about."""
        return DATATYPES[self.datatype].bytes if self.datatype in DATATYPES else 64

    @property
    def is_exact(self) -> bool:
        """Whether its numbers are sent as text, so that no digit is lost."""
        return self.duckdb.startswith(_EXACT)

    def as_json(self) -> dict[str, Any]:
        about = {key: getattr(self, key) for key in ("name", "datatype", "unit", "ucd", "description", "kind")}
        return {**about, "text": self.is_exact} if self.kind == "number" else about


class Columns:
    """The columns of a result, by name, in their order."""

    def __init__(self, columns: list[Column]):
        self._columns = {column.name: column for column in columns}

    @classmethod
    def of(cls, description: list[tuple[str, str]], known: Mapping[str, Any]) -> Columns:
        """The columns with these names and types of DuckDB's, and what the catalogue knows of them."""
        found = []
        for name, kind in description:
            about = known.get(name.lower())
            told = {key: getattr(about, key, None) for key in ("unit", "ucd", "description")}
            found.append(Column(name, tap_type(kind), **told, duckdb=kind))
        return cls(found)

    def as_json(self) -> list[dict[str, Any]]:
        return [column.as_json() for column in self]

    def __iter__(self) -> Iterator[Column]:
        return iter(self._columns.values())

    def find(self, name: str) -> Column | None:
        """The column of a name in any case."""
        return next((column for column in self if column.name.lower() == name.lower()), None)

    def of_name(self, name: str, what: str) -> Column:
        """The column of just this name. ServiceError where there is none."""
        if name not in self._columns:
            hint = did_you_mean(name[:60], list(self._columns)[:20])
            raise ServiceError(f"{what}: the result has no column {name[:60]!r}; {hint}")
        return self._columns[name]

    def number(self, name: str, what: str) -> Column:
        """The column of this name, which holds numbers."""
        column = self.of_name(name, what)
        if column.kind != "number":
            raise ServiceError(f"{what}: the column {name[:60]!r} holds no numbers; choose one that does.")
        return column
