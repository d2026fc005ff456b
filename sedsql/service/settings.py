"""What a service offers, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sedsql.files.streams import FORMATS
from sedsql.service.describe.capabilities import Format, Offer
from sedsql.service.explore.settings import ExploreSettings
from sedsql.service.jobs import JobLimits
from sedsql.service.workers import Settings

_STANDARD = "ivo://ivoa.net/std/TAPRegExt#output-votable-"
_NAMED = {
    "votable": f"{_STANDARD}binary2",
    "votable-binary": f"{_STANDARD}binary",
    "votable-td": f"{_STANDARD}td",
}


@dataclass(frozen=True)
class ServiceSettings:
    """Settings of a service.

    worker : the mirror, and what each worker may take
    spool : the folder of jobs
    workers : processes that run queries
    maxrec, most_rows : rows of an answer unless MAXREC says, and at most; None for all
    seconds : that a query may run whose client waits
    jobs : limits of jobs
    url : of the service as others reach it, ending in /tap; None where a request says it
    upload_hosts : from which tables are fetched that UPLOAD names by URL, as HOST or HOST:PORT; none unless told
    security : standards by which users are let in; none where anyone may ask
    explore : settings of the page; None where there is none
    """

    worker: Settings
    spool: Path
    workers: int = 2
    maxrec: int | None = None
    most_rows: int | None = None
    seconds: float = 300
    jobs: JobLimits = field(default_factory=JobLimits)
    url: str | None = None
    upload_hosts: tuple[str, ...] = ()
    security: tuple[str, ...] = ()
    explore: ExploreSettings | None = None

    def rows(self, asked: int | None) -> int | None:
        """The rows that an answer may have, where so many are asked for."""
        limits = [limit for limit in (self.maxrec if asked is None else asked, self.most_rows) if limit is not None]
        return min(limits, default=None)

    @property
    def most_bytes(self) -> int:
        """Bytes of a request: it may have two tables of the most that one may have, or more of less."""
        return 2 * self.worker.uploads.bytes + (1 << 20)

    def offer(self) -> Offer:
        """What the capabilities say."""
        formats = tuple(
            Format(one.mime, tuple(dict.fromkeys((one.name, *one.aliases))), _NAMED.get(one.name))
            for one in FORMATS.values()
        )
        days = (self.jobs.kept.total_seconds() / 86400, self.jobs.most_kept.total_seconds() / 86400)
        return Offer(
            formats,
            (self.rows(None), self.most_rows),
            (self.jobs.duration, self.jobs.most_duration),
            days,
            upload_bytes=self.worker.uploads.bytes,
            by_url=bool(self.upload_hosts),
            security=self.security,
        )
