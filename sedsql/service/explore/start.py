"""Serve the page alone, for the user of this machine."""

from __future__ import annotations

import threading
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from socket import socket

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from sedsql.files.object_storage.addresses import place_of
from sedsql.service.below import Below
from sedsql.service.errors import ServiceError
from sedsql.service.explore.answers import error
from sedsql.service.explore.explore import Explore
from sedsql.service.explore.routes import routes
from sedsql.service.explore.samp import Link
from sedsql.service.explore.settings import ExploreSettings
from sedsql.service.run import is_for_others, listen, run, url_of

_PORTS = 50
"""That are tried one after another, where the first is taken."""


def start(
    settings: ExploreSettings, host: str, port: int, browser: bool, tell: Callable[[str], object], link: Link
) -> None:
    """Serve until a signal says to stop. ServiceError or MirrorError where that cannot be.

    browser : whether the page is opened in one
    link : to the SAMP hub of the user
    """
    with _listening(host, port) as listening:
        for_others = is_for_others(listening)
        explore = Explore(replace(settings, any_host=for_others or bool(settings.base)), link=link)
        if for_others:
            tell(f"Warning: other machines can reach {host}, and may ask without a login; `sedsql serve` has one")
        url = f"{url_of(listening).removesuffix('/tap')}/"
        tell(f"{place_of(settings.process.mirror)} is shown at {url}; Ctrl-C ends it")
        if browser:
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
        run(explore, make_app(explore), listening)
        tell("The page has ended")


def make_app(explore: Explore) -> ASGIApp:
    """Make the application of the page."""
    app = Starlette(
        routes=list(routes(explore)),
        exception_handlers={HTTPException: _no_such_path},  # type: ignore[dict-item]
    )
    return Below(app, explore.settings.base)


async def _no_such_path(request: Request, fault: HTTPException) -> Response:
    return error(ServiceError(f"There is no {request.url.path[:80]!r} here; the page is at /.", fault.status_code))


def _listening(host: str, port: int) -> socket:
    """Listen at a port, or at the next one that is free."""
    for one in range(port, min(port + _PORTS, 65535) if port else 1):
        try:
            return listen(host, one)
        except ServiceError as fault:
            if "is taken" not in fault.message:
                raise
    return listen(host, port)
