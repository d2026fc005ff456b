"""A TAP service, asked so that what it answers can be trusted."""

import tempfile
import threading
from collections.abc import Callable
from difflib import get_close_matches
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyarrow as pa

from ..catalogue import Table
from ..tables.convert import from_arrow, storable, write_as
from . import schema
from .errors import Damaged, Refused
from .login import Login
from .retry import Passing, Patience, Slow
from .schema import same_columns
from .votable import Answer

if TYPE_CHECKING:
    from pyvo.dal import TAPService
    from pyvo.dal.tap import TAPQuery

    from .transport import Session

__all__ = ["KNOWN", "Service", "same_columns", "url_of"]

KNOWN = {
    "gaia": "https://gea.esac.esa.int/tap-server/tap",
    "vizier": "https://tapvizier.cds.unistra.fr/TAPVizieR/tap",
    "gavo": "https://dc.g-vo.org/tap",
    "irsa": "https://irsa.ipac.caltech.edu/TAP",
}
_FORM = {KNOWN["gaia"]}
"""Services that let in by a form and do not say so in their capabilities."""


class Service:
    """A TAP service (TAP 1.1), for any number of threads.

    A query is sent synchronously; when one takes too long for that, it and all later ones become asynchronous jobs.

    Parameters
    ----------
    service : the URL, or a name in KNOWN
    timeout : seconds of silence after which a connection is given up
    longest : seconds that a query may take as a job, or an answer to come
    attempts, delay : how often to ask where what went wrong may pass; seconds before the second attempt
    poll : seconds before a job is looked at again, at first
    on_retry : told the reason before each further attempt

    Raises
    ------
    Refused, Unavailable, TimedOut : from every method that asks; Refused for a name or URL that is none
    """

    def __init__(
        self,
        service: str,
        *,
        timeout: float = 120.0,
        longest: float = 7200.0,
        attempts: int = 5,
        delay: float = 2.0,
        poll: float = 0.5,
        on_retry: Callable[[str], None] | None = None,
    ):
        self.url = url_of(service)
        self._base = self.url
        self.host = urlsplit(self.url).hostname or self.url
        self._timeout, self._longest, self._poll = timeout, longest, poll
        self._patience = Patience(attempts, delay, on_retry)
        self._login = Login(self.url)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._format: str | None = None
        self._is_known = self._by_jobs = False

    def __repr__(self) -> str:
        return f"Service({self.url!r})"

    def fetch(
        self, adql: str, folder: Path, *, maxrec: int | None = None, uploads: dict[str, pa.Table] | None = None
    ) -> Answer:
        """The answer to a query.

        folder : where the VOTable lies while it comes
        maxrec : the most rows to send (TAP 1.1, Section 2.7.4); the service's own limit stands for None
        uploads : tables by the name that the query has for them, after TAP_UPLOAD
        """
        from . import jobs
        from .transport import failures, whole

        self._know()
        session, files = self._session(), _votables(uploads or {})

        def once() -> Answer:
            with failures(session):
                response = self._query(adql, "sync", maxrec, files).submit()
                return whole(response, session, folder, self._longest, self._patience)

        if not self._by_jobs:
            try:
                return self._patience.ask(once, self.host, slow_passes=False)
            except Slow as reason:
                self._by_jobs = True
                if self._patience.on_retry:
                    self._patience.on_retry(f"{reason}; from now on as asynchronous jobs")
        return jobs.run(
            lambda: self._query(adql, "async", maxrec, files).submit(),
            session,
            folder,
            self.host,
            self._patience,
            self._longest,
            self._poll,
        )

    def count(self, adql: str) -> int:
        """The one whole number that a query answers, such as SELECT COUNT(*) FROM ..."""
        table = self.small(adql).table
        if table.num_rows != 1 or table.num_columns != 1 or not pa.types.is_integer(table.schema.types[0]):
            raise Damaged(f"{self.host} answered {table.num_rows} rows of {table.num_columns} columns to a count.")
        if (number := table.column(0)[0].as_py()) is None:
            raise Damaged(f"{self.host} answered NULL to a count.")
        return number

    def small(self, adql: str, maxrec: int | None = None) -> Answer:
        """The answer to a query that needs no folder of its own."""
        with tempfile.TemporaryDirectory(prefix="sedsql-") as folder:
            return self.fetch(adql, Path(folder), maxrec=maxrec)

    def stop(self) -> None:
        """Ends what other threads ask, and all that is asked later, with Stopped; jobs are still deleted."""
        self._patience.stopped.set()

    def table(self, name: str) -> Table:
        """A table by its name in any case; its name is as the service writes it in ADQL, its columns' without quotes.

        Types and units are what the service sends in an answer, where its schema says something else.
        """
        return schema.table(self, name)

    def keys(self, name: str) -> list[schema.Key]:
        """Foreign keys of a table."""
        return schema.keys(self, name)

    def indexed(self, name: str) -> list[str]:
        """Columns with an index, by which a search is quick."""
        return schema.indexed(self, name)

    def rows(self, name: str) -> int | None:
        """About how many rows a table has, where the service says so."""
        return schema.rows(self, name)

    def bounds(self, table: str, column: str) -> tuple[int | None, int | None]:
        """The least and the greatest value of a column of whole numbers; (None, None) where it has none."""
        name = schema.quoted(column)
        answer = self.small(f"SELECT MIN({name}) AS low, MAX({name}) AS high FROM {table}").table
        if answer.num_rows != 1 or answer.num_columns != 2:
            raise Damaged(f"{self.host} answered {answer.num_rows} rows to a query for bounds.")
        low, high = (answer.column(i)[0].as_py() for i in (0, 1))
        return (None, None) if low is None or high is None else (int(low), int(high))

    def document(self, read: Callable[["TAPService"], Any]) -> Any:
        """What `read` gets from pyvo's TAPService, asked again like a query."""
        from pyvo.dal import TAPService

        from .transport import documents

        session = self._session()

        def once() -> Any:
            with documents(session):
                return read(TAPService(self._base, session=session))

        return self._patience.ask(once, self.host)

    def _session(self) -> "Session":
        from .transport import Session

        if not hasattr(self._local, "session"):
            self._local.session = Session(self._timeout, self._login)
        return self._local.session

    def _query(self, adql: str, mode: str, maxrec: int | None, files: dict[str, bytes]) -> "TAPQuery":
        from pyvo.dal.tap import TAPQuery

        more: dict[str, Any] = {} if maxrec is None else {"MAXREC": maxrec}  # pyvo's own leaves out 0
        if self._format:
            more["RESPONSEFORMAT"] = self._format
        uploads = {name: BytesIO(text) for name, text in files.items()} or None
        return TAPQuery(self._base, adql, mode=mode, session=self._session(), uploads=uploads, **more)

    def _know(self) -> None:
        """Read the capabilities, once: the name of BINARY2, and the way to log in."""
        with self._lock:
            if self._is_known:
                return
            if self._login.is_given and self.url in _FORM:
                self._sign_in()
            capabilities = self._patience.ask(self._capabilities, self.host)
            if capabilities is not None:
                self._format = _binary2(capabilities)
                methods = [m.standardid or "" for i in capabilities.interfaces for m in i.securitymethods]
                by_form = any("password" in method or "cookie" in method for method in methods)
                if by_form and not any("Basic" in method for method in methods):
                    self._sign_in()
            self._is_known = True

    def _capabilities(self) -> Any:
        """The capability of TAP (TAPRegExt 1.0), as pyvo parses it; None where it is not to be understood."""
        from pyvo.io.vosi import parse_capabilities
        from pyvo.io.vosi.tapregext import TableAccess

        from .transport import documents, failures, refusal

        session = self._session()
        with failures(session):
            response = session.get(f"{self.url}/capabilities")
            if not response.ok:
                raise refusal(response, session)
        base, _, last = response.url.partition("?")[0].rpartition("/")
        if last == "capabilities" and urlsplit(base).hostname == self.host:
            self._base = self._login.url = base  # a POST would lose its query on the way from http to https
        try:
            with documents(session):
                found = parse_capabilities(BytesIO(response.content).read)
                return next((capability for capability in found if isinstance(capability, TableAccess)), None)
        except Passing:
            return None

    def _sign_in(self) -> None:
        from .transport import failures

        session = self._session()

        def once() -> bool:
            with failures(session):
                return self._login.by_form(session)

        self._patience.ask(once, self.host)


