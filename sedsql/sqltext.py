"""Values as SQL, where they cannot be bound: in macros, views and ATTACH."""


def literal(value: object) -> str:
    """The text of a value as a string of SQL."""
    return "'" + str(value).replace("'", "''") + "'"
