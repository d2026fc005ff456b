"""Write names as ADQL takes them (ADQL 2.1, Sections 2.1.3 and 2.1.4)."""

import re

from sedsql.adql.parser.lexer import RESERVED

REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


def quoted(name: str) -> str:
    """Put a name between double quotes where it is no regular identifier, or a reserved word."""
    if REGULAR.match(name) and name.upper() not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'
