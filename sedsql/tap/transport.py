"""HTTP: one session a thread, answers to files, and what each failure means."""

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.parsers.expat import ExpatError

import pyvo
import requests
import urllib3
from pyvo.dal.exceptions import DALServiceError

from . import ANSWER
from .errors import Refused, Reported, TimedOut
from .login import PASSWORD, USER, Login
from .retry import Passing, Patience, Slow
from .votable import Answer, message, read

_TIME = re.compile(
    r"time[ -]?d?[ -]?out|time limit|execution time|too long|exceeded.{0,40}(time|duration)|statement timeout"
    r"|cancel+ing statement|(?<!a)synchronous.{0,60}(limit|exceed|too)",
    re.IGNORECASE | re.DOTALL,
)
"""Services tell in many words that a query took too long."""


class Session(requests.Session):
    """A session that waits `timeout` seconds for a byte, and no longer.

    see_other : where the last answer with HTTP 303 led; a new job is there, also when looking at it failed
    """

    see_other: str | None = None

    def __init__(self, timeout: float, login: Login):
        super().__init__()
        self.headers["User-Agent"] = f"sedsql {pyvo.utils.http.USER_AGENT}"
        self.timeout, self.login = timeout, login
        self.cookies = login.cookies
        if login.is_given:
            self.auth = login

    def request(self, *args: Any, **keywords: Any) -> requests.Response:
        if keywords.get("timeout") is None:
            keywords["timeout"] = (min(self.timeout, 30.0), self.timeout)
        return super().request(*args, **keywords)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target and resp.status_code == 303:
            self.see_other = urljoin(resp.url, target)
        return target


@contextmanager
def failures(session: Session) -> Iterator[None]:
    """What requests and pyvo raise over the network, as Passing, Slow or Refused."""
    try:
        yield
    except DALServiceError as error:
        if isinstance(error.cause, requests.RequestException):
            raise _meaning(error.cause, session) from None
        raise Passing(f"the service's answer makes no sense ({error})") from None
    except requests.RequestException as error:
        raise _meaning(error, session) from None
    except urllib3.exceptions.HTTPError:
        raise Passing("the answer was cut") from None


@contextmanager
def documents(session: Session) -> Iterator[None]:
    """The same, around what pyvo's parsers of capabilities, tables and jobs raise too."""
    try:
        with failures(session):
            yield
    except (ExpatError, ValueError, AttributeError, IndexError) as error:
        raise Passing(f"the service's answer makes no sense ({type(error).__name__}: {error})") from None


def _meaning(error: requests.RequestException, session: Session) -> Exception:
    if error.response is not None:
        return refusal(error.response, session)
    inner = error.args[0] if error.args else None
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Refused(f"The certificate of {_host(error)} is not valid.")
    if isinstance(error, requests.ConnectTimeout):
        return Passing("no connection in time")
    if isinstance(error, requests.Timeout) or isinstance(inner, urllib3.exceptions.ReadTimeoutError):
        return Slow(f"no answer within {session.timeout:g} seconds")
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return Passing("the answer was cut")
    if isinstance(error, requests.ConnectionError):
        return Passing(f"no connection ({_cause(error)})")
    return Refused(f"{_host(error)} cannot be asked: {type(error).__name__}.")


def host_of(url: str | bytes | None) -> str:
    return urlsplit(str(url or "")).hostname or "the service"


def _host(error: requests.RequestException) -> str:
    return host_of(error.request.url) if error.request is not None else "the service"


def _cause(error: BaseException) -> str:
    """The operating system's word for it, from below the libraries' own."""
    seen: list[Any] = [error]
    for this in seen:
        if isinstance(this, OSError) and this.strerror and not isinstance(this, requests.RequestException):
            return this.strerror
        below = [*getattr(this, "args", ()), getattr(this, "reason", None), this.__cause__, this.__context__]
        seen += [inner for inner in below if isinstance(inner, BaseException) and inner not in seen]
    return "it was closed"


def refusal(response: requests.Response, session: Session) -> Exception:
    """What an HTTP status that is no success means."""
    status, host = response.status_code, host_of(response.url)
    if status == 401 and session.login.by_form(session, response.request):
        return Passing("the service asks for a login", wait=0)
    if status in (401, 403):
        have = "does not accept the login" if session.login.is_given else "asks for a login"
        return Refused(f"{host} {have} (HTTP {status}): set {USER} and {PASSWORD}, or write them into ~/.netrc.")
    if status in (404, 410):
        return Refused(f"There is no TAP service at {response.url.split('?')[0]} (HTTP {status}).")
    words = _words(response)
    told = f"HTTP {status}" + (f": {words}" if words else "")
    if status in (408, 504) or _TIME.search(words):
        return Slow(told)
    if status in (429, 500, 502, 503):
        return Passing(told, _retry_after(response))
    return Refused(f"{host} refuses the query: {words or told}")


def _words(response: requests.Response) -> str:
    try:
        text = response.content[:100_000]
    except requests.RequestException:
        return ""
    words = message(text) or ("" if text.lstrip()[:1] in (b"<", b"{") else text.decode("utf-8", "replace"))
    return " ".join(words.split())[:500]


def _retry_after(response: requests.Response) -> float | None:
    """Seconds, from seconds or a date (RFC 9110, Section 10.2.3)."""
    value = response.headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def whole(response: requests.Response, session: Session, folder: Path, longest: float, patience: Patience) -> Answer:
    """The decoded answer; its file in `folder` is gone afterwards.

    longest : seconds that all of it may take
    """
    started = time.monotonic()
    handle, name = tempfile.mkstemp(prefix=ANSWER, suffix=".votable", dir=folder)
    try:
        with response, os.fdopen(handle, "wb") as file:
            if not response.ok:
                raise refusal(response, session)
            for block in response.iter_content(1 << 18):
                file.write(block)
                patience.pause(0)
                if time.monotonic() - started > longest:
                    raise TimedOut(f"The answer had not come in full after {longest:g} seconds.")
        return read(Path(name))
    except Reported as error:
        if _TIME.search(error.message):
            raise Slow(error.message) from None
        if error.after_rows:
            raise
        raise Refused(f"{host_of(response.url)} refuses the query: {error.message}") from None
    finally:
        os.unlink(name)


def tells_of_time(words: str) -> bool:
    return bool(_TIME.search(words))
