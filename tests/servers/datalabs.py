"""Play the platform of ESA Datalabs: a proxy hands on what is asked below a path, and a page shows it in a frame."""

import asyncio
import socket
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler

from .local import answering

COOKIE = "platform=known"
"""Of whoever has logged in at the platform."""
_BLOCK = 1 << 16


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def proxied(port, base, *, strips=False, asks_login=False, seen=None):
    """Hand on what is asked below a path to a port of this machine; gives the URL, which ends in /.

    strips : takes the path off
    asks_login : refuses who has not the platform's cookie
    seen : a list, which gets the method, path and status of each request that is answered by the datalab
    """
    proxy = _Proxy(port, base, strips, asks_login, [] if seen is None else seen)
    started = threading.Event()

    async def serve():
        proxy.loop = asyncio.get_running_loop()
        async with await asyncio.start_server(proxy.answer, "127.0.0.1", 0, limit=1 << 20) as server:
            proxy.own_port = server.sockets[0].getsockname()[1]
            started.set()
            await proxy.ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(20)
    try:
        yield f"http://127.0.0.1:{proxy.own_port}{base}/"
    finally:
        proxy.loop.call_soon_threadsafe(proxy.ended.set)
        thread.join(20)


class _Proxy:
    """Reads the head of a request, and then hands on bytes as they come, both ways, so streams and WebSockets pass."""

    def __init__(self, port, base, strips, asks_login, seen):
        self._port, self._base, self._strips, self._asks_login, self._seen = port, base, strips, asks_login, seen
        self.own_port, self.loop, self.ended = 0, None, asyncio.Event()

    async def answer(self, reader, writer):
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._hand_on(reader, writer)
        writer.close()

    async def _hand_on(self, reader, writer):
        request, *headers = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
        method, path, version = request.split(" ")
        given = {name.lower(): value.strip() for name, _, value in (header.partition(":") for header in headers)}
        if path != self._base and not path.startswith(f"{self._base}/"):
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        if self._asks_login and COOKIE not in given.get("cookie", "").split("; "):
            writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        if self._strips:
            path = path.removeprefix(self._base) or "/"
        if "upgrade" not in given:  # an answer ends with its connection
            headers = [header for header in headers if not header.lower().startswith("connection:")]
            headers.append("Connection: close")
        headers.append(f"X-Forwarded-For: {writer.get_extra_info('peername')[0]}")
        try:
            from_datalab, to_datalab = await asyncio.open_connection("127.0.0.1", self._port)
        except ConnectionError:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        to_datalab.write("\r\n".join([f"{method} {path} {version}", *headers, "", ""]).encode("latin-1"))

        def answered(head):
            self._seen.append((method, path.removeprefix(self._base), int(head.split()[1])))

        ways = [
            asyncio.create_task(_pass(reader, to_datalab, lambda _: None)),
            asyncio.create_task(_pass(from_datalab, writer, answered)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)  # who goes away ends the other
        for way in ways:
            way.cancel()
        to_datalab.close()


async def _pass(reader, writer, begun):
    with suppress(ConnectionError):
        block = await reader.read(_BLOCK)
        if block:
            begun(block)
            writer.write(block)
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()


@contextmanager
def site(html, host="localhost"):
    """A site of one page, which logs in whoever opens it; gives its origin."""
    body = html.encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Set-Cookie", f"{COOKIE}; Path=/")
            self.end_headers()
            self.wfile.write(body)

    with answering(Handler) as port:
        yield f"http://{host}:{port}"
