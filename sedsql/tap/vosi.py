"""Read what a service says of itself: its capabilities (TAPRegExt 1.0) and tables (VODataService 1.2, Section 3)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sedsql.tap.errors import Unbounded
from sedsql.tap.limits import Limits
from sedsql.tap.xmltext import Element, document

_NAME = 200
"""Letters of a format's name, which is sent with each query."""


@dataclass
class Capabilities:
    """What sedsql needs to know to ask a service.

    binary2 : its name for BINARY2 among the output formats
    methods : the standards by which it lets users in (VOResource 1.1, securityMethod)
    """

    binary2: str | None = None
    methods: list[str] = field(default_factory=list)


def capabilities(blocks: Iterable[bytes], limits: Limits) -> Capabilities:
    """Read the first capability that is TAP's."""
    root = document(blocks, limits.document, limits)
    for capability in root.all("capability"):
        kind = capability.attributes.get("type", "").rpartition(":")[2]
        if kind == "TableAccess":
            methods = capability.all("interface", "securityMethod")
            return Capabilities(_binary2(capability), [method.attributes.get("standardID", "") for method in methods])
    return Capabilities()


def _binary2(capability: Element) -> str | None:
    """The name of BINARY2 among the output formats (TAPRegExt 1.0, Section 2.3)."""
    for known in capability.all("outputFormat"):
        mime = known.words("mime")
        if "serialization=binary2" in mime.replace(" ", "").lower():
            return mime[:_NAME]
        if known.attributes.get("ivo-id", "").lower().endswith("#output-votable-binary2"):
            return (known.words("alias") or mime)[:_NAME] or None
    return None


def tables(blocks: Iterable[bytes], limits: Limits, name: str = "") -> tuple[list[str], dict[str, Any] | None]:
    """Read the names of all tables, and for the table `name` what TAP_SCHEMA would have of it and its columns."""
    names: list[str] = []
    found: dict[str, Any] | None = None

    def told(table: Element) -> None:
        nonlocal found
        own = table.words("name")
        if len(names) >= limits.listed:
            raise Unbounded(f"lists more than {limits.listed:,} tables")
        if own:
            names.append(own)
        if own == name:
            found = _table(table)

    document(blocks, limits.tables, limits, {"table": told})
    return names, found


def _table(table: Element) -> dict[str, Any]:
    nrows = table.words("nrows")
    return {
        "table_name": table.words("name"),
        "description": table.words("description"),
        "nrows": int(nrows) if nrows.isascii() and nrows.isdigit() and len(nrows) < 19 else None,
        "columns": [_column(column) for column in table.all("column")],
    }


def _column(column: Element) -> dict[str, Any]:
    kind = next(iter(column.all("dataType")), Element(""))
    return {
        "column_name": column.words("name"),
        "datatype": " ".join(kind.text.split()),
        "arraysize": kind.attributes.get("arraysize"),
        "xtype": kind.attributes.get("extendedType"),
        "unit": column.words("unit"),
        "ucd": column.words("ucd"),
        "description": column.words("description"),
    }
