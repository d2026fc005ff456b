"""Write documents of TAP services without a fault, of all types and forms, for the fuzzer to mutate."""

import gzip
from functools import cache

import numpy as np
from astropy.table import MaskedColumn, Table
from servers import documents

from sedsql.catalogue import Catalogue
from sedsql.mirror import archive

from .votables import votable

URL = "http://127.0.0.1:1/tap"
KINDS = ("binary2", "binary", "tabledata")

_BY_HAND = """<VOTABLE xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">
<INFO name="QUERY_STATUS" value="OK"/><TABLE><FIELD name="t" datatype="char" arraysize="*" xtype="timestamp"/>
<FIELD name="w" datatype="char" arraysize="3x2"/><FIELD name="u" datatype="unicodeChar" arraysize="*"/>
<FIELD name="b" datatype="bit"/><FIELD name="m" datatype="int" arraysize="3x2"><VALUES null="-1"/></FIELD>
<DATA><TABLEDATA><TR><TD>2016-01-01T12:00:00Z</TD><TD>abcde</TD><TD>\u03b1</TD><TD>1</TD><TD>1 2 3 4 5 -1</TD></TR>
<TR><TD/><TD/><TD/><TD>0</TD><TD/></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""


@cache
def answers() -> list[bytes]:
    """VOTables of all types and serializations, with NULLs, arrays and texts; and error messages."""
    numbers = np.arange(1, 9)
    table = Table(
        {
            "id": numbers,
            "s": MaskedColumn(numbers.astype("i2"), mask=numbers % 3 == 0, fill_value=-1),
            "u": numbers.astype("u1"),
            "f": np.where(numbers % 2, np.nan, numbers / 7).astype("f4"),
            "d": numbers * np.pi,
            "b": numbers % 2 == 0,
            "name": np.array(["a", "", "bcd", "x" * 300, "<&>", "a  b", "e f", "0"], object),
            "fixed": np.array([f"k{i}" for i in numbers], "S"),
            "row": np.arange(24, dtype="f4").reshape(8, 3),
            "square": np.arange(32, dtype="i4").reshape(8, 2, 2),
        }
    )
    cells = [np.ma.array(np.arange(i % 4) * 1.5, mask=[False] * (i % 4)) for i in numbers]
    table["list"] = MaskedColumn(np.array([*cells, None], object)[:-1])
    small = Table({"n": [42]})
    texts = [votable(each, kind) for each in (table, small, table[["name", "fixed"]]) for kind in KINDS]
    texts += [votable(small, end=end) for end in ("OVERFLOW", "ERROR")]
    return [*texts, documents.error("no such column: x").encode(), _BY_HAND.encode()]


@cache
def described() -> list[bytes]:
    """TAP_SCHEMA.tables, columns and keys in one table of all their columns, so that it answers every question."""
    table = Table(
        {
            "table_name": ["s.t", "s.t", "s.u"],
            "column_name": ["ra", "dec", "id"],
            "description": ["a", "b", ""],
            "datatype": ["DOUBLE", "adql:REAL", "char"],
            "arraysize": ["", "", "*"],
            "unit": ["deg", "", ""],
            "ucd": ["pos.eq.ra;meta.main", "pos.eq.dec;meta.main", ""],
            "xtype": ["", "", "timestamp"],
            "indexed": [1, 0, 1],
            "column_index": [1, 2, 3],
            "nrows": [7, 7, 7],
            "key_id": ["k", "k", "l"],
            "from_table": ["s.t"] * 3,
            "target_table": ["s.u"] * 3,
            "from_column": ["id"] * 3,
            "target_column": ["id"] * 3,
        }
    )
    return [votable(table, kind) for kind in KINDS]


@cache
def capabilities() -> list[bytes]:
    return [documents.capabilities(URL, 2_000, 3_000).encode()]


@cache
def vosi_tables() -> list[bytes]:
    return [documents.tables(Catalogue(dict(list(archive.TABLES.items())[:3]))).encode()]


@cache
def jobs() -> list[bytes]:
    errors = {"PENDING": "", "EXECUTING": "", "COMPLETED": "", "ERROR": "no such column: x"}
    return [documents.job("1", phase, f"{URL}/async/1", "SELECT 1", why).encode() for phase, why in errors.items()]


@cache
def responses() -> list[bytes]:
    """HTTP as it is on the wire: with a length, in chunks, packed, with cookies, as a redirect, as an error."""
    body = answers()[3]
    packed = gzip.compress(body, 1)
    ok = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nSet-Cookie: a=b; Path=/; Max-Age=9\r\n"
    half = len(body) // 2
    chunks = b"%x\r\n%s\r\n%x;a=b\r\n%s\r\n" % (half, body[:half], len(body) - half, body[half:])
    return [
        ok + b"Content-Length: %d\r\n\r\n%s" % (len(body), body),
        ok + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nX: y\r\n\r\n",
        ok + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(packed), packed),
        b"HTTP/1.1 100 Continue\r\n\r\n" + ok + b"\r\n" + body,
        b"HTTP/1.1 303 See Other\r\nLocation: /tap/async/1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\nRetry-After: 9\r\nContent-Length: 4\r\n\r\nbusy",
        b"HTTP/1.0 400 No\r\n\r\n" + documents.error("no such column: x").encode(),
    ]
