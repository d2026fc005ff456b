"""Add the classes of the models to a query that has none."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

from sedsql.adql import AdqlError, Translation
from sedsql.catalogue import PHOTOMETRY
from sedsql.dbapi.connection import Connection
from sedsql.photometry.bands import COLUMNS
from sedsql.service.explore.explorer.classes import CLASS, LACKING
from sedsql.service.explore.explorer.nested import nested

Way = Literal["query", "row", "source_id"]


@dataclass(frozen=True)
class Asked:
    """A query, and what is run for it.

    adql : of the user
    with_classes : the ADQL with classes; the same where it has them, or cannot
    translation : of that
    columns : names of the query's own columns, in lower case
    by : where classes come from: the query itself, the magnitudes of its rows, or those of `sed.photometry`
    note : says so to the user
    """

    adql: str
    with_classes: str
    translation: Translation
    columns: Set[str]
    by: Way = "query"
    note: str = ""


def with_classes(connection: Connection, query: str) -> Asked:
    """Add the columns class and probability where a query lacks them and the models can give them.

    AdqlError where the query is not good.
    """
    connection.follow()
    made = connection.translation(query, ())
    described = connection.duckdb.execute(f"DESCRIBE {made.sql}").fetchall()
    names = {str(name).lower() for name, *_ in described}
    if CLASS in names:
        return Asked(query, query, made, names)
    added = {CLASS: "sed_class", "probability": "sed_probability"}
    head, table, name = nested(query)
    by: Way
    if set(COLUMNS) <= names:
        by, row = "row", name
        note = "Classes were added by the models, from the magnitudes of the result."
    elif "source_id" in names and PHOTOMETRY in connection.catalogue.tables:
        by, row = "source_id", f"{name}_photometry"
        table += f" LEFT JOIN {PHOTOMETRY} AS {row} ON {name}.source_id = {row}.source_id"
        note = (
            f"Classes were added by the models, from the magnitudes of {PHOTOMETRY} by source_id; rows come in any "
            "order."
        )
    else:
        return Asked(query, query, made, names, note=LACKING)
    calls = [f"{function}({row}) AS {column}" for column, function in added.items() if column not in names]
    wrapped = f"{head}SELECT {name}.*, {', '.join(calls)} FROM {table}"
    try:
        return Asked(query, wrapped, connection.translation(wrapped, ()), names, by, note)
    except AdqlError:
        return Asked(query, query, made, names, note=LACKING)
