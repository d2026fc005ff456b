"""Asynchronous queries: a UWS job from its birth to its deletion (TAP 1.1, Section 2.5; UWS 1.1)."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import requests
from pyvo.dal.exceptions import DALQueryError, DALServiceError
from pyvo.dal.tap import AsyncTAPJob

from .errors import Refused, TimedOut
from .retry import Passing, Patience
from .transport import Session, documents, failures, refusal, tells_of_time, whole
from .votable import Answer, message

_LONGEST_PAUSE = 20.0


def run(
    submit: Callable[[], requests.Response],
    session: Session,
    folder: Path,
    host: str,
    patience: Patience,
    longest: float,
    poll: float,
) -> Answer:
    """The result of the job that `submit` makes, which is deleted in every case.

    Each step is asked again by itself, where what went wrong may pass. TimedOut after `longest` seconds.
    """
    ends = time.monotonic() + longest

    def born() -> str:
        session.see_other = None
        try:
            with failures(session), submit() as response:
                if response.status_code in (404, 405, 501):
                    raise TimedOut(f"{host} stops longer synchronous queries and has no asynchronous ones.")
                if not response.ok:
                    raise refusal(response, session)
                return response.url
        except Passing:
            if session.see_other:
                return session.see_other
            raise

    url = patience.ask(born, host)
    try:
        job = patience.ask(lambda: _job(url, session), host)
        patience.ask(lambda: _start(job, session), host)
        _wait(job, session, host, patience, ends, poll)
        return patience.ask(lambda: _result(job, session, folder, max(1.0, ends - time.monotonic()), patience), host)
    finally:
        for _ in range(2):
            with suppress(requests.RequestException):
                if session.delete(url, allow_redirects=False).status_code < 500:
                    break


def _job(url: str, session: Session) -> AsyncTAPJob:
    with documents(session):
        return AsyncTAPJob(url, session=session)


def _start(job: AsyncTAPJob, session: Session) -> None:
    with documents(session):
        if job.phase in ("PENDING", "HELD", "UNKNOWN"):  # an earlier attempt may have come through
            job.run()


def _wait(job: AsyncTAPJob, session: Session, host: str, patience: Patience, ends: float, poll: float) -> None:
    def phase() -> str:
        with documents(session):
            found = job.phase
            if found is None:
                raise Passing("the job does not say how it is")
            return found

    while (now := patience.ask(phase, host)) != "COMPLETED":
        if now in ("ERROR", "ABORTED", "ARCHIVED"):
            reason = _reason(job, session)
            if now != "ERROR" or tells_of_time(reason):
                raise TimedOut(f"{host} stopped the query: {reason or now.lower()}.")
            raise Refused(f"{host} refuses the query: {reason or 'it gives no reason'}")
        if time.monotonic() + poll > ends:
            raise TimedOut(f"The query was still {now.lower()} at {host} when the time for it was over.")
        patience.pause(poll)
        poll = min(_LONGEST_PAUSE, poll * 1.5)


def _reason(job: AsyncTAPJob, session: Session) -> str:
    """The service's words, from the job or from its error document (UWS 1.1, Section 2.2.3.6)."""
    try:
        job.raise_if_error()
    except DALQueryError as error:
        words = str(error).removeprefix("Query Error: ")
        if words and "No useful error" not in words:
            return " ".join(words.split())
    except DALServiceError:
        pass
    with suppress(requests.RequestException):
        response = session.get(f"{job.url}/error")
        if response.ok:
            return message(response.content) or ""
    return ""


def _result(job: AsyncTAPJob, session: Session, folder: Path, longest: float, patience: Patience) -> Answer:
    with failures(session):
        uri = job.result_uri or f"{job.url}/results/result"
        response = session.get(uri, stream=True)
        if response.status_code == 404:
            raise Passing("the job's result is not there")
    with failures(session):
        return whole(response, session, folder, longest, patience)
