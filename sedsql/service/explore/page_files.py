"""Serve the page and its files, with headers that let it ask no other host and run no other code."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from sedsql.service.errors import ServiceError
from sedsql.service.explore.settings import ExploreSettings

FOLDER = Path(__file__).parent / "page"
_TYPES = {
    **{".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json"},
    **{".svg": "image/svg+xml", ".png": "image/png", ".woff2": "font/woff2", ".txt": "text/plain"},
}
_HASHED = re.compile(r"-[A-Z0-9]{8}\.")
_MISSING = (
    "<!doctype html><meta charset=utf-8><title>sedsql</title><p>The page has not been built: run <code>make page</code>"
    ", which needs Node.js, in the checkout of sedsql; a wheel has it."
)


def page(settings: ExploreSettings) -> Response:
    """The page; one of a sentence where it is not built."""
    file = FOLDER / "index.html"
    response = FileResponse(file) if file.is_file() else HTMLResponse(_MISSING, 503)
    return guarded(response, settings)


def page_file(request: Request, settings: ExploreSettings) -> Response:
    """A file of the page. Browsers may keep it where its name has a hash of what is in it."""
    name = request.path_params["file"]
    file = FOLDER / name
    if file.suffix not in _TYPES or "/" in name or "\\" in name or name.startswith(".") or not file.is_file():
        raise ServiceError(f"The page has no file {name[:80]!r}.", 404)
    response = FileResponse(file, media_type=_TYPES[file.suffix])
    if _HASHED.search(name):
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return guarded(response, settings)


def guarded(response: Response, settings: ExploreSettings) -> Response:
    """Add the headers that all answers to the page have."""
    policy = {
        "default-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(["'self'", *settings.frames]),
    }
    response.headers["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in policy.items())
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
