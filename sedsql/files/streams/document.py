"""Write what stands around the rows of a VOTable (VOTable 1.4, Section 3; DALI 1.1, Section 4.4)."""

import re
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from sedsql.files.streams.cells import REPLACEMENT
from sedsql.files.streams.fields import Field

NO_XML = "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
"""Characters that no XML document may have, not even escaped (XML 1.0, Section 2.2)."""

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
"""


def before_rows(fields: Sequence[Field], infos: Mapping[str, str]) -> str:
    """The beginning of a document up to the rows."""
    told = "".join(info(name, value) for name, value in infos.items())
    return (
        f'{_HEAD}<RESOURCE type="results">\n{info("QUERY_STATUS", "OK")}{told}<TABLE>\n{"".join(map(_field, fields))}'
    )


AFTER_ROWS = "</RESOURCE>\n</VOTABLE>\n"


def info(name: str, value: str, text: str = "") -> str:
    """An INFO element."""
    return f"<INFO {attributes({'name': name, 'value': value})}>{_text(text)}</INFO>\n"


def attributes(words: Mapping[str, str]) -> str:
    """Attributes of an element."""
    return " ".join(f"{name}={quoteattr(_clean(value))}" for name, value in words.items())


def _field(field: Field) -> str:
    told = field.attributes()
    description = told.pop("description", "")
    within = f"<DESCRIPTION>{_text(description)}</DESCRIPTION>" if description else ""
    within += f'<VALUES null="{field.null}"/>' if field.null is not None else ""
    return f"<FIELD {attributes(told)}>{within}</FIELD>\n"


def _text(text: str) -> str:
    return escape(_clean(text))


def _clean(text: str) -> str:
    return re.sub(NO_XML, REPLACEMENT, text)
