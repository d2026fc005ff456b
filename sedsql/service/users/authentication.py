"""Ask who a client is, by name and password or by token (IVOA SSO 2.0, Section 2), before it may ask anything else."""

from __future__ import annotations

import asyncio
import base64
import binascii
from weakref import WeakValueDictionary

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from sedsql.service import respond
from sedsql.service.errors import ServiceError
from sedsql.service.users.accounts import Accounts

SECURITY = ("ivo://ivoa.net/sso#BasicAA", "ivo://ivoa.net/sso#OAuth")
"""The standards by which users are let in: names with passwords, and bearer tokens."""
_FOR_ALL = ("/tap", "/tap/capabilities", "/tap/availability")
"""Paths that tell how to log in, and that the service is up."""


class Authentication:
    """Hands on the requests of users, with `state.user`, and of others those that anyone may make."""

    def __init__(self, app: ASGIApp, accounts: Accounts):
        self._app, self._accounts = app, accounts
        self._one_at_a_time = asyncio.Lock()
        self._of_client: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            user = await self._user(request)
            if user is None and scope["path"].rstrip("/") not in [path.rstrip("/") for path in _FOR_ALL]:
                raise ServiceError("This service is for its users; log in with a name and a password, or a token.", 401)
        except ServiceError as fault:
            response = respond.error(fault, votable=False)
            if fault.status == 401:
                response.headers.append("WWW-Authenticate", 'Basic realm="sedsql", charset="UTF-8"')
                response.headers.append("WWW-Authenticate", 'Bearer realm="sedsql"')
            await response(scope, receive, send)
            return
        scope.setdefault("state", {})["user"] = user
        await self._app(scope, receive, send)

    async def _user(self, request: Request) -> str | None:
        """The user who says so; None where nobody does. ServiceError where it is not true."""
        header = request.headers.get("authorization")
        if header is None:
            return None
        self._accounts.follow()
        kind, _, word = header.partition(" ")
        user = None
        if kind.lower() == "bearer":
            user = self._accounts.of_token(word.strip())
        elif kind.lower() == "basic":
            try:
                name, _, password = base64.b64decode(word.strip(), validate=True).decode().partition(":")
            except (binascii.Error, ValueError):
                raise ServiceError("The Authorization header is not as Basic has it.", 401) from None
            if self._accounts.is_known(name, password):  # users do not wait for those who try passwords
                return name
            client = request.client.host if request.client else ""
            own = self._of_client.setdefault(client, asyncio.Lock())  # who tries many waits for their own
            async with own, self._one_at_a_time:  # each takes memory and time, as a password should
                user = await run_in_threadpool(self._accounts.of_password, name, password)
        if user is None:
            raise ServiceError("The name, the password or the token is not right.", 401)
        return user
