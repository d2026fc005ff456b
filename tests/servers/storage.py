"""A real S3 server of moto's, in a process of its own, and before it a proxy that counts bytes and goes wrong."""

import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler

import requests

from sedsql.files.object_storage import objects, store
from servers.local import answering

BUCKET, REGION = "sky-bucket", "us-east-1"
_HOP = ("connection", "transfer-encoding", "keep-alive")


@dataclass
class Proxy:
    """What came through, and what is to go wrong.

    fault : called with method, path and the number of the request (from 1) of those it is asked about; gives None,
        ('status', code, S3's word for it), ('truncate', bytes that come), ('reset',) or ('fewer', bytes that come, in
        an answer that says it is whole)
    """

    port: int = 0
    upstream: tuple[str, int] = ("", 0)
    asked: list = field(default_factory=list)
    fault: object = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    faults: int = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def bytes_of(self, ending):
        """The bytes that came of objects whose names end so."""
        return sum(size for method, path, size in self.asked if method == "GET" and path.endswith(ending))

    def clear(self):
        self.asked.clear()
        self.fault, self.faults = None, 0

    @contextmanager
    def going_wrong(self, fault):
        self.fault, self.faults = fault, 0
        try:
            yield self
        finally:
            self.fault = None


def handler_of(proxy):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle(self):
            with suppress(ConnectionError):
                super().handle()

        def do_GET(self):
            with proxy.lock:
                proxy.faults += 1
                fault = proxy.fault and proxy.fault(self.command, self.path.partition("?")[0], proxy.faults)
            kind = fault[0] if fault else ""
            if kind == "status":
                body = f"<Error><Code>{fault[2]}</Code><Message>{fault[2]}</Message></Error>".encode()
                return self.send(fault[1], {"Content-Type": "application/xml"}, body)
            if kind == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                return self.connection.close()
            upstream = HTTPConnection(*proxy.upstream, timeout=60)
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
            upstream.request(self.command, self.path, sent, dict(self.headers))
            answer = upstream.getresponse()
            body, headers = answer.read(), dict(answer.getheaders())
            upstream.close()
            if kind == "fewer":
                body = body[: fault[1]]
            self.send(answer.status, headers, body, fault[1] if kind == "truncate" else None)

        do_HEAD = do_GET  # noqa: N815

        def send(self, status, headers, body, only=None):
            self.send_response_only(status)
            length = headers.get("Content-Length") if self.command == "HEAD" else len(body)
            for name, value in headers.items():
                if name.lower() not in (*_HOP, "content-length"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(length or 0))
            self.end_headers()
            body = b"" if self.command == "HEAD" else body[:only]
            with proxy.lock:
                proxy.asked.append((self.command, self.path.partition("?")[0], len(body)))
            self.wfile.write(body)
            self.wfile.flush()
            if only is not None:
                self.close_connection = True

    return Handler


@dataclass
class S3:
    """The server.

    url : of the server itself; proxy.url is that of the proxy
    """

    url: str
    proxy: Proxy

    def put(self, bucket, key, body, *, public=False):
        if public:  # obstore sets no rights
            url, headers = f"{self.url}/{bucket}/{key}", {"x-amz-acl": "public-read"}
            requests.put(url, data=body, headers=headers).raise_for_status()
        else:
            import obstore

            obstore.put(self._store(bucket), key, body)

    def _store(self, bucket):
        from obstore.store import S3Store

        keys = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "secret", "region": REGION}
        return S3Store(bucket, endpoint=self.url, client_options={"allow_http": True}, **keys)

    def make(self, bucket):
        requests.put(f"{self.url}/{bucket}").raise_for_status()

    def upload(self, folder, bucket, prefix="", *, public=False):
        """Put all files of a folder there."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name != ".lock":
                key = "/".join(filter(None, (prefix, path.relative_to(folder).as_posix())))
                self.put(bucket, key, path.read_bytes(), public=public)

    def delete(self, bucket, key):
        import obstore

        obstore.delete(self._store(bucket), key)


def forget():
    """As a new process knows nothing of objects, buckets and the cache."""
    objects._cache.cache_clear()
    objects._seen.clear()
    store._storage.cache_clear()


def _free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def s3_server():
    """Run the server and the proxy."""
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            with suppress(requests.ConnectionError):
                requests.get(url, timeout=5)
                break
            time.sleep(0.1)
        proxy = Proxy(upstream=("127.0.0.1", port))
        with answering(handler_of(proxy)) as proxy.port:
            yield S3(url, proxy)
    finally:
        process.terminate()
        process.wait(30)
