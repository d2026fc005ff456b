"""Let only the page itself ask: no other site that its user has open, and no host name that leads here by a trick."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request

from sedsql.service.errors import ServiceError
from sedsql.service.explore.settings import ExploreSettings

HEADER, VALUE = "x-sedsql", "explore"
"""What a page of another site cannot send: browsers ask first, and are not answered."""

_REFUSED = "This request comes from another page than the one of this service."


def check_host(request: Request, settings: ExploreSettings) -> None:
    """Refuse names that are not this machine's, which a site may have its users' browsers ask (DNS rebinding)."""
    if settings.any_host:
        return
    host = (urlsplit(f"//{request.headers.get('host', '')}").hostname or "").rstrip(".")
    if host != "localhost" and not host.endswith(".localhost") and not _is_loopback(host):
        raise ServiceError("This service is asked by the name of this machine alone, such as localhost.", 403)


def check_origin(request: Request) -> None:
    """Refuse what another page has sent."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site != "same-origin":
            raise ServiceError(_REFUSED, 403)
        return
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ServiceError(_REFUSED, 403)


def check_header(request: Request) -> None:
    """Refuse what the page's own code has not sent."""
    if request.headers.get(HEADER) != VALUE:
        raise ServiceError(f"The header X-Sedsql: {VALUE} is missing, which the page sends with each request.", 403)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
