"""Speak HTTP with a service: one session a thread, redirects, and the meaning of each failure."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from importlib.metadata import version
from threading import Event
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from sedsql.tap.body import blocks
from sedsql.tap.errors import Damaged, Refused, Reported, TimedOut, Unbounded, one_line
from sedsql.tap.limits import Limits, Room
from sedsql.tap.login import PASSWORD, USER, Login
from sedsql.tap.origin import is_home, secured
from sedsql.tap.retry import Slow, TransientError
from sedsql.tap.votable import Answer, message, read
from sedsql.tap.wire import Adapter, Watch, watched

_TIME = re.compile(
    r"time[ -]?d?[ -]?out|time limit|execution time|too long|exceeded.{0,40}(time|duration)|statement timeout"
    r"|cancel+ing statement|(?<!a)synchronous.{0,60}(limit|exceed|too)",
    re.IGNORECASE | re.DOTALL,
)
"""The ways in which services say that a query took too long."""


class Session(requests.Session):
    """A session that waits `timeout` seconds for a byte, and no longer; redirects are followed here.

    see_other : where the last answer with HTTP 303 led; a new job is there, even if reading it failed
    """

    see_other: str | None = None

    def __init__(self, timeout: float, login: Login, limits: Limits, stopped: Event):
        super().__init__()
        self.headers["User-Agent"] = f"sedsql/{version('sedsql')} (IVOA-science) {requests.utils.default_user_agent()}"
        self.headers["Accept-Encoding"] = "gzip"
        self.timeout, self.login, self.limits, self.stopped = timeout, login, limits, stopped
        self.cookies = login.cookies
        self.auth = login  # always, as requests would look into ~/.netrc by the host's name alone
        for scheme in ("http://", "https://"):
            self.mount(scheme, Adapter())

    def ask(
        self, method: str, url: str, *, longest: float | None = None, follow: bool = True, **what: Any
    ) -> requests.Response:
        """The answer, whose body is still to come: to be read by `blocks`, and closed.

        longest : seconds that it may take in all; `Limits.seconds` if None
        what : data, files, params, auth, as `requests.Session.request` takes them
        """
        longest = self.limits.seconds if longest is None else longest
        watched.set(Watch(self.limits, longest, self.timeout, self.stopped))
        timeout = (min(self.timeout, 30.0), self.timeout)
        for _ in range(self.limits.redirects + 1):
            response = self.request(method, url, timeout=timeout, allow_redirects=False, stream=True, **what)
            target = self.get_redirect_target(response) if follow else None
            if target is None:
                return response
            response.close()
            try:
                url = urljoin(response.url, target)
                if (encrypted := secured(url, self.login.home)) != response.url:
                    url = encrypted
            except ValueError:
                raise Refused(
                    f"{shown(response.url)} redirects to {one_line(target, 100)!r}, which is not a URL."
                ) from None
            what.pop("params", None)
            if response.status_code == 303:
                self.see_other = url
            if response.status_code == 303 or (response.status_code in (301, 302) and method == "POST"):
                method, what = "GET", {key: what[key] for key in what.keys() - {"data", "files"}}
        raise Refused(f"{shown(url)} redirects more than {self.limits.redirects} times.")

    def resolve_redirects(self, *args: Any, **keywords: Any) -> Iterator[Any]:  # type: ignore[override]
        """None: also where it is not to follow a redirect, requests would read all of its body here."""
        return iter(())


@contextmanager
def failures(session: Session) -> Iterator[None]:
    """Turn the errors of requests into TransientError, Slow or Refused."""
    try:
        yield
    except requests.RequestException as error:
        raise _meaning(error, session) from None
    except (urllib3.exceptions.HTTPError, HTTPException, UnicodeError) as error:  # of headers that are none
        raise TransientError(f"the answer makes no sense ({type(error).__name__})") from None


def _meaning(error: requests.RequestException, session: Session) -> Exception:
    inner = error.args[0] if error.args else None
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Refused(f"The certificate of {_host(error)} is not valid.")
    if isinstance(error, requests.ConnectTimeout):
        return TransientError("no connection in time")
    if isinstance(error, requests.Timeout) or isinstance(inner, urllib3.exceptions.ReadTimeoutError):
        return Slow(f"no answer within {session.timeout:g} seconds")
    if isinstance(error, requests.ConnectionError):
        return TransientError(f"no connection ({_cause(error)})")
    return Refused(f"{_host(error)} cannot be asked: {type(error).__name__}.")


def host_of(url: str | bytes | None) -> str:
    """The host of a URL, for messages."""
    try:
        return urlsplit(str(url or "")).hostname or "the service"
    except ValueError:
        return "the service"


def shown(url: str) -> str:
    """A URL without its user and query, which may be secret or long."""
    plain = url.split("?")[0].split("#")[0]
    scheme, slashes, rest = plain.partition("//")
    host, slash, path = rest.partition("/")
    return one_line(f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}", 200)


def _host(error: requests.RequestException) -> str:
    return host_of(error.request.url) if error.request is not None else "the service"


def _cause(error: BaseException) -> str:
    """The operating system's reason, from below the libraries' own errors."""
    seen: list[Any] = [error]
    for this in seen:
        if isinstance(this, OSError) and this.strerror and not isinstance(this, requests.RequestException):
            return this.strerror
        if isinstance(this, HTTPException) and not isinstance(this, ConnectionError):
            return f"it does not speak HTTP: {one_line(str(this), 100)}"
        below = [*getattr(this, "args", ()), getattr(this, "reason", None), this.__cause__, this.__context__]
        seen += [inner for inner in below if isinstance(inner, BaseException) and inner not in seen]
    return "it was closed"


def refusal(response: requests.Response, session: Session) -> Exception:
    """Turn an HTTP status that is no success into an error; the body is read as far as it may tell the reason."""
    status, host, login = response.status_code, host_of(response.url), session.login
    if status == 401 and login.by_form(session, response.request):
        return TransientError("the service asks for a login", wait=0)
    if status in (401, 403) and login.is_any and not is_home(response.url, login.home):
        return Refused(f"{shown(response.url)} asks for a login (HTTP {status}), and yours is for {login.home} alone.")
    if status in (401, 403):
        have = "does not accept the login" if login.is_any else "asks for a login"
        return Refused(f"{host} {have} (HTTP {status}): set {USER} and {PASSWORD}, or write them into ~/.netrc.")
    if status in (404, 410):
        return Refused(f"There is no TAP service at {shown(response.url)} (HTTP {status}).")
    words = _words(response, session)
    told = f"HTTP {status}" + (f": {words}" if words else "")
    if status in (408, 504) or _TIME.search(words):
        return Slow(told)
    if status in (429, 500, 502, 503):
        return TransientError(told, _retry_after(response))
    return Refused(f"{host} refuses the query: {words or told}")


def _words(response: requests.Response, session: Session) -> str:
    limits, text = session.limits, b""
    try:
        for block in blocks(response):
            text += block
            if len(text) >= limits.error:
                break
    except (TransientError, Damaged, Refused, TimedOut, Unbounded):
        pass  # the bytes that came may tell enough
    text = text[: limits.error]
    words = message(text, limits) or ("" if text.lstrip()[:1] in (b"<", b"{") else text.decode("utf-8", "replace"))
    return told_by(words, session)


def told_by(words: str, session: Session) -> str:
    """A service's message, as it may be shown."""
    return one_line(session.login.hidden(words), session.limits.words)


def _retry_after(response: requests.Response) -> float | None:
    """Seconds, from seconds or a date (RFC 9110, Section 10.2.3)."""
    value = response.headers.get("Retry-After", "").strip()
    try:
        seconds = float(value)
        return max(0.0, seconds) if seconds == seconds else None
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def whole(response: requests.Response, session: Session, room: Room) -> Answer:
    """Decode an answer as it comes."""
    try:
        with response:
            if not response.ok:
                raise refusal(response, session)
            return read(blocks(response), room, session.limits)
    except Reported as error:
        words = told_by(error.message, session)
        if _TIME.search(words):
            raise Slow(words) from None
        if error.after_rows:
            raise Reported(words, after_rows=True) from None
        raise Refused(f"{host_of(response.url)} refuses the query: {words}") from None


def tells_of_time(words: str) -> bool:
    """Whether a service's message says that a query took too long."""
    return bool(_TIME.search(words))
