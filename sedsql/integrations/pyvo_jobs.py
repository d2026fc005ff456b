"""Hold queries as pyvo's `TAPQuery` and `AsyncTAPJob` do, for code that makes them first and runs them later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from pyvo.dal import DALQueryError, DALServiceError
from pyvo.dal.tap import TAPResults

from sedsql.files import Rows

Search = Callable[..., TAPResults]
"""What `TAPMirror.search` is."""


class MirrorQuery(dict[str, Any]):
    """A query that is run when it is told to; its parameters are the entries QUERY, LANG and MAXREC, as pyvo has them.

    Attributes
    ----------
    baseurl, queryurl : the mirror, and where a service would be asked
    """

    def __init__(self, search: Search, baseurl: str, query: str | None, mode: str, **given: Any):
        super().__init__(REQUEST="doQuery", LANG=given.pop("language", "ADQL"), QUERY=query)
        if (maxrec := given.pop("maxrec", None)) is not None:
            self["MAXREC"] = maxrec
        self.baseurl = baseurl
        self.queryurl = f"{baseurl}/{mode if mode in ('sync', 'async') else 'sync'}"
        self._search, self._uploads = search, dict(given.pop("uploads", None) or {})

    def execute(self) -> TAPResults:
        """Run the query; the answer is pyvo's."""
        if not self["QUERY"]:
            raise DALQueryError("There is no query yet; hand one in, or set query['QUERY'].")
        return self._search(
            self["QUERY"], language=self["LANG"], maxrec=self.get("MAXREC"), uploads=self._uploads or None
        )

    def raise_if_error(self) -> None:
        """Do nothing: `execute` has raised what was wrong."""


class MirrorJob:
    """A job that is run when it is told to, and has ended when `run` returns: there is no one else to wait for.

    Attributes
    ----------
    job_id, url : what it is called
    phase : PENDING, then COMPLETED or ERROR, or ABORTED
    query : its ADQL, which can be set until it runs
    maxrec : rows at most; None for all
    owner, quote, execution_duration, destruction : as of a service that sets no limits
    """

    owner = quote = destruction = None
    execution_duration = 0
    uws_version = "1.1"

    def __init__(self, number: int, query: MirrorQuery, forget: Callable[[str], object]):
        self.job_id = str(number)
        self.url = f"{query.baseurl}/async/{number}"
        self.phase = "PENDING"
        self.creation_time = datetime.now(UTC)
        self._query, self._forget = query, forget
        self._result: TAPResults | None = None
        self._error: DALQueryError | None = None

    @property
    def jobid(self) -> str:
        """What the entries of a list of jobs call `job_id`."""
        return self.job_id

    @property
    def query(self) -> str:
        return self._query["QUERY"] or ""

    @query.setter
    def query(self, query: str) -> None:
        self._query["QUERY"] = query

    @property
    def maxrec(self) -> int | None:
        return self._query.get("MAXREC")

    def upload(self, **tables: Rows) -> None:
        """Add tables to upload."""
        self._query._uploads.update(tables)

    def run(self) -> MirrorJob:
        """Run the query; an error is kept for `raise_if_error` and `fetch_result`."""
        self._result, self._error = None, None
        try:
            self._result = self._query.execute()
        except DALQueryError as error:
            self._error = error
        self.phase = "ERROR" if self._error else "COMPLETED"
        return self

    def wait(self, *, phases: Any = None, timeout: float | None = None) -> MirrorJob:
        """Give back the job, which has ended. Raises DALServiceError if it was not run."""
        if self.phase == "PENDING":
            raise DALServiceError("Cannot wait for a job that was not run; call run() first")
        return self

    def abort(self) -> MirrorJob:
        """Let go of the answer."""
        self.phase, self._result = "ABORTED", None
        return self

    def raise_if_error(self) -> None:
        """Raise DALQueryError if the query was wrong, or the job was aborted."""
        if self._error is not None:
            raise self._error
        if self.phase == "ABORTED":
            raise DALQueryError("The job was aborted.")

    @property
    def results(self) -> list[Any]:
        """One entry if there is an answer."""
        if self._result is None:
            return []
        return [SimpleNamespace(id_="result", href=f"{self.url}/results/result", content=None)]

    @property
    def result(self) -> Any:
        """The entry of the answer; None if there is none."""
        return next(iter(self.results), None)

    @property
    def result_uris(self) -> list[str]:
        return [one.href for one in self.results]

    @property
    def result_uri(self) -> str | None:
        return next(iter(self.result_uris), None)

    def fetch_result(self, max_retries: int = 0) -> TAPResults:
        """Give the answer. Raises DALQueryError if there was an error, DALServiceError if the job was not run."""
        self.raise_if_error()
        if self._result is None:
            raise DALServiceError("The job has no answer yet; call run() first")
        return self._result

    def delete(self) -> None:
        """Forget the job and its answer."""
        self._result = None
        self._forget(self.job_id)

    def __enter__(self) -> MirrorJob:
        return self

    def __exit__(self, *_: object) -> None:
        self.delete()
