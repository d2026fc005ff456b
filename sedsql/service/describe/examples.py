"""Write the examples of a service as a page that people and programs read (DALI 1.1, Section 2.3): XHTML with RDFa."""

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from sedsql.files.resources import folder
from sedsql.service.describe.facts import Facts

_OF_ANY_MIRROR = {
    "tables": (
        "The tables that there are, and what they hold",
        "SELECT table_name, description FROM TAP_SCHEMA.tables ORDER BY table_name",
    ),
}
_TABLE = re.compile(r"\b(?:FROM|JOIN)\s+([\w.]+)", re.IGNORECASE)


def queries(facts: Facts) -> dict[str, tuple[str, str]]:
    """Title and query of each example in `sql/examples` whose tables the mirror has, by the name of its file."""
    found = dict(_OF_ANY_MIRROR)
    for path in sorted((folder("sql") / "examples").glob("*.adql")):
        first, _, query = path.read_text(encoding="utf-8").partition("\n")
        if all(facts.table(name) for name in _TABLE.findall(query)):
            found[path.stem] = (first.removeprefix("--").strip(), query.strip())
    return found


def examples(facts: Facts) -> bytes:
    """Write the page."""
    root = Element("html", {"xmlns": "http://www.w3.org/1999/xhtml", "xml:lang": "en"})
    head = SubElement(root, "head")
    SubElement(head, "title").text = "Examples of queries"
    body = SubElement(root, "body", {"vocab": "http://www.ivoa.net/rdf/examples#"})
    SubElement(body, "h1").text = "Examples of queries"
    for name, (title, query) in queries(facts).items():
        example = SubElement(body, "div", {"typeof": "example", "id": name, "resource": f"#{name}"})
        SubElement(example, "h2", {"property": "name"}).text = title
        SubElement(example, "pre", {"property": "query"}).text = query
    return b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n' + ElementTree.tostring(root, encoding="UTF-8")
