"""Speak HTTP for the faulty server: read requests, send answers."""

import base64
import gzip
import time
import uuid
from contextlib import suppress
from dataclasses import replace
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from . import documents, faults, votable
from .archive import Answer, QueryError
from .faults import Fault
from .jobs import ENDED, Job, Request

if TYPE_CHECKING:
    from .faulty import FaultyServer

XML = "text/xml; charset=utf-8"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Two small packets a connection, else, wait for each other.
    disable_nagle_algorithm = True

    @property
    def faulty(self) -> "FaultyServer":
        return self.server.faulty  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def handle(self) -> None:
        # The client may go away at any time.
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, *_) -> None:
        pass

    def _answer(self, method: str) -> None:
        request = self._read(method)
        self.request_ = request
        self.faulty.enter(request)
        try:
            fault = self.faulty.fault(request, faults.INSTEAD)
            if fault and fault.kind == "slow":
                self.faulty.closing.wait(fault.value)
            if fault and fault.kind == "hostile":
                self.close_connection = True
                fault.value(self, request)
            elif fault and fault.kind != "slow":
                self._fail(fault)
            elif self._may_enter(request):
                self._route(request)
        finally:
            self.faulty.leave(request)

    def _read(self, method: str) -> Request:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        values = dict(parse_qsl(url.query))
        files: dict[str, bytes] = {}
        if self.headers.get("Content-Type", "").startswith("multipart/"):
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            for part in BytesParser().parsebytes(head + body).get_payload():
                name = part.get_param("name", header="content-disposition")
                content = part.get_payload(decode=True)
                if part.get_filename():
                    files[name] = content
                else:
                    values[name] = content.decode()
        else:
            values |= dict(parse_qsl(body.decode()))
        values = {name.upper(): value for name, value in values.items()}
        uploads = {}
        for pair in filter(None, values.get("UPLOAD", "").split(";")):
            name, _, where = pair.partition(",")
            uploads[name] = votable.read(files[where.removeprefix("param:")])
        job = self.faulty.jobs.get(url.path.split("/")[3] if url.path.startswith("/tap/async/") else "")
        query = values.get("QUERY") or (job.request.query if job else "")
        return Request(method, url.path, query, values, uploads, dict(self.headers))

    def _may_enter(self, request: Request) -> bool:
        users, given = self.faulty.users, request.parameters
        if request.path.endswith("/login"):
            if users.get(given.get("USERNAME", "")) != given.get("PASSWORD"):
                self._send(401, "wrong user name or password", "text/plain")
            else:
                session = uuid.uuid4().hex
                self.faulty.sessions.add(session)
                self._send(200, "OK", "text/plain", {"Set-Cookie": f"SESSION={session}; Path=/"})
            return False
        kind, _, code = self.headers.get("Authorization", "").partition(" ")
        user, _, password = base64.b64decode(code).decode().partition(":") if kind == "Basic" else ("", "", "")
        cookie = self.headers.get("Cookie", "").partition("SESSION=")[2].split(";")[0]
        if not users or (user and users.get(user) == password) or cookie in self.faulty.sessions:
            return True
        self._send(401, "log in first", "text/plain", {"WWW-Authenticate": 'Basic realm="faulty"'})
        return False

    def _route(self, request: Request) -> None:
        url = self.faulty.url
        match request.path.strip("/").split("/"):
            case ["tap", "sync"]:
                try:
                    self._send_rows(request, self.faulty.answer(request))
                except QueryError as error:
                    self._send(400, documents.error(str(error)), XML)
            case ["tap", "async"] if request.method == "POST":
                number = str(next(self.faulty.numbers))
                self.faulty.jobs[number] = Job(request)
                if request.parameters.get("PHASE") == "RUN":
                    self.faulty.run(self.faulty.jobs[number], self.faulty.fault(request, faults.PHASE))
                self._send(303, "", XML, {"Location": f"{url}/async/{number}"})
            case ["tap", "async", number, *rest] if number in self.faulty.jobs:
                self._job(request, number, self.faulty.jobs[number], rest)
            case ["tap", "capabilities"]:
                self._send(200, documents.capabilities(url, self.faulty.default_limit, self.faulty.limit), XML)
            case ["tap", "tables"]:
                self._send(200, documents.tables(self.faulty.archive.catalogue), XML)
            case ["tap", "availability"]:
                self._send(200, documents.availability(), XML)
            case _:
                self._send(404, "there is no such thing here", "text/plain")

    def _job(self, request: Request, number: str, job: Job, rest: list[str]) -> None:
        url = f"{self.faulty.url}/async/{number}"
        if request.method == "DELETE" or request.parameters.get("ACTION") == "DELETE":
            del self.faulty.jobs[number]
            self._send(303, "", XML, {"Location": f"{self.faulty.url}/async"})
        elif request.method == "POST" and rest == ["phase"]:
            if request.parameters.get("PHASE") == "RUN":
                self.faulty.run(job, self.faulty.fault(request, faults.PHASE))
            elif job.phase not in ENDED:
                job.phase = "ABORTED"
            self._send(303, "", XML, {"Location": url})
        elif rest == ["results", "result"] and job.answer:
            self._send_rows(replace(request, parameters=job.request.parameters), job.answer)
        elif rest == ["phase"]:
            self._send(200, job.phase, "text/plain")
        elif rest == ["error"]:
            self._send(200, documents.error(job.error), XML)
        elif rest in ([], ["results"]):
            # A client that waits is told at once when the job ends (UWS 1.1, Section 2.2.1).
            end = time.monotonic() + (2 if "WAIT" in request.parameters else 0)
            while job.phase not in ENDED and time.monotonic() < end and not self.faulty.closing.wait(0.01):
                pass
            self._send(200, documents.job(number, job.phase, url, job.request.query, job.error), XML)
        else:
            self._send(404, "a job has no such thing", "text/plain")

    def _send_rows(self, request: Request, answer: Answer) -> None:
        wrong = self.faulty.fault(request, faults.ROWS)
        if wrong:
            answer = faults.on_rows(wrong, answer)
        wanted = request.parameters.get("RESPONSEFORMAT") or request.parameters.get("FORMAT", "")
        mime = next((mime for mime in documents.FORMATS if mime.lower() == wanted.lower()), "application/x-votable+xml")
        late = wrong.message if wrong and wrong.kind == "late_error" else ""
        text = votable.write(answer, documents.FORMATS.get(mime, "binary2"), late)
        sending = self.faulty.fault(request, faults.BYTES)
        self._send(200, faults.on_text(sending, text) if sending else text, mime, sending=sending)

    def _fail(self, fault: Fault) -> None:
        if fault.kind == "html":
            self._send(200, documents.HTML, "text/html")
        elif fault.kind == "error_votable":
            self._send(fault.status, documents.error(fault.value or fault.message), XML)
        else:
            again = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            self._send(fault.value, fault.body or f"status {fault.value}", "text/plain", again)

    def _send(
        self,
        status: int,
        body: str | bytes,
        mime: str,
        headers: dict[str, str] | None = None,
        sending: Fault | None = None,
    ) -> None:
        body = body.encode() if isinstance(body, str) else body
        self.request_.status = status
        chunked = self.faulty.chunked or bool(sending and sending.chunked)
        self.send_response(status)
        self.send_header("Content-Type", mime)
        if self.faulty.gzip and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if not body:
            self.faulty.leave(self.request_)
        self.end_headers()
        part = sending.value if sending and sending.kind == "cut" else 0.5
        at = int(len(body) * part)
        self._write(body[:at], chunked)
        if sending and sending.kind == "cut":
            self.close_connection = True
            return
        if sending and sending.kind == "stall":
            self.faulty.closing.wait(sending.value)
        # With the last bytes the client may ask again, before this thread goes on.
        self.faulty.leave(self.request_)
        self._write(body[at:], chunked)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _write(self, piece: bytes, chunked: bool) -> None:
        if piece:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        self.wfile.flush()
