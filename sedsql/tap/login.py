"""Log in: a user name and a password, for one service alone."""

import os
import threading
import time
from base64 import b64encode
from typing import Any, Protocol
from urllib.parse import quote, quote_plus

import requests
from requests.auth import AuthBase, _basic_auth_str
from requests.cookies import RequestsCookieJar
from requests.utils import get_netrc_auth

from sedsql.tap.errors import Refused
from sedsql.tap.limits import Limits
from sedsql.tap.origin import HomeCookies, is_home, origin

_SHORT = 60.0
"""Seconds within which a session does not end by itself."""
USER, PASSWORD = "SEDSQL_TAP_USER", "SEDSQL_TAP_PASSWORD"


class Sender(Protocol):
    """What the login's form is sent by, such as a `transport.Session`."""

    def ask(self, method: str, url: str, *, follow: bool = ..., **what: Any) -> requests.Response: ...


class Login(AuthBase):
    """SEDSQL_TAP_USER and SEDSQL_TAP_PASSWORD; without them, what ~/.netrc has for the service's host.

    They go to the service's scheme, host and port only (`origin.is_home`), whatever it redirects to: by HTTP Basic, or
    once to its form at <url>/login, which gives a cookie. What ~/.netrc has goes by HTTP Basic.

    url : of the service, as it was given; `moved` notes where it is now
    """

    def __init__(self, url: str, limits: Limits):
        self.home = self.url = url
        self._user, self._password = os.environ.get(USER), os.environ.get(PASSWORD)
        if bool(self._user) != bool(self._password):
            there, missing = (USER, PASSWORD) if self._user else (PASSWORD, USER)
            raise Refused(f"{there} is set, but {missing} is not; a login needs both.")
        self.cookies = RequestsCookieJar(policy=HomeCookies(url, limits))
        self._basic = (self._user, self._password) if self.is_given else get_netrc_auth(url)
        self._by_form, self._since = False, 0.0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Login({'a user' if self.is_given else 'nobody'})"

    @property
    def is_given(self) -> bool:
        """Whether there is a user for the form, too."""
        return bool(self._user)

    @property
    def is_any(self) -> bool:
        return bool(self._basic)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the login, or remove what requests has added for the host alone."""
        if not is_home(request.url or "", self.home):
            request.headers.pop("Cookie", None)
            request.headers.pop("Authorization", None)
        elif self._basic and not self._by_form:
            request.headers["Authorization"] = _basic_auth_str(self._basic[0] or "", self._basic[1] or "")
        return request

    def moved(self, url: str) -> None:
        """Note that the service is at this URL now; its form there is used if it is the service's own."""
        if is_home(url, self.home):
            self.url = url

    def by_form(self, session: Sender, sent: requests.PreparedRequest | None = None) -> bool:
        """Sign in at the form; False where the service has none, or that has just been done in vain.

        sent : a request that was refused
        """
        with self._lock:
            if not self.is_given or (sent is not None and not is_home(sent.url or "", self.home)):
                return False
            if self._by_form and sent is not None and "Authorization" in sent.headers:
                return True  # another thread was quicker
            if self._by_form and time.monotonic() - self._since < _SHORT:
                return False
            form = {"username": self._user, "password": self._password}
            with session.ask("POST", f"{self.url}/login", data=form, follow=False, auth=_nobody) as response:
                status = response.status_code
            if status in (404, 405, 501):
                return False
            if status >= 400:
                raise Refused(
                    f"{origin(self.url)[1]} does not accept the user name and password in {USER} and {PASSWORD} "
                    f"(HTTP {status})."
                )
            self._by_form, self._since = True, time.monotonic()
            return True

    def hidden(self, words: str) -> str:
        """Remove the password from a text, in any form in which a service may repeat it."""
        user, password = self._basic or ("", "")
        if not password:
            return words
        both = f"{user}:{password}".encode()
        secrets = [b64encode(both).decode(), password, quote(password), quote_plus(password)]
        secrets += [b64encode(f"{user}:{password}".encode("latin-1", "replace")).decode()]
        for secret in sorted({*secrets, *filter(None, self.cookies.values())}, key=len, reverse=True):
            if len(secret) > 3:
                words = words.replace(secret, "***")
        return words


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
