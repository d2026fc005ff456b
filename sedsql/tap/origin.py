"""Send secrets only to the scheme, host and port that they are for (RFC 6454, Section 4)."""

from http.cookiejar import Cookie, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sedsql.tap.limits import Limits

_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; ("", "", None) where it is no URL."""
    try:
        parts = urlsplit(url)
        return parts.scheme.lower(), (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme.lower())
    except ValueError:
        return "", "", None


def is_home(url: str, home: str) -> bool:
    """Whether the secrets of `home` may go to `url`.

    It has the same scheme, host and port; or it has https at its own port where `home` is http at its own, of the same
    host, which answered in the clear before and now proves who it is. From https to http, or to another port, nothing
    goes.
    """
    there, here = origin(url), origin(home)
    if not here[1]:
        return False
    return there == here or (here == ("http", here[1], 80) and there == ("https", here[1], 443))


def secured(url: str, home: str) -> str:
    """Give a URL https where it differs from `home` only in that: services behind a proxy write it so."""
    if origin(home) == ("https", origin(home)[1], 443) and origin(url) == ("http", origin(home)[1], 80):
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2].removesuffix(":80")
        return urlunsplit(("https", host, parts.path, parts.query, parts.fragment))
    return url


class HomeCookies(DefaultCookiePolicy):
    """Takes cookies from one origin, no more than a browser must keep: http.cookiejar knows neither scheme nor port."""

    def __init__(self, home: str, limits: Limits):
        super().__init__()
        self.home, self._limits = home, limits
        self._kept: set[tuple[str, str, str]] = set()

    def set_ok(self, cookie: Cookie, request: Any) -> bool:
        name = cookie.domain, cookie.path, cookie.name
        if not is_home(request.get_full_url(), self.home) or not super().set_ok(cookie, request):
            return False
        if sum(map(len, (*name, cookie.value or ""))) > 4096:
            return False
        if name not in self._kept and len(self._kept) >= self._limits.cookies:
            return False
        self._kept.add(name)
        return True
