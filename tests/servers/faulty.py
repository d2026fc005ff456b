"""Run a TAP service on this machine that can be made to fail, in the ways that public ones do.

    with FaultyServer(mirror) as server:
        server.faults.append(Fault("status", 503, on="/sync", retry_after=1))
        pyvo.dal.TAPService(server.url).run_sync(...)
        assert server.queries == [...]

It answers ADQL from a mirror of sedsql with sedsql's own translation. Where nothing is wrong on purpose, a real
service is the better witness: `tap.dachs`.
"""

import itertools
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

from .archive import Answer, Archive, QueryError
from .faults import Fault
from .handler import Handler
from .jobs import Job, Request

__all__ = ["Fault", "FaultyServer", "Request"]


class FaultyServer:
    """A TAP service at `url` over the archive tables of a mirror.

    Attributes
    ----------
    faults : what goes wrong; the first that fits a request befalls it
    limit, default_limit : of rows, at most, and without MAXREC
    job_seconds : how long an asynchronous job waits before it is run
    chunked : answers without Content-Length
    gzip : packs the answers of clients that understand it
    users : name to password; if any, all but /login needs HTTP Basic authentication or the cookie of /login
    sessions : the cookies that are good
    requests : all that were asked, in order
    most_at_once : how many were being answered at a time, at most
    archive : its database, to be changed with `archive.alter(sql)`
    """

    def __init__(self, mirror: Path):
        self.archive = Archive(mirror)
        self.faults: list[Fault] = []
        self.limit = 3_000_000
        self.default_limit = 2_000
        self.job_seconds = 0.0
        self.chunked = False
        self.gzip = False
        self.users: dict[str, str] = {}
        self.sessions: set[str] = set()
        self.requests: list[Request] = []
        self.most_at_once = 0
        self.jobs: dict[str, Job] = {}
        self.numbers = itertools.count(1)
        self.closing = threading.Event()
        self._answering: set[int] = set()
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.faulty = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._http.server_port}/tap"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def queries(self) -> list[str]:
        """The ADQL of all queries, in the order that they came."""
        asked = (r for r in self.requests if r.method == "POST" and r.path in ("/tap/sync", "/tap/async"))
        return [request.query for request in asked]

    def close(self) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self.archive.close()

    def __enter__(self) -> "FaultyServer":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def enter(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)
            self._answering.add(id(request))
            self.most_at_once = max(self.most_at_once, len(self._answering))

    def leave(self, request: Request) -> None:
        with self._lock:
            self._answering.discard(id(request))

    def fault(self, request: Request, kinds: tuple[str, ...]) -> Fault | None:
        """What befalls the request, of these kinds."""
        with self._lock:
            return next((f for f in self.faults if f.kind in kinds and f.befalls(str(request))), None)

    def answer(self, request: Request) -> Answer:
        limit = min(int(request.parameters.get("MAXREC", self.default_limit)), self.limit)
        return self.archive.answer(request.query, limit, request.uploads)

    def run(self, job: Job, fault: Fault | None) -> None:
        """Start a job, in a thread of its own."""
        job.phase = "EXECUTING"

        def work() -> None:
            if self.closing.wait(self.job_seconds) or job.phase == "ABORTED":
                return
            if fault:
                job.error = fault.message if fault.value == "ERROR" else ""
                job.phase = fault.value
                return
            try:
                job.answer = self.answer(job.request)
                job.phase = "COMPLETED"
            except QueryError as error:
                job.error, job.phase = str(error), "ERROR"

        threading.Thread(target=work, daemon=True).start()
