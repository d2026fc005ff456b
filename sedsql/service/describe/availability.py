"""Write the availability of a service (VOSI 1.1, Section 2.3)."""

from datetime import datetime
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from sedsql.mirror.tableset import say


def availability(since: datetime, note: str | None = None) -> bytes:
    """Say that the service is up, since when, and what there is to know of it."""
    root = Element("vosi:availability", {"xmlns:vosi": "http://www.ivoa.net/xml/VOSIAvailability/v1.0"})
    up_since = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    say(root, **{"vosi:available": "true", "vosi:upSince": up_since, "vosi:note": note})
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
