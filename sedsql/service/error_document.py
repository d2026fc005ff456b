"""Write an error as the VOTable that TAP has for it (DALI 1.1, Section 4.4)."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from sedsql.mirror.tableset import say

MIME = "application/x-votable+xml"


def error_document(message: str) -> bytes:
    """A VOTable with the message and QUERY_STATUS=ERROR."""
    root = Element("VOTABLE", {"version": "1.4", "xmlns": "http://www.ivoa.net/xml/VOTable/v1.3"})
    resource = SubElement(root, "RESOURCE", {"type": "results"})
    say(resource, INFO=message)
    resource[0].attrib.update(name="QUERY_STATUS", value="ERROR")
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
