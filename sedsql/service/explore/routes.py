"""Which path of the page's is answered by what."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urljoin

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sedsql.inference.strict_json import parsed_object
from sedsql.service.asynchronous import user_of
from sedsql.service.errors import ServiceError
from sedsql.service.explore import guard, page_files, samp
from sedsql.service.explore.about import about
from sedsql.service.explore.answers import error, json_response, lines, streamed, told
from sedsql.service.explore.explore import Explore
from sedsql.service.explore.in_parts import InParts
from sedsql.service.explore.region import region_of
from sedsql.service.explore.session import Session
from sedsql.service.receive import whole
from sedsql.service.respond import Streamed

Answer = Callable[[Explore, Request], Awaitable[Response]]

_LARGEST = 4 << 20
"""Bytes of a request."""
_DEEPEST = 12
_SECONDS = 60.0
"""That an answer about a result may take."""
_CHECKING = 10.0


async def _page(explore: Explore, request: Request) -> Response:
    return page_files.page(explore.settings)


async def _file(explore: Explore, request: Request) -> Response:
    return page_files.page_file(request, explore.settings)


async def _about(explore: Explore, request: Request) -> Response:
    sends = explore.samp is not None
    return json_response(await run_in_threadpool(lambda: about(explore.facts.now(), explore.settings, samp=sends)))


async def _check(explore: Explore, request: Request) -> Response:
    values = await _values(explore, request)
    checker = await explore.sessions.checker()
    try:
        return await streamed(checker.ask("check", values, _CHECKING), request)
    except ServiceError as fault:  # what is being written is wrong most of the time
        if fault.status != 400:
            raise
        return json_response({"ok": False, **told(fault)})


async def _region(explore: Explore, request: Request) -> Response:
    text = (await _values(explore, request)).get("text")
    if not isinstance(text, str) or len(text) > 200:
        raise ServiceError("text is a name or a position, of up to 200 letters.")
    try:
        return json_response(region_of(text))
    except ServiceError as fault:  # a name that is not known is no failure of HTTP
        return json_response(told(fault))


async def _new(explore: Explore, request: Request) -> Response:
    session = await explore.sessions.new(user_of(request))
    return json_response({"id": session.id}, 201)


async def _end(explore: Explore, request: Request) -> Response:
    await explore.sessions.end(_session(explore, request))
    return Response(status_code=204)


async def _cancel(explore: Explore, request: Request) -> Response:
    _session(explore, request).cancel()
    return Response(status_code=204)


async def _query(explore: Explore, request: Request) -> Response:
    values = await _values(explore, request)
    limits = {"rows": explore.settings.rows, "points": explore.settings.points}
    run = _session(explore, request).ask("query", {**values, **limits}, explore.settings.seconds)
    return await lines(run, request)


def _asking(operation: str) -> Answer:
    """Ask the session for an operation of that name."""

    async def answer(explore: Explore, request: Request) -> Response:
        values, settings = await _values(explore, request), explore.settings
        if operation == "axes" and request.query_params.get("points") == "0":
            values["points"] = False
        elif operation == "source":
            values |= {"training": settings.training and str(settings.training), "label": settings.label}
        elif operation == "where":
            page = f"{request.url.scheme}://{request.url.netloc}/"
            values["url"] = settings.tap and urljoin(page, settings.tap)
        return await streamed(_session(explore, request).ask(operation, values, _SECONDS), request)

    return answer


async def _export(explore: Explore, request: Request) -> Response:
    values = await _values(explore, request)
    file = await InParts.begin(_session(explore, request), values, explore.settings.seconds)
    return Streamed(file, file.mime, lambda: None)


def _session(explore: Explore, request: Request) -> Session:
    return explore.sessions.find(request.path_params["session"], user_of(request))


async def _programs(explore: Explore, request: Request) -> Response:
    return json_response({"programs": await run_in_threadpool(_exchange(explore).programs)})


async def _send(explore: Explore, request: Request) -> Response:
    values, settings = await _values(explore, request), explore.settings
    to = values.get("to")
    if to is not None and not isinstance(to, str):
        raise ServiceError("to is the name of a program.")
    title = f"selection of {settings.process.mirror.name}"
    folder, filter = settings.process.temporary / "samp", values.get("filter")
    session = _session(explore, request)
    return json_response(await samp.send(_exchange(explore), session, filter, to, title, folder, settings.seconds))


async def _events(explore: Explore, request: Request) -> Response:
    after = request.query_params.get("after", "0")
    if not (after.isascii() and after.isdigit() and len(after) < 16):
        raise ServiceError("after is the number of an event.")
    return json_response(_exchange(explore).events(int(after)))


def _exchange(explore: Explore) -> samp.Exchange:
    if explore.samp is None:
        raise ServiceError("SAMP is for a page that this machine shows to itself.", 409)
    return explore.samp


async def _nothing(explore: Explore, request: Request) -> Response:
    raise ServiceError(f"There is no {request.url.path[:80]!r} here.", 404)


async def _values(explore: Explore, request: Request) -> dict[str, Any]:
    with explore.memory.holding() as hold:
        body = await whole(request, _LARGEST, hold)
    try:
        return parsed_object(body, _DEEPEST) if body else {}
    except ValueError as wrong:
        raise ServiceError(f"The request {wrong}.") from None


_ONE = "/explore/sessions/{session}"
_OPERATIONS = ("axes", "select", "rows", "pick", "source", "where")
_ROUTES: dict[str, dict[str, Answer]] = {
    "/": {"GET": _page},
    "/page/{file}": {"GET": _file},
    "/explore/about": {"GET": _about},
    "/explore/check": {"POST": _check},
    "/explore/region": {"POST": _region},
    "/explore/sessions": {"POST": _new},
    _ONE: {"DELETE": _end},
    f"{_ONE}/end": {"POST": _end},
    f"{_ONE}/cancel": {"POST": _cancel},
    f"{_ONE}/query": {"POST": _query},
    **{f"{_ONE}/{name}": {"POST": _asking(name)} for name in _OPERATIONS},
    f"{_ONE}/export": {"POST": _export},
    f"{_ONE}/samp/send": {"POST": _send},
    "/explore/samp": {"GET": _programs},
    "/explore/samp/events": {"GET": _events},
    "/explore/{rest:path}": dict.fromkeys(("GET", "POST", "PUT", "DELETE", "PATCH"), _nothing),
}
_FILES = (_page, _file)


def routes(explore: Explore) -> list[Route]:
    """The routes of the page."""
    return [Route(path, _endpoint(methods, explore), methods=list(methods)) for path, methods in _ROUTES.items()]


def _endpoint(methods: dict[str, Answer], explore: Explore) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        method = methods["GET" if request.method == "HEAD" else request.method]
        try:
            guard.check_host(request, explore.settings)
            if method not in _FILES:
                guard.check_origin(request)
                if not request.url.path.endswith("/end"):  # a beacon has no headers of its own
                    guard.check_header(request)
            response = await method(explore, request)
        except ServiceError as fault:
            response = error(fault)
        except Exception as fault:
            traceback.print_exception(fault)
            response = error(ServiceError("The service failed at this request; its log has the reason.", 500))
        return page_files.guarded(response, explore.settings)

    return answer
