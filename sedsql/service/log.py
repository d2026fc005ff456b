"""Tell one line of each request: when, who, what, and how it ended. No line has a query or what was uploaded.

A page asks many times a second while somebody drags across it or writes: of that only what fails has a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LONGEST = 200
_SESSION = re.compile(r"(/explore/sessions/)[^/]+")
"""Whoever knows the name of a session of the page may ask it, where there are no users."""

_OFTEN = re.compile(r"/explore/(about|check|region|samp/events|sessions/-/(select|rows|pick|source))$")


class Log:
    """Hands requests on, and tells of each when it has ended."""

    def __init__(self, app: ASGIApp, tell: Callable[[str], object]):
        """tell : takes a line"""
        self._app, self._tell = app, tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, size, whole = monotonic(), 0, 0, False

        async def counted(message: Message) -> None:
            nonlocal status, size, whole
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
                whole = not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            path = scope.get("raw_path", b"").decode("latin-1").partition("?")[0][:_LONGEST]
            path = _one_word(_SESSION.sub(r"\1-", path))
            client = _one_word(scope["client"][0][:_LONGEST]) if scope.get("client") else "-"
            user = scope.get("state", {}).get("user") or "-"
            time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            end = "" if whole else " (cut off)"
            if not (_OFTEN.search(path) and whole and status < 400):
                self._tell(
                    f"{time} {client} {user} {scope['method'][:10]} {path} {status or '-'} {size:,} bytes, "
                    f"{monotonic() - began:.3f} s{end}"
                )


def _one_word(text: str) -> str:
    """The text without what would look like another word or line."""
    return "".join(letter if " " < letter < "\x7f" else "?" for letter in text) or "-"
