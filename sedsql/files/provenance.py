"""Tell where a table's classes come from in its metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sedsql.files.json import to_json

if TYPE_CHECKING:
    import pyarrow as pa
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


def provenance_of(schema: pa.Schema) -> dict[str, str]:
    """What an Arrow table's metadata say of where its classes come from."""
    text = (schema.metadata or {}).get(PROVENANCE.encode())
    about = json.loads(text) if text else {}
    return {key: said(value) for key, value in about.items()} if isinstance(about, dict) else {}


def said(value: object) -> str:
    return value if isinstance(value, str) else to_json(value)
