"""Run asynchronous queries: a UWS job from its birth to its deletion (TAP 1.1, Section 2.5; UWS 1.1)."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event
from urllib.parse import urljoin

import requests

from sedsql.tap.body import blocks
from sedsql.tap.errors import Damaged, Refused, TapError, TimedOut
from sedsql.tap.limits import Room
from sedsql.tap.origin import secured
from sedsql.tap.retry import RetryPolicy, TransientError
from sedsql.tap.transport import Session, failures, refusal, tells_of_time, told_by, whole
from sedsql.tap.votable import Answer, message
from sedsql.tap.xmltext import document

_LONGEST_PAUSE = 20.0
_FAREWELL = 30.0
"""Seconds that a job's deletion may take."""


@dataclass
class Job:
    """The state of a job, as the service tells it (UWS 1.1, Section 3).

    result : the URL of its result; error : why it failed
    """

    phase: str
    result: str
    error: str


def run(
    submit: Callable[[], requests.Response],
    session: Session,
    host: str,
    retry: RetryPolicy,
    longest: float,
    poll: float,
    room: Room,
) -> Answer:
    """Give the result of the job that `submit` makes; the job is deleted in every case.

    Each step is asked again by itself where an error may be gone the next time. TimedOut after `longest` seconds.
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
        except TransientError:
            if session.see_other:
                return session.see_other
            raise

    url = retry.ask(born, host)
    try:
        retry.ask(lambda: _start(url, session), host)
        state = _wait(url, session, host, retry, ends, poll)
        return retry.ask(lambda: _result(state, session, max(1.0, ends - time.monotonic()), room), host)
    finally:
        _delete(url, session)


def read(url: str, session: Session) -> Job:
    """Ask for the state of a job."""
    with failures(session), session.ask("GET", url) as response:
        if not response.ok:
            raise refusal(response, session)
        return job(blocks(response), url, session)


def job(came: Iterable[bytes], url: str, session: Session) -> Job:
    """Read the document of the job at `url`."""
    root = document(came, session.limits.document, session.limits)
    if root.tag != "job" or not root.words("phase"):
        raise TransientError("the job does not tell its phase")
    results = [(e.attributes.get("href", "").strip(), e.attributes.get("id")) for e in root.all("results", "result")]
    # TAP's own name for it is a path; older services have it as an id.
    found = [href for href, _ in results if href.endswith("results/result")]
    found += [href for href, name in results if href and name == "result"]
    try:
        result = secured(urljoin(url, found[0]), session.login.home) if found else f"{url}/results/result"
    except ValueError:
        raise Damaged("The job tells an address of its result that is not a URL.") from None
    return Job(root.words("phase"), result, root.words("errorSummary", "message"))


def _start(url: str, session: Session) -> None:
    """Start a job, unless an earlier attempt has started it."""
    if read(url, session).phase not in ("PENDING", "HELD", "UNKNOWN"):
        return
    with failures(session), session.ask("POST", f"{url}/phase", data={"PHASE": "RUN"}) as response:
        if not response.ok:
            raise refusal(response, session)


def _wait(url: str, session: Session, host: str, retry: RetryPolicy, ends: float, poll: float) -> Job:
    while (state := retry.ask(lambda: read(url, session), host)).phase != "COMPLETED":
        now = told_by(state.phase, session)[:40]
        if now in ("ERROR", "ABORTED", "ARCHIVED"):
            reason = told_by(state.error, session) or _error(url, session)
            if now != "ERROR" or tells_of_time(reason):
                raise TimedOut(f"{host} stopped the query: {reason or now.lower()}.")
            raise Refused(f"{host} refuses the query: {reason or 'it gives no reason'}")
        if time.monotonic() + poll > ends:
            raise TimedOut(f"The query was still {now.lower()} at {host} when the time for it was over.")
        retry.pause(poll)
        poll = min(_LONGEST_PAUSE, poll * 1.5)
    return state


def _error(url: str, session: Session) -> str:
    """The service's words, from the job's error document (UWS 1.1, Section 2.2.3.6)."""
    text = b""
    with suppress(requests.RequestException, TransientError, TapError), session.ask("GET", f"{url}/error") as response:
        if response.ok:
            for block in blocks(response):
                text += block
                if len(text) > session.limits.error:
                    break
    return told_by(message(text[: session.limits.error], session.limits) or "", session)


def _result(state: Job, session: Session, longest: float, room: Room) -> Answer:
    with failures(session):
        response = session.ask("GET", state.result, longest=longest)
        if response.status_code == 404:
            response.close()
            raise TransientError("the job's result is not there")
        return whole(response, session, room)


def _delete(url: str, session: Session) -> None:
    """Delete a job, also after `Service.stop`."""
    stopped, session.stopped = session.stopped, Event()
    try:
        for _ in range(2):
            with (
                suppress(requests.RequestException, TransientError, TapError),
                session.ask("DELETE", url, longest=_FAREWELL, follow=False) as response,
            ):
                if response.status_code < 500:
                    break
    finally:
        session.stopped = stopped