def url_of(service: str) -> str:
    """The URL of a service, from a name in KNOWN or a URL."""
    if service.lower() in KNOWN:
        return KNOWN[service.lower()]
    try:
        parts = urlsplit(service)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_url = False
    if not is_url and "@" not in service:
        near = get_close_matches(service.lower(), KNOWN, 2, 0.5) or list(KNOWN)
        raise Refused(f"{service!r} is neither a URL nor the name of a TAP service; there is {' and '.join(near)}.")
    if "@" in service.split("?")[0].split("//")[-1].split("/")[0] or not is_url:
        raise Refused(
            "A URL with a user name and password is not accepted, because URLs are shown and stored: "
            "set SEDSQL_TAP_USER and SEDSQL_TAP_PASSWORD, or write them into ~/.netrc."
        )
    return service.split("?")[0].split("#")[0].rstrip("/")


def _binary2(capability: Any) -> str | None:
    """The name of BINARY2 among the output formats (TAPRegExt 1.0, Section 2.3)."""
    for known in capability.outputformats:
        mime = str(known.mime or "").replace(" ", "")
        if "serialization=binary2" in mime.lower():
            return str(known.mime)
        if str(known.ivo_id or "").lower().endswith("#output-votable-binary2"):
            return next(iter(known.aliases), mime) or None
    return None


def _votables(uploads: dict[str, pa.Table]) -> dict[str, bytes]:
    """VOTables in TABLEDATA, which every service reads."""
    texts = {}
    for name, table in uploads.items():
        out = BytesIO()
        write_as("votable", storable(from_arrow(table), "votable"), out)
        texts[name] = out.getvalue()
    return texts
