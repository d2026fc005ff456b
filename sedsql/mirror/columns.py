"""Choose the columns of a table that a mirror stores, with a column of HEALPix cells where the table has none."""

import pyarrow as pa

from sedsql.catalogue import Column, Table
from sedsql.catalogue.datatypes import arrow_type
from sedsql.catalogue.table import CELL_COLUMN


def as_stored(table: Table) -> Table:
    """Add the column of HEALPix cells to a table that has positions but not Gaia's source_id."""
    return table if table.has_cells or not table.position else with_cell_column(table)


def with_cell_column(table: Table) -> Table:
    """Add the column of HEALPix cells to a table."""
    return table.adding(CELL_COLUMN)


def arrow_schema(table: Table, metadata: dict[str, str] | None = None) -> pa.Schema:
    """The Arrow schema of a table; each field's metadata has its unit, UCD and description."""
    columns = table.columns.values()
    return pa.schema(
        [pa.field(column.name, arrow_type(column.datatype), metadata=_about(column)) for column in columns],
        metadata={"table": table.name, "description": table.description or "", **(metadata or {})},
    )


def _about(column: Column) -> dict[str, str]:
    about = {"unit": column.unit, "ucd": column.ucd, "description": column.description}
    return {key: value for key, value in about.items() if value}
