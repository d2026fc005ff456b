"""Write names of tables and columns as ADQL takes them."""

import re

from sedsql.adql.parser.lexer import RESERVED

_REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


def quoted(name: str) -> str:
    """Put a name between double quotes where it is no regular identifier (ADQL 2.1, Sections 2.1.3 and 2.1.4)."""
    if _REGULAR.match(name) and name.upper() not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def in_adql(name: str) -> str:
    """Write the name of a table for a query: TAP_SCHEMA should have its quotes, but not all services do so."""
    if '"' in name or all(_REGULAR.match(part) for part in name.split(".")):
        return name
    schema, dot, own = name.partition(".")
    return f"{schema}.{quoted(own)}" if dot and _REGULAR.match(schema) else quoted(name)
