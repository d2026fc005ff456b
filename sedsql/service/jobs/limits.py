"""How many jobs a service keeps, how long they may run, and how long it keeps them."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class JobLimits:
    """Limits of jobs.

    duration, most_duration : seconds that a job may run, unless it is told, and at most
    kept, most_kept : how long a job is kept after its creation, unless it is told, and at most
    jobs : that the service keeps
    jobs_each : that it keeps for each owner, or client without a name
    uploads : of a job
    """

    duration: int = 3600
    most_duration: int = 24 * 3600
    kept: timedelta = timedelta(days=7)
    most_kept: timedelta = timedelta(days=90)
    jobs: int = 100_000
    jobs_each: int = 10_000
    uploads: int = 20

    def duration_of(self, wanted: int) -> int:
        """The seconds that a job gets which wants so many; 0 stands for as many as there can be (UWS 1.1, 2.1.8)."""
        return min(wanted, self.most_duration) if wanted > 0 else self.most_duration

    def destruction_of(self, wanted: datetime, created: datetime) -> datetime:
        """When a job is destroyed that is to be then."""
        return min(wanted, created + self.most_kept)
