"""Describe the archive's tables to DaCHS: a resource descriptor for each schema, and settings."""

from xml.sax.saxutils import quoteattr

from sedsql.catalogue import Column, Table
from sedsql.mirror import archive
from sedsql.mirror.sample import TABLES

ARCHIVE: tuple[Table, ...] = tuple(TABLES[name] for name in archive.TABLES)
"""The six tables, described as simulated."""

SCHEMAS = sorted({table.name.split(".")[0] for table in ARCHIVE})

_TYPES = {"DOUBLE": "double precision", "VARCHAR": "text"}
_KEYS = ("source_id", "designation", "original_ext_source_id", "original_psc_source_id")

_DESCRIPTOR = """<resource schema="{schema}">
  <meta name="title">Simulated {schema}</meta>
  <meta name="description">Tables of {schema}, with simulated rows</meta>
  <meta name="creationDate">2026-01-01T00:00:00Z</meta>
  <meta name="creator">Simulated</meta>
  <meta name="subject">stars</meta>
{tables}
  <data id="import">
{made}
  </data>
</resource>
"""

_SETTINGS = """[general]
rootDir: {folder}
maintainerAddress: nobody@localhost

[web]
bindAddress: 127.0.0.1
serverPort: {port}
serverURL: http://127.0.0.1:{port}

[db]
profilePath: {folder}/etc:/var/gavo/etc

[async]
{limits}
"""


SERVICE = """publisher: nobody
contact.name: nobody
contact.address: nowhere
contact.email: nobody@localhost
contact.telephone: none
creator.name: nobody
authority.creationDate: 2026-01-01T00:00:00Z
authority.title: Simulated tables
authority.shortName: simulated
authority.description: Simulated tables
authority.referenceURL: http://127.0.0.1
authority.managingOrg: ivo://x-unregistred/org
organization.title: nobody
organization.description: nobody
organization.referenceURL: http://127.0.0.1
site.description: Simulated tables
"""
"""DaCHS wants all this known of whoever runs it."""


def descriptor(schema: str) -> str:
    """The resource descriptor (RD) of a schema, which makes its tables without rows."""
    tables = [table for table in ARCHIVE if table.name.startswith(f"{schema}.")]
    made = (f"    <make table={quoteattr(_name(table))}/>" for table in tables)
    return _DESCRIPTOR.format(schema=schema, tables="\n".join(map(_table, tables)), made="\n".join(made))


def settings(folder: object, port: int, **limits: int) -> str:
    """DaCHS's configuration file: all it writes is in `folder`, all it makes in the database of the dsn there."""
    lines = "\n".join(f"{key}: {value}" for key, value in limits.items())
    return _SETTINGS.format(folder=folder, port=port, limits=lines)


def dsn(database: str) -> str:
    """What DaCHS's own profiles include; found before theirs, it leads them to another database."""
    return f"database = {database}\nhost = localhost\nport = 5432\n"


def _name(table: Table) -> str:
    return table.name.split(".")[1]


def _table(table: Table) -> str:
    mixin = ' mixin="//scs#q3cindex"' if table.position else ""
    columns = table.columns.values()
    indexed = (c.name for c in columns if c.name in _KEYS or c.name.endswith("_oid"))
    return "\n".join(
        [
            f'  <table id={quoteattr(_name(table))} onDisk="True" adql="True"{mixin}>',
            f'    <meta name="description">{table.description}</meta>',
            *(f"    <index columns={quoteattr(name)}/>" for name in indexed),
            *map(_column, columns),
            "  </table>",
        ]
    )


def _column(column: Column) -> str:
    about = {
        "name": column.name,
        "type": _TYPES.get(column.datatype, column.datatype.lower()),
        "unit": column.unit,
        "ucd": column.ucd,
        "description": column.description,
    }
    attributes = " ".join(f"{key}={quoteattr(value)}" for key, value in about.items() if value)
    return f"    <column {attributes}/>"
