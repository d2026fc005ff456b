"""Ask a TAP service so that its answers can be trusted."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import pyarrow as pa

from sedsql.catalogue import Key, Table
from sedsql.files.convert import from_arrow
from sedsql.files.storable import storable
from sedsql.files.votables import write_tabledata
from sedsql.tap import names, schema
from sedsql.tap.errors import Damaged, TapError, TooLarge, Unbounded, one_line
from sedsql.tap.known_services import BY_FORM, url_of
from sedsql.tap.limits import LIMITS, Limits, Room
from sedsql.tap.login import Login
from sedsql.tap.origin import origin
from sedsql.tap.retry import RetryPolicy, Slow
from sedsql.tap.votable import Answer

if TYPE_CHECKING:
    import requests

    from sedsql.tap.transport import Session
    from sedsql.tap.vosi import Capabilities

T = TypeVar("T")


class Service:
    """A TAP service (TAP 1.1), for any number of threads.

    A query is sent synchronously; when one takes too long for that, it and all later ones become asynchronous jobs.

    Parameters
    ----------
    service : the URL, or a name in `known_services.KNOWN`
    timeout : seconds of silence after which a connection is given up
    longest : seconds that a query may take as a job, or an answer to come
    attempts, delay : how often to ask where an error may be gone the next time; seconds before the second attempt
    poll : seconds before a job is looked at again, at first
    on_retry : called with the reason before each further attempt
    limits : how much the service may send

    Raises
    ------
    Refused, Unavailable, TimedOut, Unbounded : from every method that asks; Refused for a name or URL that is none
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
        limits: Limits = LIMITS,
    ):
        self.url = url_of(service)
        self._base = self.url
        self.host = urlsplit(self.url).hostname or self.url
        self._timeout, self._longest, self._poll = timeout, longest, poll
        self.limits = limits
        self._retry = RetryPolicy(attempts, delay, on_retry)
        self._login = Login(self.url, limits)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._format: str | None = None
        self._is_known = self._by_jobs = False

    def __repr__(self) -> str:
        return f"Service({self.url!r})"

    def fetch(
        self,
        adql: str,
        *,
        maxrec: int | None = None,
        uploads: dict[str, pa.Table] | None = None,
        room: Room | None = None,
    ) -> Answer:
        """Ask a query.

        maxrec : the most rows to send (TAP 1.1, Section 2.7.4); the service's own limit stands for None
        uploads : tables by the name that the query has for them, after TAP_UPLOAD
        room : limits of the answer; `maxrec` rows if None

        Raises TooLarge where the answer has more bytes than so many rows may have.
        """
        from sedsql.tap import jobs
        from sedsql.tap.transport import failures, whole

        with self._told(adql):
            self._know()
            session, files = self._session(), _votables(uploads or {})
            room = room or Room(rows=maxrec)

            def once() -> Answer:
                with failures(session):
                    return whole(self._query(adql, "sync", maxrec, files), session, room)

            if not self._by_jobs:
                try:
                    return self._retry.ask(once, self.host, slow_passes=False)
                except Slow as reason:
                    self._by_jobs = True
                    if self._retry.on_retry:
                        self._retry.on_retry(f"{reason}; from now on as asynchronous jobs")
            return jobs.run(
                lambda: self._query(adql, "async", maxrec, files),
                session,
                self.host,
                self._retry,
                self._longest,
                self._poll,
                room,
            )

    def count(self, adql: str, uploads: dict[str, pa.Table] | None = None) -> int:
        """Ask a query for one whole number, such as SELECT COUNT(*) FROM ..."""
        table = self.small(adql, uploads=uploads).table
        if table.num_rows != 1 or table.num_columns != 1 or not pa.types.is_integer(table.schema.types[0]):
            raise Damaged(f"{self.host} answered {table.num_rows} rows of {table.num_columns} columns to a count.")
        number = table.column(0)[0].as_py()
        if number is None or number < 0:
            raise Damaged(f"{self.host} answered {'NULL' if number is None else number} to a count.")
        return number

    def small(self, adql: str, maxrec: int | None = None, uploads: dict[str, pa.Table] | None = None) -> Answer:
        """Ask a query that has few rows, or narrow ones."""
        rows = self.limits.listed if maxrec is None else maxrec
        return self.fetch(adql, maxrec=maxrec, uploads=uploads, room=Room(rows, most=self.limits.small))

    def stop(self) -> None:
        """End the questions of other threads, and all later ones, with Stopped; jobs are still deleted."""
        self._retry.stopped.set()

    def table(self, name: str) -> Table:
        """Ask for a table by its name in any case; gives it with the name that the service has in ADQL.

        Names of columns have no quotes. Types and units are those of an answer, where the schema says something else.
        """
        return schema.table(self, name)

    def keys(self, name: str) -> list[Key]:
        """Ask for the foreign keys of a table."""
        return schema.keys(self, name)

    def indexed(self, name: str) -> list[str]:
        """Ask for the columns with an index, by which a search is quick."""
        return schema.indexed(self, name)

    def rows(self, name: str) -> int | None:
        """Ask about how many rows a table has; None where the service does not say."""
        return schema.rows(self, name)

    def bounds(self, table: str, column: str) -> tuple[int | None, int | None]:
        """Ask for the least and the greatest value of a column of whole numbers; (None, None) where it has none."""
        name = names.quoted(column)
        answer = self.small(f"SELECT MIN({name}) AS low, MAX({name}) AS high FROM {table}").table
        if answer.num_rows != 1 or answer.num_columns != 2:
            raise Damaged(f"{self.host} answered {answer.num_rows} rows to a query for bounds.")
        low, high = (answer.column(i)[0].as_py() for i in (0, 1))
        if low is None or high is None:
            return None, None
        try:
            bounds = int(low), int(high)
        except (ValueError, TypeError, OverflowError):
            bounds = 1, 0
        if not -(2**63) <= bounds[0] <= bounds[1] < 2**63 - 1:
            raise Damaged(f"{self.host} answered impossible bounds of {column}: {low!s:.30} and {high!s:.30}.")
        return bounds

    def document(self, path: str, read: Callable[[Iterator[bytes]], T], params: dict[str, str] | None = None) -> T:
        """Read the document at a path below the service's URL by `read`; it is asked for again like a query."""
        from sedsql.tap.body import blocks
        from sedsql.tap.transport import failures, refusal

        with self._told(path):
            self._know()
            session = self._session()

            def once() -> T:
                with failures(session), session.ask("GET", f"{self._base}/{path}", params=params) as response:
                    if not response.ok:
                        raise refusal(response, session)
                    return read(blocks(response))

            return self._retry.ask(once, self.host)

    def _session(self) -> "Session":
        from sedsql.tap.transport import Session

        if not hasattr(self._local, "session"):
            self._local.session = Session(self._timeout, self._login, self.limits, self._retry.stopped)
        return self._local.session

    @contextmanager
    def _told(self, asked: str) -> Iterator[None]:
        """Say in errors who sent what, for what; remove the password, which a service may repeat."""
        asked, hidden = one_line(asked, 120), self._login.hidden
        try:
            yield
        except Unbounded as error:
            raise Unbounded(
                f"{self.host} {hidden(str(error))}, asked for {asked!r}; it was not kept. See that {self.url} is "
                "the TAP service that you mean."
            ) from None
        except TooLarge as error:
            raise TooLarge(
                f"{self.host} {hidden(str(error))}, asked for {asked!r}; it was not kept. Ask for less."
            ) from None
        except TapError as error:
            error.args = (hidden(str(error)),)
            raise

    def _query(self, adql: str, mode: str, maxrec: int | None, files: dict[str, bytes]) -> "requests.Response":
        """Send a query (TAP 1.1, Section 2.7); the answer is still to come."""
        form = {"REQUEST": "doQuery", "LANG": "ADQL", "QUERY": adql}
        if maxrec is not None:
            form["MAXREC"] = str(maxrec)
        if self._format:
            form["RESPONSEFORMAT"] = self._format
        if files:
            form["UPLOAD"] = ";".join(f"{name},param:{name}" for name in files)
        uploads = {name: (f"{name}.xml", text, "application/x-votable+xml") for name, text in files.items()} or None
        longest = self._longest if mode == "sync" else None
        return self._session().ask("POST", f"{self._base}/{mode}", longest=longest, data=form, files=uploads)

    def _know(self) -> None:
        """Read the capabilities, once: the name of BINARY2, and the way to log in."""
        with self._lock:
            if self._is_known:
                return
            if self._login.is_given and self.url in BY_FORM:
                self._sign_in()
            found = self._retry.ask(self._capabilities, self.host)
            self._format = found.binary2
            by_form = any("password" in method or "cookie" in method for method in found.methods)
            if by_form and not any("Basic" in method for method in found.methods):
                self._sign_in()
            self._is_known = True

    def _capabilities(self) -> "Capabilities":
        from sedsql.tap.body import blocks
        from sedsql.tap.transport import failures, refusal
        from sedsql.tap.vosi import Capabilities, capabilities

        session = self._session()
        with failures(session), session.ask("GET", f"{self.url}/capabilities") as response:
            if not response.ok:
                raise refusal(response, session)
            try:
                found = capabilities(blocks(response), self.limits)
            except Damaged:
                found = Capabilities()  # sedsql can do without them
        base, _, last = response.url.partition("?")[0].rpartition("/")
        if last == "capabilities" and origin(base)[1] == origin(self.url)[1]:
            self._base = base  # a POST would lose its query on the way from http to https
            self._login.moved(base)
        return found

    def _sign_in(self) -> None:
        from sedsql.tap.transport import failures

        session = self._session()

        def once() -> bool:
            with failures(session):
                return self._login.by_form(session)

        self._retry.ask(once, self.host)


def _votables(uploads: dict[str, pa.Table]) -> dict[str, bytes]:
    """Write tables as VOTables in TABLEDATA, which every service reads."""
    texts = {}
    for name, table in uploads.items():
        out = BytesIO()
        write_tabledata(storable(from_arrow(table), "votable"), out)
        texts[name] = out.getvalue()
    return texts
