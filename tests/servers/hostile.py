"""Send what a hostile or broken TAP service may: answers without an end, bombs, lies. `Fault("hostile", one of these)`.

Each is a function of the handler and the request, and writes to the connection what it likes.
"""

import base64
import itertools
import random
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator

from . import votable
from .handler import Handler
from .jobs import Request

Behaviour = Callable[[Handler, Request], None]

XML = b'<?xml version="1.0"?>'
CAPABILITIES = XML + b'<c:capabilities xmlns:c="http://www.ivoa.net/xml/VOSICapabilities/v1.0">'
TABLES = XML + b'<v:tableset xmlns:v="http://www.ivoa.net/xml/VOSITables/v1.0"><schema><name>s</name>'
VOTABLE = XML + b'<VOTABLE version="1.4"><RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/>'
END = b"</DATA></TABLE></RESOURCE></VOTABLE>"


def for_ever(block: bytes, size: int = 1 << 16) -> Iterator[bytes]:
    """The same again and again, in blocks of about this size."""
    return itertools.repeat(block * max(1, size // len(block)))


def body(
    *parts: bytes | Iterable[bytes],
    status: int = 200,
    headers: dict[str, str] | None = None,
    mime: str = "text/xml",
    packed: int = 0,
    pause: float = 0.0,
) -> Behaviour:
    """An answer in chunks, each part after the other.

    packed : how often it is gzip'ed
    pause : seconds before each block
    """

    def send(handler: Handler, request: Request) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", mime)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header("Connection", "close")
        if packed:
            handler.send_header("Content-Encoding", ", ".join(["gzip"] * packed))
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        whole: Iterable[bytes] = (
            block for part in parts for block in ([part] if isinstance(part, bytes) else part) if block
        )
        for _ in range(packed):
            whole = zipped(whole)
        for block in whole:
            if handler.faulty.closing.wait(pause):
                break
            handler._write(block, chunked=True)
        handler.wfile.write(b"0\r\n\r\n")

    return send


def zipped(blocks: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    for block in blocks:
        if some := packer.compress(block):
            yield some
    yield packer.flush()


def bomb(letter: bytes = b"A", size: int = 4 << 30) -> Iterator[bytes]:
    """So many bytes of one letter: 4 GB are 4 MB when they are gzip'ed."""
    return itertools.repeat(letter * (1 << 20), size >> 20)


def raw(*parts: bytes | Iterable[bytes], pause: float = 0.0) -> Behaviour:
    """What is no HTTP, or more of it than there should be."""

    def send(handler: Handler, request: Request) -> None:
        handler.close_connection = True
        for part in parts:
            for block in [part] if isinstance(part, bytes) else part:
                if handler.faulty.closing.wait(pause):
                    return
                handler.wfile.write(block)
                handler.wfile.flush()

    return send


def redirect(to: str, status: int = 302, *more: bytes | Iterable[bytes]) -> Behaviour:
    """To another address; {n} in it is a number that grows."""
    numbers = itertools.count()

    def send(handler: Handler, request: Request) -> None:
        body(*more, status=status, headers={"Location": to.format(n=next(numbers))})(handler, request)

    return send


def deep(start: bytes, end: bytes, depth: int = 1_000_000) -> Iterator[bytes]:
    """Elements in each other."""
    yield from itertools.repeat(start * 1000, depth // 1000)
    yield from itertools.repeat(end * 1000, depth // 1000)


def laughs(root: bytes, inside: bytes = b"") -> bytes:
    """Ten entities, each ten of the one before: a billion of the last."""
    entities = b'<!ENTITY a0 "ha">' + b"".join(
        b'<!ENTITY a%d "%s">' % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 10)
    )
    return b"<!DOCTYPE %s [%s]><%s>%s&a9;</%s>" % (root, entities, root, inside, root)


def outside(root: bytes, url: str) -> bytes:
    """A document type and an entity that are elsewhere."""
    there = url.encode()
    return b'<!DOCTYPE %s SYSTEM "%s/dtd" [<!ENTITY x SYSTEM "%s/entity">]><%s>&x;</%s>' % (
        root, there, there, root, root,
    )  # fmt: skip


def number(of: Callable[[str], int]) -> Behaviour:
    """A count that is what the function makes of the query."""

    def send(handler: Handler, request: Request) -> None:
        row = struct.pack(">q", of(request.query))
        field = b'<TABLE><FIELD name="n" datatype="long"/><DATA><BINARY><STREAM encoding="base64">'
        body(VOTABLE, field, base64.b64encode(row), b"</STREAM></BINARY>" + END)(handler, request)

    return send


def growing_counts(later: int) -> Behaviour:
    """One less than the true one at first, and another when it is asked again."""
    asked: set[str] = set()

    def send(handler: Handler, request: Request) -> None:
        true = handler.faulty.answer(request).rows[0][0].as_py()
        number(lambda query: later if query in asked else max(0, true - 1))(handler, request)
        asked.add(request.query)

    return send


def random_counts(most: int, seed: int = 1) -> Behaviour:
    chance = random.Random(seed)
    return number(lambda query: chance.randrange(most))


def endless_rows(serialization: str) -> Behaviour:
    """The rows that are asked for, and then the same again and again."""

    def send(handler: Handler, request: Request) -> None:
        text = votable.write(handler.faulty.answer(request), serialization)
        tag = rb"TABLEDATA" if serialization == "tabledata" else rb"STREAM"
        start, rows, _ = re.split(rb"(?<=<%s>)|(?<=\"base64\">)|(?=</%s>)" % (tag, tag), text)
        if tag == b"STREAM":
            rows = base64.b64encode(base64.b64decode(rows) * 3)
        body(start, for_ever(rows))(handler, request)

    return send


def long_texts(letters: int) -> Behaviour:
    """The rows that are asked for, as many as there are, each with so many letters in a text."""

    def send(handler: Handler, request: Request) -> None:
        text = votable.write(handler.faulty.answer(request), "tabledata")
        parts = re.split(rb"(?<=<TD>)J[^<]*(?=</TD>)", text)
        body(part for each in parts for part in (each, b"A" * letters * (each is not parts[-1])))(handler, request)

    return send


def other_columns() -> Behaviour:
    """Rows without an end of columns that nobody asked for."""
    fields = '<FIELD name="source_id" datatype="long"/><FIELD name="mine" datatype="double" arraysize="1000"/>'
    return table(fields, b"<STREAM encoding='base64'>", for_ever(b"AAAA"), kind=b"BINARY")


def table(fields: str, *rows: bytes | Iterable[bytes], kind: bytes = b"TABLEDATA") -> Behaviour:
    return body(VOTABLE, b"<TABLE>", fields.encode(), b"<DATA><%s>" % kind, *rows, b"</%s>" % kind + END)


def echo(status: int = 400) -> Behaviour:
    """Says again all that it was told, headers and form, with the controls of a terminal."""

    def send(handler: Handler, request: Request) -> None:
        told = f"\x1b[31mYou sent {dict(handler.headers)} and {request.parameters}\x1b]0;owned\x07 "
        code = handler.headers.get("Authorization", "").partition(" ")[2]
        told += base64.b64decode(code).decode() if re.fullmatch("[A-Za-z0-9+/=]+", code) else ""
        body(told.encode(), status=status, mime="text/plain")(handler, request)

    return send
