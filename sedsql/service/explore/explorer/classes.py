"""The classes of a result: those that the query has, or those that the models give its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from sedsql.photometry.classes import MEANINGS, PARENTS, written_path
from sedsql.photometry.looks import BRANCHES, CLASSES, looks
from sedsql.service.errors import ServiceError
from sedsql.service.explore.explorer.columns import Columns
from sedsql.sql_text import identifier, literal

NONE = 255
"""The code of a row without a class."""
MOST = 64
"""Classes that are told apart; rows of others, the rarest, have none."""
CLASS = "class"
PROBABILITIES = ("probability", "class_probability")
LACKING = (
    "The result has no classes: select the column class of sed.classified, or source_id, or the ten magnitudes of "
    "sed.photometry."
)


@dataclass(frozen=True)
class Classes:
    """The classes of the rows of a result, whose codes are their places in `names`.

    probability : the name of the column of their probabilities
    note : where they come from, or why there are none
    """

    names: tuple[str, ...] = ()
    probability: str | None = None
    column: str | None = None
    note: str = ""

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection, table: str, columns: Columns, note: str) -> Classes:
        """Find the classes in the rows of a table."""
        column = columns.find(CLASS)
        if column is None or column.kind != "text":
            return cls(note=note or LACKING)
        rows = con.execute(
            f"SELECT {identifier(column.name)}::VARCHAR AS c, count(*) AS n FROM {table} WHERE c IS NOT NULL "
            f"GROUP BY c ORDER BY n DESC, c LIMIT {MOST + 1}"
        ).fetchall()
        found = [str(name) for name, _ in rows]
        if len(found) > MOST:
            found.pop()
            note = f"The result has more than {MOST} classes; the rarest are drawn without one."
        known = [*CLASSES, *BRANCHES]
        names = [name for name in known if name in found] + [name for name in found if name not in known]
        there = (columns.find(name) for name in PROBABILITIES)
        probability = next((one.name for one in there if one and one.kind == "number"), None)
        return cls(tuple(names), probability, column.name, note)

    @property
    def count(self) -> int:
        """Classes, and one more for rows without."""
        return len(self.names) + 1

    def code_sql(self) -> str:
        """Write the code of a row's class; the number of classes where it has none."""
        if self.column is None or not self.names:
            return f"{len(self.names)}::UTINYINT"
        values = ", ".join(map(literal, self.names))
        return (
            f"coalesce(enum_code(TRY_CAST({identifier(self.column)} AS ENUM({values})))::UTINYINT, "
            f"{len(self.names)}::UTINYINT)"
        )

    def code(self, name: str | None) -> int:
        """The code of a class; None is of the rows that have none."""
        if name is None:
            return len(self.names)
        if name not in self.names:
            known = ", ".join(self.names) or "none"
            raise ServiceError(f"The result has no class {name[:60]!r}; it has {known}.")
        return self.names.index(name)

    def as_json(self) -> list[dict[str, Any]]:
        found = looks(self.names)
        return [{"name": name, **look(name, found[name])} for name in self.names]


def look(name: str, style: tuple[str, str]) -> dict[str, Any]:
    """How a class is shown."""
    colour, marker = style
    told = {"path": written_path(name, PARENTS), "means": MEANINGS.get(name)}
    return {**told, "colour": colour, "marker": marker}
