"""Run queries as jobs: /tap/async and the resources below it (UWS 1.1, Section 2.2)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from sedsql.service.error_document import MIME, error_document
from sedsql.service.errors import ServiceError
from sedsql.service.jobs import Job, Phase
from sedsql.service.parameters import Pairs, uploads_of, without_parts
from sedsql.service.receive import Received
from sedsql.service.respond import document, see_other, text
from sedsql.service.service import Service
from sedsql.service.sync import client_of, files_of, received_by
from sedsql.service.uws import iso, job_document, job_list, parameters_document, results_document

LONGEST_WAIT = 60.0
"""Seconds of WAIT at most: proxies cut longer silences off. Clients ask again (UWS 1.1, Section 2.2.1.1)."""

_LONGEST_RUNID = 500
"""Letters; lists of jobs have it."""


async def jobs_list(service: Service, request: Request, url: str) -> Response:
    """List the user's jobs, which PHASE, AFTER and LAST choose."""
    given = [(name.upper(), value) for name, value in request.query_params.multi_items()]
    phases = [_phase(value) for name, value in given if name == "PHASE"]
    after = [_time(value, "AFTER") for name, value in given if name == "AFTER"]
    last = [_number(value, "LAST") for name, value in given if name == "LAST"]
    found = await service.jobs.find(
        user_of(request), phases=phases, after=max(after, default=None), last=min(last, default=None)
    )
    return document(await run_in_threadpool(job_list, found, url))


async def new_job(service: Service, request: Request, url: str) -> Response:
    """Make a job of the parameters, and run it where PHASE=RUN is among them."""
    received = await received_by(service, request)
    try:
        uploads = uploads_of(received.pairs)
        files = await files_of(service, received, uploads)
        pairs = list(without_parts(received.pairs, uploads))
        phase = _last(pairs, "PHASE")
        if phase not in (None, "RUN"):
            raise ServiceError(f"PHASE of a new job is RUN, or not given, not {phase[:40]!r}.")
        duration, destruction = _last(pairs, "EXECUTIONDURATION"), _last(pairs, "DESTRUCTION")
        job = await service.jobs.create(
            [pair for pair in pairs if pair[0].upper() not in _OF_THE_JOB],
            client=client_of(request),
            owner=user_of(request),
            runid=_runid(pairs),
            uploads=files,
            duration=None if duration is None else _number(duration, "EXECUTIONDURATION"),
            destruction=None if destruction is None else _time(destruction, "DESTRUCTION"),
        )
        if phase:
            await service.jobs.run(job.id)
    finally:
        received.close()
    return see_other(f"{url}/{job.id}")


_OF_THE_JOB = ("PHASE", "EXECUTIONDURATION", "DESTRUCTION", "ACTION")
"""Parameters that are of a job and not of its query."""


async def job_of(service: Service, request: Request, name: str | None = None) -> Job:
    """The job of this name, or that a request's path names. ServiceError where it is not there, or another user's."""
    job = await service.jobs.get(name or request.path_params["job"])
    if job.owner != user_of(request):
        raise ServiceError(f"Job {job.id} is another user's.", 403)
    return job


async def get_job(service: Service, request: Request, url: str) -> Response:
    """Describe a job, once its phase is another where WAIT says so."""
    job = await job_of(service, request)
    given = {name.upper(): value for name, value in request.query_params.multi_items()}
    if "WAIT" in given:
        wait = given["WAIT"].strip()
        seconds = LONGEST_WAIT if wait == "-1" else min(float(_number(wait, "WAIT")), LONGEST_WAIT)
        job = await service.jobs.wait(job.id, seconds, _phase(given["PHASE"]) if "PHASE" in given else None)
    return document(job_document(job, url, service.jobs.quote(job)))


async def post_job(service: Service, request: Request, list_url: str) -> Response:
    """Delete a job where ACTION=DELETE says so; else give it other parameters."""
    job = await job_of(service, request)
    received = await received_by(service, request)
    try:
        action = _last(received.pairs, "ACTION")
        if action is None:
            await _set_parameters(service, job, received)
            return see_other(f"{list_url}/{job.id}")
        if action.upper() != "DELETE":
            raise ServiceError(f"ACTION is DELETE, not {action[:40]!r}.")
    finally:
        received.close()
    return await delete_job(service, request, list_url)


async def delete_job(service: Service, request: Request, list_url: str) -> Response:
    """Delete a job."""
    job = await job_of(service, request)
    await service.jobs.delete(job.id)
    return see_other(list_url)


