"""Tell where a table's classes come from in its metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sedsql.files.json import to_json

if TYPE_CHECKING:
    from astropy.table import Table

PROVENANCE = "sedsql"
"""Of a dictionary in astropy's and pandas' metadata, and of its JSON in Arrow's and Parquet's."""


def apart(table: Table) -> tuple[Table, Mapping]:
    """Take apart a table without PROVENANCE, and what that says."""
    about = table.meta.get(PROVENANCE)
    if not isinstance(about, dict):
        return table, {}
    table = table.copy(copy_data=False)
    table.meta = {key: value for key, value in table.meta.items() if key != PROVENANCE}
    return table, about


def said(value: object) -> str:
    return value if isinstance(value, str) else to_json(value)
