"""Receive the parameters and tables of a request: from its query string, and from its body in either form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from sedsql.service.errors import ServiceError
from sedsql.service.memory import Memory
from sedsql.service.multipart import IN_MEMORY, Part, Parts

FORM = 16 << 20
"""Bytes of a urlencoded body at most: a query has a list of a million source_ids at most."""
_MOST_FIELDS = 1000
SILENCE = 60.0
"""Seconds in which nothing of a body comes, after which the request is given up."""


@dataclass
class Received:
    """What a request says.

    incoming : gives paths for files
    pairs : names and values of parameters, in their order
    parts : of a multipart body, by name: what UPLOAD may mean by param:NAME
    files : all that were written for it
    """

    incoming: Callable[[], Path]
    pairs: list[tuple[str, str]] = field(default_factory=list)
    parts: dict[str, Part] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)

    def new_path(self) -> Path:
        """A path for a file, which `close` removes."""
        self.files.append(self.incoming())
        return self.files[-1]

    def close(self) -> None:
        """Remove the files that nobody has taken."""
        for path in self.files:
            path.unlink(missing_ok=True)


async def receive(request: Request, new_path: Callable[[], Path], most_bytes: int, memory: Memory) -> Received:
    """Read a request.

    new_path : gives paths for tables
    most_bytes : of a body
    memory : what the bodies of all requests may hold

    ServiceError where the request is not good.
    """
    received = Received(new_path, _pairs(request.url.query.encode("latin-1"), "The query string"))
    if request.method != "POST":
        return received
    kind = Message()
    kind["Content-Type"] = request.headers.get("content-type", "")
    name = kind.get_content_type() if kind["Content-Type"] else ""
    try:
        with memory.holding() as hold:
            if name == "multipart/form-data":
                await _read_parts(request, str(kind.get_param("boundary", "")), received, most_bytes, hold)
            elif name in ("application/x-www-form-urlencoded", ""):
                received.pairs += _pairs(await whole(request, FORM, hold), "The body")
            else:
                raise ServiceError(
                    f"A body of the type {name[:80]!r} is not read; send application/x-www-form-urlencoded or "
                    "multipart/form-data.",
                    415,
                )
    except ClientDisconnect:
        received.close()
        raise ServiceError("The client went away before its request was whole.") from None
    except BaseException:
        received.close()
        raise
    return received


def _pairs(text: bytes, where: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError:
        raise ServiceError(f"{where} is not urlencoded UTF-8.") from None
    except ValueError:
        raise ServiceError(f"{where} has more than {_MOST_FIELDS:,} parameters.", 413) from None


async def _blocks(request: Request) -> AsyncIterator[bytes]:
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(SILENCE):
                block = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise ServiceError(f"No more of the request came for {SILENCE:g} seconds; send it again.", 408) from None
        yield block


async def whole(request: Request, most: int, hold: Callable[[int], None] = lambda size: None) -> bytes:
    """The body of a request. ServiceError where it has more bytes than it may.

    hold : told how many there are so far; may raise
    """
    body = bytearray()
    async for block in _blocks(request):
        hold(len(body) + len(block))
        body += block
        if len(body) > most:
            raise ServiceError(f"The body has more than {most >> 20} MB, the limit here.", 413)
    return bytes(body)


async def _read_parts(
    request: Request, boundary: str, received: Received, most_bytes: int, hold: Callable[[int], None]
) -> None:
    if not boundary:
        raise ServiceError("The multipart body has no boundary in its Content-Type.")
    parts, count = Parts(boundary, received.new_path), 0
    too_large = ServiceError(f"The request has more than {most_bytes / (1 << 20):,.4g} MB, the limit here.", 413)
    try:
        if int(request.headers.get("content-length", "0") or 0) > most_bytes:
            raise too_large
        async for block in _blocks(request):
            count += len(block)
            if count > most_bytes:
                raise too_large
            parts.take(block)
            hold(parts.held)
        for part in parts.finish():
            if part.name in received.parts and (part.path or received.parts[part.name].path):
                raise ServiceError(f"Two parts of the body are called {part.name[:40]!r}, and one is a table.")
            if part.path and not part.is_file and part.name.upper() == "QUERY":
                raise ServiceError(
                    f"The query has more than {IN_MEMORY >> 20} MB; upload a table in the place of lists.", 413
                )
            text = None if part.path else part.text()
            if text is not None:
                received.pairs.append((part.name, text))
            received.parts[part.name] = part
    finally:
        parts.close()
