"""Write values and names as SQL where they cannot be bound: in macros, views and ATTACH."""

import re


def literal(value: object) -> str:
    """Write a value as a string of SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Write a name as a quoted identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def without_quotes(name: str) -> str:
    """Remove the quotes from a name and all its parts."""
    return re.sub(r'"((?:[^"]|"")+)"', lambda match: match[1].replace('""', '"'), name.strip())
