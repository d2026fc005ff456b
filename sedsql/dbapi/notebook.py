"""Show connections and answers in notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from sedsql.catalogue import Table

SHOWN = 20
"""Rows of an answer that a notebook shows."""

_LONGEST = 120
"""Characters of a table's description that are shown."""


def tables_html(title: str, tables: Mapping[str, Table]) -> str:
    """List tables with the number of their columns and what they are."""
    lines = [
        f"<tr><td>{escape(table.name)}</td><td>{len(table.columns)}</td><td>{escape(_short(table.description))}</td></tr>"
        for table in tables.values()
    ]
    head = "<thead><tr><th>table</th><th>columns</th><th>description</th></tr></thead>"
    return f"<div><b>{escape(title)}</b><table>{head}<tbody>{''.join(lines)}</tbody></table></div>"


def rows_html(rows: pa.Table) -> str:
    """Show up to SHOWN rows as astropy shows a table, with units; a further row says that there are more."""
    from sedsql.files import from_arrow

    names = list(rows.column_names)
    for place, name in enumerate(names):
        if name in names[:place]:
            names[place] = f"{name} ({place + 1})"
    shown = from_arrow(rows.rename_columns(names).slice(0, SHOWN))
    more = f"the first {SHOWN} rows; " if rows.num_rows > SHOWN else ""
    how = ".table(), .df(), .pl(), .arrow() and iteration give all"
    return f"{shown._repr_html_()}<div><i>{more}{how}</i></div>"


def _short(text: str | None) -> str:
    text = text or ""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
