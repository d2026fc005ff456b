"""Write values and names as SQL where they cannot be bound: in macros, views and ATTACH."""


def literal(value: object) -> str:
    """Write a value as a string of SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Write a name as a quoted identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'
