"""Who asks: a user name and a password from the environment, for one service alone."""

import os
import threading
import time
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase, _basic_auth_str
from requests.cookies import RequestsCookieJar

from .errors import Refused

_SHORT = 60.0
"""Seconds within which a session does not end by itself."""
USER, PASSWORD = "SEDSQL_TAP_USER", "SEDSQL_TAP_PASSWORD"


class Login(AuthBase):
    """SEDSQL_TAP_USER and SEDSQL_TAP_PASSWORD; without them, requests looks into ~/.netrc.

    They go to the host of the service only: by HTTP Basic, or once to its form at <url>/login, which gives a cookie.
    """

    def __init__(self, url: str):
        self.url = url
        self._user, self._password = os.environ.get(USER), os.environ.get(PASSWORD)
        if bool(self._user) != bool(self._password):
            there, missing = (USER, PASSWORD) if self._user else (PASSWORD, USER)
            raise Refused(f"{there} is set, but {missing} is not; a login needs both.")
        self.cookies = RequestsCookieJar()
        self._by_form, self._since = False, 0.0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Login({'a user' if self.is_given else 'nobody'})"

    @property
    def is_given(self) -> bool:
        return bool(self._user)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.is_given and not self._by_form and _origin(request.url or "") == _origin(self.url):
            request.headers["Authorization"] = _basic_auth_str(self._user or "", self._password or "")
        return request

    def by_form(self, session: requests.Session, sent: requests.PreparedRequest | None = None) -> bool:
        """Sign in at the form; False where the service has none, or that has just been done in vain.

        sent : a request that was not let in
        """
        with self._lock:
            if not self.is_given:
                return False
            if self._by_form and sent is not None and "Authorization" in sent.headers:
                return True  # another thread was quicker
            if self._by_form and time.monotonic() - self._since < _SHORT:
                return False
            form = {"username": self._user, "password": self._password}
            response = session.post(f"{self.url}/login", data=form, allow_redirects=False, auth=_nobody)
            if response.status_code in (404, 405, 501):
                return False
            if response.status_code >= 400:
                raise Refused(
                    f"{_host(self.url)} does not accept the user name and password in {USER} and {PASSWORD} "
                    f"(HTTP {response.status_code})."
                )
            self._by_form, self._since = True, time.monotonic()
            return True


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port
