"""Write VOTables as services send them, by astropy."""

import io
import warnings

import numpy as np
from astropy.io.votable import from_table, tree
from astropy.io.votable.tree import Info
from astropy.table import Table

# Its writer in C writes past the end of its memory (astropy issue 20419).
tree._has_c_tabledata_writer = False


def votable(table: Table, kind: str = "binary2", status: str = "OK", end: str | None = None) -> bytes:
    """kind : binary2, binary or tabledata; end : a QUERY_STATUS after the table."""
    document = from_table(table)
    resource = document.resources[0]
    for field in document.get_first_table().fields:
        if field.datatype == "unicodeChar":
            field.datatype = "char"
        column = table[field.name]
        if column.dtype.kind in "iu" and np.ma.is_masked(column):
            field.values.null = int(column.fill_value)
        for key in ("ucd", "xtype"):
            if key in column.meta:
                setattr(field, key, column.meta[key])
    resource.infos.append(Info(name="QUERY_STATUS", value=status))
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document.to_xml(out, tabledata_format=kind)
    text = out.getvalue()
    if end:
        text = text.replace(b"</TABLE>", f'</TABLE><INFO name="QUERY_STATUS" value="{end}">over</INFO>'.encode())
    return text
