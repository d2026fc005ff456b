"""Put jobs and files in order after a server has ended, however it ended.

A result is on the disk under its name before its job is COMPLETED, a job is forgotten before its files are removed, and
files come before the job that names them. So whatever a server was at when it was killed, each job says what is true of
it, or is in a phase that is begun again, and a file that no job names is nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass

from sedsql.service.jobs.job import Job, Phase, now
from sedsql.service.jobs.spool import RESULT, Spool
from sedsql.service.jobs.store import Store

MOST_ATTEMPTS = 2
"""Times that a job may have run when a server was killed: a query that kills servers is not run for ever."""


@dataclass(frozen=True)
class Recovered:
    """What was found.

    queued : jobs to run, in the order in which they were created
    failed : jobs that were running once too often when a server ended, or whose result is gone; they are ERROR now
    removed : paths of files that belonged to no job
    """

    queued: list[Job]
    failed: list[Job]
    removed: list[str]


async def recover(store: Store, spool: Spool) -> Recovered:
    """Put all jobs in order."""
    jobs = await store.find(every=True)
    removed = spool.sweep({job.id for job in jobs})
    queued, failed = [], []
    for job in jobs:
        renewed = await _renew(job, store, spool)
        uploads = [file for _, file in renewed.uploads] if renewed.is_active else []
        keep = [RESULT] if renewed.phase == Phase.COMPLETED else uploads
        removed += spool.keep(job.id, keep)
        if renewed.phase == Phase.QUEUED:
            queued.append(renewed)
        elif renewed.phase != job.phase:
            failed.append(renewed)
    return Recovered(queued, failed, removed)


async def _renew(job: Job, store: Store, spool: Spool) -> Job:
    """The job as it is after the end of a server."""
    changed = None
    if job.phase == Phase.EXECUTING and job.attempts >= MOST_ATTEMPTS:
        why = f"The service was stopped {job.attempts} times while this query ran; it is not tried again."
        changed = await store.change(
            job.id, [job.phase], phase=Phase.ERROR, error=why, status=500, ended=now(), bytes=0
        )
    elif job.phase == Phase.EXECUTING:
        changed = await store.change(job.id, [job.phase], phase=Phase.QUEUED, started=None)
    elif job.phase == Phase.COMPLETED and not _has_result(job, spool):
        why = "The result of this query is gone from the disk of the service; run the query again."
        changed = await store.change(job.id, [job.phase], phase=Phase.ERROR, error=why, status=500, bytes=0)
    return changed or job


def _has_result(job: Job, spool: Spool) -> bool:
    try:
        return spool.result(job.id).stat().st_size == job.bytes
    except OSError:
        return False
