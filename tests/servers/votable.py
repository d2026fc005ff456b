"""Write VOTables as a TAP server does, in each of the three serializations."""

from functools import lru_cache
from io import BytesIO

import numpy as np
import pyarrow as pa
from astropy.io.votable import parse_single_table, tree
from astropy.io.votable.tree import Field, Info, Resource, TableElement, VOTableFile

from sedsql.catalogue import Column

from .archive import Answer

# Its writer in C writes past the end of its memory (astropy issue 20419).
tree._has_c_tabledata_writer = False

_DATATYPES = {
    pa.int64(): ("long", -(2**63)),
    pa.int32(): ("int", -(2**31)),
    pa.int16(): ("short", -(2**15)),
    pa.float64(): ("double", None),
    pa.float32(): ("float", None),
    pa.bool_(): ("boolean", None),
}


def write(answer: Answer, serialization: str = "binary2", late_error: str = "") -> bytes:
    """A VOTable 1.4, with QUERY_STATUS before the table, and after it where rows are missing.

    serialization : binary2, binary or tabledata
    late_error : what went wrong after the rows were written (DALI 1.1, Section 4.4)
    """
    rows = pa.BufferOutputStream()
    with pa.ipc.new_stream(rows, answer.rows.schema) as stream:
        stream.write_table(answer.rows)
    return _add_status(_table(tuple(answer.columns), rows.getvalue().to_pybytes(), serialization), answer, late_error)


@lru_cache(maxsize=64)
def _table(abouts: tuple[Column, ...], arrow: bytes, serialization: str) -> bytes:
    """The VOTable without what may be wrong; astropy takes its time, and many tests ask the same."""
    rows = pa.ipc.open_stream(arrow).read_all()
    votable = VOTableFile(version="1.4")
    resource = Resource(type="results")
    votable.resources.append(resource)
    resource.infos.append(Info(name="QUERY_STATUS", value="OK"))
    table = TableElement(votable)
    resource.tables.append(table)
    columns = [_decimal_as_double(column) for column in rows.columns]
    for about, column in zip(abouts, columns, strict=True):
        datatype, null = _DATATYPES.get(column.type, ("char", None))
        field = Field(
            votable,
            ID=about.name,
            name=about.name,
            datatype=datatype,
            arraysize="*" if datatype == "char" else None,
            unit=about.unit,
            ucd=about.ucd,
        )
        # BINARY has no other way to say NULL, and BINARY2 no need to.
        if null is not None and serialization == "binary":
            field.values.null = null
        table.fields.append(field)
    table.create_arrays(rows.num_rows)
    for about, column in zip(abouts, columns, strict=True):
        table.array[about.name].data[:] = _numpy(column)
        table.array.mask[about.name] = column.is_null().to_numpy()
    table.format = serialization
    text = BytesIO()
    # astropy itself warns of units that are not in its list, as electron.s**-1.
    votable.to_xml(text, tabledata_format=serialization)
    return text.getvalue()


def read(text: bytes) -> pa.Table:
    """The rows of a VOTable that a client sends."""
    table = parse_single_table(BytesIO(text)).to_table()
    return pa.table({name: _plain(table[name]) for name in table.colnames})


def _plain(column) -> pa.Array:
    if column.dtype.kind in "SUO":
        return pa.array([None if value is np.ma.masked else str(value) for value in column])
    return pa.array(np.ma.getdata(column), mask=np.ma.getmaskarray(column))


def _add_status(text: bytes, answer: Answer, late_error: str) -> bytes:
    """astropy puts every INFO before the table."""
    info = b""
    if answer.overflow:
        info = b'<INFO name="QUERY_STATUS" value="OVERFLOW"/>'
    if late_error:
        info = b'<INFO name="QUERY_STATUS" value="ERROR">%s</INFO>' % late_error.encode()
    return text.replace(b"</TABLE>", b"</TABLE>" + info)


def _decimal_as_double(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column


def _numpy(column: pa.ChunkedArray) -> np.ndarray:
    if column.type in _DATATYPES:
        nothing = float("nan") if pa.types.is_floating(column.type) else False if column.type == pa.bool_() else 0
        return column.fill_null(nothing).to_numpy()
    return np.array(["" if value is None else str(value) for value in column.to_pylist()], dtype=object)