async def delete_jobs(service: Service, request: Request) -> Response:
    """Delete all jobs that JOB_IDS names, as astroquery's TapPlus asks for; none where one of them cannot be."""
    received = await received_by(service, request)
    received.close()
    names = [name for name in (_last(received.pairs, "JOB_IDS") or "").split(",") if name.strip()]
    if not names:
        raise ServiceError("The parameter JOB_IDS is missing; it has the names of jobs, with commas between.")
    for job in [await job_of(service, request, name.strip()) for name in names]:
        await service.jobs.delete(job.id)
    return text("")


async def get_child(service: Service, request: Request, url: str) -> Response:
    """Give one thing of a job; `url` is the job's."""
    job, name = await job_of(service, request), request.path_params["child"]
    if name == "parameters":
        return document(parameters_document(job))
    if name == "results":
        return document(results_document(job, url))
    if name == "error":
        if job.error is None:
            raise ServiceError(f"Job {job.id} has no error: it is {job.phase}.", 404)
        return document(error_document(job.error), MIME)
    quote = service.jobs.quote(job)
    values = {
        "phase": str(job.phase),
        "executionduration": str(job.duration),
        "destruction": iso(job.destruction),
        "quote": iso(quote) if quote else "",
        "owner": job.owner or "",
    }
    if name not in values:
        known = ", ".join([*values, "parameters", "results", "error"])
        raise ServiceError(f"A job has no {name[:40]!r}; it has {known}.", 404)
    return text(values[name])


async def post_child(service: Service, request: Request, url: str) -> Response:
    """Change one thing of a job; `url` is the job's."""
    job, name = await job_of(service, request), request.path_params["child"]
    received = await received_by(service, request)
    try:
        if name == "parameters":
            await _set_parameters(service, job, received)
        elif name in ("phase", "executionduration", "destruction"):
            value = _last(received.pairs, name.upper())
            if value is None:
                raise ServiceError(f"The parameter {name.upper()} is missing.")
            await _change(service, job, name, value)
        else:
            raise ServiceError(f"{name[:40]!r} of a job cannot be changed.", 405)
    finally:
        received.close()
    return see_other(url)


async def result(service: Service, request: Request) -> Response:
    """Give the result of a job."""
    job = await job_of(service, request)
    return FileResponse(service.jobs.result(job), headers={"Content-Type": job.mime or "application/octet-stream"})


async def _change(service: Service, job: Job, name: str, value: str) -> None:
    if name == "executionduration":
        await service.jobs.set_duration(job.id, _number(value, "EXECUTIONDURATION"))
    elif name == "destruction":
        await service.jobs.set_destruction(job.id, _time(value, "DESTRUCTION"))
    elif value.upper() == "RUN":
        await service.jobs.run(job.id)
    elif value.upper() == "ABORT":
        await service.jobs.abort(job.id)
    else:
        raise ServiceError(f"PHASE is set to RUN or ABORT, not {value[:40]!r}.")


async def _set_parameters(service: Service, job: Job, received: Received) -> None:
    uploads = uploads_of(received.pairs)
    files = await files_of(service, received, uploads)
    kept = [pair for pair in without_parts(received.pairs, uploads) if pair[0].upper() not in _OF_THE_JOB]
    await service.jobs.set_parameters(job.id, kept, files, _runid(received.pairs))


def user_of(request: Request) -> str | None:
    """The user who asks; None for an anonymous one."""
    return getattr(request.state, "user", None)


def _last(pairs: Pairs, name: str) -> str | None:
    found = [value for given, value in pairs if given.upper() == name and value.strip()]
    return found[-1].strip() if found else None


def _runid(pairs: Pairs) -> str | None:
    runid = _last(pairs, "RUNID")
    if runid and len(runid) > _LONGEST_RUNID:
        raise ServiceError(f"RUNID has up to {_LONGEST_RUNID} letters, and this one {len(runid):,}.")
    return runid


def _phase(value: str) -> Phase:
    try:
        return Phase(value.strip().upper())
    except ValueError:
        raise ServiceError(f"PHASE is one of {', '.join(Phase)}, not {value[:40]!r}.") from None


def _number(value: str, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value.strip(), re.ASCII):
        raise ServiceError(f"{name} is a whole number, 0 or more, not {value[:40]!r}.")
    return int(value)


def _time(value: str, name: str) -> datetime:
    try:
        time = datetime.fromisoformat(value.strip())
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ServiceError(f"{name} is a time such as 2026-11-29T12:00:00Z, not {value[:40]!r}.") from None
