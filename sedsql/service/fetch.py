"""Fetch a table that UPLOAD names by URL, from hosts that were allowed, and from no address of a private network.

Names are resolved here, and the connection goes to the address that was looked at: a name that means another address a
moment later, and a redirect, change nothing.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Collection
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from sedsql.service.errors import ServiceError

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = 3
_SECONDS = 60.0
"""For a whole table."""
_BLOCK = 1 << 16


def fetch(url: str, path: Path, hosts: Collection[str], most_bytes: int) -> None:
    """Fetch what a URL names into a file. ServiceError where it may not or cannot be.

    hosts : that may be asked, as HOST or HOST:PORT
    """
    until = time.monotonic() + _SECONDS
    asked = url
    for _ in range(_REDIRECTS + 1):
        parts = _allowed(asked, hosts)
        connection = _connection(parts, until)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", target, headers={"User-Agent": "sedsql", "Accept-Encoding": "identity"})
            answer = connection.getresponse()
            if answer.status in (301, 302, 303, 307, 308) and answer.headers.get("Location"):
                asked = urljoin(asked, answer.headers["Location"])
                continue
            if answer.status != 200:
                raise ServiceError(
                    f"{_shown(url)} cannot be fetched: the answer is {answer.status} {answer.reason[:60]}."
                )
            _save(answer, path, url, most_bytes, until)
            return
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = str(error).partition("\n")[0][:100] or type(error).__name__
            raise ServiceError(f"{_shown(url)} cannot be fetched: {why}.") from None
        finally:
            connection.close()
    raise ServiceError(
        f"{_shown(url)} cannot be fetched: it leads from one URL to another, {_REDIRECTS} times and more."
    )


def _allowed(url: str, hosts: Collection[str]) -> SplitResult:
    """Take a URL apart whose host may be asked."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise ServiceError(f"{_shown(url)} is no URL.") from None
    if parts.scheme not in _PORTS or not host:
        raise ServiceError(f"Tables are fetched from URLs of http and https, not from {_shown(url)}.")
    if parts.username is not None or any(letter <= " " or letter == "\x7f" for letter in url) or not url.isascii():
        raise ServiceError(f"{_shown(url)} has a name, a password or a character that a URL here may not have.")
    named = {one.lower() for one in hosts}
    if f"{host}:{port}" not in named and not (host in named and port in _PORTS.values()):
        known = ", ".join(sorted(named))
        raise ServiceError(f"This service fetches tables from {known}, and not from {host[:80]}, port {port}.")
    return parts


def _connection(parts: SplitResult, until: float) -> http.client.HTTPConnection:
    """Connect to a public address of a host."""
    host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS[parts.scheme]
    connection = http.client.HTTPConnection(host, port)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ServiceError(f"There is no host {host[:80]!r} to fetch a table from.") from None
    addresses = [str(place[0]) for *_, place in found]
    for address in addresses:
        if not is_public(address):
            raise ServiceError(f"{host[:80]} has the address {address}, of a private network, and is not asked.")
    try:
        connection.sock = socket.create_connection((addresses[0], port), timeout=_left(until))
        if parts.scheme == "https":
            connection.sock = ssl.create_default_context().wrap_socket(connection.sock, server_hostname=host)
    except OSError as error:
        connection.close()
        raise ServiceError(f"{host[:80]} cannot be reached: {error.strerror or type(error).__name__}.") from None
    return connection


def is_public(address: str) -> bool:
    """Whether an address is of the open internet: no private, local, reserved or multicast one, in no disguise."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo and found.teredo[1])
        if inner and not is_public(str(inner)):
            return False
        if found.is_site_local:
            return False
        if int(found) >> 32 == 0x64FF9B << 64:  # of IPv4 by NAT64
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
    return found.is_global and not found.is_multicast


def _save(answer: http.client.HTTPResponse, path: Path, url: str, most_bytes: int, until: float) -> None:
    count = 0
    with path.open("xb") as file:
        while block := answer.read1(_BLOCK):
            count += len(block)
            if count > most_bytes:
                raise ServiceError(f"{_shown(url)} has more than {most_bytes >> 20:,} MB, the limit here.", 413)
            _left(until)
            file.write(block)
    if answer.length:
        raise ServiceError(f"{_shown(url)} cannot be fetched: the answer ends too early.")


def _left(until: float) -> float:
    """The seconds that are left. TimeoutError where there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError(f"it takes longer than {_SECONDS:g} seconds")
    return left


def _shown(url: str) -> str:
    return repr(url[:200])
