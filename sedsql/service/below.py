"""Answer below a base path too, for proxies that hand it on, such as those of JupyterHub and ESA Datalabs."""

from __future__ import annotations

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Below:
    """Takes the base path off; a proxy may have taken it off before."""

    def __init__(self, app: ASGIApp, base: str):
        """base : such as /datalabs/7; empty for none"""
        self._app, self._base = app, "/" + base.strip("/") if base.strip("/") else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or not self._base:
            await self._app(scope, receive, send)
        elif scope["path"] == self._base:  # the page asks for its files relative to its own URL
            await RedirectResponse(f"{self._base.rpartition('/')[2]}/", 308)(scope, receive, send)
        elif scope["path"].startswith(f"{self._base}/"):
            await self._app({**scope, "path": scope["path"].removeprefix(self._base)}, receive, send)
        else:
            await self._app(scope, receive, send)
