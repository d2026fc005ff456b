"""Write what stands around the rows of a VOTable (VOTable 1.4, Section 3; DALI 1.1, Section 4.4)."""

import re
from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa

from sedsql.files.provenance import PROVENANCE, provenance_of
from sedsql.files.streams.cells import REPLACEMENT
from sedsql.files.streams.fields import Field

NO_XML = "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
"""Characters that no XML document may have, not even escaped (XML 1.0, Section 2.2)."""

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
"""


def before_rows(schema: pa.Schema, fields: Iterable[Field], infos: Mapping[str, str]) -> str:
    """The beginning of a document up to the rows: where classes come from, QUERY_STATUS and infos, the columns."""
    about = {f"{PROVENANCE}_{key}": value for key, value in provenance_of(schema).items()}
    return (
        f'{_HEAD}{_infos(about)}<RESOURCE type="results">\n{_infos({"QUERY_STATUS": "OK", **infos})}<TABLE>\n'
        f"{''.join(map(_field, fields))}"
    )


def after_rows(overflow: bool, failed: Exception | None = None) -> str:
    """The end of a document: QUERY_STATUS says whether there were more rows, or what failed."""
    status = _info("QUERY_STATUS", "OVERFLOW") if overflow else ""
    if failed is not None:
        status = _info("QUERY_STATUS", "ERROR", " ".join(str(failed).split()) or type(failed).__name__)
    return f"</TABLE>\n{status}</RESOURCE>\n</VOTABLE>\n"


def _infos(told: Mapping[str, str]) -> str:
    return "".join(_info(name, value) for name, value in told.items())


def _info(name: str, value: str, text: str = "") -> str:
    return f"<INFO {_attributes({'name': name, 'value': value})}>{_text(text)}</INFO>\n"


def _attributes(words: Mapping[str, str]) -> str:
    """Attributes of an element."""
    return " ".join(f"{name}={quoteattr(_clean(value))}" for name, value in words.items())


def _field(field: Field) -> str:
    attributes = field.attributes()
    description = attributes.pop("description", "")
    within = f"<DESCRIPTION>{_text(description)}</DESCRIPTION>" if description else ""
    within += f'<VALUES null="{field.null}"/>' if field.null is not None else ""
    return f"<FIELD {_attributes(attributes)}>{within}</FIELD>\n"


def _text(text: str) -> str:
    return escape(_clean(text))


def _clean(text: str) -> str:
    return re.sub(NO_XML, REPLACEMENT, text)
