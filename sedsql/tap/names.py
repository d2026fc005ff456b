"""Write names of tables as ADQL takes them."""

from sedsql.adql.parser.identifiers import REGULAR, quoted


def in_adql(name: str) -> str:
    """Write the name of a table for a query: TAP_SCHEMA should have its quotes, but not all services do so."""
    if '"' in name or all(REGULAR.match(part) for part in name.split(".")):
        return name
    schema, dot, own = name.partition(".")
    return f"{schema}.{quoted(own)}" if dot and REGULAR.match(schema) else quoted(name)
