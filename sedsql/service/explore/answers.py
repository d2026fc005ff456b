"""Give what a session answers, as its bytes come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sedsql.files.json import to_json
from sedsql.service.errors import ServiceError
from sedsql.service.respond import Streamed, head_of
from sedsql.service.workers import Run, StoppedError

NDJSON = "application/x-ndjson"


def told(fault: ServiceError) -> dict[str, Any]:
    """What went wrong, for the page."""
    place = fault.place._asdict() if fault.place else {}
    stopped = {"cancelled": True} if isinstance(fault, StoppedError) else {}
    return {"error": {"message": fault.message, **place, **stopped}}


def json_response(value: Any, status: int = 200) -> Response:
    return Response(to_json(value), status, media_type="application/json")


def error(fault: ServiceError) -> Response:
    """Tell what went wrong."""
    response = json_response(told(fault), fault.status)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response


async def streamed(run: Run, request: Request) -> Response:
    """The answer to what a session was asked; a client that goes away stops it."""
    try:
        mime = await head_of(run, request)
    except BaseException:
        run.cancel()
        raise
    return Streamed(run, mime, lambda: None)


async def lines(run: Run, request: Request) -> Response:
    """The same, of lines of JSON, of which the last tells an error; a query that is wrong is no failure of HTTP."""
    with suppress(ServiceError):  # which the last line tells
        await head_of(run, request)
    return Streamed(_Lines(run), NDJSON, lambda: None)


class _Lines:
    """Lines of JSON, of which the last tells an error, if there was one."""

    def __init__(self, run: Run):
        self._run = run

    async def body(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._run.body():
                yield chunk
        except ServiceError as fault:
            yield to_json(told(fault)).encode() + b"\n"

    def cancel(self) -> None:
        self._run.cancel()
