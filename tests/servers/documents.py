"""Write the XML documents of a TAP service (TAP 1.1, UWS 1.1, VOSI 1.1), as short as their schemas allow."""

from xml.sax.saxutils import escape, quoteattr

from sedsql.catalogue import Catalogue, Table

FORMATS = {
    "application/x-votable+xml;serialization=BINARY2": "binary2",
    "application/x-votable+xml;serialization=BINARY": "binary",
    "application/x-votable+xml;serialization=TABLEDATA": "tabledata",
}

_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_VS = 'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1"'


def capabilities(url: str, default: int, hard: int) -> str:
    """Where the service is, what it answers with, and its limits of rows."""
    formats = "".join(f"<outputFormat><mime>{mime}</mime></outputFormat>" for mime in FORMATS)
    return f"""<?xml version="1.0"?>
<cap:capabilities xmlns:cap="http://www.ivoa.net/xml/VOSICapabilities/v1.0" {_XSI} {_VS}
    xmlns:tr="http://www.ivoa.net/xml/TAPRegExt/v1.0">
  <capability standardID="ivo://ivoa.net/std/TAP" xsi:type="tr:TableAccess">
    <interface role="std" version="1.1" xsi:type="vs:ParamHTTP"><accessURL use="base">{url}</accessURL></interface>
    <language><name>ADQL</name><version ivo-id="ivo://ivoa.net/std/ADQL#v2.0">2.0</version></language>
    {formats}
    <uploadMethod ivo-id="ivo://ivoa.net/std/TAPRegExt#upload-inline"/>
    <outputLimit><default unit="row">{default}</default><hard unit="row">{hard}</hard></outputLimit>
  </capability>
  <capability standardID="ivo://ivoa.net/std/VOSI#availability">
    <interface xsi:type="vs:ParamHTTP"><accessURL use="full">{url}/availability</accessURL></interface>
  </capability>
  <capability standardID="ivo://ivoa.net/std/VOSI#tables-1.1">
    <interface xsi:type="vs:ParamHTTP"><accessURL use="full">{url}/tables</accessURL></interface>
  </capability>
</cap:capabilities>
"""


def availability() -> str:
    return """<?xml version="1.0"?>
<vosi:availability xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">
  <vosi:available>true</vosi:available>
</vosi:availability>
"""


def tables(catalogue: Catalogue) -> str:
    """All schemas with their tables and columns (VODataService 1.1)."""
    named = [table for table in catalogue.tables.values() if "." in table.name]
    schemas = dict.fromkeys(table.name.split(".")[0] for table in named)
    return (
        f'<?xml version="1.0"?><vosi:tableset xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0" {_XSI} {_VS}>'
        + "".join(
            f"<schema><name>{schema}</name>"
            + "".join(_table(table) for table in named if table.name.startswith(f"{schema}."))
            + "</schema>"
            for schema in schemas
        )
        + "</vosi:tableset>"
    )


def _table(table: Table) -> str:
    columns = []
    for column in table.columns.values():
        about = {"description": column.description, "unit": column.unit, "ucd": column.ucd}
        known = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in about.items() if value)
        size = ' arraysize="*"' if column.datatype == "VARCHAR" else ""
        datatype = f'<dataType xsi:type="vs:TAPType"{size}>{column.datatype}</dataType>'
        columns.append(f"<column><name>{column.name}</name>{known}{datatype}</column>")
    return f"<table><name>{table.name}</name>{''.join(columns)}</table>"


def job(number: str, phase: str, url: str, query: str, error: str = "") -> str:
    """An asynchronous job (UWS 1.1, Section 3)."""
    result = f'<uws:result id="result" xlink:href={quoteattr(url + "/results/result")}/>'
    message = f"<uws:message>{escape(error)}</uws:message>"
    summary = f'<uws:errorSummary type="fatal" hasDetail="true">{message}</uws:errorSummary>'
    return f"""<?xml version="1.0"?>
<uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink" {_XSI} version="1.1">
  <uws:jobId>{number}</uws:jobId>
  <uws:ownerId xsi:nil="true"/>
  <uws:phase>{phase}</uws:phase>
  <uws:quote xsi:nil="true"/>
  <uws:startTime xsi:nil="true"/>
  <uws:endTime xsi:nil="true"/>
  <uws:executionDuration>3600</uws:executionDuration>
  <uws:destruction xsi:nil="true"/>
  <uws:parameters><uws:parameter id="QUERY">{escape(query)}</uws:parameter></uws:parameters>
  <uws:results>{result if phase == "COMPLETED" else ""}</uws:results>
  {summary if error else ""}
</uws:job>
"""


def error(message: str) -> str:
    """How a TAP service says that it failed (DALI 1.1, Section 4.2)."""
    return f"""<?xml version="1.0"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">
  <INFO name="QUERY_STATUS" value="ERROR">{escape(message)}</INFO>
</RESOURCE></VOTABLE>
"""


HTML = "<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>"
