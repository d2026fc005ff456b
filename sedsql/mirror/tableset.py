"""Write the tables of a mirror as TAP services list them (VOSI 1.1, Section 2.4; VODataService 1.2, Section 3.3)."""

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from sedsql.adql.parser.identifiers import quoted
from sedsql.catalogue import Catalogue, Column, Key, Table
from sedsql.mirror.declared import (
    OWN,
    SCHEMA_DESCRIPTIONS,
    by_schema,
    declared,
    name_of,
    shown_columns,
    tables_of,
)

_NAMESPACES = {
    "xmlns:vosi": "http://www.ivoa.net/xml/VOSITables/v1.0",
    "xmlns:vs": "http://www.ivoa.net/xml/VODataService/v1.1",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
_ESA = {"xmlns:esatapplus": "http://esa.int/xml/EsaTapPlus"}
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def tableset(
    catalogue: Catalogue,
    keys: Sequence[Key] = (),
    rows: Mapping[str, int] | None = None,
    *,
    columns: bool = True,
    flags: bool = False,
) -> bytes:
    """List all tables.

    keys : foreign keys
    rows : of each table, by lower-case name, where they are known
    columns : whether columns and keys are told
    flags : whether columns have the attribute of ESA's without which astroquery's TapPlus reads none, and which the
        IVOA's schema does not allow
    """
    root = Element("vosi:tableset", _NAMESPACES)
    for name, tables in by_schema(tables_of(catalogue)).items():
        schema = SubElement(root, "schema")
        say(schema, name=name, description=SCHEMA_DESCRIPTIONS.get(name))
        for table in tables:
            _fill(SubElement(schema, "table"), table, keys if columns else (), rows or {}, columns)
    if flags:
        root.attrib.update(_ESA)
        for column in root.iter("column"):
            column.set("esatapplus:flags", "")
    return _document(root)


def one_table(table: Table, keys: Sequence[Key] = (), rows: Mapping[str, int] | None = None) -> bytes:
    """Tell of one table alone."""
    root = Element("vosi:table", _NAMESPACES)
    _fill(root, table, keys, rows or {}, True)
    return _document(root)


def _fill(element: Element, table: Table, keys: Sequence[Key], rows: Mapping[str, int], columns: bool) -> None:
    element.set("type", "table" if table.parts[0] == OWN else "view")
    count = rows.get(table.name.lower())
    say(element, name=name_of(table), description=table.description, nrows=None if count is None else str(count))
    for column in shown_columns(table) if columns else ():
        _add_column(element, column, table)
    for key in keys:
        if key.from_table.lower() == table.name.lower():
            _add_key(element, key)


def _add_column(element: Element, column: Column, table: Table) -> None:
    about = declared(column, table)
    one = SubElement(element, "column", {"std": "true" if about.std else "false"})
    say(one, name=about.name, description=about.description, unit=about.unit, ucd=about.ucd)
    size = {"arraysize": about.arraysize, "extendedType": about.xtype}
    kind = {"xsi:type": "vs:VOTableType", **{name: value for name, value in size.items() if value}}
    SubElement(one, "dataType", kind).text = about.datatype
    if about.indexed:
        say(one, flag="indexed")


def _add_key(element: Element, key: Key) -> None:
    one = SubElement(element, "foreignKey")
    say(one, targetTable=name_of(Table(key.target_table)))
    for own, other in key.columns:
        say(SubElement(one, "fkColumn"), fromColumn=quoted(own), targetColumn=quoted(other))


def say(element: Element, **words: str | None) -> None:
    """Add elements with text; none where there is no text."""
    for name, text in words.items():
        if text:
            SubElement(element, name).text = in_xml(text)


def in_xml(text: str) -> str:
    """The text without letters that XML cannot have."""
    return _NO_XML.sub("\ufffd", text)


def _document(root: Element) -> bytes:
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
