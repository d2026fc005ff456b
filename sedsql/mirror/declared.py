"""Say how TAP declares a mirror's tables and columns, for TAP_SCHEMA and the VOSI tables, which must agree."""

from collections.abc import Iterable
from typing import NamedTuple

from sedsql.adql.parser.identifiers import quoted
from sedsql.catalogue import Catalogue, Column, Key, Table, table_of
from sedsql.catalogue.datatypes import DATATYPES
from sedsql.mirror.manifest import OWN_SCHEMAS

OWN = "tap_schema"


class Declared(NamedTuple):
    """A column as TAP declares it (TAP 1.1, Section 4.3); its name as a query writes it, with quotes where it needs
    them."""

    name: str
    datatype: str
    arraysize: str | None
    xtype: str | None
    unit: str | None
    ucd: str | None
    description: str | None
    indexed: bool
    std: bool


def declared(column: Column, table: Table) -> Declared:
    """Declare a column of a table."""
    return Declared(
        quoted(column.name),
        *_types(column.datatype),
        column.unit,
        column.ucd,
        column.description,
        column.name == table.sort_column,
        table.parts[0] == OWN,
    )


_TIMES = ("TIMESTAMP", "DATE")


def _types(datatype: str) -> tuple[str, str | None, str | None]:
    """The datatype, arraysize and xtype of VOTable for a type of the catalogue, as in answers (`files.streams`)."""
    base = datatype.removesuffix("[]")
    known = DATATYPES.get(base)
    if known and known.votable != "char":
        return known.votable, "*" if base != datatype else None, None
    if datatype in _TIMES:
        return "char", "*", "timestamp"
    return ("unsignedByte" if datatype == "BLOB" else "unicodeChar"), "*", None


def name_of(table: Table) -> str:
    """Write the name of a table as a query writes it."""
    schema, name = table.parts
    return f"{quoted(schema)}.{quoted(name)}" if table.name == f"{schema}.{name}" else quoted(name)


def shown_columns(table: Table) -> list[Column]:
    """The columns that `*` selects."""
    return [column for column in table.columns.values() if column.name not in table.hidden]


def tables_of(catalogue: Catalogue) -> list[Table]:
    """The tables that a service of the mirror has: the archive's, the user's own, and TAP_SCHEMA's."""
    found = [table for table in catalogue.tables.values() if table.parts[0].lower() not in (*OWN_SCHEMAS, "tap_upload")]
    return [*found, *TAP_SCHEMA.values()]


def by_schema(tables: Iterable[Table]) -> dict[str, list[Table]]:
    """Sort tables by the name of their schema."""
    found: dict[str, list[Table]] = {}
    for table in tables:
        found.setdefault(quoted(table.parts[0]), []).append(table)
    return found


SCHEMA_DESCRIPTIONS = {OWN: "What this service tells of its tables (TAP 1.1, Section 4)"}

# Name, datatype, description (TAP 1.1, Section 4).
_SCHEMAS = """
schema_name | VARCHAR | Name of the schema
utype | VARCHAR | What a data model calls the schema
description | VARCHAR | What the schema holds
schema_index | INTEGER | Where it stands among the schemas
"""
_TABLES = """
schema_name | VARCHAR | Schema of the table
table_name | VARCHAR | Name of the table, as a query writes it
table_type | VARCHAR | table or view
utype | VARCHAR | What a data model calls the table
description | VARCHAR | What the table holds
table_index | INTEGER | Where it stands among the tables
"""
_COLUMNS = """
table_name | VARCHAR | Table of the column
column_name | VARCHAR | Name of the column, as a query writes it
datatype | VARCHAR | Type of the values, in VOTable's words
arraysize | VARCHAR | How many values there are in a row; * for text and lists
xtype | VARCHAR | What text stands for, such as timestamp
size | INTEGER | Not used since TAP 1.1; see arraysize
description | VARCHAR | What the column holds
utype | VARCHAR | What a data model calls the column
unit | VARCHAR | Unit of the values
ucd | VARCHAR | What the values are, as a UCD
indexed | INTEGER | 1 if conditions on the column are fast
principal | INTEGER | 1 if the column is among the main ones
std | INTEGER | 1 if a standard defines the column
column_index | INTEGER | Where it stands in the table
"""
_KEYS = """
key_id | VARCHAR | Number of the key
from_table | VARCHAR | Table that has the key
target_table | VARCHAR | Table that it points to
description | VARCHAR | What the key means
utype | VARCHAR | What a data model calls the key
"""
_KEY_COLUMNS = """
key_id | VARCHAR | Number of the key
from_column | VARCHAR | Column of the table that has the key
target_column | VARCHAR | Column of the table that it points to
"""


def _table(name: str, description: str, text: str) -> Table:
    lines = [[part.strip() for part in line.split("|")] for line in text.strip().splitlines()]
    columns = [Column(column, datatype, None, None, about) for column, datatype, about in lines]
    return table_of(f"{OWN}.{name}", description, columns)


TAP_SCHEMA: dict[str, Table] = {
    "schemas": _table("schemas", "The schemas that tables are in", _SCHEMAS),
    "tables": _table("tables", "The tables that queries can name", _TABLES),
    "columns": _table("columns", "The columns of the tables", _COLUMNS),
    "keys": _table("keys", "Foreign keys: pairs of tables that can be joined", _KEYS),
    "key_columns": _table("key_columns", "The columns of the foreign keys", _KEY_COLUMNS),
}
"""By name; TAP_SCHEMA describes itself."""

TAP_SCHEMA_KEYS = tuple(
    Key(f"{OWN}.{table}", f"{OWN}.{target}", ((column, target_column),))
    for table, column, target, target_column in (
        ("tables", "schema_name", "schemas", "schema_name"),
        ("columns", "table_name", "tables", "table_name"),
        ("keys", "from_table", "tables", "table_name"),
        ("keys", "target_table", "tables", "table_name"),
        ("key_columns", "key_id", "keys", "key_id"),
    )
)
