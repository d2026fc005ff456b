"""Write the examples of a service as a page that people and programs read (DALI 1.1, Section 2.3): XHTML with RDFa."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from sedsql.files.resources import folder


def queries() -> dict[str, tuple[str, str]]:
    """Title and query of each example in `sql/examples`, by the name of its file."""
    found = {}
    for path in sorted((folder("sql") / "examples").glob("*.adql")):
        first, _, query = path.read_text(encoding="utf-8").partition("\n")
        found[path.stem] = (first.removeprefix("--").strip(), query.strip())
    return found


def examples() -> bytes:
    """Write the page."""
    root = Element("html", {"xmlns": "http://www.w3.org/1999/xhtml", "xml:lang": "en"})
    head = SubElement(root, "head")
    SubElement(head, "title").text = "Examples of queries"
    body = SubElement(root, "body", {"vocab": "http://www.ivoa.net/rdf/examples#"})
    SubElement(body, "h1").text = "Examples of queries"
    for name, (title, query) in queries().items():
        example = SubElement(body, "div", {"typeof": "example", "id": name, "resource": f"#{name}"})
        SubElement(example, "h2", {"property": "name"}).text = title
        SubElement(example, "pre", {"property": "query"}).text = query
    return b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n' + ElementTree.tostring(root, encoding="UTF-8")
