"""How many jobs a service keeps, how long they may run, and how long it keeps them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sedsql.service.errors import ServiceError
from sedsql.service.jobs.store import Kept
from sedsql.service.workers.faults import size


@dataclass(frozen=True)
class JobLimits:
    """Limits of jobs.

    duration, most_duration : seconds that a job may run, unless it is told, and at most
    kept, most_kept : how long a job is kept after its creation, unless it is told, and at most
    jobs : that the service keeps
    jobs_each : that it keeps for each owner, or client without a name
    uploads : of a job
    letters : of a job's parameters
    bytes : of all jobs: their uploads, results and parameters
    """

    duration: int = 3600
    most_duration: int = 24 * 3600
    kept: timedelta = timedelta(days=7)
    most_kept: timedelta = timedelta(days=90)
    jobs: int = 100_000
    jobs_each: int = 10_000
    uploads: int = 20
    letters: int = 20 << 20
    bytes: int = 100 << 30

    def letters_of(self, parameters: Iterable[tuple[str, str]]) -> int:
        """The letters of a job's parameters. ServiceError where there are too many."""
        letters = sum(len(name) + len(value) for name, value in parameters)
        if letters > self.letters:
            raise ServiceError(
                f"The parameters of a job may have {self.letters:,} letters; upload a table instead.", 413
            )
        return letters

    def allow(self, kept: Kept, more: int) -> None:
        """Raise ServiceError where no other job may be kept, which has so many bytes."""
        if kept.jobs >= self.jobs:
            raise ServiceError(
                f"The service keeps {kept.jobs:,} jobs, the most that it does; try again later.", 503, 600
            )
        if kept.own >= self.jobs_each:
            raise ServiceError(f"You have {kept.own:,} jobs, the most that one user may have; delete some.", 403)
        if kept.bytes + more > self.bytes:
            raise ServiceError(
                f"The service keeps {size(kept.bytes)} of jobs and results, and {size(self.bytes)} at most; delete "
                "jobs that you need no more, try again later, or ask without a job (/sync).",
                507,
                600,
            )

    def duration_of(self, wanted: int) -> int:
        """The seconds that a job gets which wants so many; 0 stands for as many as there can be (UWS 1.1, 2.1.8)."""
        return min(wanted, self.most_duration) if wanted > 0 else self.most_duration

    def destruction_of(self, wanted: datetime, created: datetime) -> datetime:
        """When a job is destroyed that is to be then."""
        return min(wanted, created + self.most_kept)
