"""Give answers over HTTP: documents, redirects, errors, and streams that end when the client goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from sedsql.service import error_document
from sedsql.service.errors import ServiceError
from sedsql.service.workers import Run


class Body(Protocol):
    """Bytes that come one after another."""

    def body(self) -> AsyncIterator[bytes]:
        """The bytes, once."""

    def cancel(self) -> None:
        """Say that nobody wants them."""


def document(content: bytes, mime: str = "text/xml") -> Response:
    """A document."""
    return Response(content, headers={"Content-Type": mime})


def text(content: str) -> Response:
    """One value, such as a job's phase."""
    return PlainTextResponse(content)


def see_other(url: str) -> Response:
    """Send the client to another resource."""
    return RedirectResponse(url, 303)


def error(fault: ServiceError, *, votable: bool = True) -> Response:
    """Tell what went wrong, as a VOTable or as text."""
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if votable:
        document = error_document.error_document(fault.message)
        return Response(document, fault.status, headers, media_type=error_document.MIME)
    return PlainTextResponse(f"{fault.message}\n", fault.status, headers)


async def until_gone(receive: Receive) -> None:
    """Wait until the client has gone; its request was received."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def head_of(run: Run, request: Request) -> str:
    """Wait for the head of an answer and give its Content-Type; a client that goes meanwhile stops the query."""
    gone = asyncio.ensure_future(until_gone(request.receive))
    gone.add_done_callback(lambda done: None if done.cancelled() else run.cancel())
    try:
        return (await run.head()).mime
    finally:
        gone.cancel()
        with suppress(asyncio.CancelledError):
            await gone


class Streamed(Response):
    """The answer to a query, as its bytes come; whatever becomes of it, the query ends with it."""

    def __init__(self, run: Body, mime: str, close: Callable[[], object]):
        """close : called at the end"""
        super().__init__(headers={"Content-Type": mime})
        del self.headers["content-length"]
        self._run, self._close = run, close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(until_gone(receive))
        gone.add_done_callback(lambda done: None if done.cancelled() else self._run.cancel())
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                async for chunk in self._run.body():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except ServiceError:
            if not gone.done():
                raise  # the server cuts the connection off, so that nobody takes the answer for whole
        finally:
            gone.cancel()
            self._run.cancel()
            self._close()
